package receipt

import (
	"context"
	"io"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/fx"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// Permissions of receipts.
var (
	PermissionRead = auth.DeclarePermission("receipt.read", "查看来款", "View receipts",
		auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance, auth.RoleIntegrator)
	PermissionHandle = auth.DeclarePermission("receipt.handle", "导入与处理来款", "Import and handle receipts",
		auth.RoleOperations, auth.RoleIntegrator)
	PermissionReview = auth.DeclarePermission("receipt.review", "复核来款的退回、忽略与匹配规则", "Review returns and dismissals of receipts and the matching rules",
		auth.RoleOperations, auth.RoleRisk)
)

// Repayment is what posting asks of the loans.
type Repayment struct {
	LoanID      string
	AmountMinor int64
	Prepay      bool
	Reference   string
	ValueDate   calendar.Date
	Channel     string
}

// Book is what receipts need of the loans. Repay is once per reference, and runs
// the hook of db.WithBeforeCommit in its transaction: the repayment and the
// receipt's own books commit together.
type Book interface {
	Repay(ctx context.Context, p auth.Principal, r Repayment) error
	// Payoff is what settles a loan on a day.
	Payoff(ctx context.Context, p auth.Principal, loanID string, on calendar.Date) (int64, error)
}

// BankFiles gives statements and notifications of the bank, when the payment
// channel has them. Since names what was fetched last.
type BankFiles interface {
	Fetch(ctx context.Context, account string, from, to calendar.Date) (name string, content []byte, err error)
}

// LoanBook is Book on the loans' own service.
type LoanBook struct{ Loans *loan.Service }

// Repay posts a repayment.
func (b LoanBook) Repay(ctx context.Context, p auth.Principal, r Repayment) error {
	_, err := b.Loans.Repay(ctx, p, loan.RepayInput{LoanID: r.LoanID, AmountMinor: r.AmountMinor, Prepay: r.Prepay, Reference: r.Reference, ValueDate: r.ValueDate, Channel: r.Channel})
	return err
}

// Payoff asks what settles the loan.
func (b LoanBook) Payoff(ctx context.Context, p auth.Principal, loanID string, on calendar.Date) (int64, error) {
	q, err := b.Loans.Quote(ctx, p, loanID, on)
	return q.Payoff.TotalMinor(), err
}

// Config is what a service is made of.
type Config struct {
	DB         *db.DB
	Blobs      *blob.Store
	Jobs       *job.Runner
	Book       Book
	Dispatcher *payment.Dispatcher
	Proposals  *proposal.Service
	BankFiles  BankFiles // nil when the channel has none
}

// Service holds the use cases of receipts.
type Service struct {
	Config

	// failpoint, set by tests, breaks off at a point as a crash would.
	failpoint func(where string) error
}

// JobKind names the job that takes a file in.
const JobKind = "lending.receipts"

// NewService makes the service and registers its job, its kinds of proposals
// and itself for the outcome of returns.
func NewService(c Config) *Service {
	s := &Service{Config: c}
	if c.Jobs != nil {
		c.Jobs.Register(job.Kind{Name: JobKind, Zh: "导入来款文件", En: "Take in a file of payments", Run: s.runJob, Tries: 10})
	}
	if c.Dispatcher != nil {
		c.Dispatcher.Handle(PurposeReturn, returnOutcome)
	}
	if c.Proposals != nil {
		s.registerKinds()
	}
	return s
}

func (s *Service) fail(where string) error {
	if s.failpoint == nil {
		return nil
	}
	return s.failpoint(where)
}

// Start takes a stored upload and begins its reading. The same file again gives
// the file that is known; one that was refused or broken off is read again.
func (s *Service) Start(ctx context.Context, p auth.Principal, hash, name string) (f File, err error) {
	if err := p.Require(PermissionHandle); err != nil {
		return f, err
	}
	err = s.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		info, err := blob.Readable(ctx, tx, p, hash)
		if err != nil {
			return err
		}
		if name == "" {
			name = info.Name
		}
		f, err = s.begin(ctx, tx, p, info, name, OriginUpload)
		return err
	})
	return f, err
}

func (s *Service) begin(ctx context.Context, tx *db.Tx, p auth.Principal, info blob.Info, name, origin string) (File, error) {
	id, before := tx.NewID("rcf"), ""
	fresh, err := tx.ExecOne(ctx, insertFile, tx.Institution, id, info.Hash, db.Text(name, 200), KindTable, origin, tx.Actor, db.Micros(tx.Now))
	if err != nil {
		return File{}, err
	}
	if !fresh {
		known, err := scanFile(tx.QueryRow(ctx, selectFileHash, tx.Institution, info.Hash))
		if err != nil || known.Status == FileDone {
			return known, err
		}
		id, before = known.ID, known.JobID
	} else if err := blob.Attach(ctx, tx, info, blob.Link{Object: "receipt_file", ObjectID: id, Permission: PermissionRead}); err != nil {
		return File{}, err
	}
	j, err := s.Jobs.Enqueue(ctx, tx, job.Request{Kind: JobKind, Args: jobArgs{FileID: id}, Object: "receipt_file", ObjectID: id, Principal: p, Key: JobKind + ":" + id})
	if err != nil {
		return File{}, err
	}
	if before != "" && j.ID != before { // another job begins at the beginning; what is stored it recognises
		for _, q := range []*db.Query{resetFile, dropBad} {
			if _, err := tx.Exec(ctx, q, tx.Institution, id); err != nil {
				return File{}, err
			}
		}
	}
	if _, err := tx.Exec(ctx, setFileJob, tx.Institution, id, j.ID); err != nil {
		return File{}, err
	}
	f, err := fileByID(ctx, tx, id)
	if err != nil {
		return f, err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "receipt_file.start", Object: "receipt_file", ObjectID: id, After: f}); err != nil {
		return f, err
	}
	return f, event.Append(ctx, tx, event.Draft{Type: "receipt.file_started", Aggregate: "receipt_file", AggregateID: id, Payload: map[string]string{"file_id": id, "name": f.Name}})
}

// Pull fetches the bank's notification of the settlement account of a currency (empty: the institution's) and takes it in.
func (s *Service) Pull(ctx context.Context, p auth.Principal, currency money.Currency, from, to calendar.Date) (f File, err error) {
	if err := p.Require(PermissionHandle); err != nil {
		return f, err
	}
	if s.BankFiles == nil {
		return f, fault.New(ReasonNoBankFiles)
	}
	err = s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if currency == "" {
			if currency, err = fx.BaseCurrency(ctx, tx); err != nil {
				return err
			}
		}
		if _, known := currency.Decimals(); !known {
			return fault.Field("currency", "未知币种", "is not a known currency")
		}
		if from.IsZero() {
			from = today
		}
		if to.IsZero() {
			to = from
		}
		return err
	})
	if err != nil {
		return f, err
	}
	if to.Before(from) || to.Sub(from) > 31 {
		return f, fault.Field("to", "须不早于起始日且不超过31天", "must not be before the first day nor more than 31 days after it")
	}
	name, content, err := s.BankFiles.Fetch(ctx, payment.SettlementAccount(p.InstitutionID, currency), from, to)
	if err != nil {
		return f, err
	}
	return s.Take(ctx, p, name, content, OriginBank)
}

// Take stores a file's content and begins its reading.
func (s *Service) Take(ctx context.Context, p auth.Principal, name string, content []byte, origin string) (f File, err error) {
	if err := p.Require(PermissionHandle); err != nil {
		return f, err
	}
	info, err := s.Blobs.Put(ctx, p.InstitutionID, name, "application/octet-stream", newReader(content), int64(len(content)))
	if err != nil {
		return f, err
	}
	err = s.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		f, err = s.begin(ctx, tx, p, info, name, origin)
		return err
	})
	return f, err
}

func (s *Service) open(ctx context.Context, f File, institution string) (io.ReadCloser, error) {
	return s.Blobs.Open(ctx, institution, f.Hash)
}

// Files pages through the files, newest first.
func (s *Service) Files(ctx context.Context, p auth.Principal, limit int, cursor string) (page api.Page[File], err error) {
	if err := p.Require(PermissionRead); err != nil {
		return page, err
	}
	key, err := api.DecodeCursor(cursor, 1)
	if err != nil {
		return page, err
	}
	err = s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
		var total int64
		if err := tx.QueryRow(ctx, countFiles, tx.Institution).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectFiles, tx.Institution, key[0], limit+1)
		if err != nil {
			return err
		}
		all, err := collectFiles(rows)
		page = api.Cut(all, limit, total, func(f File) []string { return []string{f.ID} })
		return err
	})
	return page, err
}

// FileDetail is a file with what became of its receipts.
type FileDetail struct {
	File
	Counts []Count `json:"counts" nullable:"false"`
}

// File reads a file.
func (s *Service) File(ctx context.Context, p auth.Principal, id string) (d FileDetail, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return d, err
	}
	err = s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if d.File, err = fileByID(ctx, tx, id); err != nil {
			return err
		}
		d.Counts, err = counts(ctx, tx, countOfFile, tx.Institution, id)
		return err
	})
	return d, err
}

// BadRows pages through the bad rows of a file in the order of the file.
func (s *Service) BadRows(ctx context.Context, p auth.Principal, id string, after int64, limit int) (out []BadRow, last int64, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return nil, 0, err
	}
	err = s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if _, err := fileByID(ctx, tx, id); err != nil {
			return err
		}
		out, last, err = badRows(ctx, tx, id, after, limit)
		return err
	})
	return out, last, err
}

// Filter narrows a list of receipts; empty fields do not.
type Filter struct {
	Status string
	FileID string
	Text   string
	Limit  int
	Cursor string
}

// List pages through the receipts, newest first.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter) (page api.Page[Receipt], err error) {
	if err := p.Require(PermissionRead); err != nil {
		return page, err
	}
	key, err := api.DecodeCursor(f.Cursor, 1)
	if err != nil {
		return page, err
	}
	like := ""
	if f.Text != "" {
		like = "%" + f.Text + "%"
	}
	err = s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
		args := []any{tx.Institution, p.BranchPattern(), f.Status, f.FileID, like}
		var total int64
		if err := tx.QueryRow(ctx, countPage, args...).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectPage, append(args, key[0], f.Limit+1)...)
		if err != nil {
			return err
		}
		all, err := collect(rows)
		page = api.Cut(all, f.Limit, total, func(r Receipt) []string { return []string{r.ID} })
		return err
	})
	return page, err
}

// Detail is a receipt with its history.
type Detail struct {
	Receipt
	Uses []Use `json:"uses" nullable:"false"`
}

// Get reads a receipt.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (d Detail, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return d, err
	}
	err = s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if d.Receipt, err = visible(ctx, tx, p, selectReceipt, id); err != nil {
			return err
		}
		d.Uses, err = uses(ctx, tx, id)
		return err
	})
	return d, err
}

func visible(ctx context.Context, tx *db.Tx, p auth.Principal, q *db.Query, id string) (Receipt, error) {
	r, err := get(ctx, tx, q, id)
	if err == nil && r.BranchPath != "" && !p.Sees(r.BranchPath) {
		err = fault.NotFoundError("receipt", id)
	}
	return r, err
}

// Summary counts the receipts by status.
func (s *Service) Summary(ctx context.Context, p auth.Principal) (out []Count, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return nil, err
	}
	err = s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
		out, err = counts(ctx, tx, sumByStatus, tx.Institution, p.BranchPattern())
		return err
	})
	return out, err
}

// Policy is the institution's matching policy.
func (s *Service) Policy(ctx context.Context, p auth.Principal) (out Policy, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return out, err
	}
	err = s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
		out, err = policyOf(ctx, tx)
		return err
	})
	return out, err
}

// suspense moves money of a receipt in the books: into suspense when it arrives,
// out of it when something else has booked it or it is not ours any more.
func suspense(key string, r Receipt, minor int64, date calendar.Date, in bool, memo fault.Text) journal.Draft {
	sum := r.money(minor)
	lines := []journal.Line{journal.Debit(journal.Nostro, sum), journal.Credit(journal.Suspense, sum)}
	if !in {
		lines = []journal.Line{journal.Debit(journal.Suspense, sum), journal.Credit(journal.Nostro, sum)}
	}
	return journal.Draft{Key: key, Date: date, Memo: memo, Object: "receipt", ObjectID: r.ID, Lines: lines}
}
