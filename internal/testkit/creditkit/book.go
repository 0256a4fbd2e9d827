// Package creditkit gives credit tests firms whose figures they choose, in place of the floors below:
// profile and score are given, consent is the real one. Imported by tests only.
package creditkit

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Book is one firm with chosen figures.
type Book struct {
	Firm     decision.Firm
	Features map[string]float64
	Score    scorecard.Result
}

// Healthy is a firm that every rule of invoice-credit likes.
func Healthy() *Book {
	return &Book{
		Firm: decision.Firm{ID: "firm_1", Code: "914403001922038216", Name: "测试精密机械有限公司", CustomerType: "enterprise", SizeClass: "small", Industry: "C3311", Region: "330100", BranchID: "br_east", BranchPath: "/hq/east/", ManagerID: "usr_relationship_manager"},
		Features: map[string]float64{"sales_net_12m": 600_000_000, "gross_profit_12m": 200_000_000, "sales_silence_days": 3, "silence_days": 3, "sales_active_months_12m": 12,
			"sales_growth_yoy": 0.12, "sales_void_rate_12m": 0.04, "buyer_top1_share_12m": 0.3},
		Score: scorecard.Result{PD: 0.031, Points: 640, Grade: "A", Contributions: []scorecard.Contribution{{Feature: "sales_active_months", Points: 30, MaxPoints: 40}},
			Reasons: []scorecard.Reason{{Code: "sales_void_rate", PointsLost: 12, Zh: "销项作废率为4.0%，得满分需不高于2.0%，本项失12分", En: "Void rate of sales is 4.0%; full points need at most 2.0%: 12 points lost"}}},
	}
}

func (b *Book) vector(t testing.TB, asOf calendar.Date) feature.Vector {
	t.Helper()
	values := map[string]*float64{}
	for _, d := range feature.Definitions() {
		values[d.ID] = nil
	}
	for k, v := range b.Features {
		values[k] = &v
	}
	text, err := json.Marshal(map[string]any{"as_of": asOf, "version": feature.Version, "invoices": 800, "months": 24, "values": values})
	require.NoError(t, err)
	var out feature.Vector
	require.NoError(t, json.Unmarshal(text, &out))
	return out
}

// Sources reads from the book.
func (b *Book) Sources(t testing.TB) decision.Sources {
	s := decision.DefaultSources()
	s.Firm = func(_ context.Context, _ *db.Tx, id string) (decision.Firm, error) {
		if id != b.Firm.ID {
			return decision.Firm{}, fault.NotFoundError("firm", id)
		}
		return b.Firm, nil
	}
	s.Profile = func(_ context.Context, _ *db.Tx, id string, day calendar.Date) (profile.Snapshot, error) {
		return profile.Snapshot{ID: "prf_1", FirmID: id, AsOf: day, FeatureVersion: feature.Version, Invoices: 800, Months: 24, Vector: b.vector(t, day)}, nil
	}
	s.Score = func(_ context.Context, _ *db.Tx, id string, _ profile.Snapshot) (model.Score, error) {
		return model.Score{ID: "sco_1", FirmID: id, ModelID: "mod_1", ModelHash: "hash", Result: b.Score}, nil
	}
	return s
}

// Consent grants the reading of invoices for credit.
func Consent(t testing.TB, d *db.DB, sc db.Scope, firmID string) {
	t.Helper()
	require.NoError(t, d.Update(t.Context(), sc, func(tx *db.Tx) error {
		_, err := consent.Grant(t.Context(), tx, firmID, consent.Draft{Purpose: consent.PurposeCredit, Kinds: []string{consent.KindInvoice}, EndsOn: calendar.Of(2027, 1, 1)})
		return err
	}))
}

// Ask asks for an amount of invoice-credit over twelve months.
func Ask(amountMinor int64) decision.Ask {
	return decision.Ask{FirmID: "firm_1", ProductID: "invoice-credit", AmountMinor: amountMinor, Currency: "CNY", TenorMonths: 12, Method: "interest_only", Purpose: "stock"}
}
