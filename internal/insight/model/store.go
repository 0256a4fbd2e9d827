package model

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const modelColumns = `id, name, state, as_of, feature_version, sample_json, artifact_json, artifact_hash, validation_json, trained_at, trained_by,
	validated_at, approved_at, approved_by, approval_note, activated_at, retired_at, version`

var (
	insertModel = db.Q(`insert into model (institution_id, options_json, ` + modelColumns + `)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20)`)
	updateModel = db.Q(`update model set state = $3, artifact_json = $4, artifact_hash = $5, validation_json = $6, validated_at = $7, approved_at = $8,
		approved_by = $9, approval_note = $10, activated_at = $11, retired_at = $12, version = version + 1
		where institution_id = $1 and id = $2 and version = $13`)
	modelByID   = db.Q(`select ` + modelColumns + ` from model where institution_id = $1 and id = $2`)
	modelHeld   = db.Q(`select ` + modelColumns + ` from model where institution_id = $1 and id = $2 /*for update*/`)
	modelActive = db.Q(`select ` + modelColumns + ` from model where institution_id = $1 and state = 'active'`)
	modelList   = db.Q(`select ` + modelColumns + ` from model where institution_id = $1
		and (cast($2 as bigint) = 0 or trained_at < cast($2 as bigint) or (trained_at = cast($2 as bigint) and id < $3)) order by trained_at desc, id desc limit $4`)
	modelCount = db.Q(`select count(*) from model where institution_id = $1`)
	activeHash = db.Q(`select id, artifact_hash from model where institution_id = $1 and state = 'active'`)

	insertSamples = db.NewBulk("model_sample", []string{"institution_id", "model_id", "firm_id", "label", "snapshot_id"}, "")
	modelSamples  = db.Q(`select firm_id, label, snapshot_id from model_sample where institution_id = $1 and model_id = $2 order by firm_id`)
)

func insert(ctx context.Context, tx *db.Tx, m *Model) error {
	artifact, err := m.seal()
	if err != nil {
		return err
	}
	sample, err := json.Marshal(m.Sample)
	if err != nil {
		return err
	}
	options, err := json.Marshal(m.Scorecard.Options)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertModel, tx.Institution, string(options), m.ID, m.Name, string(m.State), m.AsOf, m.FeatureVersion, string(sample), artifact, m.Hash,
		"", db.Micros(m.TrainedAt), m.TrainedBy, 0, 0, "", "", 0, 0, m.Version)
	return err
}

func save(ctx context.Context, tx *db.Tx, m *Model) error {
	artifact, err := m.seal()
	if err != nil {
		return err
	}
	validation := ""
	if m.Validation != nil {
		b, err := json.Marshal(m.Validation)
		if err != nil {
			return fmt.Errorf("model %s: validation: %w", m.ID, err)
		}
		validation = string(b)
	}
	changed, err := tx.ExecOne(ctx, updateModel, tx.Institution, m.ID, string(m.State), artifact, m.Hash, validation, micros(m.ValidatedAt), micros(m.ApprovedAt),
		m.ApprovedBy, m.ApprovalNote, micros(m.ActivatedAt), micros(m.RetiredAt), m.Version)
	if err != nil {
		return err
	}
	if !changed {
		return fault.New(fault.ReasonStale, "version", m.Version)
	}
	m.Version++
	return nil
}

func micros(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return db.Micros(*t)
}

func instant(v int64) *time.Time {
	if v == 0 {
		return nil
	}
	t := db.Time(v)
	return &t
}

type scanner interface{ Scan(dest ...any) error }

func scanModel(row scanner) (Model, error) {
	var m Model
	var sample, artifact, validation string
	var trained, validated, approved, activated, retired int64
	err := row.Scan(&m.ID, &m.Name, &m.State, &m.AsOf, &m.FeatureVersion, &sample, &artifact, &m.Hash, &validation, &trained, &m.TrainedBy,
		&validated, &approved, &m.ApprovedBy, &m.ApprovalNote, &activated, &retired, &m.Version)
	if err != nil {
		return m, err
	}
	m.TrainedAt, m.ValidatedAt, m.ApprovedAt, m.ActivatedAt, m.RetiredAt = db.Time(trained), instant(validated), instant(approved), instant(activated), instant(retired)
	if err := json.Unmarshal([]byte(sample), &m.Sample); err != nil {
		return m, fmt.Errorf("model %s: sample: %w", m.ID, err)
	}
	m.Scorecard = &scorecard.Model{}
	if err := json.Unmarshal([]byte(artifact), m.Scorecard); err != nil {
		return m, fmt.Errorf("model %s: scorecard: %w", m.ID, err)
	}
	if validation != "" {
		m.Validation = &scorecard.Validation{}
		if err := json.Unmarshal([]byte(validation), m.Validation); err != nil {
			return m, fmt.Errorf("model %s: validation: %w", m.ID, err)
		}
	}
	return m, nil
}

// ByID returns one model.
func ByID(ctx context.Context, tx *db.Tx, id string) (Model, error) {
	return one(ctx, tx, modelByID, id)
}

// held returns one model and keeps others from changing it until the transaction ends.
func held(ctx context.Context, tx *db.Tx, id string) (Model, error) {
	return one(ctx, tx, modelHeld, id)
}

func one(ctx context.Context, tx *db.Tx, q *db.Query, id string) (Model, error) {
	m, err := scanModel(tx.QueryRow(ctx, q, tx.Institution, id))
	if db.IsNoRows(err) {
		return m, fault.NotFoundError("model", id)
	}
	return m, err
}

// ActiveModel returns the model in use.
func ActiveModel(ctx context.Context, tx *db.Tx) (Model, error) {
	m, err := scanModel(tx.QueryRow(ctx, modelActive, tx.Institution))
	if db.IsNoRows(err) {
		return m, fault.New(ReasonNoActive)
	}
	return m, err
}

func list(ctx context.Context, tx *db.Tx, after time.Time, afterID string, limit int) ([]Model, int64, error) {
	var total int64
	if err := tx.QueryRow(ctx, modelCount, tx.Institution).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := tx.Query(ctx, modelList, tx.Institution, db.Micros(after), afterID, limit)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	models := []Model{}
	for rows.Next() {
		m, err := scanModel(rows)
		if err != nil {
			return nil, 0, err
		}
		models = append(models, m)
	}
	return models, total, rows.Err()
}

// sampleRow is one firm of a training sample.
type sampleRow struct{ firmID, label, snapshotID string }

func samplesOf(ctx context.Context, tx *db.Tx, id string) ([]sampleRow, error) {
	rows, err := tx.Query(ctx, modelSamples, tx.Institution, id)
	if err != nil {
		return nil, err
	}
	defer func(r *sql.Rows) { _ = r.Close() }(rows)
	var out []sampleRow
	for rows.Next() {
		var s sampleRow
		if err := rows.Scan(&s.firmID, &s.label, &s.snapshotID); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
