package journal_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/race"
)

// target is a table whose bytes are flipped, with its key and the columns that hold content.
type target struct {
	table, key string
	columns    []string
}

var targets = []target{
	{"journal_entry", "seq", []string{"seq", "id", "business_key", "entry_date", "memo_zh", "memo_en", "object", "object_id", "booked_at", "actor", "prev_hash", "hash", "branch", "product"}},
	{"journal_line", "seq, line_no", []string{"account_code", "currency", "amount_minor", "sub", "line_no"}},
	{"ledger_balance", "account_code, sub, branch, currency", []string{"account_code", "sub", "branch", "currency", "debit_minor", "credit_minor", "held_minor", "last_seq", "last_hash", "seal"}},
	{"ledger_turnover", "period, account_code, branch, product, currency", []string{"period", "account_code", "branch", "product", "currency", "debit_minor", "credit_minor", "last_seq", "last_hash", "seal"}},
}

// Many times (a thousand in the long run) one bit of the books is flipped by somebody with every right on the database. Whatever a
// person then looks at either is what was posted, or is refused: a wrong figure is never served.
func TestAFlippedBitIsNeverServed(t *testing.T) {
	t.Parallel()
	race.Leave(t)
	flips := 300
	if testing.Short() {
		flips = 100
	}
	if os.Getenv("CAPILLARY_LONG") != "" {
		flips = 1000
	}
	if n, err := strconv.Atoi(os.Getenv("CAPILLARY_FLIPS")); err == nil {
		flips = n
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		staff := dbtest.Institution(t, d)
		s := staff.System.Scope()
		var drafts []journal.Draft
		for i := range 12 {
			x := draft(fmt.Sprintf("k%d", i), journal.Debit(journal.LoanPrincipal, fen(int64(100+i))).Of(fmt.Sprintf("loan_%d", i%3)), journal.Credit(journal.Nostro, fen(int64(100+i))))
			x.Branch, x.Product, x.Date = []string{"east", "west"}[i%2], "invoice", day.AddDays(i%4)
			drafts = append(drafts, x)
		}
		require.NoError(t, post(t, d, s, drafts...))
		raw := unlocked(t, d)
		truth := look(t, d, s)
		require.NotContains(t, truth, errRefused)
		noticed := 0
		rng := rand.New(rand.NewPCG(7, 7)) //nolint:gosec // a repeatable test
		for n := range flips {
			at := targets[n%len(targets)]
			undo, what := flip(t, raw, d.Dialect(), at, rng)
			for view, got := range look(t, d, s) {
				if got == errRefused {
					noticed++
					continue
				}
				require.Equal(t, truth[view], got, "%s was served after %s", view, what)
			}
			_, err := verify(t, d, s)
			require.Error(t, err, "verify did not notice %s", what)
			undo()
		}
		require.Greater(t, noticed, flips, "most flips are seen by more than one view")
		require.Equal(t, truth, look(t, d, s), "everything was put back")
	})
}

// unlocked is a connection on which the append-only triggers do not fire.
func unlocked(t *testing.T, d *db.DB) *sql.DB {
	t.Helper()
	if d.Dialect() == db.SQLite {
		for _, q := range []string{"journal_entry_no_update", "journal_entry_no_delete", "journal_line_no_update", "journal_line_no_delete"} {
			_, err := d.Owner().ExecContext(t.Context(), "drop trigger "+q)
			require.NoError(t, err)
		}
		return d.Owner()
	}
	for _, table := range []string{"journal_entry", "journal_line"} {
		_, err := d.Owner().ExecContext(t.Context(), "alter table "+table+" disable trigger all")
		require.NoError(t, err)
	}
	return d.Owner()
}

// flip changes one bit of one cell and says how to change it back. Texts that the engine would refuse, and
// cells that are empty, are passed over for another.
func flip(t *testing.T, raw *sql.DB, dialect db.Dialect, at target, rng *rand.Rand) (undo func(), what string) {
	t.Helper()
	place := "ctid"
	if dialect == db.SQLite {
		place = at.key // the tables have no rowid
	}
	for {
		column := at.columns[rng.IntN(len(at.columns))]
		var count int
		require.NoError(t, raw.QueryRowContext(t.Context(), "select count(*) from "+at.table).Scan(&count))
		row := rng.IntN(count)
		var old any
		require.NoError(t, raw.QueryRowContext(t.Context(), fmt.Sprintf("select %s from %s order by %s limit 1 offset %d", column, at.table, at.key, row)).Scan(&old))
		changed, ok := flipped(old, rng)
		if !ok {
			continue
		}
		match := func(value any) (string, []any) {
			// The row is found by its whole content's position: by its key as it is before or after.
			return fmt.Sprintf("update %s set %s = $1 where (%s) in (select %s from %s order by %s limit 1 offset %d)", at.table, column, place, place, at.table, at.key, row), []any{value}
		}
		before := keyOf(t, raw, at, row)
		q, args := match(changed)
		if _, err := raw.ExecContext(t.Context(), q, args...); err != nil {
			continue // another row has that key
		}
		return func() { restore(t, raw, at, column, changed, old, before) }, fmt.Sprintf("%s.%s of row %d: %v -> %v", at.table, column, row, old, changed)
	}
}

func keyOf(t *testing.T, raw *sql.DB, at target, row int) []any {
	t.Helper()
	n := 1
	for _, c := range at.key {
		if c == ',' {
			n++
		}
	}
	key, into := make([]any, n), make([]any, n)
	for i := range key {
		into[i] = &key[i]
	}
	require.NoError(t, raw.QueryRowContext(t.Context(), fmt.Sprintf("select %s from %s order by %s limit 1 offset %d", at.key, at.table, at.key, row)).Scan(into...))
	return key
}

// restore finds the changed row, whose key may be what was changed, and puts the cell back.
func restore(t *testing.T, raw *sql.DB, at target, column string, changed, old any, key []any) {
	t.Helper()
	names := splitKey(at.key)
	where, args := column+" = $2", []any{old, changed}
	for i, name := range names {
		if name == column {
			continue
		}
		args = append(args, key[i])
		where += fmt.Sprintf(" and %s = $%d", name, len(args))
	}
	res, err := raw.ExecContext(context.Background(), "update "+at.table+" set "+column+" = $1 where "+where, args...)
	require.NoError(t, err)
	n, err := res.RowsAffected()
	require.NoError(t, err)
	require.Equal(t, int64(1), n)
}

func splitKey(key string) (out []string) {
	word := ""
	for _, c := range key + "," {
		switch c {
		case ',':
			out = append(out, word)
			word = ""
		case ' ':
		default:
			word += string(c)
		}
	}
	return out
}

// flipped turns one bit of a number or of a text's byte over.
func flipped(v any, rng *rand.Rand) (any, bool) {
	switch x := v.(type) {
	case int64:
		return x ^ 1<<rng.IntN(62), true
	case string:
		if x == "" {
			return nil, false
		}
		b := []byte(x)
		i := rng.IntN(len(b))
		b[i] ^= 1 << rng.IntN(8)
		if b[i] == 0 || !utf8.Valid(b) {
			return nil, false
		}
		return string(b), true
	}
	return nil, false
}

const errRefused = "refused"

// look is everything that people see of the books, as text.
func look(t *testing.T, d *db.DB, s db.Scope) map[string]string {
	t.Helper()
	out := map[string]string{}
	see := func(name string, fn func(tx *db.Tx) (any, error)) {
		err := d.View(t.Context(), s, func(tx *db.Tx) error {
			v, err := fn(tx)
			out[name] = fmt.Sprintf("%+v", v)
			return err
		})
		switch {
		case fault.Is(err, fault.ReasonNotFound):
			out[name] = errRefused // not served either
		case err != nil:
			require.False(t, errors.Is(err, context.Canceled))
			out[name] = errRefused
		}
	}
	until := day.AddDays(30)
	see("trial", func(tx *db.Tx) (any, error) { return journal.Trial(t.Context(), tx, until) })
	see("trial on the second day", func(tx *db.Tx) (any, error) { return journal.Trial(t.Context(), tx, day.AddDays(1)) })
	for _, sub := range []string{"", "loan_0", "loan_1", "loan_2"} {
		see("statement "+sub, func(tx *db.Tx) (any, error) {
			return journal.AccountStatement(t.Context(), tx, journal.StatementFilter{Account: journal.LoanPrincipal, Sub: sub, Currency: money.CNY, From: day.AddDays(1), Until: until})
		})
	}
	see("statement of the nostro", func(tx *db.Tx) (any, error) {
		return journal.AccountStatement(t.Context(), tx, journal.StatementFilter{Account: journal.Nostro, Currency: money.CNY, From: calendar.Date{}, Until: until})
	})
	see("what loan_0 may spend", func(tx *db.Tx) (any, error) {
		a, err := journal.FindAccount(t.Context(), tx, journal.LoanPrincipal)
		if err != nil {
			return nil, err
		}
		return journal.AvailableOf(t.Context(), tx, a, "loan_0", "CNY")
	})
	see("sub-accounts", func(tx *db.Tx) (any, error) {
		rows, _, err := journal.SubBalances(t.Context(), tx, journal.LoanPrincipal, [3]string{}, 50)
		return rows, err
	})
	for i := range 12 {
		see(fmt.Sprintf("entry k%d", i), func(tx *db.Tx) (any, error) {
			e, found, err := journal.FindByKey(t.Context(), tx, fmt.Sprintf("k%d", i))
			if err == nil && !found {
				err = fault.NotFoundError("entry", "")
			}
			return e, err
		})
	}
	return out
}
