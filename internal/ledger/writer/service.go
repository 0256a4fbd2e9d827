package writer

import (
	"context"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// PermissionPost lets another system post to accounts that are open to it.
var PermissionPost = auth.DeclarePermission("posting.create", "经接口记账与占用", "Post and hold through the API", auth.RoleIntegrator)

// Limits of one request.
const (
	bulkMax      = 1000
	bulkLinesMax = 8000
)

// Service is the use cases of other systems on the ledger.
type Service struct {
	db *db.DB
	w  *Writer
}

// NewService makes the service.
func NewService(d *db.DB, w *Writer) *Service { return &Service{db: d, w: w} }

// Posting is one entry that another system asks for.
type Posting struct {
	Reference string         `json:"reference" minLength:"1" maxLength:"160" doc:"the caller's own number for it, unique forever; sending it again gives the earlier result"`
	Date      calendar.Date  `json:"date,omitempty" doc:"accounting date; the business date when left out"`
	Memo      string         `json:"memo,omitempty" maxLength:"200"`
	Branch    string         `json:"branch,omitempty" maxLength:"80"`
	Product   string         `json:"product,omitempty" maxLength:"80"`
	Object    string         `json:"object,omitempty" maxLength:"80" doc:"kind of the business object behind it"`
	ObjectID  string         `json:"object_id,omitempty" maxLength:"200"`
	Lines     []journal.Line `json:"lines" minItems:"2" maxItems:"100"`
}

func (p Posting) draft() journal.Draft {
	return journal.Draft{
		Key: journal.APIKey(p.Reference), Date: p.Date, Memo: fault.Text{Zh: p.Memo, En: p.Memo}, Branch: p.Branch, Product: p.Product, Object: p.Object, ObjectID: p.ObjectID, Lines: p.Lines,
	}
}

// Post books one entry.
func (s *Service) Post(ctx context.Context, p auth.Principal, in Posting) (journal.Entry, bool, error) {
	r, err := s.one(ctx, p, journal.Request{Post: []journal.Draft{in.draft()}})
	if err != nil {
		return journal.Entry{}, false, err
	}
	return r.Entries[0], r.Duplicate, nil
}

// PostAtomic books several entries together or none of them.
func (s *Service) PostAtomic(ctx context.Context, p auth.Principal, in []Posting) (journal.Result, error) {
	drafts, err := draftsOf(in)
	if err != nil {
		return journal.Result{}, err
	}
	r, err := s.one(ctx, p, journal.Request{Post: drafts})
	if f, ok := fault.As(err); ok && r.Row > 0 {
		err = f.WithRow(r.Row)
	}
	return r, err
}

// PostEach books several entries, each on its own: one that is refused does not hold the others back.
func (s *Service) PostEach(ctx context.Context, p auth.Principal, in []Posting) ([]journal.Result, error) {
	if err := p.Require(PermissionPost); err != nil {
		return nil, err
	}
	drafts, err := draftsOf(in)
	if err != nil {
		return nil, err
	}
	var out []journal.Result
	for len(drafts) > 0 {
		n := min(len(drafts), s.w.cfg.BatchMax)
		part := make([]journal.Request, n)
		for i, d := range drafts[:n] {
			part[i] = journal.Request{Actor: p.UserID, Post: []journal.Draft{d}}
		}
		results, err := s.w.Submit(ctx, p.InstitutionID, part)
		if err != nil && len(out) == 0 {
			return nil, err
		}
		if err != nil { // earlier parts are in: the caller must hear which
			results = make([]journal.Result, n)
			for i := range results {
				results[i].Err = err
			}
		}
		out, drafts = append(out, results...), drafts[n:]
	}
	return out, nil
}

func draftsOf(in []Posting) ([]journal.Draft, error) {
	if len(in) == 0 {
		return nil, fault.Required("items")
	}
	if len(in) > bulkMax {
		return nil, fault.New(fault.ReasonTooLarge, "what", "items", "limit", bulkMax)
	}
	lines := 0
	out := make([]journal.Draft, len(in))
	for i, x := range in {
		lines += len(x.Lines)
		out[i] = x.draft()
	}
	if lines > bulkLinesMax {
		return nil, fault.New(fault.ReasonTooLarge, "what", "lines", "limit", bulkLinesMax)
	}
	return out, nil
}

// HoldInput asks to reserve money.
type HoldInput struct {
	Reference      string    `json:"reference" minLength:"1" maxLength:"160"`
	Account        string    `json:"account" maxLength:"20"`
	Sub            string    `json:"sub,omitempty" maxLength:"80"`
	Branch         string    `json:"branch,omitempty" maxLength:"80"`
	Product        string    `json:"product,omitempty" maxLength:"80"`
	Currency       string    `json:"currency" minLength:"3" maxLength:"3"`
	AmountMinor    int64     `json:"amount_minor" minimum:"1"`
	CounterAccount string    `json:"counter_account" maxLength:"20" doc:"where the money goes when the hold is posted"`
	CounterSub     string    `json:"counter_sub,omitempty" maxLength:"80"`
	Memo           string    `json:"memo,omitempty" maxLength:"200"`
	Object         string    `json:"object,omitempty" maxLength:"80"`
	ObjectID       string    `json:"object_id,omitempty" maxLength:"200"`
	ExpiresAt      time.Time `json:"expires_at,omitzero" doc:"after this moment the money is free again; left out: never"`
}

func (in HoldInput) draft() journal.HoldDraft {
	return journal.HoldDraft{
		Reference: in.Reference, Account: in.Account, Sub: in.Sub, Branch: in.Branch, Product: in.Product, Currency: currency(in.Currency), AmountMinor: in.AmountMinor,
		CounterAccount: in.CounterAccount, CounterSub: in.CounterSub, Memo: fault.Text{Zh: in.Memo, En: in.Memo}, Object: in.Object, ObjectID: in.ObjectID,
		ExpiresAt: in.ExpiresAt.UTC().Truncate(time.Microsecond),
	}
}

// Hold reserves money of a sub-account.
func (s *Service) Hold(ctx context.Context, p auth.Principal, in HoldInput) (journal.Hold, error) {
	d := in.draft()
	if in.ExpiresAt.IsZero() {
		d.ExpiresAt = time.Time{}
	}
	r, err := s.one(ctx, p, journal.Request{Hold: &d})
	return r.Hold, err
}

// Capture posts a hold in full (amount 0) or in part; the rest is released.
func (s *Service) Capture(ctx context.Context, p auth.Principal, c journal.Capture) (journal.Hold, error) {
	r, err := s.one(ctx, p, journal.Request{Capture: &c})
	return r.Hold, err
}

// Void gives a hold up.
func (s *Service) Void(ctx context.Context, p auth.Principal, reference string) (journal.Hold, error) {
	if reference == "" {
		return journal.Hold{}, fault.Required("reference")
	}
	r, err := s.one(ctx, p, journal.Request{Void: reference})
	return r.Hold, err
}

func (s *Service) one(ctx context.Context, p auth.Principal, r journal.Request) (journal.Result, error) {
	if err := p.Require(PermissionPost); err != nil {
		return journal.Result{}, err
	}
	r.Actor = p.UserID
	results, err := s.w.Submit(ctx, p.InstitutionID, []journal.Request{r})
	if err != nil {
		return journal.Result{}, err
	}
	return results[0], results[0].Err
}

// Find reads a hold.
func (s *Service) Find(ctx context.Context, p auth.Principal, reference string) (h journal.Hold, err error) {
	if err := mayRead(p); err != nil {
		return h, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		h, err = journal.FindHold(ctx, tx, reference)
		return err
	})
	return h, err
}

// Available tells what a sub-account may spend.
func (s *Service) Available(ctx context.Context, p auth.Principal, account, sub, cur string) (out journal.Available, err error) {
	if err := mayRead(p); err != nil {
		return out, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		a, err := journal.FindAccount(ctx, tx, account)
		if err != nil {
			return err
		}
		if !a.OpenAPI && !p.Can(journal.PermissionRead) {
			return fault.New(journal.ReasonNotOpen, "account", account)
		}
		out, err = journal.AvailableOf(ctx, tx, a, sub, cur)
		return err
	})
	return out, err
}

func mayRead(p auth.Principal) error {
	if p.Can(journal.PermissionRead) {
		return nil
	}
	return p.Require(PermissionPost)
}
