package model_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/firmbook"
)

var (
	tamperScore  = db.Q(`update score set points = 900 where institution_id = $1 and firm_id = $2`)
	tamperModel  = db.Q(`update model set state = 'active' where institution_id = $1 and state = 'validated'`)
	forgeModel   = db.Q(`update model set artifact_json = replace(artifact_json, '"prior_pd":0.', '"prior_pd":0.9') where institution_id = $1 and id = $2`)
	countScores  = db.Q(`select count(*) from score where institution_id = $1 and firm_id = $2`)
	countActions = db.Q(`select count(*) from audit_record where institution_id = $1 and action = $2`)
)

const firms = 60

func input() model.TrainInput {
	return model.TrainInput{Name: "shops", Repeats: 2, Candidates: []string{"sales_net_12m", "sales_void_rate_12m", "sales_count_12m", "sales_silence_days"}}
}

// inUse trains, validates, approves and activates a model.
func inUse(t *testing.T, svc *model.Service, s dbtest.Staff) model.Model {
	t.Helper()
	m, err := svc.Train(t.Context(), s.Risk, input())
	require.NoError(t, err)
	_, err = svc.Validate(t.Context(), s.Risk, m.ID)
	require.NoError(t, err)
	_, err = svc.Approve(t.Context(), s.Approver, m.ID, "figures checked")
	require.NoError(t, err)
	m, err = svc.Activate(t.Context(), s.Approver, m.ID)
	require.NoError(t, err)
	return m
}

func TestFromTrainingToUse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		ids := firmbook.Labelled(t, d, s, firms)
		svc := model.NewService(d, nil)

		_, err := svc.ScoreNow(t.Context(), s.Risk, ids[0], calendar.Date{})
		require.True(t, fault.Is(err, model.ReasonNoActive), "%v", err)

		m, err := svc.Train(t.Context(), s.Risk, input())
		require.NoError(t, err)
		require.Equal(t, model.Draft, m.State)
		require.Equal(t, firms, m.Sample.Firms)
		require.Positive(t, m.Sample.Bads)
		_, err = svc.Approve(t.Context(), s.Approver, m.ID, "too early")
		require.True(t, fault.Is(err, model.ReasonState), "%v", err)

		draftHash := m.Hash
		m, err = svc.Validate(t.Context(), s.Risk, m.ID)
		require.NoError(t, err)
		require.Equal(t, model.Validated, m.State)
		require.Greater(t, m.Validation.AUC.Mean, 0.65)
		require.NotEqual(t, draftHash, m.Hash, "calibration is part of the scorecard")

		_, err = svc.Approve(t.Context(), s.Risk, m.ID, "I like my own work")
		require.True(t, fault.Is(err, model.ReasonSamePerson), "%v", err)
		_, err = svc.Approve(t.Context(), s.Approver, m.ID, "  ")
		require.True(t, fault.Is(err, fault.ReasonRequired), "%v", err)
		_, err = svc.Activate(t.Context(), s.Approver, m.ID)
		require.True(t, fault.Is(err, model.ReasonState), "not approved yet: %v", err)
		m, err = svc.Approve(t.Context(), s.Approver, m.ID, "figures checked")
		require.NoError(t, err)
		require.Equal(t, s.Approver.UserID, m.ApprovedBy)
		m, err = svc.Activate(t.Context(), s.Approver, m.ID)
		require.NoError(t, err)
		require.Equal(t, model.Active, m.State)

		detail, err := svc.Get(t.Context(), s.Compliance, m.ID)
		require.NoError(t, err)
		require.Equal(t, m.Hash, detail.Hash)
		require.NotEmpty(t, detail.ROC)
		require.NotEmpty(t, detail.Calibration)
		for _, action := range []string{"model.train", "model.validate", "model.approve", "model.activate"} {
			var n int
			require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
				return tx.QueryRow(t.Context(), countActions, tx.Institution, action).Scan(&n)
			}))
			require.Equal(t, 1, n, action)
		}

		next := inUse(t, svc, s)
		old, err := svc.Get(t.Context(), s.Risk, m.ID)
		require.NoError(t, err)
		require.Equal(t, model.Retired, old.State, "one model is active")
		require.NotNil(t, old.RetiredAt)
		require.NotEqual(t, m.ID, next.ID)
		require.Equal(t, m.Hash, next.Hash, "same firms, same options, same scorecard")
		all, total, err := svc.List(t.Context(), s.Risk, old.TrainedAt.AddDate(1, 0, 0), "", 10)
		require.NoError(t, err)
		require.EqualValues(t, 2, total)
		require.Equal(t, next.ID, all[0].ID)
	})
}

func TestScoresAreStoredOnceAndReplay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		ids := firmbook.Labelled(t, d, s, firms)
		svc := model.NewService(d, nil)
		m := inUse(t, svc, s)
		best := ids[0]
		var first model.FirmScore
		for _, id := range ids[:12] {
			got, err := svc.ScoreNow(t.Context(), s.Manager, id, calendar.Date{})
			require.NoError(t, err)
			if got.Score.Result.Points > first.Score.Result.Points {
				best, first = id, got
			}
		}
		require.Equal(t, m.ID, first.Score.ModelID)
		require.Len(t, first.Score.Result.Contributions, len(m.Scorecard.Characteristics))
		again, err := svc.ScoreNow(t.Context(), s.Manager, best, calendar.Date{})
		require.NoError(t, err)
		require.Equal(t, first.Score.ID, again.Score.ID, "same model and evidence: the stored score")

		// A month of cancelled trade arrives: the profile and the score move, and history keeps both.
		var cancelled []source.Invoice
		for i := range 200 {
			cancelled = append(cancelled, source.Invoice{Direction: source.Sale, Number: strconv.Itoa(i), Date: firmbook.Today, Counterparty: "x",
				NetMinor: -1e9, GrossMinor: -1e9, Red: true, Void: i%2 == 0})
		}
		firmbook.Add(t, d, s, best, cancelled)
		moved, err := svc.ScoreNow(t.Context(), s.Manager, best, calendar.Date{})
		require.NoError(t, err)
		require.NotEqual(t, first.Score.ID, moved.Score.ID)
		require.Less(t, moved.Score.Result.Points, first.Score.Result.Points)
		require.Len(t, moved.History, 2)
		got, err := svc.OfFirm(t.Context(), s.Compliance, best)
		require.NoError(t, err)
		require.Equal(t, moved.Score.Result, got.Score.Result)

		var n int
		require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			for _, id := range []string{first.Score.ID, moved.Score.ID} {
				stored, replayed, same, err := model.Replay(t.Context(), tx, id)
				require.NoError(t, err)
				require.True(t, same, "%v %v", stored, replayed)
			}
			checked, differing, err := model.Verify(t.Context(), tx)
			require.NoError(t, err)
			require.Empty(t, differing)
			require.GreaterOrEqual(t, checked, 13)
			return tx.QueryRow(t.Context(), countScores, tx.Institution, best).Scan(&n)
		}))
		require.Equal(t, 2, n)
		require.Error(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), tamperScore, tx.Institution, best)
			return err
		}), "scores are append-only")
		west := s.Manager
		west.BranchPath = "/hq/west/"
		_, err = svc.OfFirm(t.Context(), west, best)
		require.True(t, fault.Is(err, fault.ReasonNotFound), "%v", err)
	})
}

func TestThinFileIsScoredByThePrior(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		firmbook.Labelled(t, d, s, firms)
		svc := model.NewService(d, nil)
		m := inUse(t, svc, s)
		thin := firmbook.Firm(t, d, s, "THIN", "", firmbook.Trade(7, 1)[:6])
		got, err := svc.ScoreNow(t.Context(), s.Manager, thin, calendar.Date{})
		require.NoError(t, err)
		require.True(t, got.Score.Result.ThinFile)
		require.InDelta(t, m.Scorecard.PriorPD, got.Score.Result.PD, 0)
		require.Equal(t, scorecard.ThinFileCode, got.Score.Result.Reasons[0].Code)
	})
}

func TestFirmsWithoutConsentAreSkippedAndNamed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		ids := firmbook.Labelled(t, d, s, firms)
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			all, err := consent.ByFirm(t.Context(), tx, ids[3])
			require.NoError(t, err)
			for _, c := range all {
				require.NoError(t, consent.Withdraw(t.Context(), tx, ids[3], c.ID, "test"))
			}
			return nil
		}))
		m, err := model.NewService(d, nil).Train(t.Context(), s.Risk, input())
		require.NoError(t, err)
		require.Equal(t, firms-1, m.Sample.Firms)
		require.Len(t, m.Sample.Skipped, 1)
		require.Equal(t, ids[3], m.Sample.Skipped[0].FirmID)
		require.Contains(t, m.Sample.Skipped[0].En, "consent")
		require.Contains(t, m.Sample.Skipped[0].Zh, "授权")
	})
}

func TestRefusedTraining(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	svc := model.NewService(d, nil)
	_, err := svc.Train(t.Context(), s.Risk, input())
	require.True(t, fault.Is(err, model.ReasonUntrainable), "nobody is labelled: %v", err)
	_, err = svc.Train(t.Context(), s.Manager, input())
	require.True(t, fault.Is(err, fault.ReasonForbidden), "%v", err)
	_, err = svc.Train(t.Context(), s.Risk, model.TrainInput{})
	require.True(t, fault.Is(err, fault.ReasonRequired), "%v", err)
	_, err = svc.Train(t.Context(), s.Risk, model.TrainInput{Name: "x", Candidates: []string{"rating"}})
	require.True(t, fault.Is(err, model.ReasonUntrainable), "%v", err)
	require.Contains(t, err.Error(), `"rating" is not defined`)
	_, err = svc.Train(t.Context(), s.Risk, model.TrainInput{Name: "x", AsOf: "2026-02-30"})
	require.True(t, fault.Is(err, fault.ReasonInvalid), "%v", err)
	_, err = svc.Get(t.Context(), s.Risk, "mdl_none")
	require.True(t, fault.Is(err, fault.ReasonNotFound), "%v", err)
	_, err = svc.Enqueue(t.Context(), s.Risk, input())
	require.True(t, fault.Is(err, fault.ReasonUnavailable), "%v", err)
}

func TestTwoActiveModelsCannotExist(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		firmbook.Labelled(t, d, s, firms)
		svc := model.NewService(d, nil)
		inUse(t, svc, s)
		m, err := svc.Train(t.Context(), s.Risk, input())
		require.NoError(t, err)
		_, err = svc.Validate(t.Context(), s.Risk, m.ID)
		require.NoError(t, err)
		err = d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), tamperModel, tx.Institution)
			return err
		})
		require.True(t, db.IsUnique(err), "%v", err)
	})
}

// TestVerifyFindsAForgedScorecard edits the stored scorecard as a database owner could.
func TestVerifyFindsAForgedScorecard(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		ids := firmbook.Labelled(t, d, s, firms)
		svc := model.NewService(d, nil)
		m := inUse(t, svc, s)
		score, err := svc.ScoreNow(t.Context(), s.Manager, ids[0], calendar.Date{})
		require.NoError(t, err)
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), forgeModel, tx.Institution, m.ID)
			return err
		}))
		require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, differing, err := model.Verify(t.Context(), tx)
			require.NoError(t, err)
			require.Equal(t, []string{score.Score.ID}, differing)
			return nil
		}))
		_, err = svc.Retire(t.Context(), s.Approver, m.ID)
		require.NoError(t, err, "an altered model can be taken out of use")
	})
}

// TestTheFutureIsNotLearnt trains as of a past date: no profile may be of a later one.
func TestTheFutureIsNotLearnt(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	firmbook.Labelled(t, d, s, firms)
	svc := model.NewService(d, nil)
	m, err := svc.Train(t.Context(), s.Risk, model.TrainInput{Name: "past", AsOf: firmbook.Today.AddDays(-90).String(), Repeats: 1})
	require.NoError(t, err)
	require.Equal(t, firmbook.Today.AddDays(-90), m.AsOf)
	require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		snapshot, err := profile.Latest(t.Context(), tx, firmOf(t, tx))
		require.NoError(t, err)
		require.Equal(t, m.AsOf, snapshot.AsOf)
		return nil
	}))
}

var anyFirm = db.Q(`select id from firm where institution_id = $1 order by id limit 1`)

func firmOf(t *testing.T, tx *db.Tx) (id string) {
	t.Helper()
	require.NoError(t, tx.QueryRow(t.Context(), anyFirm, tx.Institution).Scan(&id))
	return id
}
