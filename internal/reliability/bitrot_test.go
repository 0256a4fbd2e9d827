package reliability_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/sim"
)

// rotting are the tables whose every byte is watched.
var rotting = []string{"audit_record", "audit_seal", "audit_head", "loan_event", "journal_entry", "journal_line", "journal_head", "ledger_balance", "ledger_hold", "event"}

// unwatched are columns that no hash covers, and why that may be.
var unwatched = map[string]string{
	"journal_head.rules": "the version of the posting rules, which other servers compare; no money hangs on it",
}

var errFlip = errors.New("undo the flip")

// Bar 14: single bits flip in the audit log, the loans' events and the journal, as on a bad disk or by a superuser's
// hand, and in the outbox and the holds. Each is found by what `capillary verify` does.
func TestBitRotIsFound(t *testing.T) {
	t.Parallel()
	heavy(t)
	seed := seedOf(t, "CAPILLARY_ROT_SEED")
	rnd := rand.New(rand.NewPCG(seed, 14))
	clock := sim.NewClock()
	d := dbtest.SQLite(t, sim.Seeded(seed, clock)...)
	s := sim.Start(t, d, clock, seed)
	s.Run(150, 1000)
	holds(t, d, s.World.Staff.System.Scope())
	relay := event.NewRelay(d, event.Config{})
	for placed := true; placed; {
		var err error
		placed, err = relay.Place(t.Context())
		require.NoError(t, err)
	}
	keys := crypto.NewKeyring()
	sealed := audit.NewService(d, keys, "")
	_, err := sealed.SealAll(t.Context())
	require.NoError(t, err)
	check := func(tx *db.Tx) error {
		r, err := audit.Verify(t.Context(), tx, tx.Institution, audit.Check{Signer: keys})
		if err == nil && !r.OK() {
			err = errors.New(r.Findings[0].Problem)
		}
		if err != nil {
			return err
		}
		if _, err := loan.Verify(t.Context(), tx); err != nil {
			return err
		}
		if _, err := journal.Verify(t.Context(), tx); err != nil {
			return err
		}
		if stray, err := journal.StrayHolds(t.Context(), tx); err != nil || len(stray) > 0 {
			return errors.Join(err, fmt.Errorf("holds of no institution: %v", stray))
		}
		outbox, err := event.Verify(t.Context(), tx)
		if err == nil && len(outbox.Problems) > 0 {
			err = errors.New(outbox.Problems[0])
		}
		return err
	}
	require.NoError(t, d.View(t.Context(), s.World.Staff.System.Scope(), check), "whole before anything flips")
	flips := size(t, "CAPILLARY_FLIPS", 120, 1000)
	for n := range flips {
		table := rotting[n%len(rotting)]
		var what string
		err := d.Update(t.Context(), s.World.Staff.System.Scope(), func(tx *db.Tx) error {
			var err error
			what, err = flip(t.Context(), tx.SQL(), table, rnd)
			if err != nil && !db.IsUnique(err) { // a key that exists twice is refused by the engine
				return fmt.Errorf("%s: %w", what, err)
			}
			if err == nil && check(tx) == nil {
				t.Errorf("not found: %s (seed %d)", what, seed)
			}
			return errFlip
		})
		require.ErrorIs(t, err, errFlip, what)
	}
}

// holds reserves money of a customer of another system: one hold stays, one is posted, one is given up.
func holds(t *testing.T, d *db.DB, sc db.Scope) {
	t.Helper()
	require.NoError(t, d.Update(t.Context(), sc, func(tx *db.Tx) error {
		accounts, err := journal.Accounts(t.Context(), tx)
		if err != nil {
			return err
		}
		for _, a := range accounts {
			if a.Code == journal.CustomerDeposit || a.Code == journal.Nostro {
				a.OpenAPI, a.OverdraftMinor = true, journal.OverdraftUnlimited
				if err := journal.PutAccount(t.Context(), tx, a); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	require.NoError(t, d.Update(t.Context(), sc, func(tx *db.Tx) error {
		var requests []journal.Request
		for i := range 3 {
			requests = append(requests, journal.Request{Actor: "integrator", Hold: &journal.HoldDraft{
				Reference: fmt.Sprint("h", i), Account: journal.CustomerDeposit, Sub: "ann", Currency: "CNY", AmountMinor: int64(100 + i), CounterAccount: journal.Nostro,
				Memo: fault.Text{Zh: "占用", En: "hold"}, Object: "order", ObjectID: "o1", ExpiresAt: tx.Now.Add(time.Hour).UTC().Truncate(time.Microsecond),
			}})
		}
		results, err := journal.RunBatch(t.Context(), tx, nil, append(requests, journal.Request{Actor: "integrator", Capture: &journal.Capture{Reference: "h1"}}, journal.Request{Actor: "integrator", Void: "h2"}))
		for _, r := range results {
			require.NoError(t, r.Err)
		}
		return err
	}))
}

// flip changes one bit of one value of one row, past every trigger, and says which.
func flip(ctx context.Context, tx *sql.Tx, table string, rnd *rand.Rand) (string, error) {
	for {
		name, err := one[string](ctx, tx, `select name from sqlite_master where type = 'trigger' and tbl_name = ? limit 1`, table)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err != nil {
			return table, err
		}
		if _, err := tx.ExecContext(ctx, `drop trigger "`+name+`"`); err != nil {
			return table, err
		}
	}
	columns, err := all(ctx, tx, `select name from pragma_table_info(?) order by cid`, table)
	if err != nil {
		return table, err
	}
	columns = slices.DeleteFunc(columns, func(c string) bool { return unwatched[table+"."+c] != "" })
	column := columns[rnd.IntN(len(columns))]
	keys, err := all(ctx, tx, `select name from pragma_table_info(?) where pk > 0 order by pk`, table)
	if err != nil {
		return table, err
	}
	rows, err := one[int](ctx, tx, `select count(*) from "`+table+`"`)
	if err != nil || rows == 0 {
		return table, fmt.Errorf("%d rows: %w", rows, err)
	}
	values := make([]any, len(keys)+1)
	into := make([]any, len(values))
	for i := range values {
		into[i] = &values[i]
	}
	at := rnd.IntN(rows)
	pick := fmt.Sprintf(`select %s, "%s" from "%s" order by %s limit 1 offset %d`, strings.Join(keys, ", "), column, table, strings.Join(keys, ", "), at)
	if err := tx.QueryRowContext(ctx, pick).Scan(into...); err != nil {
		return table, err
	}
	was := values[len(keys)]
	now := flipped(was, rnd)
	what := fmt.Sprintf("%s.%s of row %d: %v became %v", table, column, at, was, now)
	_, err = tx.ExecContext(ctx, fmt.Sprintf(`update "%s" set "%s" = ? where (%s) = (%s)`, table, column, strings.Join(keys, ", "), strings.TrimSuffix(strings.Repeat("?, ", len(keys)), ", ")),
		append([]any{now}, values[:len(keys)]...)...)
	return what, err
}

// flipped is a value with one bit changed; of an empty text, a text of one character.
func flipped(v any, rnd *rand.Rand) any {
	switch x := v.(type) {
	case int64:
		return x ^ 1<<rnd.IntN(62)
	case string:
		if x == "" {
			return "\x01"
		}
		b := []byte(x)
		b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(7)
		return string(b)
	case []byte:
		b := append([]byte(nil), x...)
		b[rnd.IntN(len(b))] ^= 1
		return b
	}
	return "rot"
}

func one[T any](ctx context.Context, tx *sql.Tx, query string, args ...any) (v T, err error) {
	err = tx.QueryRowContext(ctx, query, args...).Scan(&v)
	return v, err
}

func all(ctx context.Context, tx *sql.Tx, query string, args ...any) (out []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
