package loan_test

import (
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/lending/loan"
)

// owed is one debt of the table: a bucket's name without its age, its age, and
// the instalment it belongs to (-1 for what belongs to none).
type owed struct {
	what, age string
	row       int
	amount    int64
}

// table lists what a loan owes on a day, oldest first, as a clerk would write it down.
func table(s *loan.State, prepay bool) []owed {
	var list []owed
	due := s.Due()
	matured := s.Next >= len(s.Rows)
	list = append(list, owed{"fee", "any", -1, due.FeeMinor}, owed{"compound", "any", -1, due.CompoundMinor}, owed{"penalty", "any", -1, due.PenaltyMinor})
	var billed, open int64
	for i, r := range s.Rows[:s.Next] {
		age := "due"
		if r.DueDate.Before(s.AsOf) {
			age = "past_due"
		}
		interest, principal := r.InterestMinor-r.PaidInterestMinor-r.WaivedInterestMinor, r.PrincipalMinor-r.PaidPrincipalMinor-r.WaivedPrincipalMinor
		list = append(list, owed{"interest", age, i, interest}, owed{"principal", age, i, principal})
		billed, open = billed+interest, open+principal
	}
	if prepay || matured {
		list = append(list, owed{"interest", "in_advance", -1, s.Payoff().InterestMinor - billed})
	}
	if prepay {
		list = append(list, owed{"principal", "in_advance", -1, s.Principal() - open})
	}
	return list
}

// pay spreads money over the table by hand.
func pay(list []owed, order []loan.Bucket, byInstalment bool, left int64, rows int) loan.Allocation {
	var a loan.Allocation
	part := func(o *owed) {
		v := min(left, o.amount)
		o.amount -= v
		left -= v
		switch o.what {
		case "fee":
			a.FeeMinor += v
		case "compound":
			a.CompoundMinor += v
		case "penalty":
			a.PenaltyMinor += v
		case "interest":
			a.InterestMinor += v
		case "principal":
			a.PrincipalMinor += v
		}
	}
	turn := func(b loan.Bucket, takes func(o owed) bool) {
		age, what := "in_advance", strings.TrimPrefix(string(b), "in_advance_")
		if w, ok := strings.CutPrefix(string(b), "past_due_"); ok {
			age, what = "past_due", w
		} else if w, ok := strings.CutPrefix(string(b), "due_"); ok {
			age, what = "due", w
		}
		for i := range list {
			o := &list[i]
			same := o.what == what || (what == "penalty" && o.what == "compound")
			if same && (o.age == age || (o.age == "any" && age != "in_advance")) && takes(*o) {
				part(o)
			}
		}
	}
	if byInstalment {
		for i := range rows {
			for _, b := range order {
				turn(b, func(o owed) bool { return o.row == i || (i == 0 && o.age == "any") })
			}
		}
	}
	for _, b := range order {
		turn(b, func(o owed) bool { return !byInstalment || o.row < 0 })
	}
	a.CreditMinor = left
	return a
}

// A payment follows its table, whatever the order of the table.
func TestPaymentsFollowTheirTable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		live(t, func(before, _ *loan.State, e loan.Event, a loan.Allocation) {
			if e.Kind != loan.Repaid || before.Status == loan.WrittenOffOut {
				return
			}
			if before.Terms.Arrears != loan.ArrearsPenalty && before.Terms.Arrears != loan.ArrearsCarry {
				return // the event itself charges arrears, so the day before it is not the day of it
			}
			order := before.Terms.Order.Accrual
			switch {
			case before.NonAccrual && len(before.Terms.Order.NonAccrual) > 0:
				order = before.Terms.Order.NonAccrual
			case before.NonAccrual:
				order = strictlyPrincipal
			case len(order) == 0:
				order = usual
			}
			prepay := e.Prepay || e.Detail.Strategy != ""
			how := e.Detail.Strategy
			if how == "" {
				how = before.Terms.Prepayment
			}
			if prepay && how == loan.NextInstalments && before.Terms.Arrears == loan.ArrearsCarry && before.Terms.Order.ByInstalment {
				return // the running row is closed whole: TestStoryOfAnInstalmentPaidAhead
			}
			want := pay(table(before, prepay), order, before.Terms.Order.ByInstalment, e.AmountMinor, before.Next)
			require.Equal(t, want, a)
		})
	})
}

// The usual orders, written out: costs, penalty, interest, principal; and for a
// loan that earns no income principal before interest.
var (
	usual = []loan.Bucket{
		"past_due_fee", "due_fee", "past_due_penalty", "due_penalty", "past_due_interest", "due_interest", "past_due_principal", "due_principal",
		"in_advance_fee", "in_advance_penalty", "in_advance_interest", "in_advance_principal",
	}
	strictlyPrincipal = []loan.Bucket{
		"past_due_fee", "due_fee", "past_due_principal", "due_principal", "past_due_interest", "due_interest", "past_due_penalty", "due_penalty",
		"in_advance_fee", "in_advance_penalty", "in_advance_principal", "in_advance_interest",
	}
)

// Four orders by hand on one loan: 120,000.00 at 4.35 %, first instalment of
// 40,000.00 and 449.50 unpaid since 15 February, a fee of 25.00, ten days of
// penalty 72.56 and compound interest 0.82; 500.00 come in on 25 February.
func TestFourOrdersByHand(t *testing.T) {
	t.Parallel()
	tt := terms(fen("120000"), 435, 3, loan.EqualPrincipal)
	tt.PenaltyRate = rate.FromBP(653)
	rest := []loan.Bucket{"due_fee", "due_penalty", "due_interest", "due_principal", "in_advance_fee", "in_advance_penalty", "in_advance_interest", "in_advance_principal"}
	for name, x := range map[string]struct {
		order []loan.Bucket
		want  loan.Allocation
	}{
		// 25.00 + 0.82 + 72.56 + the rest 401.62 of the interest
		"costs, penalty, interest": {nil, loan.Allocation{FeeMinor: fen("25"), CompoundMinor: fen("0.82"), PenaltyMinor: fen("72.56"), InterestMinor: fen("401.62")}},
		"principal first":          {[]loan.Bucket{"past_due_principal", "past_due_interest", "past_due_penalty", "past_due_fee"}, loan.Allocation{PrincipalMinor: fen("500")}},
		// 449.50 of interest, then 25.00 of the fee, 0.82 + 24.68 of penalty
		"interest, fee, penalty": {[]loan.Bucket{"past_due_interest", "past_due_fee", "past_due_penalty", "past_due_principal"}, loan.Allocation{InterestMinor: fen("449.50"), FeeMinor: fen("25"), CompoundMinor: fen("0.82"), PenaltyMinor: fen("24.68")}},
		// 73.38 of penalty and compound, 426.62 of principal
		"penalty, principal": {[]loan.Bucket{"past_due_penalty", "past_due_principal", "past_due_interest", "past_due_fee"}, loan.Allocation{CompoundMinor: fen("0.82"), PenaltyMinor: fen("72.56"), PrincipalMinor: fen("426.62")}},
	} {
		tt.Order = loan.Order{}
		if x.order != nil {
			tt.Order.Accrual = append(append([]loan.Bucket{}, x.order...), rest...)
		}
		require.NoError(t, tt.Validate(), name)
		s, err := loan.Replay(tt, append(disbursed(tt), loan.Event{Seq: 2, Kind: loan.FeeCharged, Date: date("2026-02-20"), AmountMinor: fen("25")}), date("2026-02-25"))
		require.NoError(t, err)
		a, err := s.Apply(loan.Event{Kind: loan.Repaid, Date: date("2026-02-25"), AmountMinor: fen("500")})
		require.NoError(t, err)
		require.Equal(t, x.want, a, name)
	}
}

// Penalty, compound interest and misuse by a second formula: day by day and
// instalment by instalment, in fractions, rounded at the end.
func TestPenaltyBySecondFormula(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tt := anyTerms(t)
		tt.Compounding = rapid.SampledFrom([]loan.Compounding{loan.CompoundPenalty, loan.CompoundContract, loan.CompoundNone}).Draw(t, "compounding")
		until := tt.Start.AddDays(rapid.IntRange(0, 900).Draw(t, "days"))
		events := disbursed(tt)
		var misused calendar.Date
		if rapid.Bool().Draw(t, "misused") {
			misused = tt.Start.AddDays(rapid.IntRange(0, 400).Draw(t, "found"))
			events = append(events, loan.Event{Seq: 2, Kind: loan.Misused, Date: misused})
		}
		s, err := loan.Replay(tt, events, until)
		require.NoError(t, err)
		penalty, compound := new(big.Rat), new(big.Rat)
		night := func(sum *big.Rat, amount int64, r rate.Rate) {
			sum.Add(sum, big.NewRat(1, 1).Mul(big.NewRat(amount, 360), big.NewRat(int64(r), rate.Scale)))
		}
		for d := tt.Start; d.Before(until); d = d.AddDays(1) {
			misuse := rate.Rate(0)
			if !misused.IsZero() && !d.Before(misused) {
				misuse = 2 * tt.AnnualRate
			}
			running := tt.PrincipalMinor
			matured := true
			for _, r := range s.Rows {
				if d.Before(r.DueDate) {
					matured = false
				}
			}
			for _, r := range s.Rows {
				if d.Before(r.DueDate.AddDays(tt.GraceDays)) {
					continue
				}
				running -= r.PrincipalMinor
				night(penalty, r.PrincipalMinor, max(tt.PenaltyRate, misuse))
				switch {
				case tt.Compounding == loan.CompoundNone:
				case tt.Compounding == loan.CompoundContract && !matured:
					night(compound, r.InterestMinor, tt.AnnualRate)
				default:
					night(compound, r.InterestMinor, max(tt.PenaltyRate, misuse))
				}
			}
			if misuse > tt.AnnualRate {
				night(penalty, running, misuse-tt.AnnualRate)
			}
		}
		require.Equal(t, halfUp(penalty), s.Totals.PenaltyAccruedMinor)
		require.Equal(t, halfUp(compound), s.Totals.CompoundAccruedMinor)
		require.Equal(t, money.HalfUp, tt.Rounding)
	})
}

func halfUp(v *big.Rat) int64 {
	x := new(big.Rat).Add(v, big.NewRat(1, 2))
	return new(big.Int).Quo(x.Num(), x.Denom()).Int64()
}
