package webhook

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Permissions of this package.
var (
	PermissionRead   = auth.DeclarePermission("webhook.read", "查看 Webhook", "See webhooks", auth.RoleAdmin, auth.RoleIntegrator, auth.RoleOperations, auth.RoleCompliance)
	PermissionManage = auth.DeclarePermission("webhook.manage", "管理 Webhook", "Manage webhooks", auth.RoleAdmin, auth.RoleIntegrator)
)

// Service manages an institution's webhooks.
type Service struct {
	db    *db.DB
	guard *Guard
	keys  *crypto.Keyring
}

// NewService makes the service; secrets are sealed with keys.
func NewService(d *db.DB, g *Guard, keys *crypto.Keyring) *Service {
	return &Service{db: d, guard: g, keys: keys}
}

// sealContext binds a sealed secret to its webhook.
func sealContext(institution, id string) string { return "webhook/" + institution + "/" + id }

// audited is the part of a webhook that the audit record may show.
func audited(w Webhook) map[string]any {
	return map[string]any{"url": w.URL, "description": w.Description, "event_types": w.EventTypes, "state": w.State}
}

func note(ctx context.Context, tx *db.Tx, action, id string, before, after any) error {
	if err := audit.Record(ctx, tx, audit.Entry{Action: action, Object: "webhook", ObjectID: id, Before: before, After: after}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: action, Aggregate: "webhook", AggregateID: id, Payload: map[string]any{"webhook_id": id}})
}

func stateOf(paused bool) string {
	if paused {
		return Paused
	}
	return Active
}

// Create subscribes. Reading the secret is an operation of its own, so that it never lies in a stored response.
func (s *Service) Create(ctx context.Context, p auth.Principal, in Input) (w Webhook, err error) {
	if err := fault.Join(p.Require(PermissionManage)); err != nil {
		return w, err
	}
	if err := in.validate(s.guard); err != nil {
		return w, err
	}
	types, err := json.Marshal(in.EventTypes)
	if err != nil {
		return w, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		var n int
		if err := tx.Lock(ctx, "webhook.create"); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, countWebhooks, p.InstitutionID).Scan(&n); err != nil {
			return err
		}
		if n >= webhooksMax {
			return fault.New(ReasonTooManyWebhooks, "limit", webhooksMax)
		}
		id := tx.NewID("whk")
		sealed, err := s.keys.Encrypt(sealContext(p.InstitutionID, id), []byte(newSecret()))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertWebhook, p.InstitutionID, id, in.URL, in.Description, string(types), sealed, stateOf(in.Paused), p.UserID, db.Micros(tx.Now)); err != nil {
			return err
		}
		if w, err = webhookByID(ctx, tx, selectWebhook, id); err != nil {
			return err
		}
		return note(ctx, tx, "webhook.created", id, nil, audited(w))
	})
	return w, err
}

// Update replaces a webhook's settings and makes a disabled one active again. version is the one that
// the caller read; 0 overwrites whatever is there.
func (s *Service) Update(ctx context.Context, p auth.Principal, id string, in Input, version int64) (w Webhook, err error) {
	if err := p.Require(PermissionManage); err != nil {
		return w, err
	}
	if err := in.validate(s.guard); err != nil {
		return w, err
	}
	types, err := json.Marshal(in.EventTypes)
	if err != nil {
		return w, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		before, err := webhookByID(ctx, tx, lockWebhook, id)
		if err != nil {
			return err
		}
		if version != 0 && version != before.Version {
			return fault.New(fault.ReasonStale, "version", before.Version)
		}
		if _, err := tx.Exec(ctx, updateWebhook, p.InstitutionID, id, in.URL, in.Description, string(types), stateOf(in.Paused), db.Micros(tx.Now)); err != nil {
			return err
		}
		if w, err = webhookByID(ctx, tx, selectWebhook, id); err != nil {
			return err
		}
		return note(ctx, tx, "webhook.updated", id, audited(before), audited(w))
	})
	return w, err
}

// Delete removes a webhook with its deliveries.
func (s *Service) Delete(ctx context.Context, p auth.Principal, id string) error {
	if err := p.Require(PermissionManage); err != nil {
		return err
	}
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		before, err := webhookByID(ctx, tx, lockWebhook, id)
		if err != nil {
			return err
		}
		for _, q := range []*db.Query{deleteDeliveries, deleteWebhook} {
			if _, err := tx.Exec(ctx, q, p.InstitutionID, id); err != nil {
				return err
			}
		}
		return note(ctx, tx, "webhook.deleted", id, audited(before), nil)
	})
}

// Secret reveals the signing secret; that it was read is recorded.
func (s *Service) Secret(ctx context.Context, p auth.Principal, id string) (secret string, err error) {
	if err := p.Require(PermissionManage); err != nil {
		return "", err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		w, err := webhookByID(ctx, tx, selectWebhook, id)
		if err != nil {
			return err
		}
		plain, err := s.keys.Decrypt(sealContext(p.InstitutionID, id), w.secret)
		if err != nil {
			return fmt.Errorf("webhook %s: secret: %w", id, err)
		}
		secret = string(plain)
		return audit.Record(ctx, tx, audit.Entry{Action: "webhook.secret_read", Object: "webhook", ObjectID: id})
	})
	return secret, err
}

// RotateSecret makes a new secret; for a day deliveries are signed with both.
func (s *Service) RotateSecret(ctx context.Context, p auth.Principal, id string) error {
	if err := p.Require(PermissionManage); err != nil {
		return err
	}
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if _, err := webhookByID(ctx, tx, lockWebhook, id); err != nil {
			return err
		}
		sealed, err := s.keys.Encrypt(sealContext(p.InstitutionID, id), []byte(newSecret()))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, rotateSecret, p.InstitutionID, id, sealed, db.Micros(tx.Now.Add(oldSecretFor)), db.Micros(tx.Now)); err != nil {
			return err
		}
		return note(ctx, tx, "webhook.secret_rotated", id, nil, nil)
	})
}

// Get gives one webhook.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (w Webhook, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return w, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		w, err = webhookByID(ctx, tx, selectWebhook, id)
		return err
	})
	return w, err
}

// List gives webhooks behind an id, in order, and how many there are.
func (s *Service) List(ctx context.Context, p auth.Principal, after string, limit int) (out []Webhook, total int64, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return nil, 0, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countWebhooks, p.InstitutionID).Scan(&total); err != nil {
			return err
		}
		out, err = webhooks(ctx, tx, listWebhooks, p.InstitutionID, after, pageSize(limit))
		return err
	})
	return out, total, err
}

// Deliveries lists the log of a webhook, newest first, and how many there are.
func (s *Service) Deliveries(ctx context.Context, p auth.Principal, id, state, after string, limit int) (out []Delivery, total int64, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return nil, 0, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if _, err := webhookByID(ctx, tx, selectWebhook, id); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, countDeliveries, p.InstitutionID, id, state).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, listDeliveries, p.InstitutionID, id, state, after, pageSize(limit))
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		out = []Delivery{}
		for rows.Next() {
			d, err := scanDelivery(rows)
			if err != nil {
				return err
			}
			out = append(out, d)
		}
		return rows.Err()
	})
	return out, total, err
}

// Redeliver sends a delivered or failed event again, with a fresh set of tries.
func (s *Service) Redeliver(ctx context.Context, p auth.Principal, webhookID, id string) (out Delivery, err error) {
	if err := p.Require(PermissionManage); err != nil {
		return out, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		changed, err := tx.ExecOne(ctx, redeliver, p.InstitutionID, id, db.Micros(tx.Now), webhookID)
		if err != nil {
			return err
		}
		if out, err = deliveryByID(ctx, tx, id); err != nil {
			return err
		}
		if out.WebhookID != webhookID {
			return fault.NotFoundError("delivery", id)
		}
		if !changed {
			return nil // it is under way already
		}
		return audit.Record(ctx, tx, audit.Entry{Action: "webhook.redeliver", Object: "webhook_delivery", ObjectID: id, After: map[string]any{"webhook_id": webhookID}})
	})
	return out, err
}
