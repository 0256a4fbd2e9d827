package profile

import (
	"context"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// EventRefreshed is recorded when a firm's profile changed.
const EventRefreshed = "profile.refreshed"

// Refreshed is the payload of EventRefreshed.
type Refreshed struct {
	FirmID     string        `json:"firm_id"`
	SnapshotID string        `json:"snapshot_id"`
	AsOf       calendar.Date `json:"as_of"`
	Invoices   int           `json:"invoices"`
}

// Mark is one line of a firm's profile history.
type Mark struct {
	ID        string        `json:"id"`
	AsOf      calendar.Date `json:"as_of"`
	Invoices  int           `json:"invoices"`
	Months    int           `json:"months"`
	CreatedAt time.Time     `json:"created_at"`
}

// historyMax bounds the history list.
const historyMax = 100

// Refresh reads the firm's invoices under its consent to credit assessment and stores a new snapshot, unless the latest
// one of the same date already stands on the same evidence.
func Refresh(ctx context.Context, tx *db.Tx, firmID string, asOf calendar.Date) (Snapshot, error) {
	return RefreshFor(ctx, tx, firmID, asOf, consent.PurposeCredit)
}

// RefreshFor is Refresh for another purpose that the firm consented to, such as watching a running loan.
func RefreshFor(ctx context.Context, tx *db.Tx, firmID string, asOf calendar.Date, purpose string) (Snapshot, error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	if asOf.After(today) {
		return Snapshot{}, fault.New(ReasonFuture, "as_of", asOf, "today", today).WithField("as_of")
	}
	if err := tx.Lock(ctx, "profile:"+firmID); err != nil {
		return Snapshot{}, err
	}
	invoices, err := readInvoices(ctx, tx, firmID, purpose, asOf)
	if err != nil {
		return Snapshot{}, err
	}
	hash := inputHash(asOf, invoices)
	known, err := scan(tx.QueryRow(ctx, snapshotOn, tx.Institution, firmID, asOf, feature.Version))
	switch {
	case err == nil && known.InputHash == hash:
		return known, nil
	case err != nil && !db.IsNoRows(err):
		return Snapshot{}, err
	}
	analysis := feature.Analyse(asOf, invoices)
	firms, common, err := shared(ctx, tx, firmID, analysis.Counterparties())
	if err != nil {
		return Snapshot{}, err
	}
	analysis.Shared(firms, common)
	s := Snapshot{ID: tx.NewID("prf"), FirmID: firmID, AsOf: asOf, FeatureVersion: feature.Version, InputHash: hash,
		Vector: analysis.Vector(), Series: analysis.Series(), CreatedAt: tx.Now, CreatedBy: tx.Actor}
	s.Invoices, s.Months = s.Vector.Invoices, s.Vector.Months
	return s, store(ctx, tx, &s)
}

func store(ctx context.Context, tx *db.Tx, s *Snapshot) error {
	if err := insert(ctx, tx, s); err != nil {
		return err
	}
	if err := pointStored.Hit(ctx); err != nil {
		return err
	}
	note := Refreshed{FirmID: s.FirmID, SnapshotID: s.ID, AsOf: s.AsOf, Invoices: s.Invoices}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "profile.refresh", Object: "firm", ObjectID: s.FirmID, After: note}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: EventRefreshed, Aggregate: "firm", AggregateID: s.FirmID, Payload: note})
}

// Latest returns the firm's newest snapshot.
func Latest(ctx context.Context, tx *db.Tx, firmID string) (Snapshot, error) {
	return At(ctx, tx, firmID, farFuture)
}

// At returns the newest snapshot whose as-of date is not after the given one.
func At(ctx context.Context, tx *db.Tx, firmID string, asOf calendar.Date) (Snapshot, error) {
	s, err := scan(tx.QueryRow(ctx, snapshotLatest, tx.Institution, firmID, asOf))
	if db.IsNoRows(err) {
		return s, fault.New(ReasonMissing, "firm", firmID)
	}
	return s, err
}

// ByID returns one snapshot.
func ByID(ctx context.Context, tx *db.Tx, id string) (Snapshot, error) {
	s, err := scan(tx.QueryRow(ctx, snapshotByID, tx.Institution, id))
	if db.IsNoRows(err) {
		return s, fault.NotFoundError("profile", id)
	}
	return s, err
}

// Service serves profiles to people and callers.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// Permissions of this package.
var (
	CanRead = auth.DeclarePermission("profile.read", "查看企业画像", "See firms' profiles",
		auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance, auth.RoleIntegrator)
	CanRefresh = auth.DeclarePermission("profile.refresh", "刷新企业画像", "Refresh firms' profiles",
		auth.RoleRelationshipManager, auth.RoleRisk, auth.RoleIntegrator)
)

// View is a profile as it is served, with its history.
type View struct {
	ID        string          `json:"id"`
	FirmID    string          `json:"firm_id"`
	AsOf      calendar.Date   `json:"as_of"`
	InputHash string          `json:"input_hash" doc:"of the invoices behind it; the same hash is the same evidence"`
	Vector    feature.Reading `json:"vector"`
	Series    feature.Series  `json:"series"`
	CreatedAt time.Time       `json:"created_at"`
	CreatedBy string          `json:"created_by"`
	History   []Mark          `json:"history" doc:"newest first, at most 100"`
}

func view(s Snapshot, marks []Mark) View {
	return View{ID: s.ID, FirmID: s.FirmID, AsOf: s.AsOf, InputHash: s.InputHash, Vector: s.Vector.Reading(), Series: s.Series,
		CreatedAt: s.CreatedAt, CreatedBy: s.CreatedBy, History: marks}
}

// Get returns the newest profile, or the one as of a date: stored when it was computed before and computed otherwise.
// Without a live consent of the firm it answers CONSENT_MISSING, whatever is stored.
func (s *Service) Get(ctx context.Context, p auth.Principal, firmID string, asOf calendar.Date) (View, error) {
	if err := p.Require(CanRead); err != nil {
		return View{}, err
	}
	var snapshot Snapshot
	var marks []Mark
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		err := Visible(ctx, tx, p, firmID)
		if err == nil {
			err = look(ctx, tx, firmID)
		}
		if err != nil {
			return err
		}
		if asOf.IsZero() {
			snapshot, err = Latest(ctx, tx, firmID)
		} else {
			snapshot, err = scan(tx.QueryRow(ctx, snapshotOn, tx.Institution, firmID, asOf, feature.Version))
		}
		if err != nil {
			return err
		}
		marks, err = history(ctx, tx, firmID, historyMax)
		return err
	})
	if db.IsNoRows(err) {
		return s.Refresh(ctx, p, firmID, asOf)
	}
	return view(snapshot, marks), err
}

// Refresh computes the profile as of a date, by default the business date.
func (s *Service) Refresh(ctx context.Context, p auth.Principal, firmID string, asOf calendar.Date) (View, error) {
	if err := p.Require(CanRefresh); err != nil {
		return View{}, err
	}
	var v View
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := Visible(ctx, tx, p, firmID); err != nil {
			return err
		}
		day := asOf
		if day.IsZero() {
			var err error
			if day, err = tx.BusinessDate(ctx); err != nil {
				return err
			}
		}
		snapshot, err := Refresh(ctx, tx, firmID, day)
		if err != nil {
			return err
		}
		marks, err := history(ctx, tx, firmID, historyMax)
		v = view(snapshot, marks)
		return err
	})
	return v, err
}

// Instants at which a test may break off.
var (
	pointStored = failpoint.Declare("profile.stored")
)
