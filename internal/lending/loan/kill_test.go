package loan_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/crash"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestMain(m *testing.M) {
	if !crash.Child(crash.Children{"draws": killChild}) {
		os.Exit(m.Run())
	}
}

const killDraws = 20

// killChild is the process that gets killed: it draws loans, the same ones in every life, and pays them
// through the bank, and says how far it is.
func killChild(ctx context.Context, life crash.Life) error {
	d, err := life.Open(ctx)
	if err != nil {
		return err
	}
	client, err := payment.NewClient(payment.ClientConfig{URL: life.Get("bank"), Secret: secret, Timeout: time.Second})
	if err != nil {
		return err
	}
	p := payment.NewDispatcher(d, client, payment.DispatcherConfig{Lease: 200 * time.Millisecond, Failpoint: func(at string, _ payment.Order) error {
		life.Ack(at)
		return nil
	}})
	s := loan.NewService(d, p, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) { return conditions, nil })
	who := auth.SystemPrincipal(life.Get("institution"), "kill")
	b := &bundle{facility: facility.Facility{ID: life.Get("facility")}}
	for i := range killDraws {
		if _, err := s.Draw(ctx, who, b.input(fmt.Sprint("order-", i), int64(1000+i))); err != nil {
			return err
		}
		life.Ack("drawn")
		if i%4 == 3 {
			if _, err := p.Drain(ctx); err != nil {
				return err
			}
		}
	}
	for range 100 {
		open := int64(0)
		_, err := p.Drain(ctx)
		err = errors.Join(err, d.View(ctx, who.Scope(), func(tx *db.Tx) (err error) {
			open, err = payment.Open(ctx, tx, "")
			return err
		}))
		if err != nil || open == 0 {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
	return errors.New("orders without an outcome are left")
}

// kill -9 before, between and after the steps of drawdowns, with a bank that loses one answer in five: when
// the last life has ended, every loan is active and the bank has paid each exactly once.
func TestKillMinusNinePaysEveryDrawdownOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, err := bank.New(bank.Config{Secret: secret, SettlementMinor: 1_000_000_000_00, Faults: bank.Faults{FailAfterPermille: 200}})
		require.NoError(t, err)
		web := httptest.NewServer(s)
		t.Cleanup(func() { _ = s.Close(); web.Close() })
		b := &bundle{db: d, staff: dbtest.Institution(t, d), bank: s, url: web.URL}
		b.restart(t, nil)
		b.update(t, func(tx *db.Tx) (err error) {
			b.facility, err = facility.Open(t.Context(), tx, facility.Draft{
				FirmID: "firm_1", ApplicationID: "app_1", ContractID: tx.NewID("con"), ProductID: "invoice-credit", ProductVersion: 1, BranchID: "br_east",
				BranchPath: "/hq/east/", LimitMinor: fen("500000"), Currency: "CNY", Rate: rate.FromBP(435), Revolving: true, ExpiresOn: calendar.Of(2027, 1, 5),
			})
			return err
		})
		h := crash.New(t, d, "draws", map[string]string{"bank": web.URL, "institution": b.staff.InstitutionID, "facility": b.facility.ID})
		for _, at := range []struct {
			word string
			n    int
		}{{"drawn", 2}, {payment.PointClaimed, 1}, {payment.PointAnswered, 2}, {"drawn", 11}, {payment.PointAnswered, 5}, {payment.PointClaimed, 3}} {
			h.KillAt(at.word, at.n)
		}
		h.Finish()
		paid := map[int64]int{}
		for _, p := range s.Payments() {
			require.Equal(t, bank.Executed, p.Status)
			paid[p.AmountMinor]++
		}
		require.Len(t, paid, killDraws)
		b.view(t, func(tx *db.Tx) error {
			loans, err := loan.ByFirm(t.Context(), tx, "firm_1")
			require.Len(t, loans, killDraws)
			for _, l := range loans {
				require.Equal(t, loan.Active, l.Status)
				require.Equal(t, 1, paid[l.PrincipalMinor])
			}
			return err
		})
		b.check(t)
	})
}
