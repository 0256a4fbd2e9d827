package party

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Moment is one thing that happened to a firm.
type Moment struct {
	ID       string          `json:"id"`
	At       time.Time       `json:"at"`
	Type     string          `json:"type" doc:"event type, e.g. loan.disbursed"`
	Title    fault.Text      `json:"title"`
	Actor    string          `json:"actor"`
	Object   string          `json:"object" doc:"what the event is about: firm, import, application, loan ..."`
	ObjectID string          `json:"object_id"`
	Data     json.RawMessage `json:"data" doc:"figures of the event; empty when they were too many to keep"`

	position int64 // in the one order of events; identifiers of one millisecond do not sort
}

var (
	insertMoment = db.Q(`insert into firm_timeline (institution_id, firm_id, position, event_id, at, actor, type, object, object_id, data)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10) on conflict (institution_id, firm_id, position) do nothing`)
	listMoments = db.Q(`select position, event_id, at, actor, type, object, object_id, data from firm_timeline
		where institution_id = $1 and firm_id = $2 and position < $3 and ($4 = '' or object = $4) order by position desc limit $5`)
	countMoments = db.Q(`select count(*) from firm_timeline where institution_id = $1 and firm_id = $2 and ($3 = '' or object = $3)`)
)

// momentBytesMax bounds what a moment keeps of its event.
const momentBytesMax = 8 << 10

// Timeline is the consumer that writes the timelines: every event that names a firm, whatever domain
// it comes from. Replaying it changes nothing, so a lost projection is rebuilt from the outbox.
func Timeline() event.Consumer {
	return event.Consumer{Name: "party.timeline", Replayable: true, Handle: func(ctx context.Context, tx *db.Tx, e event.Event) error {
		for firmID, data := range firmsOf(e) {
			if len(data) > momentBytesMax {
				data = json.RawMessage(`{}`)
			}
			if _, err := tx.Exec(ctx, insertMoment, e.Institution, firmID, e.Position, e.ID, db.Micros(e.At), e.Actor, e.Type, e.Aggregate, e.AggregateID, string(data)); err != nil {
				return err
			}
		}
		return nil
	}}
}

// firmsOf finds the firms an event speaks of: its own aggregate, a firm_id in the payload or in one of
// its parts, or a list of firms with a part of the payload for each.
func firmsOf(e event.Event) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	if e.Aggregate == "firm" && e.AggregateID != "" {
		out[e.AggregateID] = e.Payload
		return out
	}
	var whole map[string]json.RawMessage
	if json.Unmarshal(e.Payload, &whole) != nil {
		return out // not an object: names no firm
	}
	if id := firmIn(e.Payload); id != "" {
		out[id] = e.Payload
		return out
	}
	for name, part := range whole {
		if name == "firms" {
			var each []json.RawMessage
			if json.Unmarshal(part, &each) == nil {
				for _, one := range each {
					if id := firmIn(one); id != "" {
						out[id] = one
					}
				}
			}
			continue
		}
		if id := firmIn(part); id != "" {
			out[id] = e.Payload
		}
	}
	return out
}

func firmIn(part json.RawMessage) string {
	var v struct {
		FirmID string `json:"firm_id"`
	}
	if len(part) == 0 || part[0] != '{' || json.Unmarshal(part, &v) != nil {
		return ""
	}
	return v.FirmID
}

// Moments reads a page of a firm's timeline, newest first; object narrows it to one kind of object.
func (s *Service) Moments(ctx context.Context, p auth.Principal, firmID, object, cursor string, limit int) (page api.Page[Moment], err error) {
	key, err := api.DecodeCursor(cursor, 1)
	if err != nil {
		return page, err
	}
	before := int64(math.MaxInt64)
	if key[0] != "" {
		if before, err = strconv.ParseInt(key[0], 10, 64); err != nil {
			return page, fault.Field("cursor", "不是本列表给出的游标", "is not a cursor given by this list")
		}
	}
	limit = min(max(limit, 1), 200)
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if _, err := Visible(ctx, tx, p, firmID); err != nil {
			return err
		}
		var total int64
		if err := tx.QueryRow(ctx, countMoments, tx.Institution, firmID, object).Scan(&total); err != nil {
			return err
		}
		items, err := moments(ctx, tx, firmID, object, before, limit+1)
		page = api.Cut(items, limit, total, func(m Moment) []string { return []string{strconv.FormatInt(m.position, 10)} })
		return err
	})
	return page, err
}

func moments(ctx context.Context, tx *db.Tx, firmID, object string, before int64, limit int) ([]Moment, error) {
	rows, err := tx.Query(ctx, listMoments, tx.Institution, firmID, before, object, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Moment
	for rows.Next() {
		var m Moment
		var at int64
		var data string
		if err := rows.Scan(&m.position, &m.ID, &at, &m.Actor, &m.Type, &m.Object, &m.ObjectID, &data); err != nil {
			return nil, err
		}
		m.At, m.Data, m.Title = db.Time(at), json.RawMessage(data), titleOf(m.Type)
		out = append(out, m)
	}
	return out, rows.Err()
}
