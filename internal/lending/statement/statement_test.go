package statement_test

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/lending/statement"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var moveDate = db.Q(`update institution set business_date = $2 where institution_id = $1`)

// A customer asks for the statement of his loan, pays it off, and takes the
// certificate home.
func TestPapersOfALoan(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		staff := dbtest.Institution(t, d)
		s, err := bank.New(bank.Config{Secret: "s", SettlementMinor: 1_000_000_000_00})
		require.NoError(t, err)
		h := httptest.NewServer(s)
		t.Cleanup(func() { _ = s.Close(); h.Close() })
		client, err := payment.NewClient(payment.ClientConfig{URL: h.URL, Secret: "s", Timeout: 2 * time.Second})
		require.NoError(t, err)
		dispatcher := payment.NewDispatcher(d, client, payment.DispatcherConfig{})
		loans := loan.NewService(d, dispatcher, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) {
			return loan.Conditions{Methods: []loan.Method{loan.EqualPrincipal}, TenorMonthsMin: 1, TenorMonthsMax: 24, Basis: daycount.Act360, Rounding: money.HalfUp, PenaltySpread: rate.FromBP(5000)}, nil
		})
		papers := statement.NewService(d, loans)
		var f facility.Facility
		scope := staff.System.Scope()
		require.NoError(t, d.Update(t.Context(), scope, func(tx *db.Tx) (err error) {
			f, err = facility.Open(t.Context(), tx, facility.Draft{
				FirmID: "firm_1", ApplicationID: "app_1", ContractID: "con_1", ProductID: "p", ProductVersion: 1, BranchID: "br_east", BranchPath: "/hq/east/",
				LimitMinor: 100_000_00, Currency: "CNY", Rate: rate.FromBP(360), Revolving: true, ExpiresOn: calendar.MustParse("2027-01-05"),
			})
			return err
		}))
		l, err := loans.Draw(t.Context(), staff.Manager, loan.DrawInput{FacilityID: f.ID, AmountMinor: 12_000_00, TenorMonths: 12, Method: loan.EqualPrincipal, PayeeName: "望海水产有限公司", PayeeAccount: "6222", Reference: "DR-1"})
		require.NoError(t, err)
		_, err = dispatcher.Drain(t.Context())
		require.NoError(t, err)
		_, err = papers.Certificate(t.Context(), staff.Operations, l.ID)
		require.True(t, fault.Is(err, statement.ReasonNotSettled), err)
		require.NoError(t, d.Update(t.Context(), scope, func(tx *db.Tx) error {
			if _, err := tx.Exec(t.Context(), moveDate, tx.Institution, "2026-02-10"); err != nil {
				return err
			}
			_, _, err := loan.Roll(t.Context(), tx, "", calendar.MustParse("2026-02-10"), 10)
			return err
		}))
		q, err := loans.Quote(t.Context(), staff.Operations, l.ID, calendar.Date{})
		require.NoError(t, err)
		_, err = loans.Repay(t.Context(), staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: q.PayoffMinor, Prepay: true, Reference: "r1"})
		require.NoError(t, err)

		for _, lang := range []string{"zh", "en"} {
			a, err := papers.Statement(t.Context(), staff.Operations, l.ID, lang, statement.FormPDF, calendar.Date{}, calendar.Date{})
			require.NoError(t, err)
			b, err := papers.Statement(t.Context(), staff.Operations, l.ID, lang, statement.FormPDF, calendar.Date{}, calendar.Date{})
			require.NoError(t, err)
			require.Equal(t, a, b, "the same loan and period are the same bytes")
			require.NoError(t, api.Validate(bytes.NewReader(a), nil))
			keep(t, "statement-"+lang+".pdf", a)

			x, err := papers.Statement(t.Context(), staff.Operations, l.ID, lang, statement.FormXLSX, calendar.MustParse("2026-02-01"), calendar.Date{})
			require.NoError(t, err)
			book, err := excelize.OpenReader(bytes.NewReader(x))
			require.NoError(t, err)
			rows, err := book.GetRows(book.GetSheetName(0), excelize.Options{RawCellValue: true})
			require.NoError(t, err)
			last := rows[len(rows)-1]
			require.Equal(t, []string{"2026-02-10", "-" + money.FormatMinor(q.PayoffMinor)}, []string{last[0], last[2]})
			require.Equal(t, []string{"12000.00", "0.00"}, []string{last[3], last[7]})
			require.Equal(t, "12000.00", rows[5][1], "opening principal")
		}
		out, err := papers.Certificate(t.Context(), staff.Operations, l.ID)
		require.NoError(t, err)
		require.NoError(t, api.Validate(bytes.NewReader(out), nil))
		keep(t, "certificate.pdf", out)
		_, err = papers.Certificate(t.Context(), dbtest.Institution(t, d).Operations, l.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound), err)
	})
}

func keep(t *testing.T, name string, b []byte) {
	t.Helper()
	if dir := os.Getenv("CAPILLARY_DOC_OUT"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
	}
}

// A name with a character that no font has is refused by name, not printed as a box.
func TestACharacterWithoutAGlyphIsNamed(t *testing.T) {
	t.Parallel()
	s := loan.Statement{From: calendar.Of(2026, 1, 1), Until: calendar.Of(2026, 1, 2)}
	s.Loan.Currency = money.CNY
	_, err := statement.PDF("zh", statement.Parties{LenderZh: "测试银行", Borrower: "\U0001F99C 公司"}, s)
	require.ErrorContains(t, err, "lacks the characters")
	for _, lang := range []string{"zh", "en"} {
		_, err = statement.PDF(lang, statement.Parties{LenderZh: "测试银行", Borrower: "甲公司", Demo: true}, s)
		require.NoError(t, err, "an empty period prints")
	}
}
