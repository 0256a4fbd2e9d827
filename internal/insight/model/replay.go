package model

import (
	"context"
	"reflect"

	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Replay computes a stored score again from its stored profile and model and reports whether the answer is the same.
func Replay(ctx context.Context, tx *db.Tx, scoreID string) (stored, again scorecard.Result, same bool, err error) {
	s, err := ScoreByID(ctx, tx, scoreID)
	if err != nil {
		return stored, again, false, err
	}
	m, err := intact(ctx, tx, s.ModelID)
	if err != nil {
		return stored, again, false, err
	}
	again, same, err = m.again(ctx, tx, &s)
	return s.Result, again, same, err
}

// checkedModel is a model with the hash that its stored scorecard really has.
type checkedModel struct {
	Model
	trueHash string
}

func intact(ctx context.Context, tx *db.Tx, id string) (checkedModel, error) {
	m, err := ByID(ctx, tx, id)
	if err != nil {
		return checkedModel{}, err
	}
	sealed := m
	if _, err := sealed.seal(); err != nil {
		return checkedModel{}, err
	}
	return checkedModel{Model: m, trueHash: sealed.Hash}, nil
}

func (m *checkedModel) again(ctx context.Context, tx *db.Tx, s *Score) (scorecard.Result, bool, error) {
	snapshot, err := profile.ByID(ctx, tx, s.SnapshotID)
	if err != nil {
		return scorecard.Result{}, false, err
	}
	result := m.Scorecard.Score(snapshot.Vector)
	same := m.trueHash == s.ModelHash && snapshot.FirmID == s.FirmID && reflect.DeepEqual(s.Result, result)
	return result, same, nil
}

var scorePage = db.Q(`select ` + scoreColumns + ` from score where institution_id = $1 and id > $2 order by id limit $3`)

const verifyPage = 500

// Verify replays every score of the institution and lists the ids of those that do not come out as stored: a changed
// score, profile or scorecard shows here.
func Verify(ctx context.Context, tx *db.Tx) (checked int, differing []string, err error) {
	models := map[string]checkedModel{}
	for after := ""; ; {
		page, err := scoresAfter(ctx, tx, after)
		if err != nil {
			return checked, differing, err
		}
		for i := range page {
			s := &page[i]
			m, ok := models[s.ModelID]
			if !ok {
				if m, err = intact(ctx, tx, s.ModelID); err != nil {
					return checked, differing, err
				}
				models[s.ModelID] = m
			}
			_, same, err := m.again(ctx, tx, s)
			if err != nil {
				return checked, differing, err
			}
			if !same {
				differing = append(differing, s.ID)
			}
			checked++
			after = s.ID
		}
		if len(page) < verifyPage {
			return checked, differing, nil
		}
	}
}

func scoresAfter(ctx context.Context, tx *db.Tx, after string) ([]Score, error) {
	rows, err := tx.Query(ctx, scorePage, tx.Institution, after, verifyPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var page []Score
	for rows.Next() {
		s, err := scanScore(rows)
		if err != nil {
			return nil, err
		}
		page = append(page, s)
	}
	return page, rows.Err()
}
