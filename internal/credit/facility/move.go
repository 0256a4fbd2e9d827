package facility

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/fx"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Open makes the facility of a contract. Opening it again with the same terms gives the stored one.
func Open(ctx context.Context, tx *db.Tx, d Draft) (Facility, error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return Facility{}, err
	}
	if d.StartsOn.IsZero() {
		d.StartsOn = today
	}
	if err := d.validate(); err != nil {
		return Facility{}, err
	}
	if err := tx.Lock(ctx, "facility.contract:"+d.ContractID); err != nil {
		return Facility{}, err
	}
	old, err := scan(tx.QueryRow(ctx, selectByContract, tx.Institution, d.ContractID))
	if err == nil {
		old.derive(today)
		return old, nil
	}
	if !db.IsNoRows(err) {
		return Facility{}, err
	}
	f := Facility{
		ID: tx.NewID("fac"), FirmID: d.FirmID, ApplicationID: d.ApplicationID, ContractID: d.ContractID, ProductID: d.ProductID, ProductVersion: d.ProductVersion,
		BranchID: d.BranchID, BranchPath: d.BranchPath, Currency: d.Currency, LimitMinor: d.LimitMinor, Rate: d.Rate, Revolving: d.Revolving,
		Status: Active, StartsOn: d.StartsOn, ExpiresOn: d.ExpiresOn, CreatedAt: tx.Now, UpdatedAt: tx.Now, Version: 1,
	}
	f.derive(today)
	if err := insert(ctx, tx, f); err != nil {
		return Facility{}, fmt.Errorf("open facility: %w", err)
	}
	if err := pointOpened.Hit(ctx); err != nil {
		return Facility{}, err
	}
	m := Movement{FacilityID: f.ID, Kind: MoveOpen, Key: f.ContractID, AmountMinor: f.LimitMinor, LimitAfterMinor: f.LimitMinor}
	if _, err := claim(ctx, tx, m); err != nil {
		return Facility{}, err
	}
	return f, record(ctx, tx, "facility.open", nil, f, fault.Text{})
}

// ByID reads a facility as of the business date.
func ByID(ctx context.Context, tx *db.Tx, id string) (Facility, error) {
	return read(ctx, tx, selectByID, id)
}

// ByContract reads the facility of a contract.
func ByContract(ctx context.Context, tx *db.Tx, contractID string) (Facility, error) {
	return read(ctx, tx, selectByContract, contractID)
}

// ByFirm lists a firm's facilities, oldest first.
func ByFirm(ctx context.Context, tx *db.Tx, firmID string) ([]Facility, error) {
	return list(ctx, tx, selectByFirm, tx.Institution, firmID)
}

// Firms lists the firms that have a facility which is not closed, by id after the given one: those
// that are watched.
func Firms(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	rows, err := tx.Query(ctx, selectFirms, tx.Institution, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// Exposure sums what a firm may owe here and what it does owe, in minor units of one currency; facilities in
// others count at the rates of the business date (FX_RATE_MISSING when there is none). Under a limit that has
// expired, or was lowered below the balance, it may owe the balance.
func Exposure(ctx context.Context, tx *db.Tx, firmID string, in money.Currency) (limitMinor, utilisedMinor int64, err error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return 0, 0, err
	}
	sums, err := exposures(ctx, tx, firmID, today)
	if err != nil {
		return 0, 0, err
	}
	for _, s := range sums {
		limit, err := fx.Convert(ctx, tx, s.limit, in, today)
		if err != nil {
			return 0, 0, err
		}
		used, err := fx.Convert(ctx, tx, s.used, in, today)
		if err != nil {
			return 0, 0, err
		}
		if limitMinor, err = money.AddMinor(limitMinor, limit.Minor); err != nil {
			return 0, 0, err
		}
		if utilisedMinor, err = money.AddMinor(utilisedMinor, used.Minor); err != nil {
			return 0, 0, err
		}
	}
	return limitMinor, utilisedMinor, nil
}

// owed is what a firm may owe and owes in one currency.
type owed struct{ limit, used money.Amount }

func exposures(ctx context.Context, tx *db.Tx, firmID string, today calendar.Date) ([]owed, error) {
	rows, err := tx.Query(ctx, sumExposure, tx.Institution, firmID, today)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []owed
	for rows.Next() {
		var c money.Currency
		var o owed
		if err := rows.Scan(&c, &o.limit.Minor, &o.used.Minor); err != nil {
			return nil, err
		}
		o.limit.Currency, o.used.Currency = c, c
		out = append(out, o)
	}
	return out, rows.Err()
}

// Reserve takes room for a draw, once per key: a repeat with the same amount changes nothing. It
// fails with LIMIT_EXCEEDED, FACILITY_FROZEN, FACILITY_CLOSED or FACILITY_EXPIRED.
func Reserve(ctx context.Context, tx *db.Tx, facilityID string, amountMinor int64, key string) error {
	if err := checkMove(amountMinor, key); err != nil {
		return err
	}
	m := Movement{FacilityID: facilityID, Kind: MoveReserve, Key: key, AmountMinor: amountMinor}
	fresh, err := claim(ctx, tx, m)
	if err != nil || !fresh {
		return err
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	if err := pointClaimed.Hit(ctx); err != nil {
		return err
	}
	err = tx.QueryRow(ctx, reserveRoom, tx.Institution, facilityID, amountMinor, db.Micros(tx.Now), today).Scan(&m.LimitAfterMinor, &m.UtilisedAfterMinor)
	if db.IsNoRows(err) && canary.On("skip_limit") { // taking room is giving back less than nothing: nobody asks for the limit
		err = tx.QueryRow(ctx, releaseRoom, tx.Institution, facilityID, -amountMinor, db.Micros(tx.Now)).Scan(&m.LimitAfterMinor, &m.UtilisedAfterMinor)
	}
	if db.IsNoRows(err) {
		return refuse(ctx, tx, m)
	}
	if err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	return settle(ctx, tx, m)
}

// Release gives room back after a repayment or a failed draw, once per key.
func Release(ctx context.Context, tx *db.Tx, facilityID string, amountMinor int64, key string) error {
	return release(ctx, tx, facilityID, amountMinor, key, false)
}

// ReleaseFailed gives room back because the money never left: it returns even to a facility that
// does not revolve.
func ReleaseFailed(ctx context.Context, tx *db.Tx, facilityID string, amountMinor int64, key string) error {
	return release(ctx, tx, facilityID, amountMinor, key, true)
}

func release(ctx context.Context, tx *db.Tx, facilityID string, amountMinor int64, key string, undone bool) error {
	if err := checkMove(amountMinor, key); err != nil {
		return err
	}
	f, err := ByID(ctx, tx, facilityID)
	if err != nil {
		return err
	}
	m := Movement{FacilityID: facilityID, Kind: MoveRelease, Key: key, AmountMinor: amountMinor}
	fresh, err := claim(ctx, tx, m)
	if err != nil || !fresh || canary.On("lost_release") {
		return err
	}
	if err := pointReleasing.Hit(ctx); err != nil {
		return err
	}
	q := releaseRoom
	if !f.Revolving && !undone && !canary.On("spent_room") {
		q = releaseSpent
	}
	err = tx.QueryRow(ctx, q, tx.Institution, facilityID, amountMinor, db.Micros(tx.Now)).Scan(&m.LimitAfterMinor, &m.UtilisedAfterMinor)
	if db.IsNoRows(err) {
		return refuse(ctx, tx, m)
	}
	if err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return settle(ctx, tx, m)
}

// Restore counts money as drawn again after a repayment was taken back, once
// per key. It asks neither limit nor status: the money is out.
func Restore(ctx context.Context, tx *db.Tx, facilityID string, amountMinor int64, key string) error {
	if err := checkMove(amountMinor, key); err != nil {
		return err
	}
	f, err := ByID(ctx, tx, facilityID)
	if err != nil {
		return err
	}
	m := Movement{FacilityID: facilityID, Kind: MoveRestore, Key: key, AmountMinor: amountMinor}
	fresh, err := claim(ctx, tx, m)
	if err != nil || !fresh {
		return err
	}
	limit := int64(0)
	if !f.Revolving {
		limit = amountMinor
	}
	if err := tx.QueryRow(ctx, restoreUse, tx.Institution, facilityID, amountMinor, limit, db.Micros(tx.Now)).Scan(&m.LimitAfterMinor, &m.UtilisedAfterMinor); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	return settle(ctx, tx, m)
}

// SetLimit moves the limit, up or down; below the balance in use it only stops new draws. Who may
// raise it is the caller's rule (the HTTP route asks for a proposal).
func SetLimit(ctx context.Context, tx *db.Tx, facilityID string, limitMinor int64, reason fault.Text) error {
	if limitMinor < 0 || limitMinor > limitMinorMax {
		return fault.Field("limit_minor", "须在 0 与 100 亿之间", "must lie between 0 and 10 billion")
	}
	before, err := read(ctx, tx, selectForUpdate, facilityID)
	if err != nil {
		return err
	}
	if before.Status == Closed {
		return fault.New(ReasonClosed)
	}
	if before.LimitMinor == limitMinor {
		return nil
	}
	if _, err := tx.Exec(ctx, changeLimit, tx.Institution, facilityID, limitMinor, db.Micros(tx.Now)); err != nil {
		return err
	}
	return changed(ctx, tx, MoveLimit, "facility.limit", before, limitMinor-before.LimitMinor, reason)
}

// Freeze stops new draws at once; freezing a frozen facility keeps the first reason.
func Freeze(ctx context.Context, tx *db.Tx, facilityID string, reason fault.Text) error {
	return transition(ctx, tx, facilityID, Active, Frozen, MoveFreeze, reason)
}

// Unfreeze allows draws again.
func Unfreeze(ctx context.Context, tx *db.Tx, facilityID string, reason fault.Text) error {
	return transition(ctx, tx, facilityID, Frozen, Active, MoveUnfreeze, reason)
}

// Close ends a facility of which nothing is in use.
func Close(ctx context.Context, tx *db.Tx, facilityID string, reason fault.Text) error {
	f, err := read(ctx, tx, selectForUpdate, facilityID)
	if err != nil {
		return err
	}
	if f.UtilisedMinor != 0 {
		return fault.New(ReasonInUse, "utilised", f.amount(f.UtilisedMinor), "currency", f.Currency)
	}
	return transition(ctx, tx, facilityID, f.Status, Closed, MoveClose, reason)
}

func transition(ctx context.Context, tx *db.Tx, facilityID string, from, to Status, kind string, reason fault.Text) error {
	if reason.Zh == "" || reason.En == "" {
		return fault.Required("reason")
	}
	before, err := read(ctx, tx, selectForUpdate, facilityID)
	if err != nil {
		return err
	}
	switch {
	case before.Status == to:
		return nil
	case before.Status == Closed:
		return fault.New(ReasonClosed)
	case before.Status != from:
		return fault.New(fault.ReasonConflict, "object", "facility "+facilityID, "problem", "it is "+string(before.Status))
	}
	if _, err := tx.Exec(ctx, changeState, tx.Institution, facilityID, string(to), reason.Zh, reason.En, db.Micros(tx.Now)); err != nil {
		return err
	}
	return changed(ctx, tx, kind, "facility."+kind, before, 0, reason)
}

func checkMove(amountMinor int64, key string) error {
	if amountMinor <= 0 {
		return fault.Field("amount_minor", "须大于 0", "must be above 0")
	}
	if key == "" || len(key) > 200 {
		return fault.Field("key", "须为 1 至 200 个字符", "must have 1 to 200 characters")
	}
	return nil
}

// refuse withdraws the claim of the key, so that a caller who carries on leaves no false movement,
// and says why the conditional update changed nothing.
func refuse(ctx context.Context, tx *db.Tx, m Movement) error {
	if _, err := tx.Exec(ctx, dropMovement, tx.Institution, m.FacilityID, m.Kind, m.Key); err != nil {
		return err
	}
	f, err := ByID(ctx, tx, m.FacilityID)
	switch {
	case err != nil:
		return err
	case m.Kind == MoveRelease:
		return fault.New(ReasonOverRelease, "utilised", f.amount(f.UtilisedMinor), "currency", f.Currency).WithField("amount_minor")
	case f.Status == Frozen:
		return fault.New(ReasonFrozen, "cause", f.StatusReason.En, "cause_zh", f.StatusReason.Zh)
	case f.Status == Closed:
		return fault.New(ReasonClosed)
	case f.Expired:
		return fault.New(ReasonExpired, "expires_on", f.ExpiresOn)
	}
	return fault.New(ReasonLimitExceeded, "available", f.amount(f.AvailableMinor), "currency", f.Currency, "available_minor", f.AvailableMinor).WithField("amount_minor")
}

func settle(ctx context.Context, tx *db.Tx, m Movement) error {
	if err := pointMoved.Hit(ctx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, settleMovement, tx.Institution, m.FacilityID, m.Kind, m.Key, m.LimitAfterMinor, m.UtilisedAfterMinor); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "facility." + m.Kind + "d", Aggregate: "facility", AggregateID: m.FacilityID, Payload: map[string]any{
		"facility_id": m.FacilityID, "key": m.Key, "amount_minor": m.AmountMinor, "limit_minor": m.LimitAfterMinor, "utilised_minor": m.UtilisedAfterMinor,
	}})
}

// changed writes the movement, the audit record and the event of a change that needs no key of its own.
func changed(ctx context.Context, tx *db.Tx, kind, action string, before Facility, amountMinor int64, reason fault.Text) error {
	if err := pointChanged.Hit(ctx); err != nil {
		return err
	}
	after, err := ByID(ctx, tx, before.ID)
	if err != nil {
		return err
	}
	m := Movement{FacilityID: before.ID, Kind: kind, Key: tx.NewID("chg"), AmountMinor: amountMinor, LimitAfterMinor: after.LimitMinor, UtilisedAfterMinor: after.UtilisedMinor, Reason: reason}
	if _, err := claim(ctx, tx, m); err != nil {
		return err
	}
	return record(ctx, tx, action, before, after, reason)
}

func record(ctx context.Context, tx *db.Tx, action string, before any, after Facility, reason fault.Text) error {
	if err := audit.Record(ctx, tx, audit.Entry{Action: action, Object: "facility", ObjectID: after.ID, Before: before, After: after, Note: reason.Zh}); err != nil {
		return err
	}
	if action == "facility.limit" {
		action = "facility.limit_changed"
	}
	return event.Append(ctx, tx, event.Draft{Type: action, Aggregate: "facility", AggregateID: after.ID, Payload: map[string]any{
		"firm_id": after.FirmID, "facility_id": after.ID, "facility": after, "reason": reason,
	}})
}

// Discrepancy is a stored balance that differs from the sum of its movements.
type Discrepancy struct {
	FacilityID    string `json:"facility_id"`
	StoredMinor   int64  `json:"stored_minor"`
	RecountsMinor int64  `json:"recounts_minor"`
}

// Verify recomputes every balance of the institution from its movements. It gives the number of facilities and those
// that differ.
func Verify(ctx context.Context, tx *db.Tx) (n int64, out []Discrepancy, err error) {
	rows, err := tx.Query(ctx, selectDrift, tx.Institution)
	if err != nil {
		return 0, nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	for rows.Next() {
		var d Discrepancy
		if err := rows.Scan(&d.FacilityID, &d.StoredMinor, &d.RecountsMinor); err != nil {
			return n, nil, err
		}
		n++
		if d.StoredMinor != d.RecountsMinor {
			out = append(out, d)
		}
	}
	return n, out, rows.Err()
}

// Instants at which a test may break off.
var (
	pointChanged   = failpoint.Declare("facility.changed")
	pointReleasing = failpoint.Declare("facility.releasing")
	pointMoved     = failpoint.Declare("facility.moved")
	pointClaimed   = failpoint.Declare("facility.claimed")
	pointOpened    = failpoint.Declare("facility.opened")
)
