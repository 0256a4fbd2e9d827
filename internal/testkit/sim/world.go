// Package sim drives the real lending services on a database with a clock, ids, a bank and a will of its own,
// all from one seed, beside an oracle that does its own arithmetic. Other reliability tests use its world.
package sim

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// Conditions of every loan in the world.
var Conditions = loan.Conditions{
	Methods: []loan.Method{loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet}, TenorMonthsMin: 1, TenorMonthsMax: 24,
	Basis: daycount.Act360, Rounding: money.HalfUp, PenaltySpread: rate.FromBP(5000), GraceDays: 2,
}

// Rate of every facility in the world.
var Rate = rate.FromBP(435)

// Clock is a clock that stands until it is moved.
type Clock struct{ micros atomic.Int64 }

// NewClock starts on the morning of the fixture's business date.
func NewClock() *Clock {
	c := &Clock{}
	c.micros.Store(time.Date(2026, 1, 5, 1, 0, 0, 0, time.UTC).UnixMicro())
	return c
}

// Now is the clock's time, in the zone of the host.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micros.Load()) }

// Advance moves it.
func (c *Clock) Advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// entropy gives ids from a seed.
type entropy struct{ r *rand.ChaCha8 }

func (e entropy) Read(p []byte) (int, error) { return e.r.Read(p) }

// Seeded makes time and ids of a fixture depend on nothing but the seed.
func Seeded(seed uint64, c *Clock) []dbtest.Option {
	var key [32]byte
	copy(key[:], fmt.Sprintf("sim %d", seed))
	return []dbtest.Option{dbtest.WithClock(c.Now), func(x *db.Config) { x.Rand = entropy{rand.NewChaCha8(key)} }}
}

// World is the lending services on a database.
type World struct {
	DB         *db.DB
	Staff      dbtest.Staff
	Bank       payment.Bank
	Dispatcher *payment.Dispatcher
	Loans      *loan.Service
	Days       *eod.Service
	// ConditionsOf, when set before a Restart, replaces Conditions.
	ConditionsOf loan.ConditionsOf
}

// NewWorld builds the services for an institution.
func NewWorld(d *db.DB, staff dbtest.Staff, bank payment.Bank) *World {
	w := &World{DB: d, Staff: staff, Bank: bank}
	w.Restart(payment.DispatcherConfig{Workers: 1})
	return w
}

// Attach builds the services for an institution that exists, in a process without its fixture.
func Attach(d *db.DB, institutionID string, bank payment.Bank) *World {
	who := auth.SystemPrincipal(institutionID, "test")
	return NewWorld(d, dbtest.Staff{InstitutionID: institutionID, System: who, Manager: who, Operations: who}, bank)
}

// Restart builds the services anew, as a process started on the same database would.
func (w *World) Restart(c payment.DispatcherConfig) {
	w.Dispatcher = payment.NewDispatcher(w.DB, w.Bank, c)
	of := w.ConditionsOf
	if of == nil {
		of = func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) { return Conditions, nil }
	}
	w.Loans = loan.NewService(w.DB, w.Dispatcher, of)
	w.Days = eod.NewService(w.DB, w.Loans, w.Dispatcher, nil)
	// The world's clock stands still while a night runs: the lease of a worker that was killed would never run out.
	w.Days.Workers, w.Days.Lease = 1, -time.Second
}

// OpenFacility opens a facility of firm_<n>.
func (w *World) OpenFacility(ctx context.Context, firm string, limitMinor int64) (f facility.Facility, err error) {
	err = w.DB.Update(ctx, w.Staff.System.Scope(), func(tx *db.Tx) (err error) {
		f, err = facility.Open(ctx, tx, facility.Draft{
			FirmID: firm, ApplicationID: "app_" + firm, ContractID: tx.NewID("con"), ProductID: "invoice-credit", ProductVersion: 1, BranchID: "br_east",
			BranchPath: "/hq/east/", LimitMinor: limitMinor, Currency: "CNY", Rate: Rate, Revolving: true, ExpiresOn: calendar.Of(2066, 1, 5),
		})
		return err
	})
	return f, err
}

// Draw is a drawdown with everything but its reference and amount chosen.
func Draw(facilityID, reference string, amountMinor int64) loan.DrawInput {
	return loan.DrawInput{FacilityID: facilityID, AmountMinor: amountMinor, TenorMonths: 3, Method: loan.EqualPrincipal, PayeeName: "杭州小微有限公司",
		PayeeAccount: "6222-1", Reference: reference}
}

// BusinessDate reads the institution's day.
func (w *World) BusinessDate(ctx context.Context) (day calendar.Date, err error) {
	err = w.DB.View(ctx, w.Staff.System.Scope(), func(tx *db.Tx) (err error) {
		day, err = tx.BusinessDate(ctx)
		return err
	})
	return day, err
}

var (
	allFacilities = db.Q(`select id, firm_id, utilised_minor from facility where institution_id = $1 order by id`)
	unaudited     = db.Q(`select count(*) from loan_event e where e.institution_id = $1 and not exists (select 1 from audit_record a
		where a.institution_id = e.institution_id and a.object = 'loan' and a.object_id = e.loan_id and a.action = 'loan.' || e.kind)`)
	unannounced = db.Q(`select count(*) from loan_event e where e.institution_id = $1 and not exists (select 1 from event o
		where o.institution_id = e.institution_id and o.aggregate = 'loan' and o.aggregate_id = e.loan_id and o.type = 'loan.' || e.kind)`)
)

// Invariants checks what must hold after any story, with everything recomputed: chains, balances, projections,
// utilisation, audit and events of every change, and, when no payment is under way, the books against the bank.
func (w *World) Invariants(ctx context.Context) error {
	return w.DB.View(ctx, w.Staff.System.Scope(), func(tx *db.Tx) error {
		if _, err := loan.Verify(ctx, tx); err != nil {
			return err
		}
		if _, err := journal.Verify(ctx, tx); err != nil {
			return err
		}
		if _, drift, err := facility.Verify(ctx, tx); err != nil || len(drift) > 0 {
			return fmt.Errorf("facility drift %v: %w", drift, err)
		}
		for what, q := range map[string]*db.Query{"without an audit record": unaudited, "without an event": unannounced} {
			var n int
			if err := tx.QueryRow(ctx, q, tx.Institution).Scan(&n); err != nil || n > 0 {
				return fmt.Errorf("%d loan events %s (%w)", n, what, err)
			}
		}
		if err := w.balanced(ctx, tx); err != nil {
			return err
		}
		if err := w.utilised(ctx, tx); err != nil {
			return err
		}
		return w.bankAgrees(ctx, tx)
	})
}

func (w *World) balanced(ctx context.Context, tx *db.Tx) error {
	trial, err := journal.Trial(ctx, tx, calendar.Date{})
	if err == nil && !trial.Balanced {
		err = errors.New("the books are out of balance")
	}
	return err
}

// utilised compares what each facility says is in use with what its loans owe.
func (w *World) utilised(ctx context.Context, tx *db.Tx) error {
	used, firms := map[string]int64{}, map[string]bool{}
	rows, err := tx.Query(ctx, allFacilities, tx.Institution)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // read to its end
	for rows.Next() {
		var id, firm string
		var minor int64
		if err := rows.Scan(&id, &firm, &minor); err != nil {
			return err
		}
		used[id], firms[firm] = minor, true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for firm := range firms {
		loans, err := loan.ByFirm(ctx, tx, firm)
		if err != nil {
			return err
		}
		for _, l := range loans {
			used[l.FacilityID] -= l.OutstandingMinor
			if l.Status == loan.Pending {
				used[l.FacilityID] -= l.PrincipalMinor
			}
		}
	}
	for id, rest := range used {
		if rest != 0 {
			return fmt.Errorf("facility %s: %d more in use than its loans owe", id, rest)
		}
	}
	return nil
}

// bankAgrees compares the settlement account of the books with what the bank moved.
func (w *World) bankAgrees(ctx context.Context, tx *db.Tx) error {
	b, ok := w.Bank.(interface{ Moves() []Moved })
	if !ok {
		return nil
	}
	open, err := payment.Open(ctx, tx, "")
	if err != nil || open > 0 {
		return err
	}
	own := payment.SettlementAccount(tx.Institution, money.CNY)
	real := int64(0)
	for _, m := range b.Moves() {
		if m.Times != 1 {
			return fmt.Errorf("the bank was asked for two payments under the key %s", m.Key)
		}
		if m.From == own {
			real -= m.AmountMinor
		}
		if m.To == own {
			real += m.AmountMinor
		}
	}
	cash, err := cashReceived(ctx, tx)
	if err != nil {
		return err
	}
	booked, err := Net(ctx, tx, journal.Nostro)
	if err == nil && booked != real+cash {
		err = fmt.Errorf("the books say %d on the settlement account, the bank %d and cash %d", booked, real, cash)
	}
	return err
}

var sumCash = db.Q(`select cast(coalesce(sum(amount_minor), 0) as bigint) from loan_event where institution_id = $1 and kind = 'repaid' and business_key like 'repay:%'`)

// cashReceived is what was recorded as received outside the bank's interface.
func cashReceived(ctx context.Context, tx *db.Tx) (n int64, err error) {
	err = tx.QueryRow(ctx, sumCash, tx.Institution).Scan(&n)
	return n, err
}

// Net is the balance of an account, debits above zero.
func Net(ctx context.Context, tx *db.Tx, account string) (net int64, err error) {
	trial, err := journal.Trial(ctx, tx, calendar.Date{})
	for _, l := range trial.Lines {
		if l.Code == account {
			net += l.DebitMinor - l.CreditMinor
		}
	}
	return net, err
}

// Digest hashes every row of every table of a SQLite world, but for what is random by intent (the short
// name of the institution, the name of the process that ended a part of a day). Two runs of one seed must give one digest.
func Digest(ctx context.Context, d *db.DB) (string, error) {
	var tables []string
	rows, err := d.Owner().QueryContext(ctx, `select name from sqlite_master where type = 'table' and name not like 'sqlite_%' and name not like 'river_%'
		and name not in ('schema_migration', 'institution', 'eod_part') order by name`)
	if err != nil {
		return "", err
	}
	for rows.Next() {
		var t string
		if err := rows.Scan(&t); err != nil {
			return "", err
		}
		tables = append(tables, t)
	}
	if err := rows.Close(); err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, t := range tables {
		text, err := dump(ctx, d.Owner(), t)
		if err != nil {
			return "", fmt.Errorf("%s: %w", t, err)
		}
		_, _ = fmt.Fprintf(sum, "%s\n%s\n", t, text)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// businessRows are what a banker would compare of two runs: everything but ids, hashes and the instants of booking.
var businessRows = []string{
	`select l.reference, d.status, d.processed_to, l.disbursed_on, d.next_due_on, d.next_due_minor, d.outstanding_minor, d.due_minor, d.days_past_due
		from loan l join loan_day d on d.institution_id = l.institution_id and d.loan_id = l.id order by l.reference`,
	`select l.reference, e.seq, e.kind, e.value_date, e.amount_minor, e.prepay from loan_event e join loan l on l.id = e.loan_id order by l.reference, e.seq`,
	`select l.reference, j.entry_date, j.memo_en, x.account_code, x.currency, sum(x.amount_minor) from journal_entry j join journal_line x on x.institution_id = j.institution_id and x.seq = j.seq
		join loan l on l.id = j.object_id group by 1, 2, 3, 4, 5 order by 1, 2, 3, 4, 5`,
	`select f.firm_id, f.limit_minor, f.utilised_minor from facility f order by f.firm_id`,
	`select l.reference, p.purpose, p.amount_minor, p.value_date, p.status from payment_order p join loan l on l.id = p.object_id order by 1, 2, 3, 4`,
	`select closing_date, next_date, step from eod_run order by closing_date`,
	`select business_date from institution`,
}

// BusinessDigest hashes what a banker would compare of two runs of a SQLite world.
func BusinessDigest(ctx context.Context, d *db.DB) (string, error) {
	sum := sha256.New()
	for _, q := range businessRows {
		text, err := rowsOf(ctx, d.Owner(), q)
		if err != nil {
			return "", fmt.Errorf("%s: %w", q, err)
		}
		_, _ = fmt.Fprintln(sum, text)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func dump(ctx context.Context, pool *sql.DB, table string) (string, error) {
	text, err := rowsOf(ctx, pool, `select * from "`+table+`" order by 1, 2, 3`)
	if err != nil && strings.Contains(err.Error(), "ORDER BY") { // fewer columns
		text, err = rowsOf(ctx, pool, `select * from "`+table+`" order by 1, 2`)
	}
	return text, err
}

func rowsOf(ctx context.Context, pool *sql.DB, query string) (string, error) {
	rows, err := pool.QueryContext(ctx, query)
	if err != nil {
		return "", err
	}
	defer rows.Close() //nolint:errcheck // read to its end
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	var out strings.Builder
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
		_, _ = fmt.Fprintf(&out, "%v\n", values)
	}
	return out.String(), rows.Err()
}

// Must is Invariants in a test.
func (w *World) Must(t testing.TB) {
	t.Helper()
	require.NoError(t, w.Invariants(t.Context()))
}
