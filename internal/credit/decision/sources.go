package decision

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/industry"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// DefaultSources read the product's own floors: party, consent, profile and model.
func DefaultSources() Sources {
	return Sources{Firm: readFirm, Consent: readConsent, Profile: readProfile, Score: model.ScoreFirm}
}

// sizeNames turns the statistical letters into the words that recipes use.
var sizeNames = map[string]string{string(industry.Large): "large", string(industry.Medium): "medium", string(industry.Small): "small", string(industry.Micro): "micro"}

func readFirm(ctx context.Context, tx *db.Tx, firmID string) (Firm, error) {
	f, err := party.ByID(ctx, tx, firmID)
	if err != nil {
		return Firm{}, err
	}
	return Firm{ID: f.ID, Code: f.USCC, Name: f.Name, CustomerType: f.CustomerType, SizeClass: sizeNames[f.SizeClass], Industry: f.Industry, Region: f.Region,
		BranchID: f.BranchID, BranchPath: f.BranchPath, ManagerID: f.ManagerID}, nil
}

func readConsent(ctx context.Context, tx *db.Tx, firmID, kind, purpose string) error {
	return consent.Read(ctx, tx, consent.Access{Subject: firmID, Kind: kind, Purpose: purpose})
}

// readProfile profiles the firm on every invoice known up to the day. A stored snapshot will not do: invoices
// that came, or were voided, since it was taken would not count in the decision. The same evidence gives the
// stored snapshot back.
func readProfile(ctx context.Context, tx *db.Tx, firmID string, day calendar.Date) (profile.Snapshot, error) {
	return profile.Refresh(ctx, tx, firmID, day)
}
