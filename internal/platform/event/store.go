package event

import (
	"context"
	"database/sql"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const eventColumns = `e.institution_id, e.id, e.position, e.at, e.actor, e.type, e.aggregate, e.aggregate_id, e.payload, coalesce(e.position_check, 0), e.checksum`

var (
	anyUnplaced = db.Q(`select count(*) from (select 1 from event where position is null limit 1) x`)
	// placeEvents numbers what was committed since, without gaps. Its caller is alone: a lock on
	// PostgreSQL, the one writer on SQLite.
	placeEvents = db.QQ(
		`with todo as (select institution_id, id, row_number() over (order by ord) as n from (select institution_id, id, ord from event where position is null order by ord limit $1) x)
		 update event e set position = cast($2 as bigint) + todo.n, position_check = -(cast($2 as bigint) + todo.n) from todo where e.institution_id = todo.institution_id and e.id = todo.id`,
		`with todo as materialized (select r, row_number() over (order by r) as n from (select rowid as r from event where position is null order by rowid limit $1))
		 update event set position = $2 + todo.n, position_check = -($2 + todo.n) from todo where event.rowid = todo.r`)
	lastPosition = db.Q(`select coalesce(max(position), 0) from event`)
	nextEvents   = db.Q(`select ` + eventColumns + ` from event e where e.position > $1 order by e.position limit $2`)

	insertConsumer = db.Q(`insert into event_consumer (name, position, lease, lease_until, updated_at) values ($1,$2,'',0,$3) on conflict (name) do nothing`)
	takeLease      = db.Q(`update event_consumer set lease = $2, lease_until = $3 where name = $1 and (lease = $2 or lease_until < $4)`)
	dropLeases     = db.Q(`update event_consumer set lease = '', lease_until = 0 where lease = $1`)
	readCursor     = db.Q(`select position from event_consumer where name = $1`)
	moveCursor     = db.Q(`update event_consumer set position = $4, updated_at = $5 where name = $1 and lease = $2 and position = $3`)
	lockCursor     = db.Q(`select position from event_consumer where name = $1 and lease = $2 and position = $3 /*for update*/`)
	holdsLease     = db.Q(`select count(*) from event_consumer where name = $1 and lease = $2`)
	setCursor      = db.Q(`update event_consumer set position = $2, updated_at = $3 where name = $1`)
	listConsumers  = db.Q(`select name, position, lease_until, updated_at from event_consumer order by name`)

	insertEffect  = db.Q(`insert into event_effect (institution_id, consumer, event_id, position) values ($1,$2,$3,$4) on conflict (institution_id, consumer, event_id) do nothing`)
	deleteEffects = db.Q(`delete from event_effect where consumer = $1 and position >= $2 and ($3 = '' or institution_id = $3)`)
	pruneEffects  = db.Q(`delete from event_effect where position < $1 and position < coalesce((select c.position from event_consumer c where c.name = event_effect.consumer), 0)
		and not exists (select 1 from event_retry r where r.institution_id = event_effect.institution_id and r.consumer = event_effect.consumer and r.event_id = event_effect.event_id)`)

	insertRetry = db.Q(`insert into event_retry (institution_id, id, consumer, event_id, position, aggregate, aggregate_id, state, tries, next_at, error, at)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12) on conflict (institution_id, consumer, event_id) do nothing`)
	heldAggregates = db.Q(`select distinct institution_id, aggregate, aggregate_id from event_retry where consumer = $1`)
	// dueHeads gives the first event of each held aggregate when it may be tried; behind a dead one everything waits.
	dueHeads = db.Q(`select r.id, r.tries, ` + eventColumns + ` from event_retry r join event e on e.institution_id = r.institution_id and e.id = r.event_id
		where r.consumer = $1 and r.state = 'waiting' and r.next_at <= $2 and not exists (
			select 1 from event_retry b where b.institution_id = r.institution_id and b.consumer = r.consumer and b.aggregate = r.aggregate
			and b.aggregate_id = r.aggregate_id and b.position < r.position)
		order by r.position limit $3`)
	lockRetry   = db.Q(`select tries from event_retry where institution_id = $1 and id = $2 and state = 'waiting' /*for update*/`)
	deleteRetry = db.Q(`delete from event_retry where institution_id = $1 and id = $2`)
	failRetry   = db.Q(`update event_retry set tries = tries + 1, next_at = $3, error = $4, state = $5 where institution_id = $1 and id = $2`)
	clearRetry  = db.Q(`delete from event_retry where consumer = $1 and position >= $2 and ($3 = '' or institution_id = $3)`)
	refillRetry = db.Q(`insert into event_retry (institution_id, id, consumer, event_id, position, aggregate, aggregate_id, state, tries, next_at, error, at)
		select e.institution_id, $4 || '_' || e.id, $1, e.id, e.position, e.aggregate, e.aggregate_id, 'waiting', 0, 0, '', cast($5 as bigint)
		from event e where e.institution_id = $2 and e.position >= $3 and e.position <= (select c.position from event_consumer c where c.name = $1)
		on conflict (institution_id, consumer, event_id) do nothing`)
	countFrom  = db.Q(`select count(*) from event where institution_id = $1 and position >= $2`)
	retryStats = db.Q(`select consumer, count(*), coalesce(sum(case when state = 'dead' then 1 else 0 end), 0) from event_retry group by consumer`)

	listEvents = db.Q(`select ` + eventColumns + ` from event e where e.institution_id = $1 and ($2 = '' or e.aggregate = $2) and ($3 = '' or e.aggregate_id = $3)
		and ($4 = '' or e.type = $4) and e.position is not null and (cast($5 as bigint) = 0 or e.position < $5) order by e.position desc limit $6`)
	countEvents = db.Q(`select count(*) from event e where e.institution_id = $1 and ($2 = '' or e.aggregate = $2) and ($3 = '' or e.aggregate_id = $3)
		and ($4 = '' or e.type = $4) and e.position is not null`)
	historyOf = db.Q(`select ` + eventColumns + ` from event e where e.institution_id = $1 and e.aggregate = $2 and e.aggregate_id = $3
		and e.position is not null order by e.position desc limit $4`)
	listDead = db.Q(`select r.id, r.consumer, r.tries, r.error, r.at, ` + eventColumns + `,
		(select count(*) from event_retry b where b.institution_id = r.institution_id and b.consumer = r.consumer and b.aggregate = r.aggregate and b.aggregate_id = r.aggregate_id and b.position > r.position)
		from event_retry r join event e on e.institution_id = r.institution_id and e.id = r.event_id
		where r.institution_id = $1 and r.state = 'dead' and ($2 = '' or r.consumer = $2) and r.position > $3 order by r.position, r.id limit $4`)
	countDead  = db.Q(`select count(*) from event_retry where institution_id = $1 and state = 'dead' and ($2 = '' or consumer = $2)`)
	readDead   = db.Q(`select consumer, event_id, position, error from event_retry where institution_id = $1 and id = $2 and state = 'dead' /*for update*/`)
	reviveDead = db.Q(`update event_retry set state = 'waiting', tries = 0, next_at = 0 where institution_id = $1 and id = $2 and state = 'dead'`)
)

func scanEvent(s interface{ Scan(dest ...any) error }, before ...any) (Event, error) {
	var e Event
	var at int64
	var payload, sum string
	err := s.Scan(append(before, &e.Institution, &e.ID, &e.Position, &at, &e.Actor, &e.Type, &e.Aggregate, &e.AggregateID, &payload, &e.twin, &sum)...)
	if err != nil {
		return e, err
	}
	e.At, e.Payload, e.unsealed = db.Time(at), []byte(payload), sum == ""
	e.damage = e.damageOf(at, e.twin, sum)
	return e, nil
}

func collect(rows *sql.Rows) ([]Event, error) {
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []Event
	for rows.Next() {
		e, err := scanEvent(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// History gives the last events of one aggregate, newest first; events of the very last moment may
// not have their position yet and are left out.
func History(ctx context.Context, tx *db.Tx, aggregate, id string, limit int) ([]Event, error) {
	rows, err := tx.Query(ctx, historyOf, tx.Institution, aggregate, id, min(max(limit, 1), 1000))
	if err != nil {
		return nil, err
	}
	events, err := collect(rows)
	for _, e := range events {
		if e.damage != "" {
			return nil, fault.New(ReasonDamaged, "id", e.ID, "problem", e.damage)
		}
	}
	return events, err
}

// keepEffects is how many of the last positions keep their dedupe rows although the cursor is beyond
// them; only retried events and replays ever look, so it is a margin, not a need.
const keepEffects = 10_000

// Prune forgets which events were handled where nobody can ask any more; the relay does it every hour.
func (r *Relay) Prune(ctx context.Context) error {
	return r.db.Update(ctx, r.system(), func(tx *db.Tx) error {
		var last int64
		if err := tx.QueryRow(ctx, lastPosition).Scan(&last); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, pruneEffects, last-keepEffects)
		return err
	})
}

// pageSize is the bound of a page: 20 when not said, at most 200.
func pageSize(limit int) int {
	if limit <= 0 {
		return 20
	}
	return min(limit, 200)
}
