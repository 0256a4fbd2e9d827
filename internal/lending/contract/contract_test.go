package contract_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/lending/contract"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/doc"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func sample(t *testing.T) contract.Terms {
	t.Helper()
	lt := loan.Terms{
		PrincipalMinor: 50_000_000, Currency: money.CNY, AnnualRate: rate.FromBP(435), PenaltyRate: rate.FromBP(653), Start: calendar.MustParse("2026-01-05"),
		TenorMonths: 12, Method: loan.EqualInstalment, Basis: daycount.Act360, Rounding: money.HalfUp,
	}
	rows, err := loan.Schedule(lt)
	require.NoError(t, err)
	cost, err := loan.TotalCost(rows)
	require.NoError(t, err)
	annual, err := contract.Annualised(lt.AnnualRate, lt.Basis)
	require.NoError(t, err)
	return contract.Terms{
		Number: "JK20260105-8F3K2M7Q", LenderZh: "测试银行股份有限公司", LenderEn: "Test Bank Co., Ltd.", Borrower: "杭州小微科技有限公司", BorrowerUSCC: "91330106673959654P",
		Purpose: fault.Text{Zh: "采购原料或商品", En: "materials or goods"}, Currency: money.CNY, LimitMinor: 50_000_000, Revolving: true, AnnualRate: lt.AnnualRate,
		AnnualisedRate: annual, PenaltyRate: lt.PenaltyRate, Method: lt.Method, TenorMonths: 12,
		Conditions: loan.Conditions{Methods: []loan.Method{loan.EqualInstalment}, TenorMonthsMin: 1, TenorMonthsMax: 12, Basis: daycount.Act360, GraceDays: 3, PenaltySpread: rate.FromBP(5000)},
		SignedOn:   lt.Start, StartsOn: lt.Start, ExpiresOn: calendar.MustParse("2027-01-05"), Schedule: rows, Cost: cost, Demo: true,
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	terms := sample(t)
	a, err := contract.Render(terms)
	require.NoError(t, err)
	b, err := contract.Render(terms)
	require.NoError(t, err)
	require.Equal(t, contract.HashOf(a), contract.HashOf(b), "the same terms give the same file")
	require.NoError(t, api.Validate(bytes.NewReader(a), nil))
	if dir := os.Getenv("CAPILLARY_DOC_OUT"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "contract.pdf"), a, 0o600))
	}
	terms.LimitMinor++
	c, err := contract.Render(terms)
	require.NoError(t, err)
	require.NotEqual(t, contract.HashOf(a), contract.HashOf(c))
}

func TestEveryMethodAndSize(t *testing.T) {
	t.Parallel()
	for _, m := range []loan.Method{loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet} {
		for _, revolving := range []bool{true, false} {
			terms := sample(t)
			terms.Method, terms.Revolving, terms.Demo = m, revolving, revolving
			_, err := contract.Render(terms)
			require.NoError(t, err)
		}
	}
}

func TestNameWithoutGlyphIsRefused(t *testing.T) {
	t.Parallel()
	terms := sample(t)
	terms.Borrower = "𬭎泰公司"
	_, err := contract.Render(terms)
	require.True(t, fault.Is(err, doc.ReasonGlyph))
	require.Contains(t, err.Error(), "𬭎")
}

func TestDigestCoversEverything(t *testing.T) {
	t.Parallel()
	base, err := sample(t).Digest()
	require.NoError(t, err)
	for name, change := range map[string]func(*contract.Terms){
		"limit": func(x *contract.Terms) { x.LimitMinor++ }, "rate": func(x *contract.Terms) { x.AnnualRate++ },
		"schedule": func(x *contract.Terms) { x.Schedule[3].InterestMinor++ }, "grace": func(x *contract.Terms) { x.Conditions.GraceDays++ },
		"borrower": func(x *contract.Terms) { x.Borrower += "x" },
	} {
		terms := sample(t)
		change(&terms)
		d, err := terms.Digest()
		require.NoError(t, err)
		require.NotEqual(t, base, d, name)
	}
}

func TestOfferSchedule(t *testing.T) {
	t.Parallel()
	p, err := contract.OfferSchedule(application.ScheduleInput{
		AmountMinor: 12_000_000, Currency: "CNY", Rate: rate.FromBP(435), TenorMonths: 3, Method: "equal_principal", DayCount: "act/360",
		PenaltySpread: rate.FromBP(5000), StartsOn: calendar.MustParse("2026-01-15"),
	})
	require.NoError(t, err)
	require.Len(t, p.Instalments, 3)
	require.Equal(t, int64(44_950+27_067+14_983), p.TotalCostMinor)
	require.Equal(t, "0.04410417", p.AnnualisedRate.String())
	_, err = contract.OfferSchedule(application.ScheduleInput{DayCount: "lunar"})
	require.True(t, fault.Is(err, fault.ReasonInvalid))
	_, err = contract.OfferSchedule(application.ScheduleInput{DayCount: "ACT/360"})
	require.Error(t, err)
}

func TestClausesNameTheirTerms(t *testing.T) {
	t.Parallel()
	terms := sample(t)
	b, err := contract.Render(terms)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(b), "%PDF-"))
	require.Less(t, len(b), 300_000)
}
