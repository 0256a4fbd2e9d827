package writer

import (
	"context"
	"net/http"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func currency(s string) money.Currency { return money.Currency(s) }

// Receipt says that an entry stands in the books.
type Receipt struct {
	Reference string        `json:"reference"`
	EntryID   string        `json:"entry_id"`
	Seq       int64         `json:"seq" doc:"place in the institution's chain"`
	Date      calendar.Date `json:"date"`
	BookedAt  time.Time     `json:"booked_at"`
	Hash      string        `json:"hash"`
	Duplicate bool          `json:"duplicate" doc:"it was posted before; this is the earlier entry"`
}

func receipt(reference string, e journal.Entry, duplicate bool) Receipt {
	return Receipt{reference, e.ID, e.Seq, e.Date, e.BookedAt, e.Hash, duplicate}
}

type postingInput struct{ Body Posting }

type postingOutput struct{ Body Receipt }

type bulkInput struct {
	Body struct {
		Atomic bool      `json:"atomic,omitempty" doc:"true: all items are posted or none"`
		Items  []Posting `json:"items" minItems:"1" maxItems:"1000"`
	}
}

// BulkItem is the outcome of one item.
type BulkItem struct {
	Reference string            `json:"reference"`
	Posted    bool              `json:"posted"`
	Receipt   *Receipt          `json:"receipt,omitempty"`
	Problem   *api.ProblemField `json:"problem,omitempty"`
}

type bulkOutput struct {
	Body struct {
		Posted int        `json:"posted"`
		Failed int        `json:"failed"`
		Items  []BulkItem `json:"items"`
	}
}

type holdBody struct{ Body HoldInput }

type holdOutput struct{ Body journal.Hold }

type captureInput struct {
	HoldPath
	Body struct {
		AmountMinor int64         `json:"amount_minor,omitempty" minimum:"0" doc:"left out: all that is held"`
		Date        calendar.Date `json:"date,omitempty"`
	}
}

// HoldPath names a hold in an address.
type HoldPath struct {
	Reference string `path:"reference" maxLength:"160"`
}

type availableInput struct {
	Account  string `query:"account" required:"true" maxLength:"20"`
	Sub      string `query:"sub" maxLength:"80"`
	Currency string `query:"currency" required:"true" minLength:"3" maxLength:"3"`
}

type availableOutput struct{ Body journal.Available }

// Routes registers the operations. A posting's reference makes it idempotent, so no key is asked for.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "create-posting", Method: http.MethodPost, Path: "/api/v1/postings", Tag: "ledger", Zh: "记一笔分录", En: "Post one entry",
		Policy: api.Need(PermissionPost), NoIdempotency: true},
		func(ctx context.Context, p auth.Principal, in *postingInput) (*postingOutput, error) {
			e, dup, err := s.Post(ctx, p, in.Body)
			return &postingOutput{Body: receipt(in.Body.Reference, e, dup)}, err
		})
	api.Handle(a, api.Op{ID: "create-postings", Method: http.MethodPost, Path: "/api/v1/postings/bulk", Tag: "ledger", Zh: "批量记账", En: "Post many entries in one request",
		Policy: api.Need(PermissionPost), NoIdempotency: true, MaxBodyBytes: 4 << 20},
		func(ctx context.Context, p auth.Principal, in *bulkInput) (*bulkOutput, error) {
			if in.Body.Atomic {
				return s.bulkAtomic(ctx, p, in.Body.Items)
			}
			return s.bulkEach(ctx, p, in.Body.Items)
		})
	holdRoutes(a, s)
}

func holdRoutes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "create-hold", Method: http.MethodPost, Path: "/api/v1/holds", Tag: "ledger", Zh: "占用资金", En: "Hold money",
		Policy: api.Need(PermissionPost), NoIdempotency: true, Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *holdBody) (*holdOutput, error) {
			h, err := s.Hold(ctx, p, in.Body)
			return &holdOutput{Body: h}, err
		})
	api.Handle(a, api.Op{ID: "get-hold", Method: http.MethodGet, Path: "/api/v1/holds/{reference}", Tag: "ledger", Zh: "查看占用", En: "See a hold", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, in *HoldPath) (*holdOutput, error) {
			h, err := s.Find(ctx, p, in.Reference)
			return &holdOutput{Body: h}, err
		})
	api.Handle(a, api.Op{ID: "post-hold", Method: http.MethodPost, Path: "/api/v1/holds/{reference}/post", Tag: "ledger", Zh: "占用转记账", En: "Post a hold, in full or in part",
		Policy: api.Need(PermissionPost), NoIdempotency: true},
		func(ctx context.Context, p auth.Principal, in *captureInput) (*holdOutput, error) {
			h, err := s.Capture(ctx, p, journal.Capture{Reference: in.Reference, AmountMinor: in.Body.AmountMinor, Date: in.Body.Date})
			return &holdOutput{Body: h}, err
		})
	api.Handle(a, api.Op{ID: "void-hold", Method: http.MethodPost, Path: "/api/v1/holds/{reference}/void", Tag: "ledger", Zh: "解除占用", En: "Release a hold",
		Policy: api.Need(PermissionPost), NoIdempotency: true},
		func(ctx context.Context, p auth.Principal, in *HoldPath) (*holdOutput, error) {
			h, err := s.Void(ctx, p, in.Reference)
			return &holdOutput{Body: h}, err
		})
	api.Handle(a, api.Op{ID: "get-available-balance", Method: http.MethodGet, Path: "/api/v1/available-balance", Tag: "ledger", Zh: "可用余额", En: "What a sub-account may spend",
		Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, in *availableInput) (*availableOutput, error) {
			out, err := s.Available(ctx, p, in.Account, in.Sub, in.Currency)
			return &availableOutput{Body: out}, err
		})
}

func (s *Service) bulkAtomic(ctx context.Context, p auth.Principal, items []Posting) (*bulkOutput, error) {
	r, err := s.PostAtomic(ctx, p, items)
	if err != nil {
		return nil, err
	}
	out := &bulkOutput{}
	for i, e := range r.Entries {
		one := receipt(items[i].Reference, e, r.Known[i])
		out.Body.Items = append(out.Body.Items, BulkItem{Reference: items[i].Reference, Posted: true, Receipt: &one})
	}
	out.Body.Posted = len(items)
	return out, nil
}

func (s *Service) bulkEach(ctx context.Context, p auth.Principal, items []Posting) (*bulkOutput, error) {
	results, err := s.PostEach(ctx, p, items)
	if err != nil {
		return nil, err
	}
	out := &bulkOutput{}
	for i, r := range results {
		item := BulkItem{Reference: items[i].Reference}
		if r.Err != nil {
			item.Problem = problem(r.Err, p.Lang, i+1)
			out.Body.Failed++
		} else {
			one := receipt(items[i].Reference, r.Entries[0], r.Duplicate)
			item.Posted, item.Receipt = true, &one
			out.Body.Posted++
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	return out, nil
}

func problem(err error, lang string, row int) *api.ProblemField {
	f, ok := fault.As(err)
	if !ok {
		f = fault.New(fault.ReasonInternal)
	}
	return &api.ProblemField{Field: f.Field, Row: row, Code: f.Reason.Code, Message: f.Text(lang), Remedy: f.RemedyText(lang)}
}
