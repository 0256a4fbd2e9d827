package loan

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Passing time. The open loans of a range are read, worked up to a date and written together: Read, Work, Write. Work needs no
// database, so that several workers may compute while one writes. A missed day is not skipped: every date between the loan's
// and the target gets its own sums, computed from the state in memory; the row is written once.

// Behind is a chunk of open loans that are not worked up to a date yet.
type Behind struct {
	To    calendar.Date
	Last  string // the greatest id read, worked or not
	Count int    // loans read
	// Sparse says that the chunk is not every open loan of its range, but those that were left: then the ledger's parts list them.
	Sparse bool
	loans  []night
	sums   sums
}

// night is one loan in a chunk.
type night struct {
	Loan
	stale  bool // the snapshot must be written
	billed bool
	anchor State // a state on the way of the replay: of a snapshot, of the last event, of a due date
	kept   int64 // events in the anchor; -1 when there is none
	failed error
}

// Failure is a loan that could not be worked.
type Failure struct {
	LoanID string
	Err    error
}

var (
	selectBehind = db.Q(`select d.loan_id, ` + dayColumns + `, coalesce(s.event_seq, -1), coalesce(s.layout, 0), coalesce(s.branch_id, ''), coalesce(s.product_id, ''), s.state
		from loan_day d left join loan_snapshot s on s.institution_id = d.institution_id and s.loan_id = d.loan_id
		where d.institution_id = $1 and d.loan_id > $2 and ($3 = '' or d.loan_id <= $3) and d.status in ('active', 'overdue') and d.processed_to < $4 order by d.loan_id limit $5`)
	selectPlaces = db.QQ(`select `+columns+both+`and l.id = any($2) order by l.id`,
		`select `+columns+both+`and l.id in (select value from json_each($2)) order by l.id`)
	nextRange = db.Q(`select coalesce(min(loan_id), ''), coalesce(max(loan_id), ''), count(*) from (
		select loan_id from loan_day where institution_id = $1 and loan_id > $2 and status in ('active', 'overdue') and processed_to < $3 order by loan_id limit $4) x`)
)

// Range is a run of loans by id, ends included.
type Range struct {
	First, Last string
	Loans       int64
}

// NextRange finds the next up to limit open loans behind a date, after an id.
func NextRange(ctx context.Context, tx *db.Tx, after string, to calendar.Date, limit int) (r Range, err error) {
	err = tx.QueryRow(ctx, nextRange, tx.Institution, after, to.String(), limit).Scan(&r.First, &r.Last, &r.Loans)
	return r, err
}

// ReadBehind reads up to limit open loans with after < id <= until (no bound when empty) that are behind a date.
func ReadBehind(ctx context.Context, tx *db.Tx, after, until string, to calendar.Date, limit int) (*Behind, error) {
	return new(Behind).Read(ctx, tx, after, until, to, limit)
}

// next makes room for a loan, where one of an earlier chunk stood if there is: the room of its lists is used again.
func (b *Behind) next() {
	if len(b.loans) == cap(b.loans) {
		b.loans = append(b.loans, night{})
		return
	}
	b.loans = b.loans[:len(b.loans)+1]
	n := &b.loans[len(b.loans)-1]
	*n = night{anchor: n.anchor}
}

// Read is ReadBehind in the room of a chunk that has been written: the lists of a thousand loans are the greater part of
// what a night would leave to the garbage collector.
func (b *Behind) Read(ctx context.Context, tx *db.Tx, after, until string, to calendar.Date, limit int) (*Behind, error) {
	rows, err := tx.Query(ctx, selectBehind, tx.Institution, after, until, to.String(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	if cap(b.loans) < limit {
		b.loans = make([]night, 0, min(limit, 1024))
	}
	*b = Behind{To: to, Last: after, loans: b.loans[:0]}
	for rows.Next() {
		b.next()
		if err := scanNight(rows, &b.loans[len(b.loans)-1]); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if b.Count = len(b.loans); b.Count > 0 {
		b.Last = b.loans[b.Count-1].ID
	}
	return b, b.replayMissing(ctx, tx)
}

func scanNight(row scanner, n *night) error {
	l := &n.Loan
	var posted string
	var updated, layout int64
	var state sql.RawBytes // of this row, and decoded before the next
	err := row.Scan(&l.ID, &l.Status, &l.ProcessedTo, &l.NextDueOn, &l.NextDueMinor, &l.OutstandingMinor, &l.DueMinor, &l.DaysPastDue, &posted, &l.eventSeq, &updated,
		&l.Version, &n.kept, &layout, &l.BranchID, &l.ProductID, &state)
	if err != nil {
		return err
	}
	l.storedStatus = l.Status
	l.Posted, n.failed = parseTotals(posted) // a row that cannot be read is the loan's own trouble, listed and left out
	if n.failed == nil {
		n.restore(state, layout)
	} else {
		n.anchor = State{}
	}
	return nil
}

// restore takes the snapshot for the anchor, if it is of this layout and holds every event; else there is none.
func (n *night) restore(state []byte, layout int64) {
	if n.kept != n.eventSeq || layout != stateLayout || decodeState(state, &n.anchor) != nil || n.anchor.AsOf.After(n.ProcessedTo) {
		n.kept, n.anchor = -1, State{}
		return
	}
	n.Terms, n.Currency = n.anchor.Terms, n.anchor.Terms.Currency
}

// replayMissing finds the anchor of loans without a usable snapshot: the state on the day of their last event, which lies on
// the way of every later replay.
func (b *Behind) replayMissing(ctx context.Context, tx *db.Tx) error {
	var ids []string
	for i := range b.loans {
		if b.loans[i].kept < 0 && b.loans[i].failed == nil {
			ids = append(ids, b.loans[i].ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	wide, err := byIDs(ctx, tx, ids)
	if err != nil {
		return err
	}
	events, err := eventsBetween(ctx, tx, ids[0], ids[len(ids)-1])
	if err != nil {
		return err
	}
	for i := range b.loans {
		n := &b.loans[i]
		if n.kept >= 0 || n.failed != nil {
			continue
		}
		n.Loan = wide[n.ID]
		n.failed = n.replay(events[n.ID])
	}
	return nil
}

func (n *night) replay(events []Event) (err error) {
	defer recovered(&err)
	last := n.Terms.Start
	for _, e := range events {
		last = later(last, e.Date)
	}
	if last.After(n.ProcessedTo) {
		last = n.ProcessedTo
	}
	n.kept, n.stale = n.eventSeq, true
	n.anchor, err = Replay(n.Terms, events, last)
	return err
}

func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fault.New(fault.ReasonInternal).Wrap(fmt.Errorf("panic: %v", p)) //nolint:err113 // whatever was thrown
	}
}

// byIDs reads loans whole.
func byIDs(ctx context.Context, tx *db.Tx, ids []string) (map[string]Loan, error) {
	rows, err := tx.Query(ctx, selectPlaces, tx.Institution, list(tx, ids))
	if err != nil {
		return nil, err
	}
	loans, err := collect(rows)
	out := make(map[string]Loan, len(loans))
	for _, l := range loans {
		out[l.ID] = l
	}
	return out, err
}

// list is a list of ids as an engine takes it.
func list(tx *db.Tx, ids []string) any {
	if tx.Dialect() == db.Postgres {
		return ids
	}
	text, _ := json.Marshal(ids) // strings always can
	return string(text)
}

// Work passes the time of every loan of the chunk. Loans that fail are left as they were and listed; the others do not notice.
func (b *Behind) Work() (failed []Failure) {
	b.sums = sums{to: b.To}
	for i := range b.loans {
		n := &b.loans[i]
		if n.failed == nil {
			n.failed = n.work(&b.sums)
		}
		if n.failed != nil {
			failed = append(failed, Failure{n.ID, n.failed})
		}
	}
	return failed
}

// Worked counts the loans that Write will write, and their days.
func (b *Behind) Worked() (loans, days int64) {
	for i := range b.loans {
		if b.loans[i].failed == nil {
			loans++
		}
	}
	return loans, b.sums.days
}

// IDs lists the loans that Write will write.
func (b *Behind) IDs() []string {
	out := make([]string, 0, len(b.loans))
	for i := range b.loans {
		if b.loans[i].failed == nil {
			out = append(out, b.loans[i].ID)
		}
	}
	return out
}

func (n *night) work(into *sums) (err error) {
	defer recovered(&err)
	s, posted, from := n.anchor, n.Posted, n.ProcessedTo
	if n.stale {
		s = clone(&n.anchor) // the anchor itself is written
	}
	billed := s.Next
	var one [1]dated
	own := one[:0]
	for day := from.AddDays(1); !day.After(into.to); day = day.AddDays(1) {
		if err := s.Advance(day); err != nil {
			return err
		}
		if delta := s.Totals.Sub(posted); delta != (Totals{}) {
			own = append(own, dated{day, delta})
			posted = s.Totals
		}
		if s.Next != billed && s.Rows[s.Next-1].DueDate == day {
			// A due date is a stop of every replay: from here on the nights begin here.
			n.anchor, n.stale, billed = clone(&s), true, s.Next
		}
	}
	n.billed = billedBetween(&s, from)
	n.Posted = posted
	n.project(&s)
	n.state = nil // the anchor is what is kept
	into.merge(&n.Loan, own)
	into.days += int64(into.to.Sub(from))
	return nil
}

// Write stores what Work has computed: rows, sums, snapshots, and the turns others listen for. It fails as a whole when a loan
// was changed since Read; then the chunk is to be read again (Moved tells).
func (b *Behind) Write(ctx context.Context, tx *db.Tx) error {
	worked := make([]Loan, 0, len(b.loans))
	var kept []snapshot
	for i := range b.loans {
		n := &b.loans[i]
		if n.failed != nil {
			continue
		}
		worked = append(worked, n.Loan)
		if n.stale {
			kept = append(kept, snapshot{loanID: n.ID, eventSeq: n.eventSeq, branchID: n.BranchID, productID: n.ProductID, state: &n.anchor})
		}
	}
	if err := updateDays(ctx, tx, worked); err != nil {
		return err
	}
	if err := saveSnapshots(ctx, tx, kept); err != nil {
		return err
	}
	if err := b.saveSums(ctx, tx); err != nil {
		return err
	}
	return b.announce(ctx, tx)
}

func (b *Behind) saveSums(ctx context.Context, tx *db.Tx) error {
	if b.Sparse {
		return b.sums.save(ctx, tx, b.Last, partNight, b.IDs(), nil)
	}
	var skipped []string
	for i := range b.loans {
		if b.loans[i].failed != nil {
			skipped = append(skipped, b.loans[i].ID)
		}
	}
	return b.sums.save(ctx, tx, b.Last, partNight, nil, skipped)
}

// Moved reports that a chunk was not written because one of its loans had changed since it was read.
func Moved(err error) bool {
	_, moved := err.(errMoved) //nolint:errorlint // never wrapped
	return moved
}

// announce tells others of the changes they listen for.
func (b *Behind) announce(ctx context.Context, tx *db.Tx) error {
	var ids []string
	for i := range b.loans {
		if n := &b.loans[i]; n.failed == nil && len(n.turns()) > 0 {
			ids = append(ids, n.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	wide, err := byIDs(ctx, tx, ids)
	if err != nil {
		return err
	}
	events := make([]event.Draft, 0, len(ids))
	records := make([]audit.Entry, 0, len(ids))
	for i := range b.loans {
		n := &b.loans[i]
		if n.failed != nil {
			continue
		}
		for _, kind := range n.turns() {
			l := wide[n.ID]
			events = append(events, event.Draft{Type: "loan." + kind, Aggregate: "loan", AggregateID: n.ID, Payload: Happened{
				LoanID: n.ID, FirmID: l.FirmID, FacilityID: l.FacilityID, BranchPath: l.BranchPath, Event: Event{Date: b.To},
				Status: n.Status, OutstandingMinor: n.OutstandingMinor, DaysPastDue: n.DaysPastDue,
			}})
			records = append(records, audit.Entry{Action: "loan." + kind, Object: "loan", ObjectID: n.ID, Before: map[string]any{"status": n.storedStatus}, After: brief(n.Loan)})
		}
	}
	if err := event.AppendAll(ctx, tx, events); err != nil {
		return err
	}
	return audit.RecordAll(ctx, tx, records)
}

func billedBetween(s *State, after calendar.Date) bool {
	for i := range s.Rows {
		if s.Rows[i].Billed && s.Rows[i].DueDate.After(after) {
			return true
		}
	}
	return false
}

// turns names the changes others listen for. A night's interest is not one.
func (n *night) turns() (out []string) {
	if n.billed {
		out = append(out, "instalment_due")
	}
	switch {
	case n.storedStatus != Overdue && n.Status == Overdue:
		out = append(out, "overdue")
	case n.storedStatus == Overdue && n.Status == Active:
		out = append(out, "cured")
	}
	return out
}

// Roll works up to limit open loans after an id up to a date, in the caller's transaction. It answers with the last id and how
// many there were; none are left at zero. Rolling again to the same date changes nothing.
func Roll(ctx context.Context, tx *db.Tx, after string, to calendar.Date, limit int) (last string, n int, err error) {
	b, err := ReadBehind(ctx, tx, after, "", to, limit)
	if err != nil || b.Count == 0 {
		return after, 0, err
	}
	if failed := b.Work(); len(failed) > 0 {
		return after, 0, fmt.Errorf("loan %s: %w", failed[0].LoanID, failed[0].Err)
	}
	return b.Last, b.Count, b.Write(ctx, tx)
}

// CatchUp works one locked loan up to the business date before something is written to it, with the sums the night would have
// booked. A loan that is not behind costs nothing.
func CatchUp(ctx context.Context, tx *db.Tx, l *Loan) error {
	today, err := tx.BusinessDate(ctx)
	if err != nil || !l.ProcessedTo.Before(today) || (l.Status != Active && l.Status != Overdue) {
		return err
	}
	n := night{Loan: *l, kept: -1}
	b := &Behind{To: today, Last: l.ID, Count: 1, Sparse: true, loans: []night{n}}
	if err := b.replayMissing(ctx, tx); err != nil {
		return err
	}
	if failed := b.Work(); len(failed) > 0 {
		return fmt.Errorf("loan %s: %w", l.ID, failed[0].Err)
	}
	if err := b.Write(ctx, tx); err != nil {
		return err
	}
	*l, err = ByID(ctx, tx, l.ID)
	return err
}

// CatchUpByID is CatchUp of a loan that is not read yet.
func CatchUpByID(ctx context.Context, tx *db.Tx, id string) error {
	l, err := read(ctx, tx, selectLocked, id)
	if err != nil {
		return err
	}
	return CatchUp(ctx, tx, &l)
}
