package profile

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

const columns = `id, firm_id, as_of, feature_version, input_hash, invoices, months, vector, series, created_at, created_by`

var (
	insertSnapshot = db.Q(`insert into profile_snapshot (institution_id, ` + columns + `) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)`)
	snapshotByID   = db.Q(`select ` + columns + ` from profile_snapshot where institution_id = $1 and id = $2`)
	snapshotLatest = db.Q(`select ` + columns + ` from profile_snapshot where institution_id = $1 and firm_id = $2 and as_of <= $3
		order by as_of desc, created_at desc, id desc limit 1`)
	snapshotOn = db.Q(`select ` + columns + ` from profile_snapshot where institution_id = $1 and firm_id = $2 and as_of = $3 and feature_version = $4
		order by created_at desc, id desc limit 1`)
	snapshotHistory = db.Q(`select id, as_of, invoices, months, created_at from profile_snapshot where institution_id = $1 and firm_id = $2
		order by as_of desc, created_at desc, id desc limit $3`)

	insertCounterparties = db.NewBulk("profile_counterparty", []string{"institution_id", "counterparty", "firm_id"}, "on conflict do nothing")
	countSharingFirms    = db.Q(`select count(distinct o.firm_id) from profile_counterparty m
		join profile_counterparty o on o.institution_id = m.institution_id and o.counterparty = m.counterparty and o.firm_id <> m.firm_id
		where m.institution_id = $1 and m.firm_id = $2`)
	listSharedNames = db.Q(`select m.counterparty from profile_counterparty m where m.institution_id = $1 and m.firm_id = $2 and exists (
		select 1 from profile_counterparty o where o.institution_id = m.institution_id and o.counterparty = m.counterparty and o.firm_id <> m.firm_id)`)
)

func insert(ctx context.Context, tx *db.Tx, s *Snapshot) error {
	vector, err := json.Marshal(s.Vector)
	if err != nil {
		return fmt.Errorf("profile: vector: %w", err)
	}
	series, err := json.Marshal(s.Series)
	if err != nil {
		return fmt.Errorf("profile: series: %w", err)
	}
	_, err = tx.Exec(ctx, insertSnapshot, tx.Institution, s.ID, s.FirmID, s.AsOf, s.FeatureVersion, s.InputHash, s.Invoices, s.Months,
		string(vector), string(series), db.Micros(s.CreatedAt), s.CreatedBy)
	return err
}

func scan(row interface{ Scan(dest ...any) error }) (Snapshot, error) {
	var s Snapshot
	var vector, series string
	var created int64
	err := row.Scan(&s.ID, &s.FirmID, &s.AsOf, &s.FeatureVersion, &s.InputHash, &s.Invoices, &s.Months, &vector, &series, &created, &s.CreatedBy)
	if err != nil {
		return s, err
	}
	s.CreatedAt = db.Time(created)
	if err := json.Unmarshal([]byte(vector), &s.Vector); err != nil {
		return s, fmt.Errorf("profile %s: vector: %w", s.ID, err)
	}
	if err := json.Unmarshal([]byte(series), &s.Series); err != nil {
		return s, fmt.Errorf("profile %s: series: %w", s.ID, err)
	}
	return s, nil
}

// shared records the firm's counterparties in the cross-firm index and says which of them other firms also have.
func shared(ctx context.Context, tx *db.Tx, firmID string, names []string) (firms int, common map[string]bool, err error) {
	rows := make([][]any, len(names))
	for i, n := range names {
		rows[i] = []any{tx.Institution, n, firmID}
	}
	if _, err := tx.BulkInsert(ctx, insertCounterparties, rows); err != nil {
		return 0, nil, err
	}
	if err := tx.QueryRow(ctx, countSharingFirms, tx.Institution, firmID).Scan(&firms); err != nil {
		return 0, nil, err
	}
	found, err := tx.Query(ctx, listSharedNames, tx.Institution, firmID)
	if err != nil {
		return 0, nil, err
	}
	defer found.Close() //nolint:errcheck // read to its end below
	common = map[string]bool{}
	for found.Next() {
		var name string
		if err := found.Scan(&name); err != nil {
			return 0, nil, err
		}
		common[name] = true
	}
	return firms, common, found.Err()
}

func history(ctx context.Context, tx *db.Tx, firmID string, limit int) ([]Mark, error) {
	rows, err := tx.Query(ctx, snapshotHistory, tx.Institution, firmID, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	marks := []Mark{}
	for rows.Next() {
		var m Mark
		var created int64
		if err := rows.Scan(&m.ID, &m.AsOf, &m.Invoices, &m.Months, &created); err != nil {
			return nil, err
		}
		m.CreatedAt = db.Time(created)
		marks = append(marks, m)
	}
	return marks, rows.Err()
}

// farFuture is later than any as-of date.
var farFuture = calendar.Of(9999, 12, 31)
