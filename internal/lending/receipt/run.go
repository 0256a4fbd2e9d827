package receipt

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
)

func newReader(b []byte) io.Reader { return bytes.NewReader(b) }

type jobArgs struct {
	FileID string `json:"file_id"` // empty: only match and post what waits
}

// progress is the checkpoint: how many items of the file are stored, and the
// business date by which the first run judged value dates.
type progress struct {
	Taken int64         `json:"taken"`
	Today calendar.Date `json:"today"`
}

// chunk is how many items of a file are stored in one transaction.
const chunk = 200

// runJob takes a file in: read it whole once to know that it can be read, store
// its payments, match them, post what is sure. Each step can be broken off
// anywhere and goes on where it stands.
func (s *Service) runJob(ctx context.Context, r *job.Run) error {
	var args jobArgs
	if err := r.Args(&args); err != nil {
		return err
	}
	var f File
	if args.FileID != "" {
		var at progress
		if !r.Restore(&at) {
			err := r.Update(ctx, func(tx *db.Tx) (err error) {
				at.Today, err = tx.BusinessDate(ctx)
				return err
			})
			if err != nil {
				return err
			}
		}
		var err error
		if f, err = s.store(ctx, r, args.FileID, at); err != nil {
			return err
		}
	}
	r.Message("按规则匹配", "matching")
	tick := func() error { return r.Progress(ctx, f.Rows, f.Rows) }
	if err := s.matchAll(ctx, r.Principal, Received, tick); err != nil {
		return err
	}
	if args.FileID == "" { // a person has asked for it: what no rule was sure of may be known by now
		if err := s.matchAll(ctx, r.Principal, Exception, tick); err != nil {
			return err
		}
	}
	r.Message("入账", "posting")
	if err := s.postAll(ctx, r.Principal, tick); err != nil {
		return err
	}
	if args.FileID == "" {
		return nil
	}
	return s.finish(ctx, r, args.FileID)
}

// store reads the file twice: a file that is broken at its end is refused before
// anything of it is used.
func (s *Service) store(ctx context.Context, r *job.Run, id string, at progress) (f File, err error) {
	err = r.Update(ctx, func(tx *db.Tx) error {
		f, err = fileByID(ctx, tx, id)
		return err
	})
	if err != nil || f.Status == FileDone {
		return f, err
	}
	r.Message("检查文件", "checking the file")
	total, kind, err := s.count(ctx, r, f, at.Today)
	if err != nil {
		if refused := s.refuse(ctx, r, f, err); refused != nil {
			return f, refused
		}
		return f, err
	}
	r.Message("登记来款", "recording payments")
	w := &storing{s: s, ctx: ctx, run: r, file: f, at: at, total: total, kind: kind}
	in, err := s.open(ctx, f, r.Principal.InstitutionID)
	if err != nil {
		return f, err
	}
	defer in.Close() //nolint:errcheck // only read
	_, err = read(f.Name, in, at.Today, sink{line: w.line, bad: w.bad}, &w.skipped)
	if err == nil {
		err = w.flush()
	}
	f.Rows = total
	return f, err
}

// count reads the whole file without keeping anything.
func (s *Service) count(ctx context.Context, r *job.Run, f File, today calendar.Date) (n int64, kind string, err error) {
	in, err := s.open(ctx, f, r.Principal.InstitutionID)
	if err != nil {
		return 0, "", err
	}
	defer in.Close() //nolint:errcheck // only read
	var skipped int64
	tick := func() error {
		n++
		return ctx.Err()
	}
	kind, err = read(f.Name, in, today, sink{line: func(Line) error { return tick() }, bad: func(BadRow) error { return tick() }}, &skipped)
	return n, kind, err
}

// refuse records why a file cannot be used; other errors are left to the job.
func (s *Service) refuse(ctx context.Context, r *job.Run, f File, cause error) error {
	why, ok := fault.As(cause)
	if !ok {
		return nil
	}
	return r.Update(ctx, func(tx *db.Tx) error {
		zh, en := why.Text("zh")+"。"+why.RemedyText("zh"), why.Text("en")+". "+why.RemedyText("en")
		if _, err := tx.Exec(ctx, finishFile, tx.Institution, f.ID, string(FileRefused), zh, en, db.Micros(tx.Now)); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Action: "receipt_file.refuse", Object: "receipt_file", ObjectID: f.ID, Note: en})
	})
}

// storing gathers what a file tells and stores it chunk by chunk.
type storing struct {
	s       *Service
	ctx     context.Context //nolint:containedctx // lives for one reading
	run     *job.Run
	file    File
	at      progress
	total   int64
	kind    string
	seen    int64
	skipped int64
	pending []item
}

// item is a payment or a bad row.
type item struct {
	line *Line
	bad  *BadRow
}

func (w *storing) line(l Line) error  { return w.add(item{line: &l}) }
func (w *storing) bad(b BadRow) error { return w.add(item{bad: &b}) }

func (w *storing) add(i item) error {
	w.seen++
	if w.seen <= w.at.Taken {
		return nil // stored by an earlier run of this job
	}
	w.pending = append(w.pending, i)
	if len(w.pending) < chunk {
		return nil
	}
	return w.flush()
}

// tally is what a chunk adds to its file.
type tally struct{ receipts, repeats, bad, amount int64 }

func (w *storing) flush() error {
	err := w.run.Update(w.ctx, func(tx *db.Tx) error {
		var t tally
		var drafts []journal.Draft
		for i, it := range w.pending {
			bad := it.bad
			if it.line != nil {
				draft, twin, err := w.take(tx, *it.line, &t)
				if err != nil {
					return err
				}
				if draft != nil {
					drafts = append(drafts, *draft)
				}
				bad = twin
			}
			if bad != nil {
				t.bad++
				if err := storeBad(w.ctx, tx, w.file.ID, w.at.Taken+int64(i)+1, *bad); err != nil {
					return err
				}
			}
		}
		if _, err := journal.PostAll(w.ctx, tx, drafts); err != nil {
			return err
		}
		if _, err := tx.Exec(w.ctx, addToFile, tx.Institution, w.file.ID, len(w.pending), t.receipts, t.repeats, t.bad, t.amount, w.kind, w.skipped); err != nil {
			return err
		}
		return w.run.CheckpointTx(w.ctx, tx, progress{Taken: w.at.Taken + int64(len(w.pending)), Today: w.at.Today})
	})
	if err != nil {
		return err
	}
	w.at.Taken += int64(len(w.pending))
	w.pending = w.pending[:0]
	if err := w.s.fail("stored"); err != nil {
		return err
	}
	return w.run.Progress(w.ctx, w.at.Taken, w.total)
}

// take records one payment with the entry that puts its money in suspense, or
// recognises it; a known reference with another amount is a bad row.
func (w *storing) take(tx *db.Tx, l Line, t *tally) (*journal.Draft, *BadRow, error) {
	id, fresh, err := insert(w.ctx, tx, w.file.ID, l)
	if err != nil {
		return nil, nil, err
	}
	if !fresh {
		known, err := get(w.ctx, tx, selectKey, l.Key)
		if err != nil {
			return nil, nil, err
		}
		switch {
		case known.FileID == w.file.ID && known.Line == l.Line: // stored by a job of this file that failed later
			t.receipts++
			t.amount += l.AmountMinor
			return nil, nil, nil
		case known.AmountMinor == l.AmountMinor && known.Currency == l.Currency && (known.FileID != w.file.ID || known.asLine().same(l)):
			t.repeats++
			return nil, nil, nil
		}
		f := fault.New(ReasonReference, "reference", l.BankReference, "known", money.FormatMinor(known.AmountMinor))
		if known.AmountMinor == l.AmountMinor && known.Currency == l.Currency {
			f = fault.New(ReasonReferenceTwice, "reference", l.BankReference, "line", known.Line)
		}
		return nil, &BadRow{Line: l.Line, Field: "bank_reference", Column: "bank_reference", Value: l.BankReference, Code: f.Reason.Code,
			Message: fault.Text{Zh: f.Text("zh"), En: f.Text("en")}, Remedy: fault.Text{Zh: f.RemedyText("zh"), En: f.RemedyText("en")}}, nil
	}
	t.receipts++
	t.amount += l.AmountMinor
	today, err := tx.BusinessDate(w.ctx) // the accounting date is today's, however long the job has been waiting
	d := suspense("receipt:"+id, Receipt{ID: id, Currency: l.Currency}, l.AmountMinor, today, true, fault.Text{Zh: "来款待处理", En: "money received, not matched yet"})
	return &d, nil, err
}

// finish closes the file.
func (s *Service) finish(ctx context.Context, r *job.Run, id string) error {
	return r.Update(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, finishFile, tx.Institution, id, string(FileDone), "", "", db.Micros(tx.Now)); err != nil {
			return err
		}
		f, err := fileByID(ctx, tx, id)
		if err != nil {
			return err
		}
		c, err := counts(ctx, tx, countOfFile, tx.Institution, id)
		if err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "receipt_file.finish", Object: "receipt_file", ObjectID: id, After: f}); err != nil {
			return err
		}
		if err := event.Append(ctx, tx, event.Draft{Type: "receipt.file_done", Aggregate: "receipt_file", AggregateID: id, Payload: f}); err != nil {
			return err
		}
		return r.Result(ctx, map[string]any{"file_id": id, "receipts": f.Receipts, "repeats": f.Repeats, "bad": f.Bad, "counts": c})
	})
}

// refusedByRule reports an error that a loan or a rule gave, as opposed to one
// that may go away by itself.
func refusedByRule(err error) (*fault.Error, bool) {
	f, ok := fault.As(err)
	if !ok || errors.Is(err, context.Canceled) || job.IsTransient(err) || f.Reason.Kind == fault.Internal {
		return nil, false
	}
	return f, true
}
