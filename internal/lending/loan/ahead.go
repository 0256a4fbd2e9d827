package loan

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// lay replaces the rows ahead by a plan of the schedule engine.
func (s *State) lay(st schedule.Terms) error {
	if s.Terms.Method == Discount {
		st.Rate, st.Changes = 0, nil
	}
	first := 1
	if s.Next > 0 {
		first = s.Rows[s.Next-1].No + 1
	}
	planned, level, err := instalments(st, first)
	if err != nil {
		return err
	}
	rows := append([]Row(nil), s.Rows[:s.Next]...)
	before := len(planned) - st.Count // down payments, and the residual of a lease stand outside the count
	if st.InAdvance {
		before = 0
	}
	if len(st.Dates) > 0 {
		before = 0
	}
	s.Level, s.Less = level, 0
	for i, in := range planned {
		r := Row{Instalment: in}
		k := i - before
		if r.Down = k < 0; !r.Down {
			mark(&r, st, k, i == len(planned)-1)
		}
		rows = append(rows, r)
	}
	s.Rows = rows
	return nil
}

// mark tells a row what the plan has for instalment k beside its amounts.
func mark(r *Row, st schedule.Terms, k int, last bool) {
	if k < st.GraceInterest {
		r.Holiday = st.GraceRule
		if r.Holiday == "" {
			r.Holiday = schedule.Defer
		}
	}
	r.NoPrincipal = k < st.GracePrincipal || (k < len(st.Skip) && st.Skip[k])
	switch {
	case k < len(st.Weights) && st.Weights[k] == 0, last && st.InAdvance && st.BalloonMinor > 0:
		r.Weight = noWeight
	case k < len(st.Weights) && st.Weights[k] != 100:
		r.Weight = st.Weights[k]
	}
}

// ahead are the terms of the rows that are not billed, as a plan of their own:
// same dates, what is left of grace and steps, and the running period with what
// it has earned.
func (s *State) ahead(from int) (schedule.Terms, error) {
	st := s.Terms.layout()
	rows := s.Rows[from:]
	if len(rows) == 0 {
		return st, fault.New(fault.ReasonInternal)
	}
	st.Dates = make([]calendar.Date, len(rows))
	st.Weights, st.Principal, st.DownPayment, st.InAdvance, st.Changes = nil, nil, 0, false, nil
	st.GracePrincipal, st.GraceInterest, st.FirstDue = 0, 0, calendar.Date{}
	steps, holiday := false, false
	for i, r := range rows {
		st.Dates[i] = r.DueDate
		steps = steps || r.Weight != 0
		if r.NoPrincipal && i < len(rows)-1 {
			if i == st.GracePrincipal {
				st.GracePrincipal++
			} else {
				holiday = true
			}
		}
		if r.Holiday != "" && i == st.GraceInterest && i < len(rows)-1 {
			st.GraceInterest++
			st.GraceRule = r.Holiday
		}
	}
	for _, r := range rows {
		if steps {
			st.Weights = append(st.Weights, r.weight())
		}
		if holiday {
			st.Skip = append(st.Skip, r.NoPrincipal)
		}
		if st.Method == schedule.Custom {
			st.Principal = append(st.Principal, r.PrincipalMinor-r.PaidPrincipalMinor)
		}
	}
	if st.Method == schedule.Payments {
		st.Payments = make([]int64, len(rows))
		for i := range rows {
			st.Payments[i] = max(s.demand(from+i)-rows[i].PaidPrincipalMinor, 0)
		}
	}
	if st.Level == schedule.FirstPeriod {
		st.LevelFrom, st.LevelTo = s.Terms.Start, s.Terms.layout().DueDates()[0]
	}
	st.Count, st.Rate = len(rows), s.Rate
	st.Start = later(s.AsOf, s.Terms.Start)
	if from > s.Next { // the running row is left as it is
		st.Start = s.Rows[from-1].DueDate
		return st, nil
	}
	// Interest that grace deferred is paid first; the rest of what is paid belongs to the running period.
	st.Opening = schedule.Opening{From: s.periodStart(), PaidMinor: max(s.Settled-s.Deferred, 0)}
	for _, x := range s.Segments {
		num, _ := s.fraction(x.From, x.To)
		st.Opening.Earned = append(st.Opening.Earned, schedule.Earned{Product: x.BalanceMinor, Times: num, Rate: x.Rate})
	}
	return st, nil
}

// replan lays the principal that is not due over the remaining dates again.
func (s *State) replan() error { return s.replanFrom(s.Next, s.unbilled()) }

// replanFrom plans the rows from an index on for a principal.
func (s *State) replanFrom(from int, principal int64) error {
	if from >= len(s.Rows) {
		return nil
	}
	if s.Terms.Method == Flat {
		return s.flatten(principal) // flat interest was agreed on the principal lent
	}
	st, err := s.ahead(from)
	if err != nil {
		return err
	}
	st.Tranches = []schedule.Tranche{{Date: st.Start, AmountMinor: principal}}
	st.BalloonMinor = min(st.BalloonMinor, principal)
	if st.Method == schedule.Custom {
		fit(st.Principal, principal)
	}
	before, next := s.Rows, s.Next
	s.Next = from // lay keeps what stands before
	err = s.lay(st)
	s.Next = next
	if err != nil {
		return err
	}
	s.takeOver(before, from)
	return nil
}

// takeOver carries into a new plan of the same rows what the plan does not know:
// the days of their periods, what was paid ahead, and interest that grace deferred.
func (s *State) takeOver(before []Row, from int) {
	deferred, paid := s.Deferred, int64(0)
	for i := from; i < len(s.Rows); i++ {
		r := &s.Rows[i]
		r.Days, r.PaidPrincipalMinor, r.Sales = before[i].Days, before[i].PaidPrincipalMinor, before[i].Sales
		r.PrincipalMinor += r.PaidPrincipalMinor
		if deferred > 0 && r.Holiday == "" && from == s.Next {
			r.InterestMinor += deferred
			deferred = 0
		}
		r.TotalMinor = r.PrincipalMinor + r.InterestMinor
	}
	for i := len(s.Rows) - 1; i >= from; i-- {
		s.Rows[i].BalanceMinor += paid
		paid += s.Rows[i].PaidPrincipalMinor
	}
}

// flatten spreads principal evenly over the rows ahead of a flat loan, unless
// they hold it as they are.
func (s *State) flatten(principal int64) error {
	var held, n int64
	for i := s.Next; i < len(s.Rows); i++ {
		r := &s.Rows[i]
		held += r.openPrincipal()
		if !r.NoPrincipal || i == len(s.Rows)-1 {
			n++
		}
		if r.PrincipalMinor == 0 && !r.NoPrincipal {
			held = -1 << 62 // a new row has nothing yet
		}
	}
	if held != principal && n > 0 {
		each, err := money.MulDiv(principal, 1, n*max(s.Terms.Plan.MultipleMinor, 1), s.Terms.Rounding)
		if err != nil {
			return err
		}
		for i := s.Next; i < len(s.Rows); i++ {
			if r := &s.Rows[i]; !r.NoPrincipal {
				r.PrincipalMinor = r.PaidPrincipalMinor + each*max(s.Terms.Plan.MultipleMinor, 1)
			}
		}
	}
	return s.relay(0)
}

// fit makes a plan of amounts sum to a principal: the last ones give way first.
func fit(amounts []int64, principal int64) {
	var sum int64
	for _, v := range amounts {
		sum += v
	}
	for i := len(amounts) - 1; i >= 0 && sum > principal; i-- {
		cut := min(amounts[i], sum-principal)
		amounts[i] -= cut
		sum -= cut
	}
	if len(amounts) > 0 && sum < principal {
		amounts[len(amounts)-1] += principal - sum
	}
}

// relay walks the rows ahead with the level payment kept. Interest follows the
// balance that is really owed; pool is money just paid ahead, which the nearest
// rows take. What was paid ahead stays with its row.
func (s *State) relay(pool int64) error {
	balance := s.unbilled() // what earns interest from AsOf on
	shown := balance + pool // what the rows show as not yet due
	theirs := int64(0)      // what later rows have been paid ahead
	for i := s.Next; i < len(s.Rows); i++ {
		theirs += s.Rows[i].PaidPrincipalMinor
	}
	shown += theirs
	from := s.periodStart()
	deferred, less := s.Deferred, s.Less
	for i := s.Next; i < len(s.Rows); i++ {
		r := &s.Rows[i]
		interest, err := s.expected(i, from, balance)
		if err != nil {
			return err
		}
		own := interest
		switch {
		case r.Holiday != "":
			own = 0
		case r.PaidAhead:
			own = s.Settled
		case s.Terms.Plan.GraceInterest == 0:
			own += deferred
		}
		switch r.Holiday {
		case schedule.Defer:
			deferred += interest
			interest = 0
		case schedule.Capitalise:
			balance, shown, interest = balance+interest, shown+interest, 0
		case schedule.Waive:
			interest = 0
		default:
			interest += deferred
			deferred = 0
			if r.PaidAhead {
				interest, deferred = s.Settled, max(interest-s.Settled, 0)
			}
		}
		theirs -= r.PaidPrincipalMinor
		principal := r.PrincipalMinor + r.LessMinor
		if r.level(s.Terms.Method) {
			principal = s.payment(r) - own
		}
		principal = s.lessened(r, less, principal)
		less -= r.LessMinor
		if i == len(s.Rows)-1 {
			principal = shown
		}
		principal = max(min(principal, shown-theirs), r.PaidPrincipalMinor)
		r.PaidPrincipalMinor += take(&pool, principal-r.PaidPrincipalMinor)
		balance -= min(principal-r.PaidPrincipalMinor, balance)
		shown -= principal
		r.PrincipalMinor, r.InterestMinor, r.TotalMinor, r.BalanceMinor = principal, interest, principal+interest, shown
		from = r.DueDate
	}
	return nil
}

// expected is the interest of row i if the balance stays as it is until its due
// date; the running row adds what it has earned.
func (s *State) expected(i int, from calendar.Date, balance int64) (int64, error) {
	r := &s.Rows[i]
	if s.Terms.Method == Flat {
		return r.InterestMinor, nil
	}
	if r.Holiday == schedule.Waive || s.Stopped {
		return 0, nil
	}
	if i == s.Next {
		return s.periodInterest(r.DueDate, Segment{From: s.AsOf, To: r.DueDate, BalanceMinor: balance, Rate: s.Rate})
	}
	num, den := s.share(from, r.DueDate, from, r.DueDate)
	return rate.Interest(balance, s.Rate, num, den, s.Terms.Rounding)
}

// prepaid applies the strategy of a prepayment to the rows ahead.
func (s *State) prepaid(future int64, strategy Strategy) error {
	if strategy == UsualStrategy {
		strategy = s.Terms.Prepayment
	}
	if s.Terms.Method == SalesShare { // sales say what the instalments are: money paid ahead counts to the running one, or ends the loan sooner
		if strategy == ReduceNext && s.Next < len(s.Rows) {
			s.Rows[s.Next].PaidPrincipalMinor += future
		}
		return s.replan()
	}
	switch strategy {
	case NextInstalments:
		if s.closes(NextInstalments) && s.periodOwed() == 0 && future >= s.closing() {
			s.Rows[s.Next].PaidAhead = true
		}
		return s.relay(future)
	case LastInstalments:
		for i := len(s.Rows) - 1; i >= s.Next && future > 0; i-- {
			r := &s.Rows[i]
			r.PaidPrincipalMinor += take(&future, r.PrincipalMinor-r.PaidPrincipalMinor)
		}
		return s.relay(0)
	case ReduceTerm:
		return s.shorten()
	case EachInstalment:
		return s.evenly(future)
	case ReduceNext, ReduceNextTerm, ReduceFollowing:
		return s.absorb(future, strategy)
	case ReduceInstalment, UsualStrategy:
		return s.replan()
	default:
		return s.replan()
	}
}

// closes reports that money ahead of its date pays the running row whole before
// it goes to the next one: level payments, interest carried, an instalment at a time.
func (s *State) closes(how Strategy) bool {
	return how == NextInstalments && s.Terms.Arrears == ArrearsCarry && s.Terms.Order.ByInstalment && s.Next < len(s.Rows) &&
		s.Rows[s.Next].level(s.Terms.Method) && s.Rows[s.Next].Holiday == ""
}

// closing is the principal that closes the running row today: its payment less
// the interest up to now.
func (s *State) closing() int64 {
	r := &s.Rows[s.Next]
	return max(s.payment(r)-s.periodOwed()-s.Settled-r.PaidPrincipalMinor, 0)
}

// shorten keeps the payment and lets the loan end sooner. Principal of equal
// instalments follows from the level; other plans lose their last rows.
func (s *State) shorten() error {
	if err := s.relay(0); err != nil {
		return err
	}
	last := len(s.Rows)
	for last > s.Next+1 && s.Rows[last-1].PrincipalMinor == 0 && s.Rows[last-2].BalanceMinor == 0 {
		last--
	}
	s.Rows = s.Rows[:last]
	return s.relay(0)
}

// evenly pays the same part of every instalment ahead; the last one takes what
// rounding leaves, and what an instalment cannot take goes to those before it.
func (s *State) evenly(future int64) error {
	n := int64(len(s.Rows) - s.Next)
	if n == 0 {
		return nil
	}
	each, err := money.MulDiv(future, 1, n, s.Terms.Rounding)
	if err != nil {
		return err
	}
	for i := s.Next; i < len(s.Rows) && future > 0; i++ {
		part := min(each, future)
		if i == len(s.Rows)-1 {
			part = future
		}
		r := &s.Rows[i]
		part = min(part, max(r.PrincipalMinor-r.PaidPrincipalMinor, 0))
		r.PaidPrincipalMinor += part
		future -= part
	}
	for i := len(s.Rows) - 1; i >= s.Next; i-- {
		r := &s.Rows[i]
		r.PaidPrincipalMinor += take(&future, r.PrincipalMinor-r.PaidPrincipalMinor)
	}
	return s.relay(0)
}

// absorb counts the money as part of the instalment that is due today, or else
// of the running one, and lowers those after it as the strategy says.
func (s *State) absorb(future int64, strategy Strategy) error {
	if i := s.Next - 1; i >= 0 && s.Rows[i].DueDate == s.AsOf {
		r := &s.Rows[i]
		r.PrincipalMinor += future
		r.PaidPrincipalMinor += future
		r.TotalMinor += future
		r.BalanceMinor = s.unbilled() // a tranche of today counts too
		for k := s.Next; k < len(s.Rows); k++ {
			r.BalanceMinor += s.Rows[k].PaidPrincipalMinor
		}
		switch strategy { //nolint:exhaustive // the strategies of absorb
		case ReduceNextTerm:
			return s.shorten()
		case ReduceFollowing:
			s.Less += future
			return s.relay(0)
		default:
			return s.replan()
		}
	}
	if s.Next >= len(s.Rows) {
		return nil
	}
	r := &s.Rows[s.Next]
	planned := r.PrincipalMinor
	r.PaidPrincipalMinor += future
	r.PrincipalMinor = max(r.PrincipalMinor, r.PaidPrincipalMinor)
	switch strategy { //nolint:exhaustive // the strategies of absorb
	case ReduceNextTerm:
		return s.shorten()
	case ReduceFollowing:
		s.Less += r.PrincipalMinor - planned
		return s.relay(0)
	default:
	}
	rest := s.unbilled() - r.openPrincipal()
	if err := s.replanFrom(s.Next+1, rest); err != nil {
		return err
	}
	return s.retotal()
}

// retotal recomputes interest and total of the running row alone.
func (s *State) retotal() error {
	r := &s.Rows[s.Next]
	interest, err := s.expected(s.Next, s.periodStart(), s.unbilled())
	if err != nil {
		return err
	}
	if s.Next == len(s.Rows)-1 {
		r.PrincipalMinor = s.unbilled() + r.PaidPrincipalMinor
	}
	r.InterestMinor = interest
	r.TotalMinor = r.PrincipalMinor + interest
	r.BalanceMinor = s.unbilled() - r.openPrincipal()
	return nil
}
