package loan

import (
	"slices"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// changeRate takes a new yearly rate from AsOf on. A penalty rate that is not
// given keeps its proportion to the contract rate. Instalments ahead are planned
// again; flat interest was agreed for the whole term and stays.
func (s *State) changeRate(d Particulars) error {
	if d.Rate == nil || *d.Rate < 0 || *d.Rate > rate.Scale {
		return fault.Field("rate", "须在0与1之间", "must lie between 0 and 1")
	}
	penalty := s.PenaltyRate
	switch {
	case d.PenaltyRate != nil:
		penalty = *d.PenaltyRate
	case s.Rate > 0:
		v, err := money.MulDiv(int64(s.PenaltyRate), int64(*d.Rate), int64(s.Rate), money.HalfUp)
		if err != nil {
			return err
		}
		penalty = rate.Rate(v)
	}
	if penalty < *d.Rate || penalty > 2*rate.Scale {
		return fault.Field("penalty_rate", "不得低于年利率", "must not be below the annual rate")
	}
	s.Rate, s.PenaltyRate = *d.Rate, penalty
	if s.Terms.Method == Flat {
		return nil
	}
	return s.replan()
}

// moveDue moves a due date that has not come; with Shift those after it follow
// at their usual distance. Instalments in grace are put in front.
func (s *State) moveDue(d Particulars) error {
	at := -1
	for i := s.Next; i < len(s.Rows); i++ {
		if s.Rows[i].DueDate == d.From {
			at = i
		}
	}
	if at < 0 {
		return fault.Field("from", "不是尚未到期的还款日", "is not a due date that lies ahead")
	}
	before := s.AsOf
	if at > 0 {
		before = later(before, s.Rows[at-1].DueDate)
	}
	if !d.To.After(before) || (!d.Shift && at+1 < len(s.Rows) && !d.To.Before(s.Rows[at+1].DueDate)) {
		return fault.Field("to", "须晚于上一还款日与当前日期，且早于下一还款日", "must lie after the due date before it and today, and before the next one")
	}
	if s.tooFar(d.To) {
		return fault.Field("to", "须在六十年之内", "must lie within sixty years")
	}
	if d.GracePrincipal < 0 || d.GracePrincipal > 60 {
		return fault.Field("grace_principal", "须在0至60之间", "must be 0 to 60")
	}
	if err := s.freeze(s.Terms.Method); err != nil {
		return err
	}
	extra := make([]Row, d.GracePrincipal)
	for i := range extra {
		extra[i] = Row{NoPrincipal: true}
	}
	s.Rows = slices.Insert(slices.Clone(s.Rows), at, extra...)
	if d.Shift || d.GracePrincipal > 0 {
		s.dates(at, d.To)
	} else {
		s.Rows[at].DueDate = d.To
	}
	if !s.inOrder() {
		return fault.Field("to", "使还款日重叠或超过六十年", "makes due dates fall together or lie beyond sixty years")
	}
	s.renumber()
	return s.replan()
}

// dates gives the rows from an index on dates at the usual distance from first.
func (s *State) dates(at int, first calendar.Date) {
	st := s.Terms.layout()
	st.FirstDue, st.Count, st.Dates = first, len(s.Rows)-at, nil
	for i, d := range st.DueDates() {
		s.Rows[at+i].DueDate = d
	}
}

// farthest bounds dates that are given or counted from what is given.
const farthestYears = 60

func (s *State) tooFar(d calendar.Date) bool {
	return d.After(later(s.AsOf, s.Terms.Start).AddMonths(12*farthestYears, calendar.Clamp))
}

// inOrder reports that every date ahead lies after today and after the one before it.
func (s *State) inOrder() bool {
	before := s.AsOf
	if s.Next > 0 {
		before = later(before, s.Rows[s.Next-1].DueDate)
	}
	for _, r := range s.Rows[s.Next:] {
		if !r.DueDate.After(before) {
			return false
		}
		before = r.DueDate
	}
	return !s.tooFar(before)
}

// freeze keeps what the running period has earned as it stands, where the
// period's new shape or the new method would measure it differently: a month's
// share by its days, flat interest. It falls due with the next instalment.
func (s *State) freeze(method Method) error {
	measured := s.Terms.Plan.Accrual == schedule.ByPeriod && s.Terms.Method != Flat
	if !measured && (method == s.Terms.Method || s.Terms.Method != Flat) {
		return nil
	}
	earned, err := s.periodInterest(s.AsOf)
	if err != nil {
		return err
	}
	s.Deferred += earned
	s.Segments = nil
	return nil
}

// renumber counts rows and the days of their periods again.
func (s *State) renumber() {
	from := s.Terms.Start
	for i := range s.Rows {
		s.Rows[i].No = i + 1
		if !s.Rows[i].Billed {
			s.Rows[i].Days = s.Rows[i].DueDate.Sub(from)
		}
		from = s.Rows[i].DueDate
	}
}

// takeBack makes principal that is due and unpaid lie ahead again; interest
// that is due stays due.
func (s *State) takeBack() {
	var back int64
	for i := range s.Next {
		r := &s.Rows[i]
		open := r.openPrincipal()
		back += open
		r.BalanceMinor += back
		if open == 0 {
			continue
		}
		r.PrincipalMinor -= open
		r.TotalMinor -= open
		s.clear(r)
	}
}

// extend adds Count instalments after the last one (展期), at a distance of Every
// months or, without it, at the loan's own. Unpaid principal counts as due from
// the new dates on; interest that is due must be paid first or stays overdue.
func (s *State) extend(d Particulars) error {
	if err := d.steps(); err != nil {
		return err
	}
	if s.Terms.Method == Discount {
		return fault.Field("kind", "贴现贷款的利息已预扣至到期日，不能展期，请重组", "interest of a discounted loan is withheld to its maturity: restructure it instead")
	}
	if s.Principal() == 0 {
		return fault.Field("count", "本金已还清，无须展期", "there is no principal left to extend")
	}
	if err := s.newRates(d); err != nil {
		return err
	}
	if err := s.freeze(s.Terms.Method); err != nil {
		return err
	}
	s.takeBack()
	last := s.Rows[len(s.Rows)-1]
	for _, due := range s.furtherDates(last.DueDate, d) {
		r := Row{Instalment: Instalment{DueDate: due}}
		if s.Terms.Method == Flat {
			r.InterestMinor = last.InterestMinor // each instalment of a flat loan costs the same
		}
		s.Rows = append(s.Rows, r)
	}
	if s.Terms.Method == Bullet { // one date, further away
		s.Rows = append(s.Rows[:s.Next:s.Next], s.Rows[len(s.Rows)-1])
	}
	s.dropPassed()
	if s.Next >= len(s.Rows) || !s.inOrder() {
		return fault.Field("count", "展期后的到期日须晚于今日，且不超过六十年", "the new dates must lie after today and within sixty years")
	}
	s.renumber()
	s.Extensions++
	return s.replan()
}

// furtherDates are the dates an extension adds.
func (s *State) furtherDates(last calendar.Date, d Particulars) []calendar.Date {
	st := s.Terms.layout()
	if d.Every > 0 || s.Terms.Method == Bullet {
		st.Every, st.Unit, st.MonthEnd = max(d.Every, 1), schedule.Month, calendar.Clamp
	}
	st.Start, st.FirstDue, st.Count, st.Dates = last, calendar.Date{}, d.Count, nil
	return st.DueDates()
}

// steps checks the instalments that are asked for.
func (d Particulars) steps() error {
	if d.Count < 1 || d.Count > tenorMax {
		return fault.Field("count", "须在1至360之间", "must be 1 to 360")
	}
	if d.Every < 0 || d.Every > tenorMax {
		return fault.Field("every", "须在0至360之间", "must be 0 to 360")
	}
	return nil
}

// dropPassed leaves out dates ahead that an extension of an overdue loan would
// put into the past.
func (s *State) dropPassed() {
	kept := s.Rows[:s.Next:s.Next]
	for _, r := range s.Rows[s.Next:] {
		if r.DueDate.After(s.AsOf) {
			kept = append(kept, r)
		}
	}
	s.Rows = kept
}

// newRates takes the rates of an extension or a restructuring, if it has any.
func (s *State) newRates(d Particulars) error {
	if d.Rate == nil && d.PenaltyRate == nil {
		return nil
	}
	if d.Rate == nil {
		d.Rate = &s.Rate
	}
	next, rows := s.Next, s.Rows
	s.Next = len(s.Rows) // the plan is made once, by the caller
	err := s.changeRate(d)
	s.Next, s.Rows = next, rows
	return err
}

// restructure plans what is owed anew (重组): a method, Count instalments Every
// months apart from AsOf, a rate, grace; arrears of interest become principal
// when Capitalise says so. The observation period begins with the first date.
func (s *State) restructure(e Event) error {
	d := e.Detail
	if err := d.steps(); err != nil {
		return err
	}
	if s.Principal() == 0 {
		return fault.Field("count", "本金已还清，无须重组", "there is no principal left to restructure")
	}
	if d.GracePrincipal < 0 || d.GracePrincipal >= d.Count {
		return fault.Field("grace_principal", "须至少留一期归还本金", "must leave an instalment with principal")
	}
	method := d.Method
	if method == "" {
		method = s.Terms.Method
	}
	switch method {
	case EqualInstalment, EqualPrincipal, InterestOnly, Bullet:
	case Flat, Custom, Discount, SalesShare:
		return fault.Field("method", "重组须为等额本息、等额本金、按期付息或到期还本付息", "must be equal instalments, equal principal, interest only or bullet")
	default:
		return fault.Field("method", "未知的还款方式", "is not a known repayment method")
	}
	if err := s.newRates(d); err != nil {
		return err
	}
	s.takeBack()
	if d.Capitalise {
		s.capitalise()
	}
	if err := s.freeze(method); err != nil {
		return err
	}
	s.Terms.Method = method
	every := max(d.Every, 1)
	if s.Terms.Method == Bullet {
		every, d.Count = every*d.Count, 1
	}
	p := &s.Terms.Plan
	p.Every, p.Unit, p.Count, p.FirstDue, p.BalloonMinor, p.InAdvance, p.Weights, p.Principal = every, schedule.Month, 0, calendar.Date{}, 0, false, nil, nil
	rows := s.Rows[:s.Next:s.Next]
	for k := range d.Count {
		due := calendar.China().Adjust(s.AsOf.AddMonths((k+1)*every, calendar.Clamp), s.Terms.DueRule)
		rows = append(rows, Row{Instalment: Instalment{DueDate: due}, NoPrincipal: k < d.GracePrincipal})
	}
	s.Rows = rows
	if !s.inOrder() {
		return fault.Field("count", "须在六十年之内", "must lie within sixty years")
	}
	s.renumber()
	s.Accelerated = false
	s.Observation = Observation{Since: s.Rows[s.Next].DueDate}
	return s.replan()
}

// capitalise turns all interest that is owed into principal. Penalty stays owed:
// it may be waived, but a bank must not lend it.
func (s *State) capitalise() {
	before := s.Totals.CapitalisedMinor
	for i := range s.Next {
		r := &s.Rows[i]
		open := r.openInterest()
		if open == 0 {
			continue
		}
		s.Totals.CapitalisedMinor += open
		r.InterestMinor -= open
		r.TotalMinor -= open
		s.clear(r)
	}
	if owed := s.periodOwed(); owed > 0 {
		s.Totals.CapitalisedMinor += owed
		s.Settled += owed
	}
	if s.NonAccrual { // what was not income does not become it by being lent
		s.Totals.HeldMinor += s.Totals.CapitalisedMinor - before
	}
}

// accelerate makes everything due today (宣布提前到期).
func (s *State) accelerate() error {
	if s.Next >= len(s.Rows) {
		return fault.Field("kind", "贷款已全部到期", "the whole loan is due already")
	}
	if err := s.freeze(s.Terms.Method); err != nil {
		return err
	}
	s.Accelerated = true
	r := Row{Instalment: Instalment{No: s.Rows[s.Next].No, DueDate: s.AsOf, Days: s.AsOf.Sub(s.periodStart()), PrincipalMinor: s.unbilled()}}
	if s.Terms.Method == Flat {
		interest, err := s.flatInterest(s.AsOf)
		if err != nil {
			return err
		}
		r.InterestMinor = interest
	}
	s.Rows = append(s.Rows[:s.Next:s.Next], r)
	return s.bill()
}

// Observation is the time after a restructuring in which a loan must be paid as
// agreed: from its first due date two instalments and a year (risk
// classification rules of 2023, arts 17-20). A missed payment starts it again.
type Observation struct {
	Since    calendar.Date `json:"since"`
	Restarts int           `json:"restarts,omitempty"`
	PassedOn calendar.Date `json:"passed_on,omitzero"`
}

// watch notes a missed payment or the end of the observation.
func (s *State) watch(daysPastDue int) {
	o := &s.Observation
	if o.Since.IsZero() || !o.PassedOn.IsZero() {
		return
	}
	missed := s.oldestUnpaid()
	passed := o.over(s)
	if !passed.IsZero() && !passed.After(s.AsOf) && (daysPastDue == 0 || !passed.After(missed)) {
		o.PassedOn = passed
		return
	}
	if daysPastDue > 0 && (missed.After(o.Since) || (missed == o.Since && o.Restarts == 0)) {
		o.Since, o.Restarts = missed, o.Restarts+1
	}
}

// over is the day on which the observation ends if nothing more is missed; zero
// while too few instalments are paid. It depends on the rows alone, so that a
// loan looked at late passes on the same day.
func (o *Observation) over(s *State) calendar.Date {
	paid, on := 0, o.Since.AddMonths(wholeOn("observation_months", o.Since), calendar.Clamp)
	enough := wholeOn("observation_instalments", o.Since)
	for _, r := range s.Rows[:s.Next] {
		if r.ClearedOn.IsZero() {
			continue
		}
		if r.DueDate.Before(o.Since) {
			on = later(on, r.ClearedOn)
		} else if paid++; paid <= enough {
			on = later(on, r.ClearedOn)
		}
	}
	if paid < enough {
		return calendar.Date{}
	}
	return on
}
