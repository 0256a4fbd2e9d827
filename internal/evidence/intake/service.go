package intake

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
)

// JobKind is the name of the import job.
const JobKind = "evidence.import"

// Service holds the use cases of imports.
type Service struct {
	db      *db.DB
	blobs   *blob.Store
	firms   *party.Service
	jobs    *job.Runner
	maxFile int64
	// chunk is how many rows are staged per transaction.
	chunk int
	// failpoint, set by tests, runs after each staged chunk and before the publish.
	failpoint func(where string) error
}

// NewService makes the service and registers its job. jobs may be nil where only files are imported (command line).
func NewService(d *db.DB, blobs *blob.Store, firms *party.Service, jobs *job.Runner, maxFile int64) *Service {
	s := &Service{db: d, blobs: blobs, firms: firms, jobs: jobs, maxFile: maxFile, chunk: 10_000}
	if jobs != nil {
		jobs.Register(job.Kind{Name: JobKind, Zh: "导入文件", En: "Import a file", Run: s.runJob})
	}
	return s
}

// Preview is what a person sees before importing.
type Preview struct {
	Kind      string            `json:"kind"`
	Direction string            `json:"direction"`
	Format    string            `json:"format"`
	Encoding  string            `json:"encoding"`
	Headings  []string          `json:"headings" nullable:"false"`
	Unknown   []string          `json:"unknown_headings" nullable:"false" doc:"columns that will not be read"`
	Columns   []Column          `json:"columns" nullable:"false" doc:"what each heading is taken for"`
	Fields    []source.Field    `json:"fields" nullable:"false" doc:"what a heading may stand for in a file of this kind"`
	Missing   []string          `json:"missing" nullable:"false" doc:"required fields that no heading stands for: say which in columns, or nothing can be read"`
	Invoices  []PreviewRow      `json:"invoices" nullable:"false"`
	Firms     []source.FirmRow  `json:"firms" nullable:"false"`
	Problems  []source.RowError `json:"problems" nullable:"false" doc:"of the rows shown"`
	SameAs    string            `json:"same_as,omitempty" doc:"this file was imported before"`
}

// Column is a heading with the field it stands for; options.columns overrides it.
type Column struct {
	Heading string `json:"heading"`
	Field   string `json:"field" doc:"empty: not read"`
}

// PreviewRow is an invoice of a preview.
type PreviewRow struct {
	Line int64  `json:"line"`
	Firm string `json:"firm"`
	source.View
}

const previewRows = 20

var errEnough = errors.New("intake: enough rows")

// Preview reads the first rows of an uploaded file without keeping anything. A file whose headings are not known
// is answered too, with the headings and what they lack, so that a person can say what they stand for.
func (s *Service) Preview(ctx context.Context, p auth.Principal, hash, name string, o Options) (Preview, error) {
	open := s.opener(ctx, p, hash)
	kind, err := s.recognise(ctx, open, name, o)
	var out Preview
	switch {
	case fault.Is(err, ReasonNotRecognised):
		out, err = s.nearest(ctx, open, name, o)
	case err == nil:
		out, err = look(ctx, open, kind, name, o)
	}
	if err != nil {
		return out, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		out.SameAs, err = sameFile(ctx, tx, hash, out.Kind, o)
		return err
	})
	return out, err
}

// nearest looks at a file that is of neither kind as the one of which it lacks the smaller part.
func (s *Service) nearest(ctx context.Context, open func() (io.ReadCloser, error), name string, o Options) (Preview, error) {
	invoices, err := look(ctx, open, KindInvoices, name, o)
	if err != nil {
		return invoices, err
	}
	firms, err := look(ctx, open, KindFirms, name, o)
	if err == nil && firms.lacks() < invoices.lacks() {
		return firms, nil
	}
	return invoices, err
}

// lacks is the share of the required fields that is missing.
func (v *Preview) lacks() float64 {
	required := 0
	for _, f := range v.Fields {
		if f.Required {
			required++
		}
	}
	return float64(len(v.Missing)) / float64(max(required, 1))
}

// look reads the first rows of a file as one of a kind.
func look(ctx context.Context, open func() (io.ReadCloser, error), kind, name string, o Options) (Preview, error) {
	out := Preview{Kind: kind, Headings: []string{}, Unknown: []string{}, Columns: []Column{}, Fields: source.Fields(kind == KindFirms), Missing: []string{},
		Invoices: []PreviewRow{}, Firms: []source.FirmRow{}, Problems: []source.RowError{}}
	r, err := open()
	if err != nil {
		return out, err
	}
	defer r.Close()
	so := source.Options{Name: name, Direction: o.Direction, Firm: o.FirmCode, Columns: o.Columns, OnError: func(e source.RowError) error {
		if out.Problems = append(out.Problems, e); len(out.Problems) >= previewRows {
			return errEnough
		}
		return nil
	}}
	rep, err := out.read(ctx, r, so)
	out.Format, out.Encoding, out.Headings, out.Unknown, out.Direction = rep.Format, rep.Encoding, rep.Headings, rep.Unknown, rep.Direction.String()
	switch {
	case fault.Is(err, source.ReasonFileHeader) && len(rep.Missing) > 0 && len(rep.Headings) > 1: // one heading is no table
		out.Missing = rep.Missing
	case err != nil && !errors.Is(err, errEnough):
		return out, err
	}
	for _, h := range out.Headings {
		out.Columns = append(out.Columns, Column{Heading: h, Field: source.FieldOf(h, kind == KindFirms, o.Columns)})
	}
	return out, nil
}

// read takes the first rows of a file whose kind is known.
func (v *Preview) read(ctx context.Context, r io.Reader, so source.Options) (source.Report, error) {
	if v.Kind == KindFirms {
		rep, err := source.DecodeFirms(ctx, r, so, func(row source.FirmRow) error {
			if v.Firms = append(v.Firms, row); len(v.Firms) >= previewRows {
				return errEnough
			}
			return nil
		})
		return rep.Report, err
	}
	return source.Decode(ctx, r, so, func(row source.Row) error {
		v.Invoices = append(v.Invoices, PreviewRow{Line: row.Line, Firm: row.Firm, View: source.ViewOf(row.Invoice)})
		if len(v.Invoices) >= previewRows {
			return errEnough
		}
		return nil
	})
}

// opener opens an uploaded file the caller may read.
func (s *Service) opener(ctx context.Context, p auth.Principal, hash string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
			_, err := blob.Readable(ctx, tx, p, hash)
			return err
		})
		if err != nil {
			return nil, err
		}
		return s.blobs.Open(ctx, p.InstitutionID, hash)
	}
}

// recognise tells whether a file holds invoices or firms: the one whose header it bears.
func (s *Service) recognise(ctx context.Context, open func() (io.ReadCloser, error), name string, o Options) (string, error) {
	if o.Kind != "" {
		return o.Kind, nil
	}
	r, err := open()
	if err != nil {
		return "", err
	}
	_, errInvoices := source.Decode(ctx, r, source.Options{Name: name, Direction: o.Direction, Firm: o.FirmCode, Columns: o.Columns}, func(source.Row) error { return errEnough })
	_ = r.Close()
	if errInvoices == nil || errors.Is(errInvoices, errEnough) {
		return KindInvoices, nil
	}
	if !fault.Is(errInvoices, source.ReasonFileHeader) {
		return "", errInvoices
	}
	if r, err = open(); err != nil {
		return "", err
	}
	defer r.Close()
	_, errFirms := source.DecodeFirms(ctx, r, source.Options{Name: name, Columns: o.Columns}, func(source.FirmRow) error { return errEnough })
	switch {
	case errFirms == nil || errors.Is(errFirms, errEnough):
		return KindFirms, nil
	case fault.Is(errFirms, source.ReasonFileHeader):
		return "", fault.Join(fault.New(ReasonNotRecognised), errInvoices)
	}
	return "", errFirms
}

// sameFile finds an earlier import that read this very file in this very way.
func sameFile(ctx context.Context, tx *db.Tx, hash, kind string, o Options) (string, error) {
	rows, err := tx.Query(ctx, batchSame, tx.Institution, hash, kind)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var id, options, report string
		if err := rows.Scan(&id, &options, &report); err != nil {
			return "", err
		}
		var was Options
		var r Report
		if err := errors.Join(json.Unmarshal([]byte(options), &was), json.Unmarshal([]byte(report), &r)); err != nil {
			return "", err
		}
		sameWay := was.FirmCode == o.FirmCode && maps.Equal(was.Columns, o.Columns) && (o.Direction == 0 || o.Direction == r.Direction)
		if sameWay && r.UnknownFirm == 0 { // its unknown firms may be known by now: worth reading again
			return id, nil
		}
	}
	return "", rows.Err()
}

// Start begins the import of an uploaded file as a job.
func (s *Service) Start(ctx context.Context, p auth.Principal, hash, name string, o Options) (b Batch, err error) {
	kind, err := s.recognise(ctx, s.opener(ctx, p, hash), name, o)
	if err != nil {
		return b, err
	}
	o.Kind = kind
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		info, err := blob.Readable(ctx, tx, p, hash)
		if err != nil {
			return err
		}
		o := o // settled anew in every try
		if o.BranchID, o.BranchPath, err = party.HomeBranch(ctx, tx, p, o.BranchID, o.BranchPath); err != nil {
			return err
		}
		if name == "" {
			name = info.Name
		}
		if b, err = s.begin(ctx, tx, info, name, o); err != nil {
			return err
		}
		j, err := s.jobs.Enqueue(ctx, tx, job.Request{Kind: JobKind, Args: jobArgs{BatchID: b.ID}, Object: "import", ObjectID: b.ID, Principal: p})
		if err != nil {
			return err
		}
		b.JobID = j.ID
		_, err = tx.Exec(ctx, setJob, tx.Institution, b.ID, j.ID)
		return err
	})
	return b, err
}

func (s *Service) begin(ctx context.Context, tx *db.Tx, info blob.Info, name string, o Options) (Batch, error) {
	options, err := json.Marshal(o)
	if err != nil {
		return Batch{}, err
	}
	id := tx.NewID("imp")
	_, err = tx.Exec(ctx, insertBatch, tx.Institution, id, o.Kind, name, info.Hash, info.Size, StateRunning, string(options), tx.Actor, db.Micros(tx.Now), o.BranchPath)
	if err != nil {
		return Batch{}, err
	}
	if err := blob.Attach(ctx, tx, info, blob.Link{Object: "import", ObjectID: id}); err != nil {
		return Batch{}, err
	}
	b, err := get(ctx, tx, id)
	if err != nil {
		return b, err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "import.start", Object: "import", ObjectID: id, After: b}); err != nil {
		return b, err
	}
	return b, event.Append(ctx, tx, event.Draft{Type: "import.started", Aggregate: "import", AggregateID: id, Payload: map[string]string{"import_id": id, "file": name}})
}

// ImportFile stores and imports a file in one call (command line, demonstration). progress gets bytes done and total.
func (s *Service) ImportFile(ctx context.Context, p auth.Principal, name string, r io.Reader, o Options, progress func(done, total int64)) (Batch, error) {
	info, err := s.blobs.Put(ctx, p.InstitutionID, name, "application/octet-stream", r, s.maxFile)
	if err != nil {
		return Batch{}, err
	}
	open := func() (io.ReadCloser, error) { return s.blobs.Open(ctx, p.InstitutionID, info.Hash) }
	if o.Kind, err = s.recognise(ctx, open, name, o); err != nil {
		return Batch{}, err
	}
	var b Batch
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		o := o // settled anew in every try
		if o.BranchID, o.BranchPath, err = party.HomeBranch(ctx, tx, p, o.BranchID, o.BranchPath); err != nil {
			return err
		}
		if b, err = s.left(ctx, tx, info.Hash, o); err == nil && b.ID == "" {
			b, err = s.begin(ctx, tx, info, name, o)
		}
		return err
	})
	if err != nil {
		return b, err
	}
	run := &importRun{s: s, p: p, batch: b, progress: func(_ context.Context, done int64) error {
		if progress != nil {
			progress(done, b.FileBytes)
		}
		return ctx.Err()
	}}
	return run.do(ctx)
}

// left finds an import of this file that was begun without a job and never came to its end: the process
// died or was interrupted. It is taken up where it stopped.
func (s *Service) left(ctx context.Context, tx *db.Tx, hash string, o Options) (Batch, error) {
	options, err := json.Marshal(o)
	if err != nil {
		return Batch{}, err
	}
	var id string
	err = tx.QueryRow(ctx, batchLeft, tx.Institution, hash, o.Kind, string(options)).Scan(&id)
	if db.IsNoRows(err) {
		return Batch{}, nil
	}
	if err != nil {
		return Batch{}, err
	}
	return get(ctx, tx, id)
}

// Discard gives up an import that never came to its end and drops what it staged.
func (s *Service) Discard(ctx context.Context, p auth.Principal, id string) (b Batch, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if b, err = visible(ctx, tx, p, id); err != nil {
			return err
		}
		if b.State != StateRunning {
			return fault.New(fault.ReasonConflict, "object", "import "+id, "problem", "it is "+b.State, "problem_zh", "当前状态为 "+b.State)
		}
		if b.JobID != "" && s.jobs != nil {
			j, err := s.jobs.Get(ctx, p, b.JobID)
			if err == nil && j.State.Live() {
				return fault.New(fault.ReasonConflict, "object", "import "+id, "problem", "its job is running: cancel it first", "problem_zh", "任务仍在运行，请先取消")
			}
		}
		if err := source.Discard(ctx, tx, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, finishBatch, tx.Institution, id, StateDiscarded, 0, 0, 0, b.Report.encode(), "", db.Micros(tx.Now)); err != nil {
			return err
		}
		before := b
		if b, err = get(ctx, tx, id); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "import.discarded", Object: "import", ObjectID: id, Before: before, After: b}); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Draft{Type: "import.discarded", Aggregate: "import", AggregateID: id, Payload: map[string]string{"import_id": id}})
	})
	return b, err
}

type jobArgs struct {
	BatchID string `json:"batch_id"`
}

func (s *Service) runJob(ctx context.Context, r *job.Run) error {
	var a jobArgs
	if err := r.Args(&a); err != nil {
		return err
	}
	b, err := s.Get(ctx, r.Principal, a.BatchID)
	if err != nil {
		return err
	}
	run := &importRun{s: s, p: r.Principal, batch: b, progress: func(ctx context.Context, done int64) error { return r.Progress(ctx, done, b.FileBytes) }}
	done, err := run.do(ctx)
	if err != nil {
		return err
	}
	return r.Result(ctx, done)
}

// Get reads a batch.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (b Batch, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		b, err = visible(ctx, tx, p, id)
		return err
	})
	return b, err
}
