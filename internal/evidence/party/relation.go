package party

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Relations lists the relations of a firm, from both sides.
func (s *Service) Relations(ctx context.Context, p auth.Principal, firmID string) (out []Relation, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if _, err := Visible(ctx, tx, p, firmID); err != nil {
			return err
		}
		out, err = RelationsOf(ctx, tx, firmID)
		return err
	})
	return out, err
}

// RelationsOf lists the relations of a firm inside a transaction.
func RelationsOf(ctx context.Context, tx *db.Tx, firmID string) ([]Relation, error) {
	rows, err := tx.Query(ctx, listRelations, tx.Institution, firmID)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []Relation{}
	for rows.Next() {
		var r Relation
		var at int64
		if err := rows.Scan(&r.ID, &r.FirmID, &r.OtherFirmID, &r.OtherName, &r.Kind, &r.ShareBP, &r.Note, &at); err != nil {
			return nil, err
		}
		r.CreatedAt, r.Inverse = db.Time(at), r.FirmID != firmID
		out = append(out, r)
	}
	return out, rows.Err()
}

// Relate records a relation.
func (s *Service) Relate(ctx context.Context, p auth.Principal, firmID string, d RelationDraft) (r Relation, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if _, err := Visible(ctx, tx, p, firmID); err != nil {
			return err
		}
		if d.OtherFirmID != "" {
			other, err := ByID(ctx, tx, d.OtherFirmID)
			if err != nil {
				return err
			}
			d.OtherName = other.Name
		}
		if d.OtherName == "" {
			return fault.Required("other_name")
		}
		if d.OtherFirmID == firmID {
			return fault.Field("other_firm_id", "不能与自身建立关系", "must be another firm")
		}
		r = Relation{ID: tx.NewID("rel"), FirmID: firmID, OtherFirmID: d.OtherFirmID, OtherName: d.OtherName, Kind: d.Kind, ShareBP: d.ShareBP, Note: d.Note, CreatedAt: tx.Now}
		if _, err := tx.Exec(ctx, insertRelation, tx.Institution, r.ID, r.FirmID, r.OtherFirmID, r.OtherName, r.Kind, r.ShareBP, r.Note, db.Micros(tx.Now), tx.Actor); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "firm.relate", Object: "firm", ObjectID: firmID, After: r}); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Draft{Type: "firm.related", Aggregate: "firm", AggregateID: firmID, Payload: r})
	})
	return r, err
}

// Unrelate removes a relation recorded on the firm.
func (s *Service) Unrelate(ctx context.Context, p auth.Principal, firmID, relationID string) error {
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if _, err := Visible(ctx, tx, p, firmID); err != nil {
			return err
		}
		ok, err := tx.ExecOne(ctx, deleteRelation, tx.Institution, relationID, firmID)
		if err != nil {
			return err
		}
		if !ok {
			return fault.NotFoundError("relation", relationID)
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "firm.unrelate", Object: "firm", ObjectID: firmID, Before: map[string]string{"relation_id": relationID}}); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Draft{Type: "firm.unrelated", Aggregate: "firm", AggregateID: firmID, Payload: map[string]string{"relation_id": relationID}})
	})
}
