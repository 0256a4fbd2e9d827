package webhook

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

type createInput struct{ Body Input }

type updateInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Input
		Version int64 `json:"version,omitempty" doc:"the version you read; left out: overwrite"`
	}
}

type webhookInput struct {
	ID string `path:"id" maxLength:"60"`
}

type webhookOutput struct{ Body Webhook }

type listInput struct{ api.PageQuery }

type listOutput struct{ Body api.Page[Webhook] }

type secretOutput struct {
	Body struct {
		Secret string `json:"secret" doc:"whsec_..., for verifying Webhook-Signature"`
	}
}

type deliveriesInput struct {
	api.PageQuery
	ID    string `path:"id" maxLength:"60"`
	State string `query:"state" enum:"pending,delivered,failed"`
}

type deliveriesOutput struct{ Body api.Page[Delivery] }

type redeliverInput struct {
	ID         string `path:"id" maxLength:"60"`
	DeliveryID string `path:"delivery_id" maxLength:"60"`
}

type deliveryOutput struct{ Body Delivery }

// Routes registers the webhook operations.
func Routes(a *api.API, s *Service) {
	op := func(id, method, path, permission, zh, en string) api.Op {
		return api.Op{ID: id, Method: method, Path: "/api/v1/webhooks" + path, Tag: "webhooks", Zh: zh, En: en, Policy: api.Need(permission)}
	}
	api.Handle(a, op("list-webhooks", "GET", "", PermissionRead, "Webhook 列表", "List webhooks"), func(ctx context.Context, p auth.Principal, in *listInput) (*listOutput, error) {
		after, err := api.DecodeCursor(in.Cursor, 1)
		if err != nil {
			return nil, err
		}
		items, total, err := s.List(ctx, p, after[0], in.Limit)
		page := api.Page[Webhook]{Items: items, Total: total}
		if len(items) > 0 && len(items) == in.Limit {
			page.NextCursor = api.EncodeCursor(items[len(items)-1].ID)
		}
		return &listOutput{Body: page}, err
	})
	api.Handle(a, op("create-webhook", "POST", "", PermissionManage, "新建 Webhook", "Create a webhook"), func(ctx context.Context, p auth.Principal, in *createInput) (*webhookOutput, error) {
		w, err := s.Create(ctx, p, in.Body)
		return &webhookOutput{Body: w}, err
	})
	api.Handle(a, op("get-webhook", "GET", "/{id}", PermissionRead, "查看 Webhook", "Get a webhook"), func(ctx context.Context, p auth.Principal, in *webhookInput) (*webhookOutput, error) {
		w, err := s.Get(ctx, p, in.ID)
		return &webhookOutput{Body: w}, err
	})
	api.Handle(a, op("update-webhook", "PUT", "/{id}", PermissionManage, "修改 Webhook", "Update a webhook"), func(ctx context.Context, p auth.Principal, in *updateInput) (*webhookOutput, error) {
		w, err := s.Update(ctx, p, in.ID, in.Body.Input, in.Body.Version)
		return &webhookOutput{Body: w}, err
	})
	api.Handle(a, op("delete-webhook", "DELETE", "/{id}", PermissionManage, "删除 Webhook", "Delete a webhook"), func(ctx context.Context, p auth.Principal, in *webhookInput) (*struct{}, error) {
		return &struct{}{}, s.Delete(ctx, p, in.ID)
	})
	api.Handle(a, op("get-webhook-secret", "GET", "/{id}/secret", PermissionManage, "查看签名密钥", "Reveal the signing secret"), func(ctx context.Context, p auth.Principal, in *webhookInput) (*secretOutput, error) {
		secret, err := s.Secret(ctx, p, in.ID)
		out := &secretOutput{}
		out.Body.Secret = secret
		return out, err
	})
	api.Handle(a, op("rotate-webhook-secret", "POST", "/{id}/rotate-secret", PermissionManage, "轮换签名密钥", "Rotate the signing secret"), func(ctx context.Context, p auth.Principal, in *webhookInput) (*struct{}, error) {
		return &struct{}{}, s.RotateSecret(ctx, p, in.ID)
	})
	api.Handle(a, op("list-webhook-deliveries", "GET", "/{id}/deliveries", PermissionRead, "投递记录", "Delivery log"), func(ctx context.Context, p auth.Principal, in *deliveriesInput) (*deliveriesOutput, error) {
		after, err := api.DecodeCursor(in.Cursor, 1)
		if err != nil {
			return nil, err
		}
		items, total, err := s.Deliveries(ctx, p, in.ID, in.State, after[0], in.Limit)
		page := api.Page[Delivery]{Items: items, Total: total}
		if len(items) > 0 && len(items) == in.Limit {
			page.NextCursor = api.EncodeCursor(items[len(items)-1].ID)
		}
		return &deliveriesOutput{Body: page}, err
	})
	api.Handle(a, op("redeliver-webhook", "POST", "/{id}/deliveries/{delivery_id}/redeliver", PermissionManage, "重新投递", "Deliver again"), func(ctx context.Context, p auth.Principal, in *redeliverInput) (*deliveryOutput, error) {
		d, err := s.Redeliver(ctx, p, in.ID, in.DeliveryID)
		return &deliveryOutput{Body: d}, err
	})
}
