package model_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/testkit/cumcm"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/firmbook"
)

// TestContestBookThroughTheProduct stores the 373,431 invoices of the contest book, trains on the labelled firms as of
// the book's last day, and meets the bar of the project from what the database holds.
func TestContestBookThroughTheProduct(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("stores 373,431 invoices: not in -short")
	}
	book := cumcm.Load(t)
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	for _, f := range book {
		label := party.LabelGood
		if f.Bad {
			label = party.LabelBad
		}
		firmbook.Firm(t, d, s, f.Code, label, f.Invoices)
	}
	svc := model.NewService(d, nil)
	m, err := svc.Train(t.Context(), s.Risk, model.TrainInput{Name: "contest", AsOf: cumcm.LastDate(book).String()})
	require.NoError(t, err)
	require.Equal(t, 123, m.Sample.Firms)
	require.Equal(t, 27, m.Sample.Bads)
	require.Empty(t, m.Sample.Skipped)
	m, err = svc.Validate(t.Context(), s.Risk, m.ID)
	require.NoError(t, err)
	t.Logf("AUC %.4f ± %.4f over %d folds", m.Validation.AUC.Mean, m.Validation.AUC.Std, len(m.Validation.Folds))
	require.Len(t, m.Validation.Folds, 100)
	require.GreaterOrEqual(t, m.Validation.AUC.Mean, 0.87)
}
