package loan

import (
	"context"
	"net/http"
	"strconv"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

type collectionsOutput struct{ Body Collections }

type attemptsInput struct {
	api.PageQuery
	On      string `query:"on" format:"date" doc:"business date; empty: the present one"`
	Outcome string `query:"outcome" enum:"none,ordered" doc:"none: due and not debited"`
}

type attemptsOutput struct{ Body api.Page[Attempt] }

func collectionRoutes(a *api.API, s *Service) {
	api.Handle(a, op("get-loan-collections", http.MethodGet, "/api/v1/loans/{id}/collections", "贷款的代扣授权与扣款记录", "How a loan is debited: mandates and attempts", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *idInput) (*collectionsOutput, error) {
			out, err := s.Collections(ctx, p, in.ID)
			return &collectionsOutput{Body: out}, err
		})
	api.Handle(a, op("list-collections", http.MethodGet, "/api/v1/collections", "某日的扣款与未扣款清单", "Debits of a day, and the loans that were not debited", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *attemptsInput) (*attemptsOutput, error) {
			on, err := api.Date("on", in.On)
			if err != nil {
				return nil, err
			}
			at, err := api.DecodeCursor(in.Cursor, 2)
			if err != nil {
				return nil, err
			}
			no := int64(0)
			if at[1] != "" {
				if no, err = strconv.ParseInt(at[1], 10, 64); err != nil {
					return nil, fault.Field("cursor", "不是本接口给出的游标", "is not a cursor of this list")
				}
			}
			all, total, err := s.AttemptsOn(ctx, p, on, in.Outcome, at[0], no, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return &attemptsOutput{api.Cut(all, in.Limit, total, func(a Attempt) []string { return []string{a.LoanID, strconv.FormatInt(a.No, 10)} })}, nil
		})
}
