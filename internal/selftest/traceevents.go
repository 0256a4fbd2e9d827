package selftest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/lending/loan"
)

// The sentences of the source's tests. Each names what it does; a sentence that
// no pattern knows makes the vector a miss.
var sentences = []struct {
	pattern *regexp.Regexp
	do      func(l *life, m []string, step traceStep) error
}{
	{regexp.MustCompile(`sets the business date to "([^"]+)"`), (*life).setDate},
	{regexp.MustCompile(`approves the loan on "([^"]+)"`), (*life).approve},
	{regexp.MustCompile(`disburse the loan on "([^"]+)" with "([^"]+)"`), (*life).disburse},
	{regexp.MustCompile(`set ".*" loan product "([^"]+)" transaction type to "([^"]+)" future instal+ment allocation rule`), (*life).setRule},
	{regexp.MustCompile(`makes? "[^"]*" repayment on "([^"]+)" with ([0-9.]+)`), func(l *life, m []string, _ traceStep) error {
		return l.repay("REPAYMENT", m[1], m[2])
	}},
	{regexp.MustCompile(`makes? "([A-Z_]+)" transaction with "[^"]*" payment type on "([^"]+)" with ([0-9.]+)`), func(l *life, m []string, _ traceStep) error {
		return l.repay(m[1], m[2], m[3])
	}},
	{regexp.MustCompile(`Pay-?off is made on "([^"]+)"`), (*life).payOff},
	{regexp.MustCompile(`(?i)charge-?off the loan on "([^"]+)"`), (*life).chargeOff},
	{regexp.MustCompile(`writes? ?-?off the loan on "([^"]+)"`), func(l *life, m []string, _ traceStep) error {
		_, err := l.dated("Write-off", loan.WrittenOff, m[1])
		return err
	}},
	{regexp.MustCompile(`(puts|removes) "([A-Z_]+)" business step into`), (*life).businessStep},
	{regexp.MustCompile(`runs (?:inline )?(?:the )?COB job`), (*life).night},
	{regexp.MustCompile(`Loan reschedule with the following data`), (*life).reschedule},
	{regexp.MustCompile(`undo "([0-9]+)"(?:st|nd|rd|th)? "?([A-Za-z _-]+?)"?(?: transaction)?(?: made)? on "([^"]+)"`), (*life).undo},
}

// event finds the sentence and does what it says.
func (l *life) event(step traceStep) error {
	for _, s := range sentences {
		if m := s.pattern.FindStringSubmatch(step.Event); m != nil {
			return s.do(l, m, step)
		}
	}
	return fmt.Errorf("%w: unknown sentence", errNotImplemented)
}

// day reads "1 September 2022" and "2022-09-01".
func day(text string) (calendar.Date, error) {
	for _, layout := range []string{"2 January 2006", "02 January 2006", "2006-01-02"} {
		if t, err := time.Parse(layout, text); err == nil {
			return calendar.Of(t.Year(), t.Month(), t.Day()), nil
		}
	}
	return calendar.Date{}, fmt.Errorf("not a date: %q", text)
}

func (l *life) setDate(m []string, _ traceStep) error {
	d, err := day(m[1])
	l.today = d
	return err
}

func (l *life) approve([]string, traceStep) error {
	l.approved = true
	return nil
}

// dated records an event that has a date only.
func (l *life) dated(kind string, k loan.EventKind, on string) (int64, error) {
	d, err := day(on)
	if err != nil {
		return 0, err
	}
	return l.record(kind, loan.Event{Kind: k, Date: d})
}

func (l *life) disburse(m []string, _ traceStep) error {
	d, err := day(m[1])
	if err != nil {
		return err
	}
	amount, err := minor(m[2], 2)
	if err != nil {
		return err
	}
	if len(l.events) == 0 {
		l.terms.Start = d
		if !l.terms.Tranched { // less than was approved may leave
			l.terms.PrincipalMinor = amount
		}
	}
	if _, err := l.record("Disbursement", loan.Event{Kind: loan.Disbursed, Date: d, AmountMinor: amount}); err != nil || !l.auto {
		return err
	}
	down, err := rate.Share(amount, l.terms.Plan.DownPayment, l.terms.Rounding)
	if err != nil {
		return err
	}
	_, err = l.record("Down Payment", loan.Event{Kind: loan.Repaid, Date: d, AmountMinor: down, Detail: loan.Particulars{Keep: true}})
	return err
}

// setRule says what a type of transaction does with money ahead of time.
func (l *life) setRule(m []string, _ traceStep) error {
	rule, known := map[string]loan.Strategy{
		"NEXT_INSTALLMENT": loan.NextInstalments, "LAST_INSTALLMENT": loan.LastInstalments, "REAMORTIZATION": loan.EachInstalment,
	}[m[2]]
	if !known {
		return errNotImplemented
	}
	l.rules[m[1]] = rule
	return nil
}

func (l *life) strategy(kind string) loan.Strategy {
	if s, ruled := l.rules[kind]; ruled {
		return s
	}
	return l.rules["DEFAULT"]
}

func (l *life) repay(kind, on, amount string) error {
	d, err := day(on)
	if err != nil {
		return err
	}
	value, err := minor(amount, 2)
	if err != nil {
		return err
	}
	return l.money(kind, d, value)
}

func (l *life) money(kind string, on calendar.Date, amount int64) error {
	name, known := map[string]string{
		"REPAYMENT": "Repayment", "GOODWILL_CREDIT": "Goodwill Credit", "MERCHANT_ISSUED_REFUND": "Merchant Issued Refund", "PAYOUT_REFUND": "Payout Refund",
		"DOWN_PAYMENT": "Down Payment", "RECOVERY_REPAYMENT": "Recovery Repayment", "REPAYMENT_ADJUSTMENT_CHARGEBACK": "",
	}[kind]
	if !known || name == "" {
		return errNotImplemented
	}
	_, err := l.record(name, loan.Event{Kind: loan.Repaid, Date: on, AmountMinor: amount, Prepay: true, Detail: loan.Particulars{Strategy: l.strategy(kind), Keep: true}})
	return err
}

// payOff pays exactly what settles the loan that day.
func (l *life) payOff(m []string, _ traceStep) error {
	d, err := day(m[1])
	if err != nil {
		return err
	}
	s, err := loan.Replay(l.terms, l.events, d)
	if err != nil {
		return err
	}
	return l.money("REPAYMENT", d, s.Payoff().TotalMinor())
}

// chargeOff notes all that is scheduled and unpaid before it stops the interest.
func (l *life) chargeOff(m []string, _ traceStep) error {
	if _, err := l.dated("Charge-off", loan.ChargedOff, m[1]); err != nil {
		return err
	}
	l.closed = loan.Allocation{}
	paid := paidOf(&l.state)
	for i, r := range l.state.Rows {
		open := r.PrincipalMinor - r.PaidPrincipalMinor
		l.closed.PrincipalMinor += open
		l.closed.InterestMinor += r.PrincipalMinor + r.InterestMinor - paid[i] - open
	}
	return nil
}

// businessStep puts work into the night: only with this one do overdue
// instalments change the plan at night.
func (l *life) businessStep(m []string, _ traceStep) error {
	if m[2] == "LOAN_INTEREST_RECALCULATION" {
		l.recalc = m[1] == "puts"
	}
	return nil
}

// night books interest up to the day before: each day since the last night, or
// that day alone when it is the first.
func (l *life) night([]string, traceStep) error {
	if len(l.events) == 0 {
		return nil
	}
	until := l.today.AddDays(-1)
	from := until
	if !l.nights.IsZero() {
		from = l.nights.AddDays(1)
	}
	for d := from; !d.After(until) && !l.state.Stopped; d = d.AddDays(1) {
		l.accruals = append(l.accruals, d)
	}
	l.nights = later(l.nights, until)
	if l.recalc {
		l.seen = later(l.seen, l.today)
	}
	return l.replay()
}

// reschedule moves due dates, with grace, extra instalments and another rate.
func (l *life) reschedule(_ []string, step traceStep) error {
	for _, row := range step.Data {
		if err := l.rescheduleOne(row); err != nil {
			return err
		}
	}
	return nil
}

func (l *life) rescheduleOne(row map[string]string) error {
	fields := map[string]string{}
	for k, v := range row {
		fields[strings.ToLower(strings.ReplaceAll(k, " ", ""))] = v
	}
	from, err := day(fields["reschedulefromdate"])
	if err != nil {
		return err
	}
	number := func(field string) (int, error) {
		if fields[field] == "" {
			return 0, nil
		}
		return strconv.Atoi(fields[field])
	}
	grace, err := number("graceonprincipal")
	if err != nil {
		return err
	}
	extra, err := number("extraterms")
	if err != nil {
		return err
	}
	graceInterest, err := number("graceoninterest")
	if err != nil {
		return err
	}
	if graceInterest > 0 {
		return errNotImplemented
	}
	to := from
	if text := fields["adjustedduedate"]; text != "" {
		if to, err = day(text); err != nil {
			return err
		}
	}
	if to != from || grace > 0 {
		e := loan.Event{Kind: loan.DueMoved, Date: l.today, Detail: loan.Particulars{From: from, To: to, Shift: true, GracePrincipal: grace}}
		if _, err := l.record("", e); err != nil {
			return err
		}
	}
	if extra > 0 {
		if _, err := l.record("", loan.Event{Kind: loan.Extended, Date: l.today, Detail: loan.Particulars{Count: extra}}); err != nil {
			return err
		}
	}
	if text := fields["newinterestrate"]; text != "" {
		r, err := rate.Parse(text + "%")
		if err != nil {
			return err
		}
		_, err = l.record("", loan.Event{Kind: loan.RateChanged, Date: later(from, l.today), Detail: loan.Particulars{Rate: &r, PenaltyRate: &r}})
		return err
	}
	return nil
}

// undo takes back the n-th transaction of a kind made on a date.
func (l *life) undo(m []string, _ traceStep) error {
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return err
	}
	d, err := day(m[3])
	if err != nil {
		return err
	}
	plain := func(s string) string { return strings.ToLower(strings.NewReplacer("_", " ", "-", " ").Replace(s)) }
	for _, e := range l.events {
		if e.Date != d || plain(l.kinds[e.Seq]) != plain(m[2]) {
			continue
		}
		if n--; n == 0 {
			_, err := l.record("", loan.Event{Kind: loan.Reversed, Date: l.today, Detail: loan.Particulars{Of: e.Seq}})
			return err
		}
	}
	return fmt.Errorf("no such transaction: %s", m[0])
}
