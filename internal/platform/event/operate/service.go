// Package operate is the people's side of the outbox: who may look at events and dead letters, requeue,
// discard and replay. It stands apart from package event because identity itself writes events.
package operate

import (
	"context"
	"strconv"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Permissions of this package.
var (
	PermissionRead = auth.DeclarePermission("event.read", "查看业务事件与死信", "See events and dead letters",
		auth.RoleOperations, auth.RoleCompliance, auth.RoleAdmin, auth.RoleIntegrator)
	PermissionOperate = auth.DeclarePermission("event.operate", "重新投递、丢弃死信与重放", "Requeue, discard and replay events", auth.RoleOperations, auth.RoleAdmin)
)

// Service guards a relay with permissions.
type Service struct{ relay *event.Relay }

// NewService makes the service.
func NewService(r *event.Relay) *Service { return &Service{relay: r} }

func parseCursor(cursor string) (int64, error) {
	parts, err := api.DecodeCursor(cursor, 1)
	if err != nil || parts[0] == "" {
		return 0, err
	}
	n, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil {
		return 0, fault.Field("cursor", "不是本列表给出的游标", "is not a cursor given by this list").Wrap(err)
	}
	return n, nil
}

// Events lists the events of the caller's institution, newest first.
func (s *Service) Events(ctx context.Context, p auth.Principal, f event.Filter, cursor string) (out api.Page[event.Stored], err error) {
	if err := p.Require(PermissionRead); err != nil {
		return out, err
	}
	if f.Before, err = parseCursor(cursor); err != nil {
		return out, err
	}
	out.Items, out.Total, err = s.relay.Events(ctx, p.Scope(), f)
	if n := len(out.Items); n > 0 && n == f.Limit {
		out.NextCursor = api.EncodeCursor(strconv.FormatInt(out.Items[n-1].Position, 10))
	}
	return out, err
}

// DeadLetters lists what consumers gave up of the caller's institution, oldest first.
func (s *Service) DeadLetters(ctx context.Context, p auth.Principal, consumer, cursor string, limit int) (out api.Page[event.DeadLetter], err error) {
	if err := p.Require(PermissionRead); err != nil {
		return out, err
	}
	after, err := parseCursor(cursor)
	if err != nil {
		return out, err
	}
	out.Items, out.Total, err = s.relay.DeadLetters(ctx, p.Scope(), consumer, after, limit)
	if n := len(out.Items); n > 0 && n == limit {
		out.NextCursor = api.EncodeCursor(strconv.FormatInt(out.Items[n-1].Event.Position, 10))
	}
	return out, err
}

// Consumers tells how every consumer stands.
func (s *Service) Consumers(ctx context.Context, p auth.Principal) ([]event.Status, error) {
	if err := p.Require(PermissionRead); err != nil {
		return nil, err
	}
	return s.relay.Consumers(ctx)
}

// Requeue gives a dead letter a fresh set of tries.
func (s *Service) Requeue(ctx context.Context, p auth.Principal, id string) error {
	if err := p.Require(PermissionOperate); err != nil {
		return err
	}
	return s.relay.Requeue(ctx, p.Scope(), id)
}

// Discard drops a dead letter for good, with a reason.
func (s *Service) Discard(ctx context.Context, p auth.Principal, id, reason string) error {
	if err := p.Require(PermissionOperate); err != nil {
		return err
	}
	return s.relay.Discard(ctx, p.Scope(), id, reason)
}

// Replay makes a consumer handle the institution's events again from a position.
func (s *Service) Replay(ctx context.Context, p auth.Principal, consumer string, from int64) (int64, error) {
	if err := p.Require(PermissionOperate); err != nil {
		return 0, err
	}
	return s.relay.ReplayInstitution(ctx, p.Scope(), consumer, from)
}
