package loan

import (
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
	if d.GracePrincipal < 0 || d.GracePrincipal > 60 {
		return fault.Field("grace_principal", "须在0至60之间", "must be 0 to 60")
	}
	extra := make([]Row, d.GracePrincipal)
	for i := range extra {
		extra[i] = Row{NoPrincipal: true}
	}
	s.Rows = append(s.Rows[:at:at], append(extra, s.Rows[at:]...)...)
	if d.Shift || d.GracePrincipal > 0 {
		s.dates(at, d.To)
	} else {
		s.Rows[at].DueDate = d.To
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
	for i := range s.Next {
		r := &s.Rows[i]
		open := r.openPrincipal()
		if open == 0 {
			continue
		}
		r.PrincipalMinor -= open
		r.TotalMinor -= open
		s.clear(r)
	}
}

// extend adds Count instalments at a distance of Every months after the last
// one (展期). Unpaid principal counts as due from the new dates on; interest that
// is due must be paid first or stays overdue.
func (s *State) extend(d Particulars) error {
	if d.Count < 1 || d.Count > tenorMax {
		return fault.Field("count", "须在1至360之间", "must be 1 to 360")
	}
	if s.Principal() == 0 {
		return fault.Field("count", "本金已还清，无须展期", "there is no principal left to extend")
	}
	if err := s.newRates(d); err != nil {
		return err
	}
	s.takeBack()
	last := s.Rows[len(s.Rows)-1]
	every := max(d.Every, 1)
	for k := range d.Count {
		due := last.DueDate.AddMonths((k+1)*every, calendar.Clamp)
		s.Rows = append(s.Rows, Row{Instalment: Instalment{DueDate: calendar.China().Adjust(due, s.Terms.DueRule)}})
	}
	if s.Terms.Method == Bullet || s.Terms.Method == Discount { // one date, further away
		s.Rows = append(s.Rows[:s.Next:s.Next], s.Rows[len(s.Rows)-1])
	}
	s.dropPassed()
	s.renumber()
	s.Extensions++
	return s.replan()
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
	if d.Count < 1 || d.Count > tenorMax {
		return fault.Field("count", "须在1至360之间", "must be 1 to 360")
	}
	if d.GracePrincipal < 0 || d.GracePrincipal >= d.Count {
		return fault.Field("grace_principal", "须至少留一期归还本金", "must leave an instalment with principal")
	}
	switch d.Method {
	case "":
	case EqualInstalment, EqualPrincipal, InterestOnly, Bullet:
		s.Terms.Method = d.Method
	case Flat, Custom, Discount:
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
	every := max(d.Every, 1)
	if s.Terms.Method == Bullet {
		every, d.Count = every*d.Count, 1
	}
	s.Terms.Plan.Every, s.Terms.Plan.Unit, s.Terms.Plan.Count = every, schedule.Month, 0
	rows := s.Rows[:s.Next:s.Next]
	for k := range d.Count {
		due := calendar.China().Adjust(s.AsOf.AddMonths((k+1)*every, calendar.Clamp), s.Terms.DueRule)
		rows = append(rows, Row{Instalment: Instalment{DueDate: due}, NoPrincipal: k < d.GracePrincipal})
	}
	s.Rows = rows
	s.renumber()
	s.Accelerated = false
	s.Observation = Observation{Since: s.Rows[s.Next].DueDate}
	return s.replan()
}

// capitalise turns all interest that is owed into principal. Penalty stays owed:
// it may be waived, but a bank must not lend it.
func (s *State) capitalise() {
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
}

// accelerate makes everything due today (宣布提前到期).
func (s *State) accelerate() error {
	if s.Next >= len(s.Rows) {
		return fault.Field("kind", "贷款已全部到期", "the whole loan is due already")
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

const observationMonths, observationInstalments = 12, 2

// watch notes a missed payment or the end of the observation.
func (s *State) watch(daysPastDue int) {
	o := &s.Observation
	if o.Since.IsZero() || !o.PassedOn.IsZero() {
		return
	}
	if daysPastDue > 0 {
		if missed := s.oldestUnpaid(); missed.After(o.Since) || (missed == o.Since && o.Restarts == 0) {
			o.Since, o.Restarts = missed, o.Restarts+1
		}
		return
	}
	paid := 0
	for _, r := range s.Rows[:s.Next] {
		if !r.DueDate.Before(o.Since) && !r.ClearedOn.IsZero() {
			paid++
		}
	}
	end := o.Since.AddMonths(observationMonths, calendar.Clamp)
	if paid >= observationInstalments && !s.AsOf.Before(end) {
		o.PassedOn = s.AsOf
	}
}
