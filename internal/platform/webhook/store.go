package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const (
	webhookColumns = `id, url, description, event_types, secret_sealed, old_secret_sealed, old_secret_until, state, failures, disabled_reason,
		created_by, created_at, updated_at, version`
	deliveryColumns = `id, webhook_id, event_id, event_type, state, tries, next_at, response_code, error, attempts, created_at, finished_at`
)

var (
	insertWebhook = db.Q(`insert into webhook (institution_id, ` + webhookColumns + `) values ($1,$2,$3,$4,$5,$6,'',0,$7,0,'',$8,$9,$9,1)`)
	selectWebhook = db.Q(`select ` + webhookColumns + ` from webhook where institution_id = $1 and id = $2`)
	lockWebhook   = db.Q(`select ` + webhookColumns + ` from webhook where institution_id = $1 and id = $2 /*for update*/`)
	listWebhooks  = db.Q(`select ` + webhookColumns + ` from webhook where institution_id = $1 and ($2 = '' or id > $2) order by id limit $3`)
	activeOnes    = db.Q(`select ` + webhookColumns + ` from webhook where institution_id = $1 and state = 'active' order by id`)
	countWebhooks = db.Q(`select count(*) from webhook where institution_id = $1`)
	updateWebhook = db.Q(`update webhook set url = $3, description = $4, event_types = $5, state = $6, failures = 0, disabled_reason = '', updated_at = $7, version = version + 1
		where institution_id = $1 and id = $2`)
	rotateSecret = db.Q(`update webhook set old_secret_sealed = secret_sealed, old_secret_until = $4, secret_sealed = $3, updated_at = $5, version = version + 1
		where institution_id = $1 and id = $2`)
	deleteWebhook    = db.Q(`delete from webhook where institution_id = $1 and id = $2`)
	deleteDeliveries = db.Q(`delete from webhook_delivery where institution_id = $1 and webhook_id = $2`)
	noteSuccess      = db.Q(`update webhook set failures = 0 where institution_id = $1 and id = $2 and failures <> 0`)
	noteFailure      = db.Q(`update webhook set failures = failures + 1 where institution_id = $1 and id = $2`)
	disableWebhook   = db.Q(`update webhook set state = 'disabled', disabled_reason = $3, updated_at = $4, version = version + 1
		where institution_id = $1 and id = $2 and state = 'active'`)

	insertDelivery = db.Q(`insert into webhook_delivery (institution_id, ` + deliveryColumns + `, lease, lease_until)
		values ($1,$2,$3,$4,$5,'pending',0,$6,0,'','[]',$6,0,'',0) on conflict (institution_id, webhook_id, event_id) do nothing`)
	selectDelivery = db.Q(`select ` + deliveryColumns + ` from webhook_delivery where institution_id = $1 and id = $2`)
	listDeliveries = db.Q(`select ` + deliveryColumns + ` from webhook_delivery where institution_id = $1 and webhook_id = $2 and ($3 = '' or state = $3)
		and ($4 = '' or id < $4) order by id desc limit $5`)
	countDeliveries = db.Q(`select count(*) from webhook_delivery where institution_id = $1 and webhook_id = $2 and ($3 = '' or state = $3)`)
	// dueDeliveries gives the oldest due ones; those of paused or disabled webhooks wait.
	dueDeliveries = db.Q(`select d.institution_id, d.id, d.webhook_id from webhook_delivery d join webhook w on w.institution_id = d.institution_id and w.id = d.webhook_id
		where d.state = 'pending' and d.next_at <= $1 and d.lease_until <= $1 and w.state = 'active' order by d.next_at, d.id limit $2`)
	leaseDelivery = db.Q(`update webhook_delivery set lease = $3, lease_until = $4, tries = tries + 1
		where institution_id = $1 and id = $2 and state = 'pending' and lease_until <= $5`)
	settleDelivery = db.Q(`update webhook_delivery set state = $4, next_at = $5, response_code = $6, error = $7, attempts = $8, finished_at = $9, lease = '', lease_until = 0
		where institution_id = $1 and id = $2 and lease = $3`)
	redeliver = db.Q(`update webhook_delivery set state = 'pending', tries = 0, next_at = $3, finished_at = 0, lease = '', lease_until = 0
		where institution_id = $1 and id = $2 and webhook_id = $4 and state <> 'pending'`)
	eventOf = db.Q(`select e.institution_id, e.id, e.position, e.at, e.actor, e.type, e.aggregate, e.aggregate_id, e.payload
		from event e where e.institution_id = $1 and e.id = $2`)
	pruneDeliveries = db.Q(`delete from webhook_delivery where state <> 'pending' and finished_at < $1`)
)

type scanner interface{ Scan(dest ...any) error }

func scanWebhook(s scanner) (Webhook, error) {
	var w Webhook
	var types string
	var oldUntil, created, updated int64
	err := s.Scan(&w.ID, &w.URL, &w.Description, &types, &w.secret, &w.oldSecret, &oldUntil, &w.State, &w.Failures, &w.DisabledReason,
		&w.CreatedBy, &created, &updated, &w.Version)
	if err != nil {
		return w, err
	}
	w.oldSecretUntil, w.CreatedAt, w.UpdatedAt = db.Time(oldUntil), db.Time(created), db.Time(updated)
	if err := json.Unmarshal([]byte(types), &w.EventTypes); err != nil {
		return w, fmt.Errorf("webhook %s: event types: %w", w.ID, err)
	}
	return w, nil
}

func webhookByID(ctx context.Context, tx *db.Tx, q *db.Query, id string) (Webhook, error) {
	w, err := scanWebhook(tx.QueryRow(ctx, q, tx.Institution, id))
	if db.IsNoRows(err) {
		return w, fault.NotFoundError("webhook", id)
	}
	return w, err
}

func webhooks(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) ([]Webhook, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	out := []Webhook{}
	for rows.Next() {
		w, err := scanWebhook(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, rows.Err()
}

func scanDelivery(s scanner) (Delivery, error) {
	var d Delivery
	var attempts string
	var next, created, finished int64
	err := s.Scan(&d.ID, &d.WebhookID, &d.EventID, &d.EventType, &d.State, &d.Tries, &next, &d.ResponseCode, &d.Error, &attempts, &created, &finished)
	if err != nil {
		return d, err
	}
	d.CreatedAt, d.FinishedAt = db.Time(created), optional(finished)
	if d.State == Pending {
		d.NextAt = optional(next)
	}
	if err := json.Unmarshal([]byte(attempts), &d.Attempts); err != nil {
		return d, fmt.Errorf("delivery %s: attempts: %w", d.ID, err)
	}
	return d, nil
}

func deliveryByID(ctx context.Context, tx *db.Tx, id string) (Delivery, error) {
	d, err := scanDelivery(tx.QueryRow(ctx, selectDelivery, tx.Institution, id))
	if db.IsNoRows(err) {
		return d, fault.NotFoundError("delivery", id)
	}
	return d, err
}

func optional(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := db.Time(micros)
	return &t
}

// pageSize is the bound of a page: 20 when not said, at most 200.
func pageSize(limit int) int {
	if limit <= 0 {
		return 20
	}
	return min(limit, 200)
}
