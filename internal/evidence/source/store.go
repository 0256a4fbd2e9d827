package source

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Flags of a stored invoice.
const (
	flagVoid = 1 << iota
	flagRed
	flagDuplicate
	flagMismatch
)

func (v Invoice) flags() int64 {
	var f int64
	for bit, on := range map[int64]bool{flagVoid: v.Void, flagRed: v.Red, flagDuplicate: v.Duplicate, flagMismatch: v.Mismatch} {
		if on {
			f |= bit
		}
	}
	return f
}

func (v *Invoice) setFlags(f int64) {
	v.Void, v.Red, v.Duplicate, v.Mismatch = f&flagVoid != 0, f&flagRed != 0, f&flagDuplicate != 0, f&flagMismatch != 0
}

// content identifies what an invoice says apart from firm, direction and date, which stand beside it in
// the key, and apart from its status: a valid invoice that a later file shows as void is the same
// invoice. 64 bits are plenty: it only has to differ within one firm, direction and day.
func (v Invoice) content() int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(v.Number))
	_, _ = h.Write([]byte{0})
	_, _ = h.Write([]byte(v.Counterparty))
	var b [25]byte                                              // the first byte stays zero: it ends the counterparty
	binary.LittleEndian.PutUint64(b[1:], uint64(v.NetMinor))    //nolint:gosec // bits
	binary.LittleEndian.PutUint64(b[9:], uint64(v.TaxMinor))    //nolint:gosec // bits
	binary.LittleEndian.PutUint64(b[17:], uint64(v.GrossMinor)) //nolint:gosec // bits
	_, _ = h.Write(b[:])
	return int64(h.Sum64()) //nolint:gosec // bits
}

// nth numbers rows of one file that say the same, the void ones first. So what is kept of equal rows is
// the most that one file has shown, of which the most that one file has shown as void are void: neither
// the order of rows nor that of files decides.
const nth = `row_number() over (partition by firm_id, direction, issued_on, content order by flags % 2 desc, line)`

var (
	stageRows = db.NewBulk("invoice_staging", []string{"institution_id", "batch_id", "line", "firm_id", "direction", "issued_on", "content", "number",
		"counterparty", "net_minor", "tax_minor", "gross_minor", "flags"}, "on conflict do nothing")
	publish = db.Q(`insert into invoice (institution_id, firm_id, direction, issued_on, content, nth, number, counterparty, net_minor, tax_minor, gross_minor, flags, batch_id, line)
		select institution_id, firm_id, direction, issued_on, content, ` + nth + `, number, counterparty, net_minor, tax_minor, gross_minor, flags, batch_id, line
		from invoice_staging where institution_id = $1 and batch_id = $2 on conflict do nothing`)
	voidKnown = db.Q(`update invoice set flags = invoice.flags + 1 from (
			select firm_id, direction, issued_on, content, flags, ` + nth + ` as nth from invoice_staging where institution_id = $1 and batch_id = $2) s
		where s.flags % 2 = 1 and invoice.institution_id = $1 and invoice.firm_id = s.firm_id and invoice.direction = s.direction and invoice.issued_on = s.issued_on
		and invoice.content = s.content and invoice.nth = s.nth and invoice.flags % 2 = 0`)
	stagedFirms = db.Q(`select distinct firm_id from invoice_staging where institution_id = $1 and batch_id = $2 and substr(firm_id, 1, $4) = $3 order by firm_id`)
	stagedLines = db.Q(`select line from invoice_staging where institution_id = $1 and batch_id = $2`)
	dropStaged  = db.Q(`delete from invoice_staging where institution_id = $1 and batch_id = $2`)
	firmsStaged = db.Q(`select firm_id, max(issued_on), count(*) from invoice_staging where institution_id = $1 and batch_id = $2 group by firm_id order by firm_id`)
	byFirm      = db.Q(`select direction, number, issued_on, counterparty, net_minor, tax_minor, gross_minor, flags from invoice
		where institution_id = $1 and firm_id = $2 and direction in (1, 2) and issued_on <= $3 order by direction, issued_on, content, nth`)
	sumsOfFirm = db.Q(`select direction, count(*), cast(sum(net_minor) as bigint), cast(sum(tax_minor) as bigint), cast(sum(gross_minor) as bigint),
		cast(sum(flags % 2) as bigint), cast(sum(case when flags % 2 = 0 then net_minor else 0 end) as bigint), cast(sum(case when flags % 2 = 0 then tax_minor else 0 end) as bigint),
		min(issued_on), max(issued_on) from invoice where institution_id = $1 and firm_id = $2 group by direction order by direction`)
	page = db.Q(`select direction, number, issued_on, counterparty, net_minor, tax_minor, gross_minor, flags, content, nth from invoice
		where institution_id = $1 and firm_id = $2 and (cast($3 as bigint) = 0 or direction = $3) and ($4 = '' or counterparty = $4)
		and ($5 = '' or issued_on < $5 or (issued_on = $5 and content < $6) or (issued_on = $5 and content = $6 and nth < $7)
			or (issued_on = $5 and content = $6 and nth = $7 and direction < $8)) order by issued_on desc, content desc, nth desc, direction desc limit $9`)
	countPage = db.Q(`select count(*) from invoice where institution_id = $1 and firm_id = $2 and (cast($3 as bigint) = 0 or direction = $3) and ($4 = '' or counterparty = $4)`)
	parties   = db.Q(`select counterparty, count(*), cast(sum(net_minor) as bigint), min(issued_on), max(issued_on) from invoice
		where institution_id = $1 and firm_id = $2 and direction = $3 and flags % 2 = 0 group by counterparty order by sum(net_minor) desc, counterparty limit $4`)
)

// Staged is a row that waits for its batch.
type Staged struct {
	Line   int64
	FirmID string
	Invoice
}

// Stage writes rows of a batch where nobody reads them; the same line again changes nothing.
func Stage(ctx context.Context, tx *db.Tx, batchID string, rows []Staged) error {
	args := make([][]any, len(rows))
	for i, r := range rows {
		args[i] = []any{
			tx.Institution, batchID, r.Line, r.FirmID, int64(r.Direction), r.Date.String(), r.content(), r.Number, r.Counterparty,
			r.NetMinor, r.TaxMinor, r.GrossMinor, r.flags(),
		}
	}
	if _, err := tx.BulkInsert(ctx, stageRows, args); err != nil {
		return fmt.Errorf("stage invoices: %w", err)
	}
	return nil
}

// Touched is a firm of a batch with the last date and number of its rows.
type Touched struct {
	FirmID string        `json:"firm_id"`
	Last   calendar.Date `json:"last"`
	Rows   int64         `json:"rows"`
}

// Lines is a set of line numbers of one file.
type Lines struct {
	bits  []uint64
	count int64
}

// Has reports whether a line is in the set.
func (l Lines) Has(line int64) bool {
	i := line / 64
	return i < int64(len(l.bits)) && l.bits[i]&(1<<(line%64)) != 0
}

// Len is the number of lines.
func (l Lines) Len() int64 { return l.count }

func (l *Lines) add(line int64) {
	for int64(len(l.bits)) <= line/64 {
		l.bits = append(l.bits, 0)
	}
	l.bits[line/64] |= 1 << (line % 64)
	l.count++
}

// StagedLines tells which lines of a batch are safe already: a resumed import leaves them out. A mark
// "up to line n" would not do: a firm that was unknown when they were read may be known by now.
func StagedLines(ctx context.Context, tx *db.Tx, batchID string) (Lines, error) {
	var l Lines
	rows, err := tx.Query(ctx, stagedLines, tx.Institution, batchID)
	if err != nil {
		return l, err
	}
	defer rows.Close()
	for rows.Next() {
		var line int64
		if err := rows.Scan(&line); err != nil {
			return l, err
		}
		l.add(line)
	}
	return l, rows.Err()
}

// StagedFirms lists the firm marks of a batch that begin with a prefix: firms not made yet.
func StagedFirms(ctx context.Context, tx *db.Tx, batchID, prefix string) ([]string, error) {
	rows, err := tx.Query(ctx, stagedFirms, tx.Institution, batchID, prefix, len(prefix))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var mark string
		if err := rows.Scan(&mark); err != nil {
			return nil, err
		}
		out = append(out, mark)
	}
	return out, rows.Err()
}

// Published is what a batch changed.
type Published struct {
	Inserted int64     // rows that were new
	Voided   int64     // rows that were valid before and are void by this batch
	Firms    []Touched // every firm the batch holds
}

// Publish makes a staged batch visible, all of it or, when tx fails, none. A row that is there already
// stays as it is, except that a valid one becomes void when the batch says so; void is final.
func Publish(ctx context.Context, tx *db.Tx, batchID string) (out Published, err error) {
	var staged int64
	if out.Firms, staged, err = touched(ctx, tx, batchID); err != nil {
		return out, err
	}
	res, err := tx.Exec(ctx, publish, tx.Institution, batchID)
	if err != nil {
		return out, fmt.Errorf("publish invoices: %w", err)
	}
	if out.Inserted, err = res.RowsAffected(); err != nil {
		return out, err
	}
	if out.Inserted < staged { // only then was any of them there before
		if res, err = tx.Exec(ctx, voidKnown, tx.Institution, batchID); err != nil {
			return out, fmt.Errorf("void invoices: %w", err)
		}
		if out.Voided, err = res.RowsAffected(); err != nil {
			return out, err
		}
	}
	return out, Discard(ctx, tx, batchID)
}

func touched(ctx context.Context, tx *db.Tx, batchID string) (firms []Touched, staged int64, err error) {
	rows, err := tx.Query(ctx, firmsStaged, tx.Institution, batchID)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var t Touched
		if err := rows.Scan(&t.FirmID, &t.Last, &t.Rows); err != nil {
			return nil, 0, err
		}
		firms = append(firms, t)
		staged += t.Rows
	}
	return firms, staged, rows.Err()
}

// Discard removes what a batch staged.
func Discard(ctx context.Context, tx *db.Tx, batchID string) error {
	_, err := tx.Exec(ctx, dropStaged, tx.Institution, batchID)
	return err
}

// Invoices reads a firm's visible invoices up to and with a day, by direction and date. The caller
// holds a consent (consent.Read).
func Invoices(ctx context.Context, tx *db.Tx, firmID string, until calendar.Date) ([]Invoice, error) {
	rows, err := tx.Query(ctx, byFirm, tx.Institution, firmID, until)
	if err != nil {
		return nil, fmt.Errorf("read invoices: %w", err)
	}
	defer rows.Close()
	var out []Invoice
	for rows.Next() {
		var v Invoice
		var dir, flags int64
		if err := rows.Scan(&dir, &v.Number, &v.Date, &v.Counterparty, &v.NetMinor, &v.TaxMinor, &v.GrossMinor, &flags); err != nil {
			return nil, err
		}
		v.Direction = Direction(dir) //nolint:gosec // 1 or 2
		v.setFlags(flags)
		out = append(out, v)
	}
	return out, rows.Err()
}

// Sum is what a firm's visible invoices of one direction add up to. Valid leaves void ones out.
type Sum struct {
	Direction     Direction     `json:"direction"`
	Rows          int64         `json:"rows"`
	VoidRows      int64         `json:"void_rows"`
	ValidNetMinor int64         `json:"valid_net_minor"`
	ValidTaxMinor int64         `json:"valid_tax_minor"`
	NetMinor      int64         `json:"net_minor"`
	TaxMinor      int64         `json:"tax_minor"`
	GrossMinor    int64         `json:"gross_minor"`
	First         calendar.Date `json:"first"`
	Last          calendar.Date `json:"last"`
}

// Sums adds up a firm's visible invoices per direction.
func Sums(ctx context.Context, tx *db.Tx, firmID string) ([]Sum, error) {
	rows, err := tx.Query(ctx, sumsOfFirm, tx.Institution, firmID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Sum{}
	for rows.Next() {
		var s Sum
		var dir int64
		if err := rows.Scan(&dir, &s.Rows, &s.NetMinor, &s.TaxMinor, &s.GrossMinor, &s.VoidRows, &s.ValidNetMinor, &s.ValidTaxMinor, &s.First, &s.Last); err != nil {
			return nil, err
		}
		s.Direction = Direction(dir) //nolint:gosec // 1 or 2
		out = append(out, s)
	}
	return out, rows.Err()
}

// Filter narrows the list of a firm's invoices.
type Filter struct {
	Direction    Direction
	Counterparty string
	Before       Mark // the last row of the page before
	Limit        int
}

// Mark is the place of a row in the list, newest first.
type Mark struct {
	Date      string
	Content   int64
	Nth       int64
	Direction Direction
}

// text names the place within the firm.
func (m Mark) text() string {
	return m.Direction.String() + "." + m.Date + "." + strconv.FormatUint(uint64(m.Content), 36) + "." + strconv.FormatInt(m.Nth, 10) //nolint:gosec // bits
}

// Listed is an invoice in a list with its place.
type Listed struct {
	Invoice
	Mark Mark
}

// List reads a page of a firm's visible invoices, newest first.
func List(ctx context.Context, tx *db.Tx, firmID string, f Filter) ([]Listed, error) {
	rows, err := tx.Query(ctx, page, tx.Institution, firmID, int64(f.Direction), f.Counterparty, f.Before.Date, f.Before.Content, f.Before.Nth, int64(f.Before.Direction), f.Limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Listed{}
	for rows.Next() {
		var l Listed
		var dir, flags int64
		if err := rows.Scan(&dir, &l.Number, &l.Date, &l.Counterparty, &l.NetMinor, &l.TaxMinor, &l.GrossMinor, &flags, &l.Mark.Content, &l.Mark.Nth); err != nil {
			return nil, err
		}
		l.Direction, l.Mark.Date = Direction(dir), l.Date.String() //nolint:gosec // 1 or 2
		l.Mark.Direction = l.Direction
		l.setFlags(flags)
		out = append(out, l)
	}
	return out, rows.Err()
}

// Count is how many invoices a filter leaves, over all pages.
func Count(ctx context.Context, tx *db.Tx, firmID string, f Filter) (n int64, err error) {
	err = tx.QueryRow(ctx, countPage, tx.Institution, firmID, int64(f.Direction), f.Counterparty).Scan(&n)
	return n, err
}

// Party is a counterparty of a firm with its valid volume.
type Party struct {
	Counterparty string        `json:"counterparty"`
	Rows         int64         `json:"rows"`
	NetMinor     int64         `json:"net_minor"`
	First        calendar.Date `json:"first"`
	Last         calendar.Date `json:"last"`
}

// Parties lists a firm's largest counterparties of one direction.
func Parties(ctx context.Context, tx *db.Tx, firmID string, d Direction, limit int) ([]Party, error) {
	rows, err := tx.Query(ctx, parties, tx.Institution, firmID, int64(d), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Party{}
	for rows.Next() {
		var p Party
		if err := rows.Scan(&p.Counterparty, &p.Rows, &p.NetMinor, &p.First, &p.Last); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
