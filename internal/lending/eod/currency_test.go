package eod_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/fx"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// abroad is an institution whose bank speaks one of the protocols.
type abroad struct {
	*bundle

	fx        *fx.Service
	proposals *proposal.Service
}

const settlement = 1_000_000_000_00

func eachProtocol(t *testing.T, fn func(t *testing.T, b *abroad)) {
	t.Helper()
	for _, protocol := range []string{payment.ProtocolHTTP, payment.ProtocolISO20022} {
		t.Run(protocol, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				b := &abroad{bundle: &bundle{db: d, staff: dbtest.Institution(t, d)}, proposals: proposal.NewService(d)}
				b.fx = fx.NewService(d, b.proposals)
				s, err := bank.New(bank.Config{Secret: secret, SettlementMinor: settlement, Clock: time.Now})
				require.NoError(t, err)
				h := httptest.NewServer(s)
				t.Cleanup(func() { _ = s.Close(); h.Close() })
				b.bank = s
				cfg := payment.ClientConfig{URL: h.URL, Secret: secret, Timeout: 2 * time.Second}
				var client payment.Bank
				if client, err = payment.NewClient(cfg); protocol == payment.ProtocolISO20022 {
					client, err = payment.NewISOClient(cfg)
				}
				require.NoError(t, err)
				b.dispatcher = payment.NewDispatcher(d, client, payment.DispatcherConfig{})
				b.loans = loan.NewService(d, b.dispatcher, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) {
					return loan.Conditions{Methods: []loan.Method{loan.InterestOnly}, TenorMonthsMin: 1, TenorMonthsMax: 24, Basis: daycount.Act360, Rounding: money.HalfUp, PenaltySpread: rate.FromBP(5000)}, nil
				})
				b.days = eod.NewService(d, b.loans, b.dispatcher, nil)
				fn(t, b)
			})
		})
	}
}

func (b *abroad) rates(t *testing.T, on, usd, jpy string) {
	t.Helper()
	parse := func(s string) rate.Rate { r, err := rate.Parse(s); require.NoError(t, err); return r }
	made, err := b.fx.Propose(t.Context(), b.staff.Operations, fx.Rates{Date: date(on), Source: "test", Rates: []fx.Quote{{Currency: money.USD, Rate: parse(usd)}, {Currency: money.JPY, Rate: parse(jpy)}}})
	require.NoError(t, err)
	_, err = b.proposals.Approve(t.Context(), b.staff.Compliance, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
	require.NoError(t, err)
}

func (b *abroad) facility(t *testing.T, c money.Currency, limit int64) (f facility.Facility) {
	t.Helper()
	require.NoError(t, b.db.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) (err error) {
		f, err = facility.Open(t.Context(), tx, facility.Draft{
			FirmID: "firm_1", ApplicationID: "app_1", ContractID: tx.NewID("con"), ProductID: "trade-" + string(c), ProductVersion: 1, BranchID: "br_east",
			BranchPath: "/hq/east/", LimitMinor: limit, Currency: string(c), Rate: rate.FromBP(432), Revolving: true, ExpiresOn: date("2027-01-05"),
		})
		return err
	}))
	return f
}

func (b *abroad) draw(t *testing.T, f facility.Facility, minor int64, account string) loan.Loan {
	t.Helper()
	c := money.Currency(f.Currency)
	require.NoError(t, b.bank.Open(bank.Account{Number: account, Name: "出口企业", BalanceMinor: 50_000_00, Currency: f.Currency}))
	l, err := b.loans.Draw(t.Context(), b.staff.Manager, loan.DrawInput{FacilityID: f.ID, AmountMinor: minor, Currency: c, TenorMonths: 3, Method: loan.InterestOnly,
		PayeeName: "出口企业", PayeeAccount: account, Reference: "ref-" + account})
	require.NoError(t, err)
	_, err = b.dispatcher.Drain(t.Context())
	require.NoError(t, err)
	return l
}

func (b *abroad) until(t *testing.T, to string) {
	t.Helper()
	_, err := b.days.Until(t.Context(), b.staff.Operations, date(to), nil)
	require.NoError(t, err)
}

// books are the balances of one currency, debits positive.
func (b *abroad) books(t *testing.T, c money.Currency) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	require.NoError(t, b.db.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
		if _, err := loan.Verify(t.Context(), tx); err != nil {
			return err
		}
		today, err := tx.BusinessDate(t.Context())
		if err != nil {
			return err
		}
		trial, err := journal.Trial(t.Context(), tx, today)
		for _, l := range trial.Lines {
			if n := l.DebitMinor - l.CreditMinor; n != 0 && l.Currency == c {
				out[l.Code] = n
			}
		}
		return err
	}))
	return out
}

// settled is what the institution's account of a currency has at the bank beyond its opening balance.
func (b *abroad) settled(t *testing.T, c money.Currency) int64 {
	t.Helper()
	sum := int64(0)
	for _, p := range b.bank.Payments() {
		if p.Currency != string(c) || p.Status != bank.Executed {
			continue
		}
		if strings.HasPrefix(p.FromAccount, "nostro") {
			sum -= p.AmountMinor
		} else {
			sum += p.AmountMinor
		}
	}
	return sum
}

const (
	bankAccount = journal.Nostro
	loans       = journal.LoanPrincipal
	receivable  = journal.InterestReceivable
	income      = journal.InterestIncome
)

// 100,000.00 US dollars at 4.32 % earn 12.00 a day (actual/360). Interest is due on 5 February (31 days, 372.00) and
// 5 March (28 days, 336.00), the rest with the principal on 5 April. The books at 31 January: 26 days, 312.00, which at
// 7.1000 are 2,215.20 yuan of income. At 28 February 54 days: 648.00; the 336.00 of February are 2,419.20 yuan at
// 7.2000, and the 312.00 of January are worth 0.10 more each: a gain of 31.20. Dollars lent against dollars at the bank
// make no gain.
func TestADollarLoanFromDrawToRepaymentWithItsRevaluations(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, b *abroad) {
		b.rates(t, "2026-01-05", "7.0000", "0.0450")
		f := b.facility(t, money.USD, 150_000_00)
		l := b.draw(t, f, 100_000_00, "US-1")
		require.Equal(t, map[string]int64{bankAccount: -100_000_00, loans: 100_000_00}, b.books(t, money.USD))
		require.Equal(t, int64(-100_000_00), b.settled(t, money.USD))
		require.Empty(t, b.books(t, money.CNY))

		b.until(t, "2026-01-31")
		require.Equal(t, map[string]int64{bankAccount: -100_000_00, loans: 100_000_00, receivable: 312_00, income: -312_00}, b.books(t, money.USD))
		b.rates(t, "2026-01-31", "7.1000", "0.0480")
		r, err := b.fx.Revalue(t.Context(), b.staff.Operations, date("2026-01-31"))
		require.NoError(t, err)
		require.Zero(t, r.ResultMinor)
		require.Equal(t, int64(-2215_20), b.books(t, money.CNY)[income])

		b.until(t, "2026-02-28")
		require.Equal(t, int64(-100_000_00+372_00), b.settled(t, money.USD), "the night of 5 February collected the interest in dollars")
		require.Equal(t, int64(276_00), b.books(t, money.USD)[receivable], "23 days since")
		b.rates(t, "2026-02-28", "7.2000", "0.0500")
		r, err = b.fx.Revalue(t.Context(), b.staff.Operations, date("2026-02-28"))
		require.NoError(t, err)
		require.Equal(t, int64(31_20), r.ResultMinor)
		require.Equal(t, int64(-2215_20-2419_20), b.books(t, money.CNY)[income])

		b.until(t, "2026-04-06")
		d, err := b.loans.Get(t.Context(), b.staff.Manager, l.ID)
		require.NoError(t, err)
		require.Equal(t, loan.Settled, d.Status)
		require.Equal(t, int64(372_00+336_00+372_00), d.Totals.PaidInterestMinor)
		require.Equal(t, int64(1080_00), b.settled(t, money.USD))
		got := b.books(t, money.USD)
		require.Equal(t, []int64{1080_00, 0, 0}, []int64{got[bankAccount], got[loans], got[receivable]})
		require.NoError(t, b.db.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			f, err := facility.ByID(t.Context(), tx, f.ID)
			require.Zero(t, f.UtilisedMinor, "repaid dollars give room in dollars")
			return err
		}))
	})
}

// The yen has no decimals: 1,234,567 yen at 4.32 % earn 148.14804 a day, rounded to whole yen once a period: 4,593 for 31
// days, 4,148 for 28. At 31 January 26 days are 3,852 yen, 184.90 yuan at 0.0480. At 28 February the books say 8,000 yen
// (4,593 and 3,407 for 23 days), worth 400.00 yuan at 0.0500, of which 184.90 and 207.40 stand there: a gain of 7.70.
func TestAYenLoanIsKeptInWholeYen(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, b *abroad) {
		b.rates(t, "2026-01-05", "7.0000", "0.0450")
		l := b.draw(t, b.facility(t, money.JPY, 2_000_000), 1_234_567, "JP-1")
		b.until(t, "2026-01-06")
		require.Equal(t, int64(148), b.books(t, money.JPY)[receivable])
		b.until(t, "2026-01-31")
		require.Equal(t, int64(-3852), b.books(t, money.JPY)[income])
		b.rates(t, "2026-01-31", "7.1000", "0.0480")
		_, err := b.fx.Revalue(t.Context(), b.staff.Operations, date("2026-01-31"))
		require.NoError(t, err)
		require.Equal(t, int64(-184_90), b.books(t, money.CNY)[income])
		b.until(t, "2026-02-28")
		b.rates(t, "2026-02-28", "7.2000", "0.0500")
		r, err := b.fx.Revalue(t.Context(), b.staff.Operations, date("2026-02-28"))
		require.NoError(t, err)
		require.Equal(t, int64(7_70), r.ResultMinor)
		require.Equal(t, int64(-184_90-207_40), b.books(t, money.CNY)[income])
		b.until(t, "2026-04-06")
		d, err := b.loans.Get(t.Context(), b.staff.Manager, l.ID)
		require.NoError(t, err)
		require.Equal(t, loan.Settled, d.Status)
		require.Equal(t, int64(4593+4148+4593), d.Totals.PaidInterestMinor)
		require.Equal(t, int64(13_334), b.settled(t, money.JPY))
	})
}

// What a currency does not allow is refused, and says which one it should be.
func TestCurrenciesAreNotMixed(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, b *abroad) {
		usd := b.facility(t, money.USD, 1_500_000_00)
		ask := loan.DrawInput{FacilityID: usd.ID, AmountMinor: 100_00, Currency: money.CNY, TenorMonths: 3, Method: loan.InterestOnly, PayeeName: "甲", PayeeAccount: "US-1", Reference: "r1"}
		_, err := b.loans.Draw(t.Context(), b.staff.Manager, ask)
		require.True(t, fault.Is(err, loan.ReasonCurrency), err)
		require.Contains(t, err.Error(), "must be USD, not CNY")

		// Whether a loan must be paid to the supplier is a question of its worth in yuan.
		ask.Currency = ""
		_, err = b.loans.Draw(t.Context(), b.staff.Manager, ask)
		require.True(t, fault.Is(err, fx.ReasonRateMissing), err)
		b.rates(t, "2026-01-05", "7.0000", "0.0450")
		ask.AmountMinor = 1_428_571_44 // 10,000,000.08 yuan
		_, err = b.loans.Draw(t.Context(), b.staff.Manager, ask)
		require.True(t, fault.Is(err, loan.ReasonEntrusted), err)
		ask.AmountMinor = 1_428_571_42 // 9,999,999.94 yuan
		_, err = b.loans.Draw(t.Context(), b.staff.Manager, ask)
		require.NoError(t, err)
		over := ask
		over.AmountMinor, over.Reference = 100_000_00, "r2"
		over.Entrusted, over.Purpose, over.RepayAccount = true, "订单", "US-2"
		_, err = b.loans.Draw(t.Context(), b.staff.Manager, over)
		require.True(t, fault.Is(err, facility.ReasonLimitExceeded), err)
		require.Contains(t, err.Error(), "USD")

		// The customer's account is in yuan: the bank does not exchange, and the limit is given back.
		require.NoError(t, b.bank.Open(bank.Account{Number: "CN-1", Name: "甲", Currency: "CNY"}))
		wrong := ask
		wrong.AmountMinor, wrong.PayeeAccount, wrong.Reference = 1_000_00, "CN-1", "r3"
		l, err := b.loans.Draw(t.Context(), b.staff.Manager, wrong)
		require.NoError(t, err)
		_, err = b.dispatcher.Drain(t.Context())
		require.NoError(t, err)
		d, err := b.loans.Get(t.Context(), b.staff.Manager, l.ID)
		require.NoError(t, err)
		require.Equal(t, loan.CancelledOut, d.Status)
		require.NoError(t, b.db.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			o, _, err := payment.ByKey(t.Context(), tx, "draw:"+usd.ID+":r3")
			require.Contains(t, o.Reason, bank.RejectCurrency)
			return err
		}))
	})
}

// What a firm owes in dollars counts against its limits in yuan at the day's rate, and the other way round.
func TestExposureIsConverted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := &abroad{bundle: &bundle{db: d, staff: dbtest.Institution(t, d)}, proposals: proposal.NewService(d)}
		b.fx = fx.NewService(d, b.proposals)
		b.facility(t, money.USD, 10_000_00)
		b.facility(t, money.CNY, 50_000_00)
		limit := func(in money.Currency) (minor int64, err error) {
			err = d.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) (err error) {
				minor, _, err = facility.Exposure(t.Context(), tx, "firm_1", in)
				return err
			})
			return minor, err
		}
		_, err := limit(money.CNY)
		require.True(t, fault.Is(err, fx.ReasonRateMissing), err)
		b.rates(t, "2026-01-05", "7.0000", "0.0500")
		for in, want := range map[money.Currency]int64{money.CNY: 120_000_00, money.USD: 17_142_86, money.JPY: 2_400_000} {
			got, err := limit(in)
			require.NoError(t, err)
			require.Equal(t, want, got, in)
		}
	})
}
