package model

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// labelledFirm is a firm with an observed outcome and the date of that observation, when known.
type labelledFirm struct {
	ID, Label string
	On        calendar.Date
}

// day is the as-of date of the firm's profile: never after the outcome was observed, or the model would read it.
func (f labelledFirm) day(asOf calendar.Date) calendar.Date {
	if !f.On.IsZero() && f.On.Before(asOf) {
		return f.On
	}
	return asOf
}

func labelledFirms(ctx context.Context, tx *db.Tx, most int) ([]labelledFirm, error) {
	firms, err := party.Labelled(ctx, tx)
	if err != nil {
		return nil, err
	}
	if len(firms) > most {
		return nil, fault.New(fault.ReasonTooLarge, "what", "labelled firms", "limit", most)
	}
	out := make([]labelledFirm, len(firms))
	for i, f := range firms {
		out[i] = labelledFirm{ID: f.ID, Label: f.DefaultLabel, On: f.LabelOn}
	}
	return out, nil
}
