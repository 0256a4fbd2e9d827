package intake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// importRun is one pass over one file. A run that was cut off is done again from the start of the file:
// decoding is far cheaper than writing, and the lines that are staged already are not sent again.
type importRun struct {
	s        *Service
	p        auth.Principal
	batch    Batch
	progress func(ctx context.Context, bytes int64) error

	firms   map[string]string
	report  Report
	pending []source.Staged
	safe    source.Lines     // staged by an earlier run
	seen    int64            // acceptable rows so far
	listed  []source.FirmRow // rows of a firm file, applied all at once
	bad     []source.RowError
	badSeq  int64
	bytes   int64
}

// newFirm marks a staged row whose firm is made when the batch is published, and not before: a cancelled
// import leaves no firms behind. The code follows the mark.
const newFirm = "new:"

func (x *importRun) do(ctx context.Context) (Batch, error) {
	if x.batch.State != StateRunning {
		return x.batch, nil // a job run again after it had finished
	}
	same := ""
	err := x.s.db.Update(ctx, x.p.Scope(), func(tx *db.Tx) (err error) {
		if _, err = tx.Exec(ctx, dropErrors, tx.Institution, x.batch.ID); err != nil {
			return err
		}
		if x.firms, err = party.Codes(ctx, tx, x.p); err != nil {
			return err
		}
		if x.safe, err = source.StagedLines(ctx, tx, x.batch.ID); err != nil {
			return err
		}
		same, err = sameFile(ctx, tx, x.batch.FileHash, x.batch.Kind, x.batch.Options)
		return err
	})
	if err != nil {
		return x.batch, err
	}
	if same != "" {
		return x.finish(ctx, StateUnchanged, same, nil)
	}
	file, err := x.s.blobs.Open(ctx, x.p.InstitutionID, x.batch.FileHash)
	if err != nil {
		return x.batch, err
	}
	defer file.Close()
	if x.batch.Kind == KindFirms {
		err = x.readFirms(ctx, file)
	} else {
		err = x.readInvoices(ctx, file)
	}
	if err != nil {
		return x.failed(ctx, err)
	}
	return x.finish(ctx, StateCommitted, "", nil)
}

// failed keeps a file that cannot be read as a failed batch with its report; a run that was cancelled, cut
// off or kept from the database stays as it is, to be resumed.
func (x *importRun) failed(ctx context.Context, cause error) (Batch, error) {
	f, ok := fault.As(cause)
	if !ok || ctx.Err() != nil {
		return x.batch, cause
	}
	switch f.Reason.Kind { //nolint:exhaustive // only these say that the file itself is at fault
	case fault.Invalid, fault.BadRequest, fault.TooLarge, fault.NotFound:
		b, err := x.finish(ctx, StateFailed, "", cause)
		return b, errors.Join(cause, err)
	}
	return x.batch, cause
}

func (x *importRun) options(ctx context.Context) source.Options {
	return source.Options{
		Name: x.batch.FileName, Direction: x.batch.Options.Direction, Firm: x.batch.Options.FirmCode, Columns: x.batch.Options.Columns, MaxErrors: 1,
		Progress: func(bytes, _ int64) { x.bytes = bytes; _ = x.progress(ctx, bytes) },
		OnError:  func(e source.RowError) error { return x.reject(ctx, e) },
	}
}

func (x *importRun) reject(ctx context.Context, e source.RowError) error {
	if x.report.BadKept >= badKeptMax {
		return nil
	}
	x.report.BadKept++
	if x.bad = append(x.bad, e); len(x.bad) >= 1000 {
		return x.flushBad(ctx)
	}
	return nil
}

func (x *importRun) flushBad(ctx context.Context) error {
	if len(x.bad) == 0 {
		return nil
	}
	err := x.s.db.Update(ctx, x.p.Scope(), func(tx *db.Tx) error { return saveErrors(ctx, tx, x.batch.ID, x.badSeq, x.bad) })
	x.badSeq, x.bad = x.badSeq+int64(len(x.bad)), x.bad[:0]
	return err
}

func (x *importRun) readInvoices(ctx context.Context, file io.Reader) error {
	unknown := int64(0)
	rep, err := source.Decode(ctx, file, x.options(ctx), func(row source.Row) error {
		firmID, problem := x.firmOf(row.Firm)
		if problem != nil {
			unknown++
			e := rowError(row.Line, "firm", row.Firm, problem)
			return x.reject(ctx, e)
		}
		x.seen++
		if x.safe.Has(row.Line) {
			return nil
		}
		if x.pending = append(x.pending, source.Staged{Line: row.Line, FirmID: firmID, Invoice: row.Invoice}); len(x.pending) >= x.s.chunk {
			return x.flush(ctx)
		}
		return nil
	})
	x.report = Report{Report: rep, UnknownFirm: unknown, BadKept: x.report.BadKept}
	// A row of an unknown firm is refused like one that cannot be read: it is not among the accepted.
	x.report.ErrorCount += unknown
	x.report.Accepted -= unknown
	x.report.Rejected += unknown
	if unknown > 0 {
		x.report.ErrorsByCode[ReasonFirmUnknown.Code] += unknown
	}
	if err != nil {
		return err
	}
	if err := x.flush(ctx); err != nil {
		return err
	}
	return x.flushBad(ctx)
}

// firmOf gives the id of a firm, or the mark of one to be made, or why the row cannot be taken. A firm of
// another branch is unknown here, and no second one is made in its place.
func (x *importRun) firmOf(code string) (string, *fault.Reason) {
	id, known := x.firms[code]
	if id != "" {
		return id, nil
	}
	if known || !x.batch.Options.CreateMissing || x.draft(code).Validate() != nil {
		return "", ReasonFirmUnknown
	}
	x.firms[code] = newFirm + code
	return x.firms[code], nil
}

func (x *importRun) draft(code string) party.Draft {
	o := x.batch.Options
	return party.Draft{Code: code, Name: code, BranchID: o.BranchID, BranchPath: o.BranchPath, ManagerID: o.ManagerID, Demo: o.Demo}
}

// settleFirms makes the firms that staged rows are waiting for, unless somebody made them meanwhile.
func (x *importRun) settleFirms(ctx context.Context, tx *db.Tx) error {
	x.report.FirmsCreated = 0
	marks, err := source.StagedFirms(ctx, tx, x.batch.ID, newFirm)
	if err != nil {
		return err
	}
	for _, mark := range marks {
		code := strings.TrimPrefix(mark, newFirm)
		_, err := party.ByCode(ctx, tx, code)
		if fault.Is(err, fault.ReasonNotFound) {
			x.report.FirmsCreated++
			_, err = x.s.firms.CreateTx(ctx, tx, x.draft(code))
		}
		if err != nil {
			return err
		}
	}
	if len(marks) == 0 {
		return nil
	}
	_, err = tx.Exec(ctx, settleFirms, tx.Institution, x.batch.ID, newFirm, len(newFirm)+1, len(newFirm))
	return err
}

// flush stages the pending rows and notes how many are safe, in one transaction.
func (x *importRun) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(x.pending) == 0 {
		return nil
	}
	err := x.s.db.Update(ctx, x.p.Scope(), func(tx *db.Tx) error {
		if err := source.Stage(ctx, tx, x.batch.ID, x.pending); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, setStaged, tx.Institution, x.batch.ID, x.seen)
		return err
	})
	x.pending = x.pending[:0]
	if err == nil && x.s.failpoint != nil {
		err = x.s.failpoint("staged")
	}
	if err == nil {
		err = pointStaged.Hit(ctx)
	}
	return err
}

func rowError(line int64, field, value string, reason *fault.Reason, kv ...any) source.RowError {
	e := fault.New(reason, append([]any{"value", value}, kv...)...)
	return source.RowError{
		Line: line, Field: field, Value: value, Code: reason.Code,
		Message: fault.Text{Zh: e.Text("zh"), En: e.Text("en")}, Remedy: fault.Text{Zh: e.RemedyText("zh"), En: e.RemedyText("en")},
	}
}

// finish ends the batch: publishes what was staged (or drops it), writes report, audit and event in one
// transaction. Whoever reads sees the whole file or nothing of it.
func (x *importRun) finish(ctx context.Context, state, same string, cause error) (Batch, error) {
	if x.s.failpoint != nil && state == StateCommitted {
		if err := x.s.failpoint("publish"); err != nil {
			return x.batch, err
		}
	}
	if err := pointPublish.Hit(ctx); err != nil {
		return x.batch, err
	}
	if x.report.ErrorsByCode == nil {
		x.report.ErrorsByCode = map[string]int64{}
	}
	if f, ok := fault.As(cause); ok {
		x.report.ErrorsByCode[f.Reason.Code]++
	}
	err := x.s.db.Update(ctx, x.p.Scope(), func(tx *db.Tx) error {
		var out source.Published
		var err error
		switch {
		case state == StateCommitted && x.batch.Kind == KindInvoices:
			out, err = x.publish(ctx, tx)
		case state == StateCommitted:
			out.Inserted, err = x.applyFirms(ctx, tx)
		default:
			err = source.Discard(ctx, tx, x.batch.ID)
		}
		if err != nil {
			return err
		}
		done, err := tx.ExecOne(ctx, finishBatch, tx.Institution, x.batch.ID, state, x.seen, out.Inserted, x.seen-out.Inserted, x.report.encode(), same, db.Micros(tx.Now))
		if err != nil || !done {
			return err // finished by another run: nothing more to do
		}
		if x.batch, err = get(ctx, tx, x.batch.ID); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "import." + state, Object: "import", ObjectID: x.batch.ID, After: x.batch}); err != nil {
			return err
		}
		if state != StateCommitted {
			return nil
		}
		return event.Append(ctx, tx, event.Draft{Type: "evidence.batch_imported", Aggregate: "import", AggregateID: x.batch.ID, Payload: Imported{
			BatchID: x.batch.ID, Kind: x.batch.Kind, Inserted: out.Inserted, Voided: out.Voided, Firms: out.Firms,
		}})
	})
	if err != nil {
		return x.batch, fmt.Errorf("finish import: %w", err)
	}
	_ = x.progress(context.WithoutCancel(ctx), x.batch.FileBytes)
	return x.batch, nil
}

// publish makes the staged rows and the firms they wait for visible.
func (x *importRun) publish(ctx context.Context, tx *db.Tx) (source.Published, error) {
	if err := x.settleFirms(ctx, tx); err != nil {
		return source.Published{}, err
	}
	out, err := source.Publish(ctx, tx, x.batch.ID)
	x.report.VoidedSince = out.Voided
	return out, err
}

// Imported is the payload of evidence.batch_imported.
type Imported struct {
	BatchID  string           `json:"batch_id"`
	Kind     string           `json:"kind"`
	Inserted int64            `json:"inserted"`
	Voided   int64            `json:"voided"`
	Firms    []source.Touched `json:"firms"`
}

// Instants at which a test may break off.
var (
	pointPublish = failpoint.Declare("import.publish")
	pointStaged  = failpoint.Declare("import.staged")
)
