package payment

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `id, business_key, purpose, object, object_id, from_account, to_account, to_name, amount_minor, currency, memo, value_date,
	status, attempts, bank_reference, reason, next_try_at, created_at, updated_at, from_name, mandate_id, mandate_reference, mandate_signed_on`

// pageFilter leaves the payments of the caller's branches: a payment belongs where its loan does.
const pageFilter = ` from payment_order where institution_id = $1 and ($2 = '' or status = $2) and ($3 = '' or object_id = $3)
	and (object <> 'loan' or exists (select 1 from loan l where l.institution_id = payment_order.institution_id and l.id = payment_order.object_id and l.branch_path like $4))`

var (
	insertOrder = db.Q(`insert into payment_order (institution_id, ` + columns + `, end_to_end_id)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25) on conflict do nothing`)
	selectByKey  = db.Q(`select ` + columns + ` from payment_order where institution_id = $1 and business_key = $2`)
	selectByID   = db.Q(`select ` + columns + ` from payment_order where institution_id = $1 and id = $2`)
	selectLocked = db.Q(`select ` + columns + ` from payment_order where institution_id = $1 and id = $2 /*for update*/`)
	// What the bank calls an order, or what we call it at the bank. A reference the bank gave twice names the older order.
	selectAtBank = db.Q(`select ` + columns + ` from payment_order where institution_id = $1 and purpose = $2 and bank_reference = $3 order by id limit 1`)
	selectSent   = db.Q(`select ` + columns + ` from payment_order where institution_id = $1 and purpose = $2 and end_to_end_id = $3 order by id limit 1`)
	selectOf     = db.Q(`select ` + columns + ` from payment_order where institution_id = $1 and object = $2 and object_id = $3 order by id`)
	selectPage   = db.Q(`select ` + columns + pageFilter + ` and ($5 = '' or id < $5) order by id desc limit $6`)
	countPage    = db.Q(`select count(*)` + pageFilter)
	// Every institution's index is walked on its own, so that the poll stays cheap however many orders are final.
	selectReady = db.Q(`select p.institution_id, p.id from institution i join payment_order p on p.institution_id = i.institution_id
		and p.status in ('recorded', 'sent') and p.next_try_at <= $1 and (p.protocol = '' or p.protocol = $3) order by p.next_try_at, p.id limit $2`)
	countOpen = db.Q(`select count(*) from payment_order where institution_id = $1 and status in ('recorded', 'sent') and ($2 = '' or purpose = $2)`)
	// Whoever moves next_try_at holds the order until then; two dispatchers never talk about one order at a time.
	claimOrder = db.Q(`update payment_order set status = 'sent', attempts = attempts + 1, next_try_at = $4, updated_at = $3, protocol = $5
		where institution_id = $1 and id = $2 and status in ('recorded', 'sent') and next_try_at <= $3 and (protocol = '' or protocol = $5)`)
	postponeOrder = db.Q(`update payment_order set next_try_at = $3, reason = $4, updated_at = $5
		where institution_id = $1 and id = $2 and status = 'sent'`)
	finishOrder = db.Q(`update payment_order set status = $3, bank_reference = $4, reason = $5, updated_at = $6
		where institution_id = $1 and id = $2 and status in ('recorded', 'sent')`)
	withdrawOrders = db.Q(`update payment_order set status = 'failed', reason = $3, updated_at = $4 where institution_id = $1 and mandate_id = $2 and status = 'recorded' and attempts = 0`)
)

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (Order, error) {
	var o Order
	var next, created, updated int64
	err := row.Scan(&o.ID, &o.Key, &o.Purpose, &o.Object, &o.ObjectID, &o.FromAccount, &o.ToAccount, &o.ToName, &o.AmountMinor, &o.Currency,
		&o.Memo, &o.ValueDate, &o.Status, &o.Attempts, &o.BankReference, &o.Reason, &next, &created, &updated,
		&o.FromName, &o.MandateID, &o.MandateReference, &o.MandateSignedOn)
	o.NextTryAt, o.CreatedAt, o.UpdatedAt = db.Time(next), db.Time(created), db.Time(updated)
	return o, err
}

func collect(rows *sql.Rows) ([]Order, error) {
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Order{}
	for rows.Next() {
		o, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// ByID reads an order.
func ByID(ctx context.Context, tx *db.Tx, id string) (Order, error) {
	o, err := scan(tx.QueryRow(ctx, selectByID, tx.Institution, id))
	if db.IsNoRows(err) {
		return o, fault.NotFoundError("payment order", id)
	}
	return o, err
}

// ByKey reads the order of a business key, if there is one.
func ByKey(ctx context.Context, tx *db.Tx, key string) (Order, bool, error) {
	o, err := scan(tx.QueryRow(ctx, selectByKey, tx.Institution, key))
	if db.IsNoRows(err) {
		return o, false, nil
	}
	return o, err == nil, err
}

// AtBank finds the order of a purpose that money in a bank's file belongs to: by our own number, which is one order's, else by
// the bank's reference, which it may have given to a whole batch.
func AtBank(ctx context.Context, tx *db.Tx, purpose, endToEndID, reference string) (o Order, found bool, err error) {
	for _, by := range []struct {
		q     *db.Query
		value string
	}{{selectSent, endToEndID}, {selectAtBank, reference}} {
		if by.value == "" {
			continue
		}
		o, err = scan(tx.QueryRow(ctx, by.q, tx.Institution, purpose, by.value))
		if !db.IsNoRows(err) {
			return o, err == nil, err
		}
	}
	return Order{}, false, nil
}

// Of lists the orders of one object, oldest first.
func Of(ctx context.Context, tx *db.Tx, object, objectID string) ([]Order, error) {
	rows, err := tx.Query(ctx, selectOf, tx.Institution, object, objectID)
	if err != nil {
		return nil, err
	}
	return collect(rows)
}

// Open counts the institution's orders without an outcome, of one purpose or of all.
func Open(ctx context.Context, tx *db.Tx, purpose string) (n int64, err error) {
	err = tx.QueryRow(ctx, countOpen, tx.Institution, purpose).Scan(&n)
	return n, err
}

// Record writes an order in the transaction of the business act that wants it.
// The same key with the same content gives the order recorded before (fresh is
// false); with other content it fails with PAYMENT_KEY_REUSED.
func Record(ctx context.Context, tx *db.Tx, d Draft) (o Order, fresh bool, err error) {
	if err := d.validate(); err != nil {
		return o, false, err
	}
	date, err := tx.BusinessDate(ctx)
	if err != nil {
		return o, false, err
	}
	if canary.On("late_value_date") {
		date = date.AddDays(1)
	}
	o = Order{
		ID: tx.NewID("pay"), Key: d.Key, Purpose: d.Purpose, Object: d.Object, ObjectID: d.ObjectID, FromAccount: d.FromAccount, ToAccount: d.ToAccount,
		ToName: d.ToName, AmountMinor: d.Amount.Minor, Currency: d.Amount.Currency, Memo: d.Memo, ValueDate: date, Status: Recorded,
		NextTryAt: tx.Now, CreatedAt: tx.Now, UpdatedAt: tx.Now, FromName: d.FromName, MandateID: d.Mandate.ID, MandateReference: d.Mandate.Reference, MandateSignedOn: d.Mandate.SignedOn,
	}
	now := db.Micros(tx.Now)
	fresh, err = tx.ExecOne(ctx, insertOrder, tx.Institution, o.ID, o.Key, o.Purpose, o.Object, o.ObjectID, o.FromAccount, o.ToAccount, o.ToName,
		o.AmountMinor, string(o.Currency), o.Memo, o.ValueDate.String(), string(o.Status), 0, "", "", now, now, now,
		o.FromName, o.MandateID, o.MandateReference, o.MandateSignedOn.String(), EndToEndID(tx.Institution, o.Key))
	if err != nil {
		return o, false, fmt.Errorf("record payment %s: %w", d.Key, err)
	}
	if fresh {
		return o, true, pointRecorded.Hit(ctx)
	}
	o, _, err = ByKey(ctx, tx, d.Key)
	if err != nil {
		return o, false, err
	}
	if !o.sameAs(d) {
		return o, false, fault.New(ReasonKeyReused, "key", d.Key)
	}
	return o, false, nil
}

// WithdrawUnder takes back the debits under a mandate that were never sent, and says how many. One that may have reached the
// bank is left to its outcome.
func WithdrawUnder(ctx context.Context, tx *db.Tx, mandateID, why string) (int64, error) {
	res, err := tx.Exec(ctx, withdrawOrders, tx.Institution, mandateID, clip(why), db.Micros(tx.Now))
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

type ready struct{ institution, id string }

func listReady(ctx context.Context, tx *db.Tx, limit int, protocol string) ([]ready, error) {
	rows, err := tx.Query(ctx, selectReady, db.Micros(tx.Now), limit, protocol)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var out []ready
	for rows.Next() {
		var r ready
		if err := rows.Scan(&r.institution, &r.id); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// claim takes an order until the lease ends. The claim is committed before
// anything is sent: a crash after it leaves an order that will be asked about.
func claim(ctx context.Context, tx *db.Tx, id string, lease time.Duration, protocol string) (o Order, mine bool, err error) {
	mine, err = tx.ExecOne(ctx, claimOrder, tx.Institution, id, db.Micros(tx.Now), db.Micros(tx.Now.Add(lease)), protocol)
	if err != nil || !mine {
		return o, false, err
	}
	o, err = ByID(ctx, tx, id)
	return o, true, err
}

// Instants at which a test may break off.
var (
	pointRecorded = failpoint.Declare("payment.recorded")
)
