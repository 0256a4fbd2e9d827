package loan

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// act records an event of a locked loan and lets everything follow from the
// replay: projection, books, facility, audit, outbox. An event with an earlier
// value date than the loan is processed to is inserted there, and one entry
// books whatever the past now says differently.
func act(ctx context.Context, tx *db.Tx, l *Loan, e Event, memo fault.Text) (State, Allocation, error) {
	if err := CatchUp(ctx, tx, l); err != nil { // nights that were missed are booked on their own dates first
		return State{}, Allocation{}, err
	}
	events, err := Events(ctx, tx, l.ID)
	if err != nil {
		return State{}, Allocation{}, err
	}
	e.Seq = l.eventSeq + 1
	s, split, err := replay(l.Terms, append(plain(events), e), later(l.ProcessedTo, e.Date))
	if err != nil {
		return s, Allocation{}, err
	}
	before := *l
	recorded, err := record(ctx, tx, l, e)
	if err != nil {
		return s, Allocation{}, err
	}
	if err := pointRecorded.Hit(ctx); err != nil { // the event is there, the books and the projection are not
		return s, Allocation{}, err
	}
	used := l.use()
	if err := book(ctx, tx, l, &s, "loan:"+l.ID+":"+recorded.Key, e.Date, memo); err != nil {
		return s, Allocation{}, err
	}
	if err := pointBooked.Hit(ctx); err != nil { // the books are, the facility is not
		return s, Allocation{}, err
	}
	if err := follow(ctx, tx, l, used, recorded.Key); err != nil {
		return s, Allocation{}, err
	}
	return s, split[e.Seq], announce(ctx, tx, before, *l, recorded, split[e.Seq])
}

// Instants at which a test may break off.
var (
	pointRecorded = failpoint.Declare("loan.recorded")
	pointBooked   = failpoint.Declare("loan.booked")
	pointTaken    = failpoint.Declare("loan.sums_taken")
)

// use is what the loan takes of its facility: what was drawn and is not repaid,
// let go or sold, and what may still be drawn. Capitalised interest takes no
// room; a written-off loan keeps its room taken.
func (l *Loan) use() int64 {
	t := &l.Posted
	switch l.Status {
	case Settled, CancelledOut, TransferredTo:
		return 0
	case Pending, Active, Overdue, WrittenOffOut:
	}
	owed := t.DisbursedMinor + t.CapitalisedMinor - t.PaidPrincipalMinor - t.WaivedPrincipalMinor - t.SoldPrincipalMinor
	return l.PrincipalMinor - t.DisbursedMinor + min(owed, t.DisbursedMinor)
}

// follow lets the facility's use follow the loan's.
func follow(ctx context.Context, tx *db.Tx, l *Loan, before int64, key string) error {
	key = "loan:" + l.ID + ":" + key
	switch after := l.use(); {
	case l.Status == CancelledOut: // given back by whoever cancelled it
		return nil
	case after < before:
		return facility.Release(ctx, tx, l.FacilityID, before-after, key)
	case after > before:
		return facility.Restore(ctx, tx, l.FacilityID, after-before, key)
	default:
		return nil
	}
}

// book posts the difference between the state's totals and the books, and
// stores the projection.
func book(ctx context.Context, tx *db.Tx, l *Loan, s *State, key string, date calendar.Date, memo fault.Text) error {
	on := later(date, l.ProcessedTo) // the accounting date is the business date: a closed day stays closed
	lines, err := linesOf(ctx, tx, l, s.Totals.Sub(l.Posted), on)
	if err != nil {
		return err
	}
	if len(lines) > 0 {
		if _, err := journal.Post(ctx, tx, journal.Draft{
			Key: key, Date: on, Memo: memo, Object: "loan", ObjectID: l.ID, Branch: l.BranchID, Product: l.ProductID, Lines: lines,
		}); err != nil {
			return err
		}
	}
	l.Posted = s.Totals
	l.project(s)
	return update(ctx, tx, l)
}

func announce(ctx context.Context, tx *db.Tx, before, after Loan, e RecordedEvent, a Allocation) error {
	if err := audit.Record(ctx, tx, audit.Entry{
		Action: "loan." + string(e.Kind), Object: "loan", ObjectID: after.ID, Before: brief(before), After: brief(after), Note: e.Note,
	}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "loan." + string(e.Kind), Aggregate: "loan", AggregateID: after.ID, Payload: Happened{
		LoanID: after.ID, FirmID: after.FirmID, FacilityID: after.FacilityID, BranchPath: after.BranchPath, Event: e.Event, Allocation: a,
		Status: after.Status, OutstandingMinor: after.OutstandingMinor, DaysPastDue: after.DaysPastDue,
	}})
}

// Happened is the payload of the outbox events loan.*.
type Happened struct {
	LoanID           string     `json:"loan_id"`
	FirmID           string     `json:"firm_id"`
	FacilityID       string     `json:"facility_id"`
	BranchPath       string     `json:"branch_path"`
	Event            Event      `json:"event"`
	Allocation       Allocation `json:"allocation"`
	Status           Status     `json:"status"`
	OutstandingMinor int64      `json:"outstanding_minor"`
	DaysPastDue      int        `json:"days_past_due"`
}

// brief is what the audit keeps of a loan before and after.
func brief(l Loan) map[string]any {
	return map[string]any{
		"status": l.Status, "processed_to": l.ProcessedTo, "outstanding_minor": l.OutstandingMinor, "due_minor": l.DueMinor,
		"days_past_due": l.DaysPastDue, "event_seq": l.eventSeq,
	}
}
