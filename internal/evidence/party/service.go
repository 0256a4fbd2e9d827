package party

import (
	"context"
	"strconv"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Cipher encrypts a field for one institution (platform/crypto).
type Cipher interface {
	Seal(institution, plain string) (string, error)
	Open(institution, sealed string) (string, error)
}

// Service holds the use cases of firms.
type Service struct {
	db     *db.DB
	cipher Cipher
}

// NewService makes the service.
func NewService(d *db.DB, cipher Cipher) *Service { return &Service{db: d, cipher: cipher} }

// Create adds a firm. Without a branch it belongs to the caller's.
func (s *Service) Create(ctx context.Context, p auth.Principal, d Draft) (f Firm, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if d.BranchID, d.BranchPath, err = HomeBranch(ctx, tx, p, d.BranchID, d.BranchPath); err != nil {
			return err
		}
		f, err = s.CreateTx(ctx, tx, d)
		return err
	})
	return f, err
}

// CreateTx adds a firm inside a transaction (imports, demonstration).
func (s *Service) CreateTx(ctx context.Context, tx *db.Tx, d Draft) (Firm, error) {
	d = d.normal()
	if err := d.Validate(); err != nil {
		return Firm{}, err
	}
	f := stored{Firm: Firm{ID: tx.NewID("firm"), Code: d.Code, Status: "active", CreatedAt: tx.Now, Version: 1}}
	if err := s.fill(ctx, tx, &f, d); err != nil {
		return Firm{}, err
	}
	if err := insert(ctx, tx, f); err != nil {
		return Firm{}, err
	}
	if err := pointCreated.Hit(ctx); err != nil {
		return Firm{}, err
	}
	return s.record(ctx, tx, "firm.create", nil, f)
}

// UpdateTx replaces what the draft says of the firm with that id and version.
func (s *Service) UpdateTx(ctx context.Context, tx *db.Tx, id string, version int64, d Draft) (Firm, error) {
	d = d.normal()
	before, err := one(ctx, tx, firmByID, id)
	if err != nil {
		return Firm{}, err
	}
	d.Code = before.Code
	if err := d.Validate(); err != nil {
		return Firm{}, err
	}
	if version != before.Version {
		return Firm{}, fault.New(fault.ReasonStale, "version", before.Version)
	}
	f := before
	if d.BranchPath == "" {
		d.BranchID, d.BranchPath, d.ManagerID = before.BranchID, before.BranchPath, before.ManagerID
	}
	if err := s.fill(ctx, tx, &f, d); err != nil {
		return Firm{}, err
	}
	if err := update(ctx, tx, f, version); err != nil {
		return Firm{}, err
	}
	f.Version++
	was, err := s.maskedFor(tx.Institution, before)
	if err != nil {
		return Firm{}, err
	}
	return s.record(ctx, tx, "firm.update", was, f)
}

// fill writes the draft over the firm: names, dated size class, sealed fields.
func (s *Service) fill(ctx context.Context, tx *db.Tx, f *stored, d Draft) error {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	class := sizeClass(d.Industry, d.Employees, d.RevenueMinor, d.AssetsMinor)
	if class != f.SizeClass || d.SizeSource != f.SizeSource {
		f.SizeClass, f.SizeSource, f.SizeOn = class, d.SizeSource, today
	}
	f.Name, f.USCC, f.USCCEvidence, f.CustomerType, f.Industry, f.Region = d.Name, d.USCC, d.USCCEvidence, d.CustomerType, d.Industry, d.Region
	f.Employees, f.RevenueMinor, f.AssetsMinor, f.OwnerName, f.Address = d.Employees, d.RevenueMinor, d.AssetsMinor, d.OwnerName, d.Address
	f.BranchID, f.BranchPath, f.ManagerID, f.Demo = d.BranchID, d.BranchPath, d.ManagerID, d.Demo
	if d.DefaultLabel != f.DefaultLabel || !d.LabelOn.IsZero() {
		f.DefaultLabel, f.LabelOn, f.LabelSource = d.DefaultLabel, d.LabelOn, d.LabelSource
		if f.LabelOn.IsZero() && f.DefaultLabel != "" {
			f.LabelOn = today
		}
	}
	f.UpdatedAt = tx.Now
	// A masked value that comes back unchanged from a form keeps what is stored.
	if d.OwnerID != "" && !strings.Contains(d.OwnerID, "*") {
		if f.ownerCipher, err = s.cipher.Seal(tx.Institution, d.OwnerID); err != nil {
			return err
		}
	}
	if d.Phone != "" && !strings.Contains(d.Phone, "*") {
		if f.phoneCipher, err = s.cipher.Seal(tx.Institution, d.Phone); err != nil {
			return err
		}
	}
	f.describe()
	return nil
}

// maskedFor opens the sealed fields only to mask them.
func (s *Service) maskedFor(institution string, f stored) (Firm, error) {
	for _, field := range []struct {
		sealed string
		to     *string
	}{{f.ownerCipher, &f.OwnerID}, {f.phoneCipher, &f.Phone}} {
		if field.sealed == "" {
			continue
		}
		plain, err := s.cipher.Open(institution, field.sealed)
		if err != nil {
			return f.Firm, err
		}
		*field.to = Mask(plain)
	}
	return f.Firm, nil
}

func (s *Service) record(ctx context.Context, tx *db.Tx, action string, before any, f stored) (Firm, error) {
	after, err := s.maskedFor(tx.Institution, f)
	if err != nil {
		return after, err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: action, Object: "firm", ObjectID: f.ID, Before: before, After: after}); err != nil {
		return after, err
	}
	return after, event.Append(ctx, tx, event.Draft{Type: action + "d", Aggregate: "firm", AggregateID: f.ID, Payload: map[string]any{"firm_id": f.ID, "code": f.Code, "name": f.Name}})
}

// Filter narrows a list; empty fields mean no condition.
type Filter struct {
	Query, Size, Industry, Label, ManagerID, Sort string
	Limit                                         int
	Cursor                                        string
}

// List reads a page of the firms the caller may see.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter) (page api.Page[Firm], err error) {
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 20
	}
	key, err := api.DecodeCursor(f.Cursor, 2)
	if err != nil {
		return page, err
	}
	args := []any{p.InstitutionID, p.BranchPattern(), like(f.Query), f.Size, prefix(f.Industry), f.Label, f.ManagerID}
	q, first := listByCode, any(key[0])
	if f.Sort == "-updated_at" {
		var at int64
		if key[0] != "" {
			if at, err = strconv.ParseInt(key[0], 10, 64); err != nil {
				return page, fault.Field("cursor", "不是本列表给出的游标", "is not a cursor given by this list")
			}
		}
		q, first = listByUpdated, at
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countFirms, args...).Scan(&page.Total); err != nil {
			return err
		}
		page.Items, err = collect(ctx, tx, q, append(args, first, key[1], f.Limit+1)...)
		return err
	})
	if err == nil && len(page.Items) > f.Limit {
		page.Items = page.Items[:f.Limit]
		last := page.Items[f.Limit-1]
		page.NextCursor = api.EncodeCursor(last.Code, last.ID)
		if f.Sort == "-updated_at" {
			page.NextCursor = api.EncodeCursor(strconv.FormatInt(db.Micros(last.UpdatedAt), 10), last.ID)
		}
	}
	return page, err
}

func like(q string) string {
	if q = strings.ToLower(strings.TrimSpace(q)); q == "" {
		return ""
	}
	return "%" + strings.NewReplacer("%", "", "_", "", `\`, "").Replace(q) + "%"
}

func prefix(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s) + "%"
}

// Get reads one firm the caller may see, with masked fields.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (f Firm, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		raw, err := one(ctx, tx, firmByID, id)
		if err != nil {
			return err
		}
		if !p.Sees(raw.BranchPath) {
			return fault.NotFoundError("firm", id)
		}
		f, err = s.maskedFor(p.InstitutionID, raw)
		return err
	})
	return f, err
}

// Visible reads a firm and refuses those outside the caller's branches as if they did not exist.
func Visible(ctx context.Context, tx *db.Tx, p auth.Principal, id string) (Firm, error) {
	f, err := ByID(ctx, tx, id)
	if err == nil && !p.Sees(f.BranchPath) {
		return Firm{}, fault.NotFoundError("firm", id)
	}
	return f, err
}

// Update changes a firm at a known version.
func (s *Service) Update(ctx context.Context, p auth.Principal, id string, version int64, d Draft) (f Firm, err error) {
	return s.change(ctx, p, id, func(now int64) error {
		if now != version {
			return fault.New(fault.ReasonStale, "version", now)
		}
		return nil
	}, d)
}

// change is Update for callers that judge the present version themselves.
func (s *Service) change(ctx context.Context, p auth.Principal, id string, check func(version int64) error, d Draft) (f Firm, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		old, err := Visible(ctx, tx, p, id)
		if err != nil {
			return err
		}
		if err := check(old.Version); err != nil {
			return err
		}
		if moves := d.BranchID != "" && d.BranchID != old.BranchID || d.BranchPath != "" && d.BranchPath != old.BranchPath; moves {
			if d.BranchID, d.BranchPath, err = HomeBranch(ctx, tx, p, d.BranchID, d.BranchPath); err != nil {
				return err
			}
		}
		f, err = s.UpdateTx(ctx, tx, id, old.Version, d)
		return err
	})
	return f, err
}

// Instants at which a test may break off.
var (
	pointCreated = failpoint.Declare("firm.created")
)
