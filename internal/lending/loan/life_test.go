package loan_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

var (
	allMethods    = []loan.Method{loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet, loan.Flat, loan.Custom, loan.Discount}
	allStrategies = []loan.Strategy{loan.UsualStrategy, loan.ReduceInstalment, loan.ReduceNext, loan.ReduceTerm, loan.NextInstalments, loan.LastInstalments, loan.EachInstalment, loan.ReduceNextTerm, loan.ReduceFollowing}
	allBases      = []daycount.Convention{daycount.Act360, daycount.Act365, daycount.Thirty360, daycount.ActActISDA, daycount.Act364, daycount.Thirty360Bond, daycount.Thirty360US, daycount.ActActDecember}
)

// richTerms draws terms with every rule the engine knows.
func richTerms(t *rapid.T) loan.Terms {
	tt := terms(rapid.Int64Range(1, 1e11).Draw(t, "principal"), rapid.Int64Range(0, 3600).Draw(t, "bp"), 1, rapid.SampledFrom(allMethods).Draw(t, "method"))
	tt.Start = date("2024-01-01").AddDays(rapid.IntRange(0, 900).Draw(t, "start"))
	tt.Basis = rapid.SampledFrom(allBases).Draw(t, "basis")
	tt.Rounding = money.Mode(rapid.IntRange(0, 5).Draw(t, "rounding"))
	tt.GraceDays = rapid.SampledFrom([]int{0, 0, 3, 15}).Draw(t, "grace")
	tt.Compounding = rapid.SampledFrom([]loan.Compounding{loan.CompoundPenalty, loan.CompoundContract, loan.CompoundNone}).Draw(t, "compounding")
	tt.Prepayment = rapid.SampledFrom(allStrategies).Draw(t, "strategy")
	tt.Arrears = rapid.SampledFrom([]loan.Arrears{loan.ArrearsPenalty, loan.ArrearsPenalty, loan.ArrearsPenalty, loan.ArrearsCarry, loan.ArrearsAtEvent, loan.ArrearsAtEventPeriod, loan.ArrearsAtEventCompound}).Draw(t, "arrears")
	tt.Order = anyOrder(t)
	anyPlan(t, &tt)
	return tt
}

func anyPlan(t *rapid.T, tt *loan.Terms) {
	p := &tt.Plan
	p.Unit = rapid.SampledFrom([]schedule.Unit{"", schedule.Month, schedule.Month, schedule.Day, schedule.Week, schedule.Year, schedule.Quarter20}).Draw(t, "unit")
	p.Every = rapid.IntRange(0, 3).Draw(t, "every")
	p.Count = rapid.IntRange(1, 14).Draw(t, "count")
	if p.Unit == schedule.Day {
		p.Every = rapid.IntRange(1, 20).Draw(t, "days")
	} else {
		tt.DueRule = calendar.Adjustment(rapid.IntRange(0, 1).Draw(t, "rule"))
	}
	if p.Unit == schedule.Year {
		p.Count, p.Every = min(p.Count, 5), 1
	}
	tt.TenorMonths = p.Count
	if p.Unit != schedule.Quarter20 && rapid.Bool().Draw(t, "by_period") {
		p.Accrual = schedule.ByPeriod
	}
	p.Level = rapid.SampledFrom([]schedule.LevelRule{"", schedule.Nearest, schedule.Rounded, schedule.RoundedOnce, schedule.FirstPeriod}).Draw(t, "level")
	p.MonthEnd = calendar.MonthEnd(rapid.IntRange(0, 1).Draw(t, "month_end"))
	if tt.Method == loan.Custom {
		left := tt.PrincipalMinor
		for range p.Count {
			v := rapid.Int64Range(0, left).Draw(t, "part")
			p.Principal = append(p.Principal, v)
			left -= v
		}
		p.Principal[p.Count-1] += left
	}
	if tt.Method == loan.Flat || p.Count == 1 || tt.Method == loan.Bullet || tt.Method == loan.Discount {
		return
	}
	p.GracePrincipal = rapid.SampledFrom([]int{0, 0, p.Count / 2}).Draw(t, "grace_principal")
	p.GraceInterest = rapid.SampledFrom([]int{0, 0, p.Count / 3}).Draw(t, "grace_interest")
	p.GraceRule = rapid.SampledFrom([]schedule.GraceRule{"", schedule.Defer, schedule.Capitalise, schedule.Waive}).Draw(t, "grace_rule")
	if rapid.Bool().Draw(t, "multiple") {
		p.MultipleMinor = 100
	}
	switch rapid.IntRange(0, 6).Draw(t, "shape") {
	case 0:
		if tt.Method == loan.EqualInstalment {
			for range p.Count {
				p.Weights = append(p.Weights, rapid.SampledFrom([]int64{0, 50, 100, 100, 150}).Draw(t, "weight"))
			}
		}
	case 1:
		p.BalloonMinor = rapid.Int64Range(0, tt.PrincipalMinor/2).Draw(t, "balloon")
	case 2:
		if tt.Method == loan.EqualInstalment {
			p.InAdvance, p.GracePrincipal, p.GraceInterest = true, 0, 0
			p.BalloonMinor = rapid.SampledFrom([]int64{0, tt.PrincipalMinor / 5}).Draw(t, "residual")
		}
	case 3:
		p.DownPayment = rate.FromBP(rapid.Int64Range(1, 5000).Draw(t, "down"))
	case 4:
		tt.Tranched = true
	}
}

func anyOrder(t *rapid.T) loan.Order {
	o := loan.Order{ByInstalment: rapid.Bool().Draw(t, "by_instalment")}
	if rapid.Bool().Draw(t, "own_order") {
		o.Accrual = rapid.Permutation(loan.Buckets()).Draw(t, "accrual")
		o.NonAccrual = rapid.Permutation(loan.Buckets()).Draw(t, "non_accrual")
	}
	return o
}

// anyEvent draws an event that a loan in this state could see; probe is the
// loan on the event's day.
func anyEvent(t *rapid.T, probe *loan.State, on calendar.Date) loan.Event {
	e := loan.Event{Date: on, Kind: rapid.SampledFrom([]loan.EventKind{
		loan.Repaid, loan.Repaid, loan.Repaid, loan.Repaid, loan.FeeCharged, loan.Waived, loan.RateChanged, loan.DueMoved, loan.Extended,
		loan.Restructured, loan.Accelerated, loan.Misused, loan.ChargedOff, loan.WrittenOff, loan.Transferred, loan.Refunded, loan.Disbursed,
	}).Draw(t, "kind")}
	d := &e.Detail
	newRate := func() {
		if rapid.Bool().Draw(t, "new_rate") {
			r := rate.FromBP(rapid.Int64Range(0, 3000).Draw(t, "rate_bp"))
			d.Rate = &r
		}
	}
	some := func(limit int64) int64 {
		if limit < 1 {
			return 1
		}
		return rapid.OneOf(rapid.Int64Range(1, limit), rapid.Just(limit), rapid.Int64Range(1, limit)).Draw(t, "amount")
	}
	switch e.Kind {
	case loan.Repaid:
		e.Prepay, d.Keep = rapid.Bool().Draw(t, "prepay"), rapid.Bool().Draw(t, "keep")
		limit := probe.Due().TotalMinor()
		if e.Prepay {
			d.Strategy = rapid.SampledFrom(allStrategies).Draw(t, "how")
			limit = probe.Payoff().TotalMinor()
		}
		e.AmountMinor = some(limit)
		if d.Keep {
			e.AmountMinor += rapid.SampledFrom([]int64{0, 0, 5}).Draw(t, "more")
		}
	case loan.FeeCharged:
		e.AmountMinor = rapid.Int64Range(1, 100_000).Draw(t, "fee")
	case loan.Waived:
		d.Component = rapid.SampledFrom([]loan.Component{loan.Fee, loan.Penalty, loan.Interest, loan.Principal, loan.Compound}).Draw(t, "component")
		p := probe.Payoff()
		e.AmountMinor = some(map[loan.Component]int64{loan.Fee: p.FeeMinor, loan.Penalty: p.PenaltyMinor, loan.Interest: p.InterestMinor, loan.Principal: p.PrincipalMinor, loan.Compound: p.CompoundMinor}[d.Component])
	case loan.RateChanged:
		r := rate.FromBP(rapid.Int64Range(0, 3000).Draw(t, "rate_bp"))
		d.Rate = &r
	case loan.DueMoved:
		if ahead := len(probe.Rows) - probe.Next; ahead > 0 {
			d.From = probe.Rows[probe.Next+rapid.IntRange(0, ahead-1).Draw(t, "row")].DueDate
		}
		d.To, d.Shift = d.From.AddDays(rapid.IntRange(-20, 40).Draw(t, "by")), rapid.Bool().Draw(t, "shift")
		d.GracePrincipal = rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "holiday")
	case loan.Extended:
		d.Count, d.Every = rapid.IntRange(1, 4).Draw(t, "more"), rapid.IntRange(0, 3).Draw(t, "months")
		newRate()
	case loan.Restructured:
		d.Count, d.Every = rapid.IntRange(1, 12).Draw(t, "instalments"), rapid.IntRange(0, 3).Draw(t, "months")
		d.GracePrincipal, d.Capitalise = rapid.IntRange(0, 2).Draw(t, "holiday"), rapid.Bool().Draw(t, "capitalise")
		d.Method = rapid.SampledFrom([]loan.Method{"", loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet}).Draw(t, "to")
		newRate()
	case loan.Transferred:
		e.AmountMinor, d.Holder = rapid.Int64Range(0, 1e9).Draw(t, "price"), "another bank"
	case loan.Refunded:
		e.AmountMinor = some(probe.Totals.CreditHeldMinor)
	case loan.Disbursed:
		e.AmountMinor = some(probe.Terms.PrincipalMinor - probe.Totals.DisbursedMinor)
	default:
	}
	return e
}

func clone(s loan.State) loan.State {
	s.Rows, s.Segments = slices.Clone(s.Rows), slices.Clone(s.Segments)
	s.PenaltyEarned, s.CompoundEarned = slices.Clone(s.PenaltyEarned), slices.Clone(s.CompoundEarned)
	return s
}

// life is a random loan with the events that were allowed.
type life struct {
	terms  loan.Terms
	events []loan.Event
	state  loan.State
}

// live draws a life; seen is told after every event.
func live(t *rapid.T, seen func(before, after *loan.State, e loan.Event, a loan.Allocation)) life {
	l := life{terms: richTerms(t)}
	if err := l.terms.Validate(); err != nil {
		t.Skip(err)
	}
	first := loan.Event{Seq: 1, Kind: loan.Disbursed, Date: l.terms.Start, AmountMinor: l.terms.PrincipalMinor}
	if l.terms.Tranched {
		first.AmountMinor = rapid.Int64Range(1, l.terms.PrincipalMinor).Draw(t, "tranche")
	}
	var err error
	l.events = []loan.Event{first}
	l.state, err = loan.Replay(l.terms, l.events, l.terms.Start)
	require.NoError(t, err)
	sound(t, &l.state)
	at := l.terms.Start
	for range rapid.IntRange(0, 10).Draw(t, "steps") {
		at = at.AddDays(rapid.IntRange(0, 50).Draw(t, "days"))
		probe := clone(l.state)
		require.NoError(t, probe.Advance(at))
		sound(t, &probe)
		e := anyEvent(t, &probe, at)
		e.Seq = int64(len(l.events) + 1)
		next := clone(l.state)
		a, err := next.Apply(e)
		if err != nil {
			require.NotEmpty(t, fault.All(err), "%s: %v", e.Kind, err)
			require.False(t, fault.Is(err, fault.ReasonInternal), "%s: %v", e.Kind, err)
			continue
		}
		sound(t, &next)
		l.state, l.events = next, append(l.events, e)
		if seen != nil {
			seen(&probe, &next, e, a)
		}
	}
	return l
}

// sound is what must be true of every loan at any time.
func sound(t *rapid.T, s *loan.State) {
	t.Helper()
	x := s.Totals
	for name, v := range map[string]int64{
		"principal": s.Principal(), "disbursed": x.DisbursedMinor, "accrued": x.InterestAccruedMinor, "penalty": x.PenaltyAccruedMinor, "compound": x.CompoundAccruedMinor,
		"capitalised": x.CapitalisedMinor, "credit": x.CreditHeldMinor, "suspended interest": x.SuspendedInterestMinor, "suspended penalty": x.SuspendedPenaltyMinor,
		"suspended compound": x.SuspendedCompoundMinor, "earned": x.EarnedMinor, "withheld": x.WithheldMinor - x.EarnedMinor, "claim": x.WrittenOffClaimMinor,
		"written off interest": x.WrittenOffInterestMinor, "sold interest": x.SoldInterestMinor, "settled": s.Settled, "deferred": s.Deferred,
		"interest owed": x.InterestAccruedMinor - x.PaidInterestMinor - x.WaivedInterestMinor - x.CapitalisedMinor,
	} {
		require.GreaterOrEqual(t, v, int64(0), name)
	}
	parts(t, s.Due())
	parts(t, s.Payoff())
	open := s.Status == loan.Active || s.Status == loan.Overdue
	if s.Status == loan.Settled {
		require.Zero(t, s.Principal())
		require.Zero(t, s.Payoff().TotalMinor())
	}
	var principal, interest int64
	grows := false // grace will make interest principal, which the plan shows already
	before := calendar.Date{}
	for i, r := range s.Rows {
		require.Equal(t, i+1, r.No)
		require.False(t, r.DueDate.Before(before), "row %d", i+1)
		before = r.DueDate
		for name, v := range map[string]int64{
			"principal": r.PrincipalMinor, "interest": r.InterestMinor, "paid principal": r.PaidPrincipalMinor, "paid interest": r.PaidInterestMinor, "balance": r.BalanceMinor,
			"open principal": r.PrincipalMinor - r.PaidPrincipalMinor - r.WaivedPrincipalMinor,
		} {
			require.GreaterOrEqual(t, v, int64(0), "row %d %s", i+1, name)
		}
		require.Equal(t, r.PrincipalMinor+r.InterestMinor, r.TotalMinor, "row %d", i+1)
		require.Equal(t, i < s.Next, r.Billed, "row %d", i+1)
		grows = grows || (!r.Billed && r.Holiday == schedule.Capitalise)
		principal += r.PrincipalMinor - r.PaidPrincipalMinor - r.WaivedPrincipalMinor
		if r.Billed {
			require.GreaterOrEqual(t, r.InterestMinor, r.PaidInterestMinor+r.WaivedInterestMinor)
			interest += r.InterestMinor - r.PaidInterestMinor - r.WaivedInterestMinor
		}
	}
	if open {
		if !grows {
			require.Equal(t, s.Principal(), principal, "the rows hold exactly the principal that is owed")
		}
		require.LessOrEqual(t, interest, x.InterestAccruedMinor-x.PaidInterestMinor-x.WaivedInterestMinor-x.CapitalisedMinor)
		require.Equal(t, x.InterestAccruedMinor-x.PaidInterestMinor-x.WaivedInterestMinor-x.CapitalisedMinor, s.Payoff().InterestMinor)
		require.Zero(t, s.Rows[len(s.Rows)-1].BalanceMinor, "nothing is left after the last row")
	}
}

func parts(t *rapid.T, a loan.Allocation) {
	t.Helper()
	for _, v := range []int64{a.FeeMinor, a.PenaltyMinor, a.CompoundMinor, a.InterestMinor, a.PrincipalMinor, a.CreditMinor, a.RecoveredMinor} {
		require.GreaterOrEqual(t, v, int64(0))
	}
}

// Whatever happens to a loan, its figures hold together, a payment's parts sum
// to it, replay says the same, and it can be settled.
func TestEveryLifeHoldsTogether(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, func(_, after *loan.State, e loan.Event, a loan.Allocation) {
			if e.Kind == loan.Repaid {
				require.Equal(t, e.AmountMinor, a.TotalMinor())
				parts(t, a)
			}
		})
		replayed, err := loan.Replay(l.terms, l.events, l.state.AsOf)
		require.NoError(t, err)
		require.Equal(t, l.state, replayed)
		settles(t, l.state)
	})
}

// settles pays a loan off, on its day and forty days later.
func settles(t *rapid.T, s loan.State) {
	for _, days := range []int{0, 40} {
		end := clone(s)
		if end.Status != loan.Active && end.Status != loan.Overdue {
			return
		}
		on := end.AsOf.AddDays(days)
		probe := clone(end)
		reach := probe.Terms.Arrears == loan.ArrearsPenalty || probe.Terms.Arrears == loan.ArrearsCarry
		if days > 0 && !reach {
			return // what is owed is known once something is recorded
		}
		require.NoError(t, probe.Advance(on))
		a, err := end.Apply(loan.Event{Kind: loan.Repaid, Date: on, AmountMinor: probe.Payoff().TotalMinor(), Prepay: true, Detail: loan.Particulars{Strategy: rapid.SampledFrom(allStrategies).Draw(t, "last")}})
		require.NoError(t, err)
		require.Equal(t, probe.Payoff().PrincipalMinor, a.PrincipalMinor)
		require.Equal(t, loan.Settled, end.Status)
		sound(t, &end)
		require.Equal(t, end.Totals.InterestAccruedMinor, end.Totals.PaidInterestMinor+end.Totals.WaivedInterestMinor+end.Totals.CapitalisedMinor)
		require.NoError(t, end.Advance(on.AddDays(400)))
		require.Zero(t, end.Payoff().TotalMinor())
	}
}

// Night by night or in one leap, after whatever has happened.
func TestEveryLifeAdvancesAlike(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, nil)
		days := rapid.IntRange(1, 500).Draw(t, "horizon")
		leap, walk := clone(l.state), clone(l.state)
		require.NoError(t, leap.Advance(l.state.AsOf.AddDays(days)))
		for d := range days {
			require.NoError(t, walk.Advance(l.state.AsOf.AddDays(d+1)))
		}
		require.Equal(t, leap, walk)
	})
}

// A state that was kept as JSON goes on like one that was not.
func TestKeptStatesGoOn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, nil)
		b, err := json.Marshal(l.state)
		require.NoError(t, err)
		var back loan.State
		require.NoError(t, json.Unmarshal(b, &back))
		at := l.state.AsOf.AddDays(rapid.IntRange(0, 200).Draw(t, "days"))
		probe := clone(l.state)
		require.NoError(t, probe.Advance(at))
		e := anyEvent(t, &probe, at)
		a, errA := l.state.Apply(e)
		b2, errB := back.Apply(e)
		require.Equal(t, errA == nil, errB == nil)
		if errA != nil {
			return
		}
		require.Equal(t, a, b2)
		x, err := json.Marshal(l.state)
		require.NoError(t, err)
		y, err := json.Marshal(back)
		require.NoError(t, err)
		require.JSONEq(t, string(x), string(y))
	})
}

// Events on different days may be recorded in any order.
func TestBackDatingCommutes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, nil)
		one := l.events[:1:1]
		for _, e := range l.events[1:] {
			if e.Date.After(one[len(one)-1].Date) {
				one = append(one, e)
			}
		}
		until := l.state.AsOf.AddDays(30)
		want, errWant := loan.Replay(l.terms, one, until)
		mixed := slices.Clone(one)
		seqs := rapid.Permutation(one).Draw(t, "recorded")
		for i := range mixed {
			mixed[i].Seq = seqs[i].Seq
		}
		slices.SortFunc(mixed, func(a, b loan.Event) int { return int(a.Seq - b.Seq) })
		got, errGot := loan.Replay(l.terms, mixed, until)
		require.Equal(t, errWant == nil, errGot == nil)
		if errWant == nil {
			require.Equal(t, want, got)
		}
	})
}

// An event that is taken back never was.
func TestReversalLeavesNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, nil)
		i := rapid.IntRange(0, len(l.events)-1).Draw(t, "which")
		gone := l.events[i]
		without := slices.Delete(slices.Clone(l.events), i, i+1)
		with := append(slices.Clone(l.events), loan.Event{Seq: int64(len(l.events) + 1), Kind: loan.Reversed, Date: l.state.AsOf, Detail: loan.Particulars{Of: gone.Seq}})
		until := l.state.AsOf.AddDays(20)
		got, errGot := loan.Replay(l.terms, with, until)
		if gone.Kind == loan.Disbursed || gone.Kind == loan.Transferred {
			require.True(t, fault.Is(errGot, loan.ReasonNotReversible), "%v", errGot)
			return
		}
		want, errWant := loan.Replay(l.terms, without, until)
		require.Equal(t, errWant == nil, errGot == nil, "%v %v", errWant, errGot)
		if errWant == nil {
			require.Equal(t, want, got)
			again := append(with, loan.Event{Seq: int64(len(with) + 1), Kind: loan.Reversed, Date: l.state.AsOf, Detail: loan.Particulars{Of: gone.Seq}})
			_, err := loan.Replay(l.terms, again, until)
			require.True(t, fault.Is(err, loan.ReasonNotReversible), "twice")
		}
	})
}
