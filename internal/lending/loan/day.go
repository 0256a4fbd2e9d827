package loan

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// The narrow row of a loan is what a night rewrites. No index holds a column that changes nightly, so that PostgreSQL keeps
// the new version on the page of the old one; the one index on status moves only when a loan's status does.
const dayColumns = `d.status, d.processed_to, d.next_due_on, d.next_due_minor, d.outstanding_minor, d.due_minor, d.days_past_due, d.posted_json, d.event_seq, d.updated_at, d.version`

// A row changes only if nobody changed it since it was read: the end of day reads without locks, and an inline catch-up or a
// repayment between its reading and its writing must win. PostgreSQL takes a chunk as arrays in one statement, because there
// the end of day is bound by round trips; SQLite, which has none, takes one row at a time through a prepared statement, and
// a second one that leaves the indexed status alone.
var (
	insertDay = db.Q(`insert into loan_day (institution_id, loan_id, status, processed_to, next_due_on, next_due_minor, outstanding_minor, due_minor, days_past_due, posted_json, event_seq, updated_at, version)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)`)
	updateDay = db.QQ(`update loan_day d set status = x.status, processed_to = x.processed_to, next_due_on = x.next_due_on, next_due_minor = x.next_due_minor, outstanding_minor = x.outstanding_minor,
			due_minor = x.due_minor, days_past_due = x.days_past_due, posted_json = x.posted_json, event_seq = x.event_seq, updated_at = $2, version = x.version + 1
		from unnest(cast($3 as text[]), cast($4 as text[]), cast($5 as text[]), cast($6 as text[]), cast($7 as bigint[]), cast($8 as bigint[]), cast($9 as bigint[]), cast($10 as bigint[]), cast($11 as text[]), cast($12 as bigint[]), cast($13 as bigint[]))
			as x(loan_id, status, processed_to, next_due_on, next_due_minor, outstanding_minor, due_minor, days_past_due, posted_json, event_seq, version)
		where d.institution_id = $1 and d.loan_id = x.loan_id and d.version = x.version`,
		`update loan_day set status = $4, processed_to = $5, next_due_on = $6, next_due_minor = $7, outstanding_minor = $8, due_minor = $9, days_past_due = $10, posted_json = $11, event_seq = $12, updated_at = $2, version = $13 + 1
		where institution_id = $1 and loan_id = $3 and version = $13`)
	updateNight = db.Q(`update loan_day set processed_to = $4, next_due_on = $5, next_due_minor = $6, outstanding_minor = $7, due_minor = $8, days_past_due = $9, posted_json = $10, event_seq = $11, updated_at = $2, version = $12 + 1
		where institution_id = $1 and loan_id = $3 and version = $12`)
)

func insertDayRow(ctx context.Context, tx *db.Tx, l Loan) error {
	posted, err := formatTotals(&l.Posted)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertDay, tx.Institution, l.ID, string(l.Status), l.ProcessedTo.String(), l.NextDueOn.String(), l.NextDueMinor, l.OutstandingMinor,
		l.DueMinor, l.DaysPastDue, posted, l.eventSeq, db.Micros(tx.Now), 1)
	return err
}

// errMoved says that a loan was changed between reading and writing.
type errMoved struct{ stored, want int64 }

func (e errMoved) Error() string {
	return fmt.Sprintf("loans: %d of %d were stored, the others were changed meanwhile", e.stored, e.want)
}

// updateDays stores the narrow rows of loans as they were read plus what has become of them.
func updateDays(ctx context.Context, tx *db.Tx, loans []Loan) error {
	if len(loans) == 0 {
		return nil
	}
	var stored int64
	var err error
	if tx.Dialect() == db.Postgres {
		stored, err = updateArrays(ctx, tx, loans)
	} else {
		stored, err = updateEach(ctx, tx, loans)
	}
	if err == nil && stored != int64(len(loans)) {
		err = errMoved{stored, int64(len(loans))}
	}
	return err
}

func updateArrays(ctx context.Context, tx *db.Tx, loans []Loan) (int64, error) {
	n := len(loans)
	var words [5][]string // id, status, processed_to, next_due_on, posted_json
	var numbers [6][]int64
	for i := range words {
		words[i] = make([]string, n)
	}
	for i := range numbers {
		numbers[i] = make([]int64, n)
	}
	for i := range loans {
		l := &loans[i]
		posted, err := formatTotals(&l.Posted)
		if err != nil {
			return 0, err
		}
		words[0][i], words[1][i], words[2][i], words[3][i], words[4][i] = l.ID, string(l.Status), l.ProcessedTo.String(), l.NextDueOn.String(), posted
		numbers[0][i], numbers[1][i], numbers[2][i] = l.NextDueMinor, l.OutstandingMinor, l.DueMinor
		numbers[3][i], numbers[4][i], numbers[5][i] = int64(l.DaysPastDue), l.eventSeq, l.Version
	}
	res, err := tx.Exec(ctx, updateDay, tx.Institution, db.Micros(tx.Now), words[0], words[1], words[2], words[3],
		numbers[0], numbers[1], numbers[2], numbers[3], words[4], numbers[4], numbers[5])
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func updateEach(ctx context.Context, tx *db.Tx, loans []Loan) (stored int64, err error) {
	night, err := tx.Prepare(ctx, updateNight)
	if err != nil {
		return 0, err
	}
	defer night.Close() //nolint:errcheck // closed with the transaction anyway
	// The driver starts a goroutine per statement to watch a context that can end; here it is looked at between the rows.
	outer := ctx
	ctx = context.WithoutCancel(ctx)
	for i := range loans {
		if err := outer.Err(); err != nil {
			return stored, err
		}
		l := &loans[i]
		posted, err := formatTotals(&l.Posted)
		if err != nil {
			return stored, err
		}
		var done int64
		if l.Status == l.storedStatus {
			res, err := night.ExecContext(ctx, tx.Institution, db.Micros(tx.Now), l.ID, l.ProcessedTo.String(), l.NextDueOn.String(), l.NextDueMinor,
				l.OutstandingMinor, l.DueMinor, l.DaysPastDue, posted, l.eventSeq, l.Version)
			if err != nil {
				return stored, err
			}
			done, _ = res.RowsAffected()
		} else {
			res, err := tx.Exec(ctx, updateDay, tx.Institution, db.Micros(tx.Now), l.ID, string(l.Status), l.ProcessedTo.String(), l.NextDueOn.String(),
				l.NextDueMinor, l.OutstandingMinor, l.DueMinor, l.DaysPastDue, posted, l.eventSeq, l.Version)
			if err != nil {
				return stored, err
			}
			done, _ = res.RowsAffected()
		}
		stored += done
	}
	return stored, nil
}

// totalsFields names the integers of Totals as its JSON does; nil when Totals holds anything else, and encoding/json does it all.
var totalsFields = func() (names []string) {
	t := reflect.TypeFor[Totals]()
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Type.Kind() != reflect.Int64 || name == "" || name == "-" {
			return nil
		}
		names = append(names, name)
	}
	return names
}()

// formatTotals writes totals as JSON without the zeros: most of the sums of most loans are zero every night.
func formatTotals(t *Totals) (string, error) {
	if totalsFields == nil {
		b, err := json.Marshal(t)
		return string(b), err
	}
	v := reflect.ValueOf(t).Elem()
	out := make([]byte, 0, 160)
	out = append(out, '{')
	for i, name := range totalsFields {
		n := v.Field(i).Int()
		if n == 0 {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, '"'), name...), '"', ':')
		out = strconv.AppendInt(out, n, 10)
	}
	return string(append(out, '}')), nil
}

// parseTotals reads what formatTotals or encoding/json wrote; whatever is not flat and plain goes to encoding/json.
func parseTotals(text string) (t Totals, err error) {
	if totalsFields == nil || !quickTotals(text, reflect.ValueOf(&t).Elem()) {
		t = Totals{}
		err = json.Unmarshal([]byte(text), &t)
	}
	return t, err
}

func quickTotals(text string, v reflect.Value) bool {
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return false
	}
	field, rest := 0, text[1:len(text)-1]
	for rest != "" {
		name, after, ok := strings.Cut(rest, ":")
		if !ok || len(name) < 3 || name[0] != '"' || name[len(name)-1] != '"' {
			return false
		}
		name = name[1 : len(name)-1]
		value, tail, more := strings.Cut(after, ",")
		if more && tail == "" {
			return false
		}
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return false
		}
		for field < len(totalsFields) && totalsFields[field] != name { // written in the order of the struct
			field++
		}
		if field == len(totalsFields) {
			return false
		}
		v.Field(field).SetInt(n)
		rest = tail
	}
	return true
}
