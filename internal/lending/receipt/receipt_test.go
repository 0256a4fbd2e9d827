package receipt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/lending/receipt"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

const secret = "s3cret"

var conditions = loan.Conditions{
	Methods: []loan.Method{loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet}, TenorMonthsMin: 1, TenorMonthsMax: 24,
	Basis: daycount.Act360, Rounding: money.HalfUp, PenaltySpread: rate.FromBP(5000),
}

type bundle struct {
	db         *db.DB
	staff      dbtest.Staff
	bank       *bank.Server
	dispatcher *payment.Dispatcher
	loans      *loan.Service
	jobs       *job.Runner
	proposals  *proposal.Service
	receipts   *receipt.Service
	blobs      *blob.Store
	clock      *dbtest.Clock
}

// each runs a story on both engines with a clock of its own.
func each(t *testing.T, fn func(t *testing.T, b *bundle)) {
	t.Helper()
	dbtest.EachTimed(t, time.Date(2026, 1, 5, 1, 0, 0, 0, time.UTC), func(t *testing.T, d *db.DB, c *dbtest.Clock) {
		c.Tick()
		b := build(t, d)
		b.clock = c
		fn(t, b)
	})
}

func build(t *testing.T, d *db.DB) *bundle {
	t.Helper()
	b := &bundle{db: d, staff: dbtest.Institution(t, d), proposals: proposal.NewService(d)}
	s, err := bank.New(bank.Config{Secret: secret, SettlementMinor: 1_000_000_000_00})
	require.NoError(t, err)
	h := httptest.NewServer(s)
	t.Cleanup(func() { _ = s.Close(); h.Close() })
	b.bank = s
	client, err := payment.NewClient(payment.ClientConfig{URL: h.URL, Secret: secret, Timeout: 2 * time.Second})
	require.NoError(t, err)
	b.dispatcher = payment.NewDispatcher(d, client, payment.DispatcherConfig{})
	b.loans = loan.NewService(d, b.dispatcher, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) { return conditions, nil })
	b.blobs, err = blob.NewStore(t.TempDir())
	require.NoError(t, err)
	b.jobs, err = job.NewRunner(d, job.Config{Poll: 10 * time.Millisecond, Watch: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	b.receipts = receipt.NewService(receipt.Config{
		DB: d, Blobs: b.blobs, Jobs: b.jobs, Book: receipt.LoanBook{Loans: b.loans}, Dispatcher: b.dispatcher, Proposals: b.proposals,
	})
	require.NoError(t, b.jobs.Start(t.Context()))
	t.Cleanup(func() { _ = b.jobs.Stop(context.Background()) })
	return b
}

func (b *bundle) update(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	require.NoError(t, b.db.Update(t.Context(), b.staff.System.Scope(), fn))
}

var moveDate = db.Q(`update institution set business_date = $2 where institution_id = $1`)

// to ends days until a date without collecting.
func (b *bundle) to(t *testing.T, day string) {
	t.Helper()
	b.update(t, func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), moveDate, tx.Institution, day); err != nil {
			return err
		}
		_, _, err := loan.Roll(t.Context(), tx, "", calendar.MustParse(day), 1000)
		return err
	})
}

// lend draws a loan of 12,000 yuan over 12 months in equal principal and pays it out.
func (b *bundle) lend(t *testing.T, firm, account, reference string) loan.Loan {
	t.Helper()
	var f facility.Facility
	b.update(t, func(tx *db.Tx) (err error) {
		f, err = facility.Open(t.Context(), tx, facility.Draft{
			FirmID: firm, ApplicationID: "app_1", ContractID: tx.NewID("con"), ProductID: "invoice-credit", ProductVersion: 1, BranchID: "br_east",
			BranchPath: "/hq/east/", LimitMinor: 10_000_000_00, Currency: "CNY", Rate: rate.FromBP(360), Revolving: true, ExpiresOn: calendar.MustParse("2027-01-05"),
		})
		return err
	})
	l, err := b.loans.Draw(t.Context(), b.staff.Manager, loan.DrawInput{
		FacilityID: f.ID, AmountMinor: 12_000_00, TenorMonths: 12, Method: loan.EqualPrincipal, PayeeName: "望海水产" + firm, PayeeAccount: account, Reference: reference,
	})
	require.NoError(t, err)
	_, err = b.dispatcher.Drain(t.Context())
	require.NoError(t, err)
	return l
}

func (b *bundle) loan(t *testing.T, id string) loan.Detail {
	t.Helper()
	d, err := b.loans.Get(t.Context(), b.staff.Operations, id)
	require.NoError(t, err)
	return d
}

// take brings a file in and waits for its job.
func (b *bundle) take(t *testing.T, name, text string) receipt.FileDetail {
	t.Helper()
	return b.takeFrom(t, receipt.OriginUpload, name, text)
}

func (b *bundle) takeFrom(t *testing.T, origin, name, text string) receipt.FileDetail {
	t.Helper()
	f, err := b.receipts.Take(t.Context(), b.staff.Operations, name, []byte(text), origin)
	require.NoError(t, err)
	b.wait(t, f.JobID)
	d, err := b.receipts.File(t.Context(), b.staff.Operations, f.ID)
	require.NoError(t, err)
	return d
}

func (b *bundle) wait(t *testing.T, id string) job.Job {
	t.Helper()
	var j job.Job
	require.Eventually(t, func() bool {
		var err error
		j, err = b.jobs.Get(t.Context(), b.staff.Operations, id)
		require.NoError(t, err)
		return !j.State.Live()
	}, 20*time.Second, 5*time.Millisecond)
	return j
}

func (b *bundle) all(t *testing.T) map[string]receipt.Detail {
	t.Helper()
	page, err := b.receipts.List(t.Context(), b.staff.Operations, receipt.Filter{Limit: 200})
	require.NoError(t, err)
	out := map[string]receipt.Detail{}
	for _, r := range page.Items {
		d, err := b.receipts.Get(t.Context(), b.staff.Operations, r.ID)
		require.NoError(t, err)
		require.Equal(t, d.AmountMinor, d.Total())
		out[r.BankReference+fmt.Sprint("/", r.Line)] = d
		out[r.BankReference] = d
	}
	return out
}

// sound checks the whole: every receipt verifies, suspense holds just what is
// open, and the books balance.
func (b *bundle) sound(t *testing.T) {
	t.Helper()
	require.NoError(t, b.db.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
		_, open, err := receipt.Verify(t.Context(), tx)
		require.NoError(t, err)
		_, err = journal.Verify(t.Context(), tx)
		require.NoError(t, err)
		_, err = loan.Verify(t.Context(), tx)
		require.NoError(t, err)
		trial, err := journal.Trial(t.Context(), tx, calendar.Date{})
		require.NoError(t, err)
		held := int64(0)
		for _, l := range trial.Lines {
			if l.Account.Code == journal.Suspense {
				held += l.CreditMinor - l.DebitMinor
			}
		}
		require.Equal(t, open, held, "suspense is the open money, to the fen")
		return nil
	}))
}

const head = "贷款编号,企业代码,付款账号,付款人,金额,起息日,银行流水号,渠道,提前还款,附言\n"

// A batch file of one morning: what is sure is posted, what is not waits, what
// is wrong is named, and the same file again changes nothing.
func TestABatchFile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		one := b.lend(t, "firm_1", "6222-1", "DR-2026-0001")
		two := b.lend(t, "firm_2", "6222-2", "DR-2026-0002")
		b.to(t, "2026-02-05") // the first instalments fall due: 1,000 principal and 31 days of interest
		due := b.loan(t, one.ID).DueMinor
		require.Equal(t, int64(1000_00+37_20), due)

		text := head +
			"DR-2026-0001,,,,1037.20,2026-02-05,B1,柜面,否,\n" + // names its loan
			",,6222-2,,1037.20,2026/2/5,B2,,,\n" + // the account owes just this
			",,,望海水产firm_1,10.00,2026-02-05,B3,,,\n" + // a name only, and that loan owes nothing any more
			",,9999,某某,50.00,2026-02-05,B4,,,谢谢\n" + // nobody knows
			"DR-2026-0001,,,,abc,2026-02-05,B5,,,\n" + // bad amount
			"DR-2026-0001,,,,10,2026-02-06,B6,,,\n" + // tomorrow
			",,,,,,,,,\n" + // blank
			"DR-2026-0001,,,,-1,2026-13-01,,,也许,\n" // four things wrong
		f := b.take(t, "还款.csv", text)
		require.Equal(t, receipt.FileDone, f.Status)
		require.Equal(t, []int64{4, 0, 6}, []int64{f.Receipts, f.Repeats, f.Bad})
		bad, _, err := b.receipts.BadRows(t.Context(), b.staff.Operations, f.ID, 0, 100)
		require.NoError(t, err)
		var lines []string
		for _, x := range bad {
			require.NotEmpty(t, x.Message.Zh)
			require.NotEmpty(t, x.Remedy.En)
			lines = append(lines, fmt.Sprint(x.Line, " ", x.Column))
		}
		require.Equal(t, []string{"6 金额", "7 起息日", "9 银行流水号", "9 金额", "9 起息日", "9 提前还款"}, lines)

		got := b.all(t)
		require.Equal(t, []any{receipt.Closed, "loan_number", due}, []any{got["B1"].Status, got["B1"].Rule, got["B1"].PostedMinor})
		require.Equal(t, []any{receipt.Closed, "exact_due", int64(1037_20)}, []any{got["B2"].Status, got["B2"].Rule, got["B2"].PostedMinor})
		require.Equal(t, receipt.Exception, got["B3"].Status)
		require.Equal(t, receipt.Exception, got["B4"].Status)
		require.Contains(t, got["B4"].Why.Zh, "没有规则")
		require.Zero(t, b.loan(t, one.ID).DueMinor)
		require.Zero(t, b.loan(t, two.ID).DueMinor)
		b.sound(t)

		again := b.take(t, "还款-副本.csv", text)
		require.Equal(t, f.ID, again.ID, "the same content is the same file")
		corrected := b.take(t, "还款-改.csv", strings.Replace(text, "abc", "0.50", 1))
		require.Equal(t, []int64{1, 4, 5}, []int64{corrected.Receipts, corrected.Repeats, corrected.Bad}, "rows taken before are recognised")
		changed := b.take(t, "另一份.csv", head+"DR-2026-0001,,,,9.99,2026-02-05,B1,,,\n")
		require.Equal(t, []int64{0, 0, 1}, []int64{changed.Receipts, changed.Repeats, changed.Bad}, "one bank reference is one amount")
		b.sound(t)
	})
}

// The desk: assign, split, too much, return, ignore by a second person.
func TestTheExceptionDesk(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		one := b.lend(t, "firm_1", "6222-1", "DR-1001")
		two := b.lend(t, "firm_2", "6222-2", "DR-1002")
		b.to(t, "2026-02-05")
		b.takeFrom(t, receipt.OriginBank, "a.csv", head+",,7777,路人,3000.00,2026-02-05,X1,,,\n,,8888,王某,20.00,2026-02-05,X2,,,\n,,,无名,30.00,2026-02-05,X3,,,\n")
		got := b.all(t)
		ops := b.staff.Operations

		// Too much in all, then too much for the loan: refused, nothing moves.
		_, err := b.receipts.Assign(t.Context(), ops, got["X1"].ID, []receipt.Share{{LoanID: one.ID, AmountMinor: 3000_01}}, "")
		require.True(t, fault.Is(err, receipt.ReasonAmount), err)
		_, err = b.receipts.Assign(t.Context(), ops, got["X1"].ID, []receipt.Share{{LoanID: one.ID, AmountMinor: 3000_00}}, "")
		require.True(t, fault.Is(err, loan.ReasonOverpaid), err)
		_, err = b.receipts.Assign(t.Context(), b.staff.Manager, got["X1"].ID, []receipt.Share{{LoanID: one.ID, AmountMinor: 1}}, "")
		require.True(t, fault.Is(err, fault.ReasonForbidden), err)
		require.Equal(t, receipt.Exception, b.all(t)["X1"].Status)
		b.sound(t)

		// Split over two loans; the rest stays.
		d, err := b.receipts.Assign(t.Context(), ops, got["X1"].ID, []receipt.Share{{LoanID: one.ID, AmountMinor: 1037_20}, {LoanID: two.ID, AmountMinor: 1000_00}}, "客户来电说明")
		require.NoError(t, err)
		require.Equal(t, []any{receipt.Exception, int64(2037_20), int64(962_80)}, []any{d.Status, d.PostedMinor, d.OpenMinor})
		require.Equal(t, int64(37_20), b.loan(t, two.ID).DueMinor)
		b.sound(t)

		// The rest goes back where it came from.
		d, waits, err := b.receipts.Return(t.Context(), ops, receipt.ReturnBody{ReceiptID: d.ID, Reason: "多付"})
		require.NoError(t, err)
		require.Empty(t, waits)
		require.Equal(t, receipt.Returning, d.Status)
		b.sound(t)
		_, err = b.dispatcher.Drain(t.Context())
		require.NoError(t, err)
		d = b.all(t)["X1"]
		require.Equal(t, []any{receipt.Closed, int64(962_80)}, []any{d.Status, d.ReturnedMinor})
		b.sound(t)

		// A return the bank refuses is open again.
		b.bank.SetFaults(bank.Faults{RejectPermille: 1000})
		_, _, err = b.receipts.Return(t.Context(), ops, receipt.ReturnBody{ReceiptID: got["X2"].ID, Reason: "多付"})
		require.NoError(t, err)
		_, err = b.dispatcher.Drain(t.Context())
		require.NoError(t, err)
		d = b.all(t)["X2"]
		require.Equal(t, []any{receipt.Exception, int64(20_00)}, []any{d.Status, d.OpenMinor})
		require.Contains(t, d.Why.Zh, "退回失败")
		b.sound(t)
		b.bank.SetFaults(bank.Faults{})

		// Without the payer's account an account must be named, and a second person agrees.
		_, _, err = b.receipts.Return(t.Context(), ops, receipt.ReturnBody{ReceiptID: got["X3"].ID, Reason: "多付"})
		require.True(t, fault.Is(err, receipt.ReasonNoPayer), err)
		_, waits, err = b.receipts.Return(t.Context(), ops, receipt.ReturnBody{ReceiptID: got["X3"].ID, Account: "6000", Name: "无名", Reason: "多付"})
		require.NoError(t, err)
		made, err := b.proposals.Get(t.Context(), b.staff.Risk, waits)
		require.NoError(t, err)
		_, err = b.proposals.Approve(t.Context(), ops, proposal.Decision{ID: waits, BodyHash: made.BodyHash})
		require.Error(t, err, "not by the same person")
		_, err = b.proposals.Approve(t.Context(), b.staff.Risk, proposal.Decision{ID: waits, BodyHash: made.BodyHash})
		require.NoError(t, err)
		_, err = b.dispatcher.Drain(t.Context())
		require.NoError(t, err)
		require.Equal(t, receipt.Closed, b.all(t)["X3"].Status)

		// An uploaded file is its uploader's word, the payer's account in it too: its money leaves only with a second person.
		b.take(t, "mine.csv", head+",,my-own,我,40.00,2026-02-05,X4,,,\n")
		d, waits, err = b.receipts.Return(t.Context(), ops, receipt.ReturnBody{ReceiptID: b.all(t)["X4"].ID, Reason: "多付"})
		require.NoError(t, err)
		require.NotEmpty(t, waits)
		require.Equal(t, []any{receipt.Exception, int64(40_00)}, []any{d.Status, d.OpenMinor}, "nothing moves before")
		made, err = b.proposals.Get(t.Context(), b.staff.Risk, waits)
		require.NoError(t, err)
		require.Contains(t, string(made.After), "my-own", "the second person sees where to")
		_, err = b.proposals.Approve(t.Context(), ops, proposal.Decision{ID: waits, BodyHash: made.BodyHash})
		require.Error(t, err, "not by the same person")
		_, err = b.proposals.Approve(t.Context(), b.staff.Risk, proposal.Decision{ID: waits, BodyHash: made.BodyHash})
		require.NoError(t, err)
		require.Equal(t, receipt.Returning, b.all(t)["X4"].Status)
		b.sound(t)

		// What is not ours is left aside, by two.
		waits, err = b.receipts.Ignore(t.Context(), ops, receipt.IgnoreBody{ReceiptID: got["X2"].ID, Reason: "同业清算误入"})
		require.NoError(t, err)
		made, err = b.proposals.Get(t.Context(), b.staff.Risk, waits)
		require.NoError(t, err)
		_, err = b.proposals.Approve(t.Context(), b.staff.Risk, proposal.Decision{ID: waits, BodyHash: made.BodyHash})
		require.NoError(t, err)
		d = b.all(t)["X2"]
		require.Equal(t, []any{receipt.Closed, int64(20_00)}, []any{d.Status, d.IgnoredMinor})
		b.sound(t)
	})
}

var errCrash = errors.New("crash")

// The job is broken off at each point, again and again, and resumed: every
// payment is one receipt, posted once, and the books agree throughout.
func TestEveryReceiptIsPostedOnceWhateverBreaks(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		text := head
		var loans []loan.Loan
		for i := range 6 {
			reference := fmt.Sprintf("DR-77%02d", i)
			loans = append(loans, b.lend(t, fmt.Sprint("firm_", i), fmt.Sprint("acct-", i), reference))
			text += reference + fmt.Sprintf(",,,,1037.20,2026-02-05,P%d,,,\n", i)
		}
		b.to(t, "2026-02-05")
		calls := map[string]int{}
		b.receipts.SetFailpoint(func(where string) error {
			if calls[where]++; calls[where]%2 == 1 {
				return errCrash
			}
			return nil
		})
		f, err := b.receipts.Take(t.Context(), b.staff.Operations, "p.csv", []byte(text), "upload")
		require.NoError(t, err)
		for j := b.wait(t, f.JobID); j.State != job.Completed; j = b.wait(t, f.JobID) {
			b.sound(t)
			_, err := b.jobs.Resume(t.Context(), b.staff.Operations, j.ID)
			require.NoError(t, err)
		}
		require.Equal(t, 6, calls["posted"], "each loan was paid once, and the process died after every second one")
		d, err := b.receipts.File(t.Context(), b.staff.Operations, f.ID)
		require.NoError(t, err)
		require.Equal(t, int64(6), d.Receipts)
		for _, l := range loans {
			events, err := b.loans.Events(t.Context(), b.staff.Operations, l.ID)
			require.NoError(t, err)
			require.Len(t, events, 2, "disbursed, and repaid once")
			require.Zero(t, b.loan(t, l.ID).DueMinor)
		}
		for _, r := range b.all(t) {
			require.Equal(t, receipt.Closed, r.Status)
		}
		b.sound(t)
	})
}

// A file whose job has failed after it had stored some of it is taken in by another job, from its beginning: it tells the same
// of the file as if nothing had broken.
func TestABrokenOffFileIsReadAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		b.to(t, "2026-02-05")
		text := head + ",,,,1.00,2026-02-05,A1,,,\n,,,,abc,2026-02-05,A2,,,\n,,,,1.00,2026-02-05,A1,,,\n"
		broken := false
		b.receipts.SetFailpoint(func(string) error {
			if !broken {
				broken = true
				return errCrash
			}
			return nil
		})
		f, err := b.receipts.Take(t.Context(), b.staff.Operations, "a.csv", []byte(text), receipt.OriginUpload)
		require.NoError(t, err)
		require.Equal(t, job.Failed, b.wait(t, f.JobID).State)
		again := b.take(t, "a.csv", text)
		require.Equal(t, f.ID, again.ID)
		require.NotEqual(t, f.JobID, again.JobID)
		require.Equal(t, receipt.FileDone, again.Status)
		require.Equal(t, []int64{3, 1, 1, 1, 1_00}, []int64{again.Rows, again.Receipts, again.Repeats, again.Bad, again.AmountMinor})
		b.sound(t)
	})
}

// A workbook of a person, with binary doubles and Excel dates, and a GB18030 file.
func TestFilesAsPeopleSendThem(t *testing.T) {
	t.Parallel()
	today := calendar.MustParse("2026-03-02")
	var got []receipt.Line
	var bad []receipt.BadRow
	to := receipt.NewSink(func(l receipt.Line) error { got = append(got, l); return nil }, func(x receipt.BadRow) error { bad = append(bad, x); return nil })
	var skipped int64

	x := excelize.NewFile()
	require.NoError(t, x.SetSheetRow("Sheet1", "A1", &[]any{"金额", "起息日", "银行流水号", "付款人"}))
	require.NoError(t, x.SetSheetRow("Sheet1", "A2", &[]any{9401.7099999999991, time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), "W1", "甲公司"}))
	require.NoError(t, x.SetSheetRow("Sheet1", "A3", &[]any{"1,234.50", "2026-03-02", 2026030200001, "乙公司"}))
	buf, err := x.WriteToBuffer()
	require.NoError(t, err)
	kind, err := receipt.ReadFile("a.xlsx", buf, today, to, &skipped)
	require.NoError(t, err)
	require.Empty(t, bad)
	require.Equal(t, receipt.KindTable, kind)
	require.Equal(t, []any{int64(940171), "2026-03-01", "W1"}, []any{got[0].AmountMinor, got[0].ValueDate.String(), got[0].BankReference})
	require.Equal(t, []any{int64(123450), "2026030200001"}, []any{got[1].AmountMinor, got[1].BankReference})

	gb, err := simplifiedchinese.GB18030.NewEncoder().String("金额,起息日,银行流水号,付款户名\n5,2026年3月2日,G1,望海水产\n\"5,2026-03-02,G2,x\n")
	require.NoError(t, err)
	got = nil
	_, err = receipt.ReadFile("b.csv", strings.NewReader(gb), today, to, &skipped)
	require.NoError(t, err)
	require.Equal(t, "望海水产", got[0].PayerName)
	require.Len(t, bad, 1, "an open quote is one bad row")

	for name, text := range map[string]string{"empty": "", "binary": "a\x00b", "xls": "\xD0\xCF\x11\xE0....", "no columns": "金额,银行流水号\n1,2\n", "zip": "PK\x03\x04xx", "xml": "<a/>"} {
		_, err := receipt.ReadFile(name, strings.NewReader(text), today, to, &skipped)
		_, ok := fault.As(err)
		require.True(t, ok, "%s: %v", name, err)
	}
}

// What could be read as another amount, date or payment than was meant is refused with its place, never guessed.
func TestNothingInAFileIsGuessed(t *testing.T) {
	t.Parallel()
	today := calendar.MustParse("2026-03-02")
	read := func(name string, content io.Reader) (got []receipt.Line, bad []receipt.BadRow, err error) {
		var skipped int64
		_, err = receipt.ReadFile(name, content, today, receipt.NewSink(func(l receipt.Line) error { got = append(got, l); return nil },
			func(x receipt.BadRow) error { bad = append(bad, x); return nil }), &skipped)
		return got, bad, err
	}
	row := func(amount string) string {
		return "金额,起息日,银行流水号\n\"" + amount + "\",2026-03-02,A1\n"
	}

	for amount, fen := range map[string]int64{"1,234.5": 1234_50, "12,345,678": 12345678_00, "￥1，234.00": 1234_00, "0.01": 1, "1,000,000,000,000": 1_000_000_000_000_00} {
		got, bad, err := read("a.csv", strings.NewReader(row(amount)))
		require.NoError(t, err)
		require.Empty(t, bad, amount)
		require.Equal(t, fen, got[0].AmountMinor, amount)
	}
	for _, amount := range []string{"1,50", "12,34,567.00", ",500", "1,2345", "1.234,56", "1,000,", "1,000.5,0", "1,000,000,000,000.01", "92233720368547758.07"} {
		got, bad, err := read("a.csv", strings.NewReader(row(amount)))
		require.NoError(t, err)
		require.Empty(t, got, amount)
		require.Len(t, bad, 1, amount)
		require.Equal(t, "金额", bad[0].Column)
	}

	_, _, err := read("twice.csv", strings.NewReader("金额,还款金额,起息日,银行流水号\n99999,1.00,2026-03-02,A1\n"))
	require.ErrorContains(t, err, "RECEIPT_COLUMN_TWICE")

	// Workbooks: days from 1904 and times of day. 2026-03-01 is day 46082 from 1900 and 44620 from 1904.
	for from1904, day := range map[bool]float64{false: 46082.75, true: 44620} {
		x := excelize.NewFile()
		require.NoError(t, x.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &from1904}))
		require.NoError(t, x.SetSheetRow("Sheet1", "A1", &[]any{"金额", "起息日", "银行流水号"}))
		require.NoError(t, x.SetSheetRow("Sheet1", "A2", &[]any{5, day, "W1"}))
		buf, err := x.WriteToBuffer()
		require.NoError(t, err)
		got, bad, err := read("a.xlsx", buf)
		require.NoError(t, err)
		require.Empty(t, bad)
		require.Equal(t, "2026-03-01", got[0].ValueDate.String())
	}

	// 64 MiB end in the middle of 5050.00: a row cut in two is no smaller amount.
	start, line := "金额,起息日,银行流水号,其他\n", "5,2026-03-02,A1,"+strings.Repeat("x", 60_000)+"\n"
	rest := 64<<20 + 1 - len(start)
	whole, over := rest/len(line), rest%len(line)
	text := start + strings.Repeat(line, whole-1) + "5,2026-03-02,A1," + strings.Repeat("x", 60_000+over-20) + "\n"
	text += "5050.00,2026-03-02,A2,\n"
	_, _, err = read("long.csv", strings.NewReader(text))
	require.ErrorContains(t, err, "FILE_TOO_LARGE")
}

// The money came before its loan was drawn: nobody knew it. Matched again it is posted, except what a person has
// in hand; and asking twice changes nothing.
func TestWhatWaitsIsMatchedAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		b.lend(t, "firm_0", "6222-0", "DR-0")
		b.to(t, "2026-02-05")
		b.take(t, "a.csv", head+"DR-1,,,,10.00,2026-02-05,B1,,是,\nDR-1,,,,11.00,2026-02-05,B2,,是,\n,,,,12.00,2026-02-05,B3,,,\n")
		all := b.all(t)
		require.Equal(t, []receipt.Status{receipt.Exception, receipt.Exception, receipt.Exception}, []receipt.Status{all["B1"].Status, all["B2"].Status, all["B3"].Status})
		version := all["B3"].Version
		_, err := b.receipts.Note(t.Context(), b.staff.Operations, all["B2"].ID, "I ask the payer")
		require.NoError(t, err)

		b.lend(t, "firm_1", "6222-1", "DR-1")
		for range 2 {
			j, err := b.receipts.Rematch(t.Context(), b.staff.Operations)
			require.NoError(t, err)
			require.Equal(t, job.Completed, b.wait(t, j.ID).State)
			all = b.all(t)
			require.Equal(t, []receipt.Status{receipt.Closed, receipt.Exception, receipt.Exception}, []receipt.Status{all["B1"].Status, all["B2"].Status, all["B3"].Status}, all["B1"].Why.En)
			require.Equal(t, int64(10_00), all["B1"].PostedMinor)
		}
		require.Equal(t, version, all["B3"].Version, "what the rules say the same of is not touched")
		b.sound(t)
	})
}

// Two payments of a batch under one number of the bank are two receipts.
func TestABatchUnderOneReference(t *testing.T) {
	t.Parallel()
	detail := `<TxDtls><Refs><AcctSvcrRef>B7</AcctSvcrRef></Refs><Amt Ccy="CNY">2.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></TxDtls>`
	text := `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>M1</MsgId></GrpHdr><Ntfctn><Id>N1</Id><Acct><Id><Othr><Id>1</Id></Othr></Id></Acct>
		<Ntry><Amt Ccy="CNY">4.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><ValDt><Dt>2026-03-02</Dt></ValDt><NtryDtls>` + detail + detail + `</NtryDtls></Ntry></Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`
	var keys []string
	var skipped int64
	_, err := receipt.ReadFile("a.xml", strings.NewReader(text), calendar.MustParse("2026-03-02"), receipt.NewSink(func(l receipt.Line) error { keys = append(keys, l.Key); return nil },
		func(receipt.BadRow) error { return errCrash }), &skipped)
	require.NoError(t, err)
	require.Equal(t, []string{"B7#1", "B7#2"}, keys)
}

// One bank reference in two rows for two loans is two payments under one name: the second is told, not passed over as a repeat.
func TestOneReferenceForTwoPayments(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		b.lend(t, "firm_1", "6222-1", "DR-1")
		b.lend(t, "firm_2", "6222-2", "DR-2")
		b.to(t, "2026-02-05")
		f := b.take(t, "a.csv", head+"DR-1,,,,10.00,2026-02-05,B1,,,\nDR-2,,,,10.00,2026-02-05,B1,,,\nDR-1,,,,10.00,2026-02-05,B1,,,\n")
		require.Equal(t, []int64{1, 1, 1, 10_00}, []int64{f.Receipts, f.Repeats, f.Bad, f.AmountMinor})
		rows, _, err := b.receipts.BadRows(t.Context(), b.staff.Operations, f.ID, 0, 10)
		require.NoError(t, err)
		require.Equal(t, []any{int64(3), "RECEIPT_REFERENCE_TWICE"}, []any{rows[0].Line, rows[0].Code})
		b.sound(t)
	})
}

// A statement of the bank: credits become receipts, debits and pending entries
// are counted and left; the same money in a notification is recognised.
func TestABankStatement(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		l := b.lend(t, "firm_1", "6222-1", "DR-2026-0009")
		b.to(t, "2026-02-05")
		text := camt("camt.053.001.08", "BkToCstmrStmt", "Stmt", entry("CRDT", "BOOK", "1037.20", "R1", "还贷款DR-2026-0009", "6222-1"),
			entry("DBIT", "BOOK", "5.00", "R2", "手续费", "x"), entry("CRDT", "PDNG", "9.00", "R3", "在途", "x"), entry("CRDT", "BOOK", "12.34.5", "R4", "坏", "x"))
		f := b.take(t, "s.xml", text)
		require.Equal(t, []any{receipt.FileDone, receipt.KindBank, int64(1), int64(2), int64(1)}, []any{f.Status, f.Kind, f.Receipts, f.Skipped, f.Bad})
		got := b.all(t)
		require.Equal(t, []any{receipt.Closed, "loan_number"}, []any{got["R1"].Status, got["R1"].Rule})
		require.Zero(t, b.loan(t, l.ID).DueMinor)

		again := b.take(t, "n.xml", camt("camt.054.001.08", "BkToCstmrDbtCdtNtfctn", "Ntfctn", entry("CRDT", "BOOK", "1037.20", "R1", "还贷款DR-2026-0009", "6222-1")))
		require.Equal(t, []int64{0, 1}, []int64{again.Receipts, again.Repeats})
		b.sound(t)

		cut, err := b.receipts.Take(t.Context(), b.staff.Operations, "cut.xml", []byte(text[:len(text)-30]), "upload")
		require.NoError(t, err)
		j := b.wait(t, cut.JobID)
		require.Equal(t, job.Failed, j.State)
		f2, err := b.receipts.File(t.Context(), b.staff.Operations, cut.ID)
		require.NoError(t, err)
		require.Equal(t, receipt.FileRefused, f2.Status, "a file cut off is refused whole")
		require.Contains(t, f2.Problem.Zh, "不完整")
		require.Zero(t, f2.Receipts)
	})
}

func camt(message, body, item string, entries ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:` + message + `"><` + body + `><GrpHdr><MsgId>M1</MsgId><CreDtTm>2026-02-05T18:00:00</CreDtTm></GrpHdr><` +
		item + `><Id>S1</Id><Acct><Id><Othr><Id>nostro</Id></Othr></Id><Ccy>CNY</Ccy></Acct>` + strings.Join(entries, "") + `</` + item + `></` + body + `></Document>`
}

func entry(side, status, amount, reference, remittance, account string) string {
	return `<Ntry><Amt Ccy="CNY">` + amount + `</Amt><CdtDbtInd>` + side + `</CdtDbtInd><Sts><Cd>` + status + `</Cd></Sts><BookgDt><Dt>2026-02-05</Dt></BookgDt><ValDt><Dt>2026-02-05</Dt></ValDt><AcctSvcrRef>` +
		reference + `</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>某</Nm></Pty></Dbtr><DbtrAcct><Id><Othr><Id>` + account + `</Id></Othr></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>` + remittance + `</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>`
}

// The money of a collection of ours is not booked a second time.
func TestCollectedMoneyIsRecognised(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		l := b.lend(t, "firm_1", "6222-1", "DR-1")
		b.to(t, "2026-02-05")
		require.NoError(t, b.bank.Open(bank.Account{Number: "6222-1", Name: "x", BalanceMinor: 5000_00}))
		r, err := b.loans.Repay(t.Context(), b.staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: 1037_20, Reference: "c1", Collect: true})
		require.NoError(t, err)
		_, err = b.dispatcher.Drain(t.Context())
		require.NoError(t, err)
		var o payment.Order
		b.update(t, func(tx *db.Tx) (err error) { o, err = payment.ByID(t.Context(), tx, r.Order.ID); return err })
		require.Equal(t, payment.Succeeded, o.Status)
		b.take(t, "s.xml", camt("camt.054.001.02", "BkToCstmrDbtCdtNtfctn", "Ntfctn", strings.ReplaceAll(entry("CRDT", "BOOK", "1037.20", o.BankReference, "", "6222-1"), "<Cd>BOOK</Cd>", "BOOK")))
		d := b.all(t)[o.BankReference]
		require.Equal(t, []any{receipt.Closed, int64(1037_20), "collection"}, []any{d.Status, d.ConfirmedMinor, d.Rule})
		require.Equal(t, []any{o.ID, l.ID}, []any{d.Uses[0].OrderID, d.Uses[0].LoanID})

		// The order has brought its money once. What else bears its numbers is another payment: neither confirmed, which would take
		// it out of the books, nor posted as a repayment.
		number := payment.EndToEndID(b.staff.InstitutionID, o.Key)
		ours := func(amount, reference string) string {
			return strings.Replace(entry("CRDT", "BOOK", amount, reference, "", "6222-1"), "<TxDtls>", "<TxDtls><Refs><EndToEndId>"+number+"</EndToEndId></Refs>", 1)
		}
		b.take(t, "again.xml", camt("camt.053.001.08", "BkToCstmrStmt", "Stmt", ours("1037.20", "N1"), ours("2000.00", "N2")))
		got := b.all(t)
		require.Equal(t, []any{receipt.Exception, "collection", int64(1037_20)}, []any{got["N1"].Status, got["N1"].Rule, got["N1"].OpenMinor})
		require.Contains(t, got["N1"].Why.En, "another receipt")
		require.Equal(t, []any{receipt.Exception, "collection", int64(2000_00)}, []any{got["N2"].Status, got["N2"].Rule, got["N2"].OpenMinor})
		require.Contains(t, got["N2"].Why.En, "another amount")
		b.sound(t)
	})
}

func FuzzReadFile(f *testing.F) {
	f.Add([]byte(head + "DR-1,,,,1.00,2026-02-05,B1,,,\n"))
	f.Add([]byte(camt("camt.053.001.08", "BkToCstmrStmt", "Stmt", entry("CRDT", "BOOK", "1.00", "R1", "x", "y"))))
	x := excelize.NewFile()
	_ = x.SetSheetRow("Sheet1", "A1", &[]any{"金额", "起息日", "银行流水号"})
	_ = x.SetSheetRow("Sheet1", "A2", &[]any{1.5, 46000, "W1"})
	if buf, err := x.WriteToBuffer(); err == nil {
		f.Add(buf.Bytes())
	}
	today := calendar.MustParse("2026-03-02")
	f.Fuzz(func(t *testing.T, content []byte) {
		var skipped int64
		_, _ = receipt.ReadFile("f", bytes.NewReader(content), today, receipt.NewSink(func(l receipt.Line) error {
			if l.AmountMinor <= 0 || l.ValueDate.After(today) || l.Key == "" {
				t.Fatalf("%+v", l)
			}
			return nil
		}, func(b receipt.BadRow) error {
			if b.Code == "" || b.Message.Zh == "" || b.Message.En == "" {
				t.Fatalf("%+v", b)
			}
			return nil
		}), &skipped)
	})
}
