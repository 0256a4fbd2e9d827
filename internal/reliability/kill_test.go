package reliability_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/crash"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/sim"
)

const bankSecret = "s3cret"

// outside is the bank simulator in a process that has not been killed, asked what it moved.
type outside struct {
	payment.Bank
	s *bank.Server
}

func (o outside) Moves() (out []sim.Moved) {
	for _, p := range o.s.Payments() {
		if p.Status == bank.Executed {
			out = append(out, sim.Moved{Key: p.Key, From: p.FromAccount, To: p.ToAccount, AmountMinor: p.AmountMinor, Times: 1})
		}
	}
	return out
}

var loansOf = db.Q(`select count(*) from loan where institution_id = $1 and facility_id = $2`)

// tellerChild draws, pays out, repays and posts until it is killed, and says each thing once it is promised. With
// "finish" it only brings to an end what earlier lives left.
func tellerChild(ctx context.Context, life crash.Life) error {
	d, err := life.Open(ctx)
	if err != nil {
		return err
	}
	if p := life.Get("pragma"); p != "" {
		if _, err := d.Owner().ExecContext(ctx, p); err != nil {
			return err
		}
	}
	client, err := payment.NewClient(payment.ClientConfig{URL: life.Get("bank"), Secret: bankSecret, Timeout: 2 * time.Second})
	if err != nil {
		return err
	}
	w := sim.Attach(d, life.Get("institution"), client)
	w.Restart(payment.DispatcherConfig{Lease: 50 * time.Millisecond})
	if life.Get("finish") != "" {
		return settleAll(ctx, w)
	}
	facilityID := life.Get("facility")
	var n int
	err = d.View(ctx, w.Staff.System.Scope(), func(tx *db.Tx) error { return tx.QueryRow(ctx, loansOf, tx.Institution, facilityID).Scan(&n) })
	for life.Ack("alive"); err == nil; n++ {
		err = serve(ctx, life, w, facilityID, n)
	}
	return err
}

// serve is one customer at the counter.
func serve(ctx context.Context, life crash.Life, w *sim.World, facilityID string, n int) error {
	ref := fmt.Sprint("k-", n)
	l, err := w.Loans.Draw(ctx, w.Staff.Manager, sim.Draw(facilityID, ref, int64(1000_00+n)))
	if err != nil {
		return err
	}
	life.Ack("drawn", ref, l.ID)
	if _, err := w.Dispatcher.Drain(ctx); err != nil {
		return err
	}
	in := loan.RepayInput{LoanID: l.ID, AmountMinor: int64(100_00 + n), Prepay: true, Reference: "s-" + ref}
	switch _, err = w.Loans.Repay(ctx, w.Staff.Operations, in); {
	case err == nil:
		life.Ack("repaid", l.ID, in.AmountMinor)
	case !fault.Is(err, loan.ReasonWrongStatus): // not paid out yet: the bank's answer was lost
		return err
	}
	one := money.Of(int64(n+1), "CNY")
	err = w.DB.Update(ctx, w.Staff.System.Scope(), func(tx *db.Tx) error {
		_, err := journal.Post(ctx, tx, journal.Draft{Key: "hand-" + ref, Date: calendar.Of(2026, 1, 5), Memo: fault.Text{Zh: "测试", En: "test"}, Object: "test", ObjectID: ref,
			Lines: []journal.Line{journal.Debit(journal.InterestExpense, one), journal.Credit(journal.CustomerDeposit, one)}})
		return err
	})
	life.Ack("posted", "hand-"+ref)
	return err
}

func settleAll(ctx context.Context, w *sim.World) error {
	for range 200 {
		if _, err := w.Dispatcher.Drain(ctx); err != nil {
			return err
		}
		var open int64
		err := w.DB.View(ctx, w.Staff.System.Scope(), func(tx *db.Tx) (err error) {
			open, err = payment.Open(ctx, tx, "")
			return err
		})
		if err != nil || open == 0 {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("orders without an outcome are left")
}

// points at which a teller may die of himself.
var tellerPoints = []string{"db.before_commit", "db.after_commit", "payment.recorded", "payment.claimed", "payment.answered", "payment.finishing", "facility.claimed", "facility.moved",
	"facility.releasing", "audit.record", "event.append"}

// Bar 4: a process that draws, pays out, repays and posts is killed -9 at random instants and at its failpoints.
// Everything it was acknowledged is there, nothing is there by halves, and the bank has paid each loan once.
func TestKillMinusNineLosesNoAcknowledgement(t *testing.T) {
	t.Parallel()
	cycles, each := size(t, "CAPILLARY_KILLS", 12, 1000), 50
	seed := seedOf(t, "CAPILLARY_KILL_SEED")
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		for done := 0; done < cycles; done += each { // a fresh institution now and then keeps the verification short
			killMany(t, d, rnd, min(each, cycles-done))
		}
	})
}

func killMany(t *testing.T, d *db.DB, rnd *rand.Rand, cycles int) {
	t.Helper()
	s, err := bank.New(bank.Config{Secret: bankSecret, SettlementMinor: 1_000_000_000_00, Faults: bank.Faults{FailAfterPermille: 200}})
	require.NoError(t, err)
	web := httptest.NewServer(s)
	defer func() { web.Close(); _ = s.Close() }()
	w := sim.NewWorld(d, dbtest.Institution(t, d), outside{s: s})
	f, err := w.OpenFacility(t.Context(), "firm_kill", 9_000_000_000_00)
	require.NoError(t, err)
	h := crash.New(t, d, "teller", map[string]string{"bank": web.URL, "institution": w.Staff.InstitutionID, "facility": f.ID})
	var said []string
	kills := 0
	for range cycles {
		var words []string
		var died bool
		if rnd.IntN(2) == 0 {
			words, died = h.KillAfter(time.Duration(rnd.IntN(250_000)) * time.Microsecond)
		} else {
			words, died = h.DieAt(tellerPoints[rnd.IntN(len(tellerPoints))], 1+rnd.IntN(12))
		}
		said = append(said, words...)
		if died {
			kills++
		}
	}
	require.Equal(t, cycles, kills)
	h.Env("CRASH_SET_finish=yes")
	h.Finish()
	acknowledged(t, w, said)
	w.Must(t)
	paid := map[string]int{}
	for _, p := range s.Payments() {
		paid[p.Key]++
	}
	for key, n := range paid {
		require.Equal(t, 1, n, key)
	}
	require.NoError(t, d.View(t.Context(), w.Staff.System.Scope(), func(tx *db.Tx) error {
		loans, err := loan.ByFirm(t.Context(), tx, "firm_kill")
		require.Len(t, s.Payments(), len(loans), "as many payments as loans")
		for _, l := range loans {
			require.NotEqual(t, loan.Pending, l.Status)
		}
		return err
	}))
	t.Logf("%d kills, %d acknowledgements, %d payments", kills, len(said), len(paid))
}

// acknowledged looks for everything that was promised.
func acknowledged(t *testing.T, w *sim.World, said []string) {
	t.Helper()
	require.NoError(t, w.DB.View(t.Context(), w.Staff.System.Scope(), func(tx *db.Tx) error {
		for _, line := range crash.Acked(said, "drawn") {
			ref, id, _ := strings.Cut(line, " ")
			l, err := loan.ByID(t.Context(), tx, id)
			require.NoError(t, err, "lost: %s", line)
			require.Equal(t, ref, l.Reference)
		}
		for _, line := range crash.Acked(said, "repaid") {
			id, amount, _ := strings.Cut(line, " ")
			events, err := loan.Events(t.Context(), tx, id)
			require.NoError(t, err)
			found := false
			for _, e := range events {
				found = found || e.Kind == loan.Repaid && strconv.FormatInt(e.AmountMinor, 10) == amount
			}
			require.True(t, found, "lost: %s", line)
		}
		for _, key := range crash.Acked(said, "posted") {
			var n int
			require.NoError(t, tx.QueryRow(t.Context(), countEntries, tx.Institution, key).Scan(&n))
			require.Equal(t, 1, n, "lost: %s", key)
		}
		return nil
	}))
}
