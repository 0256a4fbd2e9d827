package facility

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `id, firm_id, application_id, contract_id, product_id, product_version, branch_id, branch_path, currency,
	limit_minor, utilised_minor, annual_rate, revolving, status, status_reason_zh, status_reason_en, starts_on, expires_on, created_at, updated_at, version`

var (
	insertFacility = db.Q(`insert into facility (institution_id, ` + columns + `)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22)`)
	selectByID       = db.Q(`select ` + columns + ` from facility where institution_id = $1 and id = $2`)
	selectForUpdate  = db.Q(`select ` + columns + ` from facility where institution_id = $1 and id = $2 /*for update*/`)
	selectByContract = db.Q(`select ` + columns + ` from facility where institution_id = $1 and contract_id = $2`)
	selectByFirm     = db.Q(`select ` + columns + ` from facility where institution_id = $1 and firm_id = $2 order by id`)
	selectPage       = db.Q(`select ` + columns + ` from facility
		where institution_id = $1 and branch_path like $2 and ($3 = '' or status = $3) and ($4 = '' or firm_id = $4) and ($5 = '' or product_id = $5)
		and ($6 = '' or id < $6) order by id desc limit $7`)
	countPage = db.Q(`select count(*) from facility
		where institution_id = $1 and branch_path like $2 and ($3 = '' or status = $3) and ($4 = '' or firm_id = $4) and ($5 = '' or product_id = $5)`)

	// The one place where money is promised away: the check and the change are a single statement.
	reserveRoom = db.Q(`update facility set utilised_minor = utilised_minor + $3, updated_at = $4, version = version + 1
		where institution_id = $1 and id = $2 and status = 'active' and starts_on <= $5 and expires_on >= $5 and utilised_minor + $3 <= limit_minor
		returning limit_minor, utilised_minor`)
	releaseRoom = db.Q(`update facility set utilised_minor = utilised_minor - $3, updated_at = $4, version = version + 1
		where institution_id = $1 and id = $2 and utilised_minor >= $3 returning limit_minor, utilised_minor`)
	// A non-revolving facility gives nothing back: what is repaid leaves the limit as well.
	releaseSpent = db.Q(`update facility set utilised_minor = utilised_minor - $3, limit_minor = limit_minor - $3, updated_at = $4, version = version + 1
		where institution_id = $1 and id = $2 and utilised_minor >= $3 and limit_minor >= $3 returning limit_minor, utilised_minor`)
	// The money is out whatever the limit and the status say now; where a release had lowered the limit it rises again.
	restoreUse = db.Q(`update facility set utilised_minor = utilised_minor + $3, limit_minor = limit_minor + $4, updated_at = $5, version = version + 1
		where institution_id = $1 and id = $2 returning limit_minor, utilised_minor`)
	changeLimit = db.Q(`update facility set limit_minor = $3, updated_at = $4, version = version + 1 where institution_id = $1 and id = $2`)
	changeState = db.Q(`update facility set status = $3, status_reason_zh = $4, status_reason_en = $5, updated_at = $6, version = version + 1
		where institution_id = $1 and id = $2`)

	insertMovement = db.Q(`insert into facility_movement (institution_id, facility_id, kind, movement_key, amount_minor, limit_after_minor, utilised_after_minor, reason_zh, reason_en, at, actor, id)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) on conflict do nothing`)
	settleMovement = db.Q(`update facility_movement set limit_after_minor = $5, utilised_after_minor = $6
		where institution_id = $1 and facility_id = $2 and kind = $3 and movement_key = $4`)
	dropMovement   = db.Q(`delete from facility_movement where institution_id = $1 and facility_id = $2 and kind = $3 and movement_key = $4`)
	movementAmount = db.Q(`select amount_minor from facility_movement where institution_id = $1 and facility_id = $2 and kind = $3 and movement_key = $4`)
	selectMoves    = db.Q(`select id, facility_id, kind, movement_key, amount_minor, limit_after_minor, utilised_after_minor, reason_zh, reason_en, at, actor
		from facility_movement where institution_id = $1 and facility_id = $2 order by id desc limit $3`)
	selectDrift = db.Q(`select f.id, f.utilised_minor, coalesce((select cast(sum(case m.kind when 'reserve' then m.amount_minor when 'restore' then m.amount_minor when 'release' then -m.amount_minor else 0 end) as bigint)
			from facility_movement m where m.institution_id = f.institution_id and m.facility_id = f.id), 0)
		from facility f where f.institution_id = $1 order by f.id`)
	selectFirms = db.Q(`select distinct firm_id from facility where institution_id = $1 and status <> 'closed' and firm_id > $2 order by firm_id limit $3`)
	lastFreeze  = db.Q(`select actor from facility_movement where institution_id = $1 and facility_id = $2 and kind = 'freeze' order by id desc limit 1`)
	// What is owed counts as long as it is owed, also under a limit that has expired or was lowered.
	sumExposure = db.Q(`select currency, cast(coalesce(sum(case when status <> 'closed' and expires_on >= $3 and limit_minor > utilised_minor then limit_minor else utilised_minor end), 0) as bigint), cast(coalesce(sum(utilised_minor), 0) as bigint)
		from facility where institution_id = $1 and firm_id = $2 group by currency order by currency`)
)

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (Facility, error) {
	var f Facility
	var created, updated int64
	err := row.Scan(&f.ID, &f.FirmID, &f.ApplicationID, &f.ContractID, &f.ProductID, &f.ProductVersion, &f.BranchID, &f.BranchPath, &f.Currency,
		&f.LimitMinor, &f.UtilisedMinor, &f.Rate, &f.Revolving, &f.Status, &f.StatusReason.Zh, &f.StatusReason.En, &f.StartsOn, &f.ExpiresOn, &created, &updated, &f.Version)
	f.CreatedAt, f.UpdatedAt = db.Time(created), db.Time(updated)
	return f, err
}

func read(ctx context.Context, tx *db.Tx, q *db.Query, id string) (Facility, error) {
	f, err := scan(tx.QueryRow(ctx, q, tx.Institution, id))
	if db.IsNoRows(err) {
		return Facility{}, fault.NotFoundError("facility", id)
	}
	if err != nil {
		return Facility{}, fmt.Errorf("facility %s: %w", id, err)
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return Facility{}, err
	}
	f.derive(today)
	return f, nil
}

func list(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) ([]Facility, error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, today)
}

func collect(rows *sql.Rows, today calendar.Date) ([]Facility, error) {
	defer rows.Close() //nolint:errcheck // read to its end below
	out := []Facility{}
	for rows.Next() {
		f, err := scan(rows)
		if err != nil {
			return nil, err
		}
		f.derive(today)
		out = append(out, f)
	}
	return out, rows.Err()
}

func insert(ctx context.Context, tx *db.Tx, f Facility) error {
	_, err := tx.Exec(ctx, insertFacility, tx.Institution, f.ID, f.FirmID, f.ApplicationID, f.ContractID, f.ProductID, f.ProductVersion, f.BranchID, f.BranchPath, f.Currency,
		f.LimitMinor, f.UtilisedMinor, int64(f.Rate), f.Revolving, string(f.Status), f.StatusReason.Zh, f.StatusReason.En, f.StartsOn, f.ExpiresOn,
		db.Micros(f.CreatedAt), db.Micros(f.UpdatedAt), f.Version)
	return err
}

// claim records the movement's key; false says that the key was used before, for the same amount.
func claim(ctx context.Context, tx *db.Tx, m Movement) (bool, error) {
	done, err := tx.ExecOne(ctx, insertMovement, tx.Institution, m.FacilityID, m.Kind, m.Key, m.AmountMinor, m.LimitAfterMinor, m.UtilisedAfterMinor,
		m.Reason.Zh, m.Reason.En, db.Micros(tx.Now), tx.Actor, tx.NewID("fmv"))
	if err != nil || done {
		return done, err
	}
	var before int64
	if err := tx.QueryRow(ctx, movementAmount, tx.Institution, m.FacilityID, m.Kind, m.Key).Scan(&before); err != nil {
		return false, fmt.Errorf("facility movement %s: %w", m.Key, err)
	}
	if before != m.AmountMinor {
		return false, fault.New(ReasonKeyReused, "key", m.Key)
	}
	return false, nil
}

// Movements lists the newest changes of a facility first, at most limit.
func Movements(ctx context.Context, tx *db.Tx, facilityID string, limit int) ([]Movement, error) {
	rows, err := tx.Query(ctx, selectMoves, tx.Institution, facilityID, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	out := []Movement{}
	for rows.Next() {
		var m Movement
		var at int64
		if err := rows.Scan(&m.ID, &m.FacilityID, &m.Kind, &m.Key, &m.AmountMinor, &m.LimitAfterMinor, &m.UtilisedAfterMinor, &m.Reason.Zh, &m.Reason.En, &at, &m.Actor); err != nil {
			return nil, err
		}
		m.At = db.Time(at)
		out = append(out, m)
	}
	return out, rows.Err()
}
