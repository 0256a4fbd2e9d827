package profile

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// readInvoices reads the firm's invoices up to a date under its consent, which records the read.
func readInvoices(ctx context.Context, tx *db.Tx, firmID, purpose string, until calendar.Date) ([]source.Invoice, error) {
	if err := consent.Read(ctx, tx, consent.Access{Subject: firmID, Kind: consent.KindInvoice, Purpose: purpose}); err != nil {
		return nil, err
	}
	return source.Invoices(ctx, tx, firmID, until)
}

// look covers a person's look at what is stored of a firm: the figures are its evidence, so the look needs a live
// consent and is recorded, like a look at the invoices. Consent to watching will do once money is out.
func look(ctx context.Context, tx *db.Tx, firmID string) error {
	missing := consent.Read(ctx, tx, consent.Access{Subject: firmID, Kind: consent.KindInvoice, Purpose: consent.PurposeCredit})
	if !fault.Is(missing, consent.ReasonMissing) {
		return missing
	}
	err := consent.Read(ctx, tx, consent.Access{Subject: firmID, Kind: consent.KindInvoice, Purpose: consent.PurposeWatch})
	if fault.Is(err, consent.ReasonMissing) {
		return missing
	}
	return err
}

// Visible reports NOT_FOUND unless the firm exists and lies within the caller's branches.
func Visible(ctx context.Context, tx *db.Tx, p auth.Principal, firmID string) error {
	_, err := party.Visible(ctx, tx, p, firmID)
	return err
}
