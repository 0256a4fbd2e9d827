package decision_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/creditkit"
	"github.com/capillary-finance/capillary/internal/testkit/cumcm"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

type plain struct{}

func (plain) Seal(_, s string) (string, error) { return s, nil }
func (plain) Open(_, s string) (string, error) { return s, nil }

var setDate = db.Q("update institution set business_date = $2 where institution_id = $1")

// On 123 real firms: every answer explains itself and replays, defaulters are approved far less often
// than the others, and no offer passes a component of its limit.
func TestDecisionsOnRealFirms(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 373,431 invoices")
	}
	firms := cumcm.Load(t)
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	day := cumcm.LastDate(firms)
	ids := make([]string, len(firms))
	require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), setDate, s.InstitutionID, day)
		return err
	}))
	for i, f := range firms {
		label := party.LabelGood
		if f.Bad {
			label = party.LabelBad
		}
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			made, err := party.NewService(d, plain{}).CreateTx(t.Context(), tx, party.Draft{Code: f.Code, Name: f.Code, BranchID: "br_east", BranchPath: "/hq/east/", DefaultLabel: label, LabelSource: "data"})
			if err != nil {
				return err
			}
			ids[i] = made.ID
			if _, err := consent.Grant(t.Context(), tx, made.ID, consent.Draft{Purpose: consent.PurposeCredit, Kinds: []string{consent.KindInvoice}, EndsOn: day.AddDays(365)}); err != nil {
				return err
			}
			rows := make([]source.Staged, len(f.Invoices))
			for k, inv := range f.Invoices {
				rows[k] = source.Staged{Line: int64(k + 2), FirmID: made.ID, Invoice: inv}
			}
			batch := tx.NewID("bat")
			if err := source.Stage(t.Context(), tx, batch, rows); err != nil {
				return err
			}
			_, err = source.Publish(t.Context(), tx, batch)
			return err
		}))
	}
	models := model.NewService(d, nil)
	m, err := models.Train(t.Context(), s.Risk, model.TrainInput{Name: "real", Repeats: 2})
	require.NoError(t, err)
	_, err = models.Validate(t.Context(), s.Risk, m.ID)
	require.NoError(t, err)
	_, err = models.Approve(t.Context(), s.Approver, m.ID, "ok")
	require.NoError(t, err)
	_, err = models.Activate(t.Context(), s.Approver, m.ID)
	require.NoError(t, err)

	svc := decision.NewService(d, decision.NewEngine(decision.DefaultSources()))
	count := map[bool]map[decision.Result]int{true: {}, false: {}}
	codesSeen := map[string]int{}
	for i, f := range firms {
		a := creditkit.Ask(50_000_000)
		a.FirmID = ids[i]
		got, err := svc.Check(t.Context(), s.Manager, a)
		require.NoError(t, err, f.Code)
		o := got.Outcome
		count[f.Bad][o.Result]++
		if o.Result != decision.Approved {
			require.NotEmpty(t, o.Reasons, f.Code)
		}
		for _, r := range o.Reasons {
			codesSeen[r.Code]++
			require.NotEmpty(t, r.Text.Zh)
			require.NotEmpty(t, r.Text.En)
		}
		for _, b := range o.Bounds {
			require.LessOrEqual(t, o.AmountMinor, max(0, b.AmountMinor), f.Code)
		}
	}
	t.Logf("good firms %v, bad firms %v, reasons %v", count[false], count[true], codesSeen)
	goodShare := float64(count[false][decision.Approved]+count[false][decision.Referred]) / 96
	badShare := float64(count[true][decision.Approved]+count[true][decision.Referred]) / 27
	require.Greater(t, goodShare, 0.5)
	require.Less(t, badShare, goodShare/2)
	require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		n, differing, err := decision.Verify(t.Context(), tx)
		require.Equal(t, len(firms), n)
		require.Empty(t, differing)
		return err
	}))
}
