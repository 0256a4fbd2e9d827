package model

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// EventScored is recorded with every new score.
const EventScored = "firm.scored"

// Scored is the payload of EventScored; Previous is the firm's score before, when it had one.
type Scored struct {
	FirmID   string      `json:"firm_id"`
	ScoreID  string      `json:"score_id"`
	ModelID  string      `json:"model_id"`
	AsOf     string      `json:"as_of"`
	PD       float64     `json:"pd"`
	Points   int         `json:"points"`
	Grade    string      `json:"grade"`
	ThinFile bool        `json:"thin_file"`
	Previous *ScorePoint `json:"previous,omitempty"`
}

// ScorePoint is one score in a firm's history.
type ScorePoint struct {
	ID        string        `json:"id"`
	AsOf      calendar.Date `json:"as_of"`
	ModelID   string        `json:"model_id"`
	PD        float64       `json:"pd"`
	Points    int           `json:"points"`
	Grade     string        `json:"grade"`
	ThinFile  bool          `json:"thin_file"`
	CreatedAt time.Time     `json:"created_at"`
}

const scoreColumns = `id, firm_id, model_id, model_hash, snapshot_id, as_of, pd, points, grade, thin_file, result_json, created_at, created_by`

var (
	insertScore = db.Q(`insert into score (institution_id, ` + scoreColumns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)`)
	scoreByID   = db.Q(`select ` + scoreColumns + ` from score where institution_id = $1 and id = $2`)
	scoreOnce   = db.Q(`select ` + scoreColumns + ` from score where institution_id = $1 and model_id = $2 and snapshot_id = $3`)
	scoreLatest = db.Q(`select ` + scoreColumns + ` from score where institution_id = $1 and firm_id = $2
		order by as_of desc, created_at desc, id desc limit 1`)
	scoreEarlier = db.Q(`select ` + scoreColumns + ` from score where institution_id = $1 and firm_id = $2 and as_of < $3
		order by as_of desc, created_at desc, id desc limit 1`)
	scoreFirst  = db.Q(`select ` + scoreColumns + ` from score where institution_id = $1 and firm_id = $2 and as_of = $3 order by created_at, id limit 1`)
	scorePoints = db.Q(`select id, as_of, model_id, pd, points, grade, thin_file, created_at from score where institution_id = $1 and firm_id = $2
		order by created_at desc, id desc limit $3`)
	scoresOfModel = db.Q(`select points from score s where institution_id = $1 and model_id = $2 and not thin_file and not exists (
			select 1 from score n where n.institution_id = s.institution_id and n.model_id = s.model_id and n.firm_id = s.firm_id
			and (n.as_of > s.as_of or (n.as_of = s.as_of and (n.created_at > s.created_at or (n.created_at = s.created_at and n.id > s.id)))))
		order by firm_id limit $3`)
)

// scorecards keeps parsed scorecards by their hash, which never changes meaning; a decision need not parse one each time.
var scorecards = struct {
	sync.Mutex
	byHash map[string]*scorecard.Model
}{byHash: map[string]*scorecard.Model{}}

const scorecardsKept = 32

func activeScorecard(ctx context.Context, tx *db.Tx) (id, hash string, card *scorecard.Model, err error) {
	err = tx.QueryRow(ctx, activeHash, tx.Institution).Scan(&id, &hash)
	if db.IsNoRows(err) {
		return "", "", nil, fault.New(ReasonNoActive)
	}
	if err != nil {
		return "", "", nil, err
	}
	scorecards.Lock()
	card = scorecards.byHash[hash]
	scorecards.Unlock()
	if card != nil {
		return id, hash, card, nil
	}
	m, err := ActiveModel(ctx, tx)
	if err != nil {
		return "", "", nil, err
	}
	sealed := m
	if _, err := sealed.seal(); err != nil {
		return "", "", nil, err
	}
	if sealed.Hash != m.Hash {
		return "", "", nil, fault.New(ReasonAltered, "id", m.ID)
	}
	scorecards.Lock()
	defer scorecards.Unlock()
	if len(scorecards.byHash) >= scorecardsKept {
		clear(scorecards.byHash)
	}
	scorecards.byHash[m.Hash] = m.Scorecard
	return m.ID, m.Hash, m.Scorecard, nil
}

// ScoreFirm scores a profile with the active model. The same model and profile give the stored score back.
func ScoreFirm(ctx context.Context, tx *db.Tx, firmID string, snapshot profile.Snapshot) (Score, error) {
	id, hash, card, err := activeScorecard(ctx, tx)
	if err != nil {
		return Score{}, err
	}
	if snapshot.FirmID != firmID {
		return Score{}, fmt.Errorf("model: profile %s belongs to firm %s, not %s", snapshot.ID, snapshot.FirmID, firmID)
	}
	if snapshot.FeatureVersion != card.FeatureVersion {
		return Score{}, fault.New(ReasonUnreadable, "profile", snapshot.FeatureVersion, "model", card.FeatureVersion)
	}
	// Profile before score, always: a transaction that scores a known profile and then refreshes it would
	// otherwise meet a decision, which refreshes first, the other way round.
	for _, key := range []string{"profile:", "score:"} {
		if err := tx.Lock(ctx, key+firmID); err != nil {
			return Score{}, err
		}
	}
	known, err := scanScore(tx.QueryRow(ctx, scoreOnce, tx.Institution, id, snapshot.ID))
	if err == nil || !db.IsNoRows(err) {
		return known, err
	}
	points, err := scoreHistory(ctx, tx, firmID, 1)
	if err != nil {
		return Score{}, err
	}
	s := Score{ID: tx.NewID("sco"), FirmID: firmID, ModelID: id, ModelHash: hash, SnapshotID: snapshot.ID, AsOf: snapshot.AsOf,
		Result: card.Score(snapshot.Vector), CreatedAt: tx.Now, CreatedBy: tx.Actor}
	return s, storeScore(ctx, tx, &s, points)
}

func storeScore(ctx context.Context, tx *db.Tx, s *Score, before []ScorePoint) error {
	result, err := json.Marshal(s.Result)
	if err != nil {
		return fmt.Errorf("score %s: %w", s.ID, err)
	}
	_, err = tx.Exec(ctx, insertScore, tx.Institution, s.ID, s.FirmID, s.ModelID, s.ModelHash, s.SnapshotID, s.AsOf, s.Result.PD, s.Result.Points,
		s.Result.Grade, s.Result.ThinFile, string(result), db.Micros(s.CreatedAt), s.CreatedBy)
	if err != nil {
		return err
	}
	note := Scored{FirmID: s.FirmID, ScoreID: s.ID, ModelID: s.ModelID, AsOf: s.AsOf.String(), PD: s.Result.PD, Points: s.Result.Points,
		Grade: s.Result.Grade, ThinFile: s.Result.ThinFile}
	if len(before) > 0 {
		note.Previous = &before[0]
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "firm.score", Object: "firm", ObjectID: s.FirmID, After: note}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: EventScored, Aggregate: "firm", AggregateID: s.FirmID, Payload: note})
}

func scanScore(row scanner) (Score, error) {
	var s Score
	var pd float64
	var points int
	var grade, result string
	var thin bool
	var created int64
	err := row.Scan(&s.ID, &s.FirmID, &s.ModelID, &s.ModelHash, &s.SnapshotID, &s.AsOf, &pd, &points, &grade, &thin, &result, &created, &s.CreatedBy)
	if err != nil {
		return s, err
	}
	s.CreatedAt = db.Time(created)
	if err := json.Unmarshal([]byte(result), &s.Result); err != nil {
		return s, fmt.Errorf("score %s: %w", s.ID, err)
	}
	// The columns are what lists and reports read; a score whose document says otherwise must not pass for it.
	s.Result.PD, s.Result.Points, s.Result.Grade, s.Result.ThinFile = pd, points, grade, thin
	return s, nil
}

// LatestScore returns the firm's newest score: the one on the newest evidence, not one that somebody made later as
// of a past date.
func LatestScore(ctx context.Context, tx *db.Tx, firmID string) (Score, error) {
	s, err := scanScore(tx.QueryRow(ctx, scoreLatest, tx.Institution, firmID))
	if db.IsNoRows(err) {
		return s, fault.New(ReasonNoScore, "firm", firmID)
	}
	return s, err
}

// ScoreBefore returns the firm's newest score as of an earlier date than day, or else the first one of that day: what
// is known before anything that happened on the day. Whoever scores the firm again on the day does not move it.
func ScoreBefore(ctx context.Context, tx *db.Tx, firmID string, day calendar.Date) (Score, error) {
	s, err := scanScore(tx.QueryRow(ctx, scoreEarlier, tx.Institution, firmID, day))
	if db.IsNoRows(err) {
		s, err = scanScore(tx.QueryRow(ctx, scoreFirst, tx.Institution, firmID, day))
	}
	if db.IsNoRows(err) {
		return s, fault.New(ReasonNoScore, "firm", firmID)
	}
	return s, err
}

// ScoreByID returns one score.
func ScoreByID(ctx context.Context, tx *db.Tx, id string) (Score, error) {
	s, err := scanScore(tx.QueryRow(ctx, scoreByID, tx.Institution, id))
	if db.IsNoRows(err) {
		return s, fault.NotFoundError("score", id)
	}
	return s, err
}

func scoreHistory(ctx context.Context, tx *db.Tx, firmID string, limit int) ([]ScorePoint, error) {
	rows, err := tx.Query(ctx, scorePoints, tx.Institution, firmID, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	points := []ScorePoint{}
	for rows.Next() {
		var p ScorePoint
		var created int64
		if err := rows.Scan(&p.ID, &p.AsOf, &p.ModelID, &p.PD, &p.Points, &p.Grade, &p.ThinFile, &created); err != nil {
			return nil, err
		}
		p.CreatedAt = db.Time(created)
		points = append(points, p)
	}
	return points, rows.Err()
}

// scoredMax bounds how many current scores the stability index looks at.
const scoredMax = 20_000

func currentPoints(ctx context.Context, tx *db.Tx, modelID string) ([]int, error) {
	rows, err := tx.Query(ctx, scoresOfModel, tx.Institution, modelID, scoredMax)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var points []int
	for rows.Next() {
		var p int
		if err := rows.Scan(&p); err != nil {
			return nil, err
		}
		points = append(points, p)
	}
	return points, rows.Err()
}
