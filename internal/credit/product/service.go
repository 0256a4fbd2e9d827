package product

import (
	"context"
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Service is the use cases on products.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// List gives the recipes in force.
func (s *Service) List(ctx context.Context, p auth.Principal) (out []*Compiled, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error { out, err = All(ctx, tx); return err })
	return out, err
}

// Get gives the recipe in force and the institution's own versions.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (c *Compiled, own []StoredVersion, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if c, err = Active(ctx, tx, id); err != nil {
			return err
		}
		own, err = versions(ctx, tx, id)
		return err
	})
	return c, own, err
}

// Versions lists the institution's own versions, of one product or all.
func (s *Service) Versions(ctx context.Context, p auth.Principal, productID string) (out []StoredVersion, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error { out, err = versions(ctx, tx, productID); return err })
	return out, err
}

// Propose stores a new version for another person to approve. Its number must be above every other.
func (s *Service) Propose(ctx context.Context, p auth.Principal, text string) (*Compiled, error) {
	if err := p.Require(permissionPropose); err != nil {
		return nil, err
	}
	c, err := Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	return c, s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.Lock(ctx, "product:"+c.ID); err != nil {
			return err
		}
		var highest int64
		if err := tx.QueryRow(ctx, selectHighest, tx.Institution, c.ID).Scan(&highest); err != nil {
			return err
		}
		embedded, err := shipped()
		if err != nil {
			return err
		}
		if e, ok := embedded[c.ID]; ok {
			highest = max(highest, e.Version)
		}
		if c.Version <= highest {
			return fault.New(ReasonVersion, "current", highest, "next", highest+1).WithField("version")
		}
		if _, err := tx.Exec(ctx, dropRejected, tx.Institution, c.ID, c.Version); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertVersion, tx.Institution, c.ID, c.Version, c.Hash, c.Text, p.UserID, db.Micros(tx.Now)); err != nil {
			return err
		}
		return record(ctx, tx, "product.propose", c.ID, map[string]any{"version": c.Version, "hash": c.Hash}, "")
	})
}

// Decide approves or rejects a proposed version; the proposer may not.
func (s *Service) Decide(ctx context.Context, p auth.Principal, productID string, version int64, approve bool, note string) error {
	if err := p.Require(permissionApprove); err != nil {
		return err
	}
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		var state, text, proposer string
		err := tx.QueryRow(ctx, selectVersion, tx.Institution, productID, version).Scan(&state, &text, &proposer)
		if db.IsNoRows(err) {
			return fault.NotFoundError("product version", productID)
		}
		if err != nil {
			return err
		}
		if state != "proposed" {
			return fault.New(ReasonState, "status", state)
		}
		if proposer == p.UserID {
			return fault.New(ReasonSamePerson)
		}
		if _, err := compiled(text); err != nil {
			return err
		}
		to := "rejected"
		if approve {
			to = "approved"
		}
		if _, err := tx.Exec(ctx, decideVersion, tx.Institution, productID, version, to, p.UserID, db.Micros(tx.Now), note); err != nil {
			return err
		}
		return record(ctx, tx, "product."+to, productID, map[string]any{"version": version, "state": to, "proposed_by": proposer}, note)
	})
}

func record(ctx context.Context, tx *db.Tx, action, id string, after map[string]any, note string) error {
	if err := audit.Record(ctx, tx, audit.Entry{Action: action, Object: "product", ObjectID: id, After: after, Note: note}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: action, Aggregate: "product", AggregateID: id, Payload: after})
}

// Schema is the JSON Schema of a recipe, made from the types that read it.
func Schema() (json.RawMessage, error) {
	registry := huma.NewMapRegistry("#/$defs/", huma.DefaultSchemaNamer)
	root := huma.SchemaFromType(registry, reflect.TypeFor[Recipe]())
	return json.Marshal(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Capillary product recipe / 产品配方",
		"allOf": []any{root}, "$defs": registry.Map(),
	})
}
