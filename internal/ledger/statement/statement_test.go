package statement_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/statement"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

type house struct {
	db    *db.DB
	staff dbtest.Staff
	svc   *statement.Service
}

func open(t testing.TB, d *db.DB) house {
	t.Helper()
	return house{d, dbtest.Institution(t, d), statement.NewService(d)}
}

func (h house) post(t testing.TB, drafts ...journal.Draft) {
	t.Helper()
	require.NoError(t, h.db.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
		_, err := journal.PostAll(t.Context(), tx, drafts)
		return err
	}))
}

func on(s string) calendar.Date { return calendar.MustParse(s) }

func move(key, date, branch, product, debit, credit, sub string, minor int64) journal.Draft {
	a := money.Of(minor, money.CNY)
	return journal.Draft{Key: key, Date: on(date), Branch: branch, Product: product, Object: "loan", ObjectID: sub, Memo: fault.Text{Zh: "甲", En: "a"},
		Lines: []journal.Line{journal.Debit(debit, a).Of(sub), journal.Credit(credit, a)}}
}

// a small year: capital, two loans, interest, rent, a suspended claim.
func (h house) year(t testing.TB) {
	t.Helper()
	h.post(t,
		move("capital", "2025-01-10", "", "", "1011", "4001", "", 1000),
		move("loan 1", "2025-03-31", "east", "invoice", "1303", "1011", "loan_1", 300),
		move("loan 2", "2025-04-01", "west", "farm", "1303", "1011", "loan_2", 200),
		move("interest", "2025-12-31", "east", "invoice", "1132", "6011", "loan_1", 30),
		move("rent", "2026-01-02", "west", "", "6601", "1011", "", 12),
		move("memo", "2026-01-03", "west", "farm", "7001", "7002", "loan_2", 9),
	)
}

func (h house) trial(t testing.TB, in statement.Span) map[string][4]int64 {
	t.Helper()
	tr, err := h.svc.Trial(t.Context(), h.staff.Operations, in)
	require.NoError(t, err)
	out := map[string][4]int64{}
	for _, l := range tr.Lines {
		out[l.Code] = [4]int64{l.OpeningMinor, l.DebitMinor, l.CreditMinor, l.ClosingMinor}
	}
	for _, s := range tr.Sums {
		require.True(t, s.Balanced)
	}
	return out
}

func TestReportsOfASmallYear(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.year(t)
		got := h.trial(t, statement.Span{From: on("2025-04-01"), Until: on("2025-12-31")})
		require.Equal(t, [4]int64{700, 0, 200, 500}, got["1011"])
		require.Equal(t, [4]int64{300, 200, 0, 500}, got["1303"])
		require.Equal(t, [4]int64{0, 0, 30, 30}, got["6011"], "income stands on its credit side")
		require.NotContains(t, got, "6601")
		east := h.trial(t, statement.Span{From: on("2025-01-01"), Until: on("2025-12-31"), Branch: "east"})
		require.Equal(t, [4]int64{0, 300, 0, 300}, east["1303"])

		b, err := h.svc.BalanceSheet(t.Context(), h.staff.Operations, statement.Span{})
		require.NoError(t, err)
		require.True(t, b.Balanced)
		require.Equal(t, [3]int64{1018, 1000, 18}, [3]int64{b.Assets.TotalMinor, b.Equity.TotalMinor, b.ResultMinor})
		require.Len(t, b.Memo.Items, 2)
		i, err := h.svc.IncomeStatement(t.Context(), h.staff.Operations, statement.Span{From: on("2025-01-01"), Until: on("2025-12-31")})
		require.NoError(t, err)
		require.Equal(t, int64(30), i.ResultMinor)

		s, err := h.svc.Segments(t.Context(), h.staff.Operations, statement.Span{}, "product", "1303")
		require.NoError(t, err)
		require.Len(t, s, 2)
		require.Equal(t, "farm 200", fmt.Sprint(s[0].Segment, " ", s[0].NetMinor))
		_, err = h.svc.Trial(t.Context(), h.staff.Manager, statement.Span{})
		require.True(t, fault.Is(err, fault.ReasonForbidden))
	})
}

// When the year's result is carried over, the statement of income of that year still shows it.
func TestAClosedYearKeepsItsStatementOfIncome(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.year(t)
		carried := move("close", "2025-12-31", "east", "invoice", "6011", "4104", "", 30)
		carried.Object = journal.ObjectYearClose
		h.post(t, carried)
		i, err := h.svc.IncomeStatement(t.Context(), h.staff.Operations, statement.Span{From: on("2025-01-01"), Until: on("2025-12-31")})
		require.NoError(t, err)
		require.Equal(t, int64(30), i.ResultMinor)
		b, err := h.svc.BalanceSheet(t.Context(), h.staff.Operations, statement.Span{Until: on("2025-12-31")})
		require.NoError(t, err)
		require.Zero(t, b.ResultMinor)
		require.True(t, b.Balanced)
	})
}

// From a balance to the entries under it, page by page, each movement with the balance after it.
func TestDrillingDown(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.year(t)
		late := move("late", "2025-02-01", "", "", "1011", "4002", "", 50) // posted last, dated early
		h.post(t, late)
		f := journal.StatementFilter{Account: "1011", From: on("2025-02-01"), Until: on("2026-01-31"), Limit: 2}
		var balances []int64
		for {
			s, err := h.svc.Account(t.Context(), h.staff.Operations, f)
			require.NoError(t, err)
			require.Equal(t, [3]int64{1000, 538, 4}, [3]int64{s.OpeningMinor, s.ClosingMinor, s.Total})
			for _, l := range s.Items {
				balances = append(balances, l.BalanceMinor)
				require.NotEmpty(t, l.EntryID)
			}
			if f.Cursor = s.NextCursor; f.Cursor == "" {
				break
			}
		}
		require.Equal(t, []int64{1050, 750, 550, 538}, balances)
		subs, err := h.svc.SubAccounts(t.Context(), h.staff.Operations, "1303", "", 20)
		require.NoError(t, err)
		require.Len(t, subs.Items, 2)
		first, err := h.svc.SubAccounts(t.Context(), h.staff.Operations, "1303", "", 1)
		require.NoError(t, err)
		second, err := h.svc.SubAccounts(t.Context(), h.staff.Operations, "1303", first.NextCursor, 1)
		require.NoError(t, err)
		require.Equal(t, subs.Items, append(first.Items, second.Items...))
		require.Equal(t, []int64{2, 2, 2}, []int64{subs.Total, first.Total, second.Total})
		s, err := h.svc.Account(t.Context(), h.staff.Operations, journal.StatementFilter{Account: "1303", Sub: subs.Items[1].Sub})
		require.NoError(t, err)
		require.Equal(t, int64(200), s.OpeningMinor, "this year it did not move")
		require.Empty(t, s.Items)
	})
}

// Against a plain sum over all entries: any span, any branch.
func TestTrialAgainstAPlainSum(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	rapid.Check(t, func(rt *rapid.T) {
		h := open(t, d)
		var all []journal.Draft
		date := rapid.IntRange(0, 100)
		for n := range rapid.IntRange(1, 30).Draw(rt, "entries") {
			codes := rapid.SampledFrom([]string{"1011", "1303", "2011", "6011", "6601"})
			x := move(fmt.Sprint(n), "2025-11-01", rapid.SampledFrom([]string{"", "east", "west"}).Draw(rt, "branch"), "", codes.Draw(rt, "debit"), codes.Draw(rt, "credit"), "",
				rapid.Int64Range(1, 1e9).Draw(rt, "amount"))
			x.Date = x.Date.AddDays(date.Draw(rt, "date"))
			all = append(all, x)
		}
		h.post(t, all...)
		from := on("2025-11-01").AddDays(date.Draw(rt, "from"))
		until := from.AddDays(date.Draw(rt, "days"))
		branch := rapid.SampledFrom([]string{"", "east"}).Draw(rt, "of")
		want := map[string][4]int64{}
		for _, x := range all {
			if branch != "" && x.Branch != branch || x.Date.After(until) {
				continue
			}
			for _, l := range x.Lines {
				w := want[l.Account]
				side := l.AmountMinor
				if l.Account == "2011" || l.Account == "6011" {
					side = -side
				}
				w[3] += side
				switch {
				case x.Date.Before(from):
					w[0] += side
				case l.AmountMinor > 0:
					w[1] += l.AmountMinor
				default:
					w[2] -= l.AmountMinor
				}
				want[l.Account] = w
			}
		}
		got := h.trial(t, statement.Span{From: from, Until: until, Branch: branch})
		require.Equal(rt, want, got)
	})
}

func TestExports(t *testing.T) {
	t.Parallel()
	h := open(t, dbtest.SQLite(t))
	h.year(t)
	evil := move("evil", "2026-01-04", "", "", "1011", "4001", "", 5)
	evil.Memo = fault.Text{Zh: `=HYPERLINK("x")`, En: `=HYPERLINK("x")`}
	h.post(t, evil)
	var out bytes.Buffer
	require.NoError(t, statement.WriteFor(t.Context(), h.svc, h.staff.Operations, &out, "account", "csv", "1011"))
	require.Contains(t, out.String(), "'=HYPERLINK")
	require.Contains(t, out.String(), "0.12,4.88")
	for _, report := range []string{"trial", "balance_sheet", "income_statement", "account"} {
		out.Reset()
		require.NoError(t, statement.WriteFor(t.Context(), h.svc, h.staff.Operations, &out, report, "xlsx", "1011"))
		f, err := excelize.OpenReader(&out)
		require.NoError(t, err, report)
		rows, err := f.GetRows("Sheet1")
		require.NoError(t, err)
		require.Greater(t, len(rows), 2, report)
		require.NoError(t, f.Close())
	}
	var none auth.Principal
	require.Error(t, statement.WriteFor(t.Context(), h.svc, none, &out, "trial", "csv", ""))
}

// More movements than are read at once, of a sub-account that is spread over the journal.
func TestALongStatementIsExportedWhole(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		const many = 2300
		for n := 0; n < many; {
			var some []journal.Draft
			for range 100 {
				some = append(some, move(fmt.Sprint("in ", n), "2026-01-04", "", "", "1011", "2011", "", 1))
				some[len(some)-1].Lines[1].Sub = "w1"
				n++
			}
			h.post(t, some...)
		}
		var out bytes.Buffer
		require.NoError(t, statement.WriteFor(t.Context(), h.svc, h.staff.Operations, &out, "account", "csv", "2011"))
		lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
		require.Len(t, lines, many+2)
		require.True(t, bytes.HasSuffix(lines[many+1], []byte(",23.00")), string(lines[many+1]))
		f := journal.StatementFilter{Account: "2011", Sub: "w1", Limit: 1000}
		for items := 0; ; {
			s, err := h.svc.Account(t.Context(), h.staff.Operations, f)
			require.NoError(t, err)
			items += len(s.Items)
			require.Equal(t, int64(items), s.Items[len(s.Items)-1].BalanceMinor)
			if f.Cursor = s.NextCursor; f.Cursor == "" {
				require.Equal(t, many, items)
				break
			}
		}
	})
}
