package voucher

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

type voucherInput struct{ Body Voucher }

type reversalInput struct{ Body Reversal }

type voucherProposalOutput struct{ Body proposal.Proposal }

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "propose-voucher", Method: http.MethodPost, Path: "/api/v1/vouchers", Tag: "ledger", Zh: "提交手工凭证待复核", En: "Propose a manual voucher",
		Policy: api.Need(permissionPropose), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *voucherInput) (*voucherProposalOutput, error) {
			made, err := s.Propose(ctx, p, in.Body)
			return &voucherProposalOutput{Body: made}, err
		})
	api.Handle(a, api.Op{ID: "propose-reversal", Method: http.MethodPost, Path: "/api/v1/reversals", Tag: "ledger", Zh: "提交冲销待复核", En: "Propose the reversal of an entry",
		Policy: api.Need(permissionPropose), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *reversalInput) (*voucherProposalOutput, error) {
			made, err := s.Reverse(ctx, p, in.Body)
			return &voucherProposalOutput{Body: made}, err
		})
}
