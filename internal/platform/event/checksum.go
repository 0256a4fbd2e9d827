package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// checksum covers what is written with an event.
func checksum(institution, id string, at int64, actor, kind, aggregate, aggregateID, payload string) string {
	return crypto.Checksum(at, institution, id, actor, kind, aggregate, aggregateID, payload)
}

// errDamaged says that an event is no longer what was written; it is never handled.
var errDamaged = errors.New("the event is damaged")

// damage says what is wrong with an event as it was read; empty when it is whole.
func (e Event) damageOf(at, twin int64, sum string) string {
	switch {
	case canary.On("blind_outbox"):
		return ""
	case sum != "" && sum != checksum(e.Institution, e.ID, at, e.Actor, e.Type, e.Aggregate, e.AggregateID, string(e.Payload)):
		return "its content does not match its checksum / 内容与校验和不符"
	case twin != -e.Position:
		return "its two positions differ / 两处位置不一致"
	}
	return ""
}

// whole refuses a damaged event.
func (e Event) whole() error {
	if e.damage == "" {
		return nil
	}
	return fmt.Errorf("%w: %s", errDamaged, e.damage)
}

// inOrder puts a batch read behind a position into its true order. Positions have no gaps: where one is missing the event that bears it as
// its second position is taken for it, damaged, and an event far from its place is left out, so that no cursor jumps to it.
func inOrder(ctx context.Context, tx *db.Tx, batch []Event, from int64) ([]Event, error) {
	out := batch[:0:0]
	next := from + 1
	for _, e := range batch {
		if e.Position != next && e.twin != -e.Position {
			if -e.twin != next {
				continue
			}
			e.Position = next
		}
		if e.Position > next {
			lost, err := misplaced(ctx, tx, next, e.Position)
			if err != nil {
				return nil, err
			}
			out = append(out, lost...)
		}
		out = append(out, e)
		next = e.Position + 1
	}
	return out, nil
}

var selectMisplaced = db.Q(`select ` + eventColumns + ` from event e where e.position_check <= -cast($1 as bigint) and e.position_check > -cast($2 as bigint) and e.position <> -e.position_check order by e.position_check desc`)

// misplaced finds events whose second position lies in [from, to).
func misplaced(ctx context.Context, tx *db.Tx, from, to int64) ([]Event, error) {
	rows, err := tx.Query(ctx, selectMisplaced, from, to)
	if err != nil {
		return nil, err
	}
	lost, err := collect(rows)
	for i := range lost {
		lost[i].Position = -lost[i].twin
	}
	return lost, err
}

// placedLook is how many of the last events are looked at for the next position: their two positions agree in all but damaged ones.
const placedLook = 64

var lastPlaced = db.Q(`select position, coalesce(position_check, 0), (select coalesce(max(position), 0) from event_consumer) from event where position is not null order by position desc limit $1`)

// lastPlace is the last position that was given out, whatever has rotted since.
func lastPlace(ctx context.Context, tx *db.Tx) (last int64, err error) {
	rows, err := tx.Query(ctx, lastPlaced, placedLook)
	if err != nil {
		return 0, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var seen []int64
	for rows.Next() {
		var position, twin, cursor int64
		if err := rows.Scan(&position, &twin, &cursor); err != nil {
			return 0, err
		}
		if position == -twin {
			last = max(last, position)
		}
		seen = append(seen, position, -twin, cursor)
	}
	sound := last
	for _, p := range seen {
		if p <= sound+placedLook {
			last = max(last, p)
		}
	}
	return last, rows.Err()
}

// Report is what Verify found of the outbox.
type Report struct {
	Events   int64
	Unsealed int64 // written before events bore checksums
	Problems []string
}

const problemsMax = 100

var walkEvents = db.Q(`select e.institution_id, e.id, coalesce(e.position, 0), e.at, e.actor, e.type, e.aggregate, e.aggregate_id, e.payload, coalesce(e.position_check, 0), e.checksum
	from event e where e.institution_id > $1 or (e.institution_id = $1 and e.id > $2) order by e.institution_id, e.id limit 1000`)

// Verify reads the outbox of every institution and names the events that are not what was written, and positions that are missing.
func Verify(ctx context.Context, tx *db.Tx) (r Report, err error) {
	var placed, last int64
	find := func(problem string) {
		if len(r.Problems) < problemsMax {
			r.Problems = append(r.Problems, problem)
		}
	}
	for at := (Event{}); ; {
		rows, err := tx.Query(ctx, walkEvents, at.Institution, at.ID)
		if err != nil {
			return r, err
		}
		batch, err := collect(rows)
		if err != nil {
			return r, err
		}
		if len(batch) == 0 {
			break
		}
		for _, e := range batch {
			r.Events++
			if e.unsealed {
				r.Unsealed++
			}
			if e.damage != "" {
				find(fmt.Sprintf("%s %s at %d: %s", e.Institution, e.ID, e.Position, e.damage))
			}
			if e.Position != 0 {
				placed++
				last = max(last, e.Position)
			}
		}
		at = batch[len(batch)-1]
	}
	if placed != last {
		find(fmt.Sprintf("%d events have positions up to %d: events are missing or misplaced / 有位置的事件 %d 条，最大位置 %d：有事件缺失或错位", placed, last, placed, last))
	}
	return r, nil
}

// ReasonDamaged refuses to show an event that is not what was written.
var ReasonDamaged = fault.Declare("EVENT_DAMAGED", fault.Internal, "事件 {id} 已损坏：{problem}", "Event {id} is damaged: {problem}",
	"停止写入，运行 capillary verify，从备份恢复该行", "Run `capillary verify` and restore the row from a backup")

// shown is an event as the API gives it: of a damaged one nothing but where it is.
func shown(e Event) Stored {
	if e.damage != "" {
		return Stored{ID: e.ID, Position: e.Position, Damage: e.damage, At: time.Unix(0, 0).UTC()}
	}
	return Stored{ID: e.ID, Position: e.Position, At: e.At, Actor: e.Actor, Type: e.Type, Aggregate: e.Aggregate, AggregateID: e.AggregateID, Payload: e.Payload}
}
