package loan_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
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
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestMain(m *testing.M) {
	if os.Getenv("LOAN_CHILD_BANK") != "" {
		if err := childMain(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(3)
		}
		return
	}
	os.Exit(m.Run())
}

const killDraws = 20

// childMain is the process that gets killed: it draws loans, the same ones in every life, and pays them
// through the bank, and says how far it is.
func childMain(ctx context.Context) error {
	d, err := db.Open(ctx, db.Config{Path: os.Getenv("LOAN_CHILD_SQLITE"), PostgresDSN: os.Getenv("LOAN_CHILD_POSTGRES")})
	if err != nil {
		return err
	}
	client, err := payment.NewClient(payment.ClientConfig{URL: os.Getenv("LOAN_CHILD_BANK"), Secret: secret, Timeout: time.Second})
	if err != nil {
		return err
	}
	p := payment.NewDispatcher(d, client, payment.DispatcherConfig{Lease: 200 * time.Millisecond, Failpoint: func(at string, _ payment.Order) error {
		fmt.Println(at)
		return nil
	}})
	s := loan.NewService(d, p, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) { return conditions, nil })
	who := auth.SystemPrincipal(os.Getenv("LOAN_CHILD_INSTITUTION"), "kill")
	b := &bundle{facility: facility.Facility{ID: os.Getenv("LOAN_CHILD_FACILITY")}}
	for i := range killDraws {
		if _, err := s.Draw(ctx, who, b.input(fmt.Sprint("order-", i), int64(1000+i))); err != nil {
			return err
		}
		fmt.Println("drawn")
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
		h := httptest.NewServer(s)
		t.Cleanup(func() { _ = s.Close(); h.Close() })
		b := &bundle{db: d, staff: dbtest.Institution(t, d), bank: s, url: h.URL}
		b.restart(t, nil)
		b.update(t, func(tx *db.Tx) (err error) {
			b.facility, err = facility.Open(t.Context(), tx, facility.Draft{
				FirmID: "firm_1", ApplicationID: "app_1", ContractID: tx.NewID("con"), ProductID: "invoice-credit", ProductVersion: 1, BranchID: "br_east",
				BranchPath: "/hq/east/", LimitMinor: fen("500000"), Currency: "CNY", Rate: rate.FromBP(435), Revolving: true, ExpiresOn: calendar.Of(2027, 1, 5),
			})
			return err
		})
		env := []string{"LOAN_CHILD_BANK=" + h.URL, "LOAN_CHILD_INSTITUTION=" + b.staff.InstitutionID, "LOAN_CHILD_FACILITY=" + b.facility.ID}
		if d.Dialect() == db.Postgres {
			env = append(env, "LOAN_CHILD_POSTGRES="+dsnOf(t, d))
		} else {
			env = append(env, "LOAN_CHILD_SQLITE="+d.Path())
		}
		for _, at := range []struct {
			word string
			n    int
		}{{"drawn", 2}, {payment.PointClaimed, 1}, {payment.PointAnswered, 2}, {"drawn", 11}, {payment.PointAnswered, 5}, {payment.PointClaimed, 3}} {
			killChild(t, env, at.word, at.n)
		}
		out, err := childOf(t, env).CombinedOutput()
		require.NoError(t, err, string(out))
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

func childOf(t *testing.T, env []string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), exe)
	child.Env = append(os.Environ(), env...)
	return child
}

// killChild starts a child and kills it -9 once it has said a word n times.
func killChild(t *testing.T, env []string, word string, n int) {
	t.Helper()
	child := childOf(t, env)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	for n > 0 && lines.Scan() {
		if strings.TrimSpace(lines.Text()) == word {
			n--
		}
	}
	require.NoError(t, child.Process.Kill()) // SIGKILL
	_ = child.Wait()
	require.Zero(t, n, "the child never came to %s", word)
}

// dsnOf names the fixture's own database on the test server.
func dsnOf(t *testing.T, d *db.DB) string {
	t.Helper()
	var name string
	require.NoError(t, d.Writer().QueryRowContext(t.Context(), "select current_database()").Scan(&name))
	u, err := url.Parse(os.Getenv(dbtest.PostgresVariable))
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}
