package contract

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

type signInput struct {
	Body struct {
		ApplicationID string `json:"application_id" minLength:"1" maxLength:"80"`
	}
}

type contractOutput struct{ Body Contract }

type listInput struct {
	api.PageQuery
	FirmID     string `query:"firm_id" maxLength:"80"`
	FacilityID string `query:"facility_id" maxLength:"80"`
}

type listOutput struct{ Body api.Page[Contract] }

type idInput struct {
	ID string `path:"id" maxLength:"80"`
}

// Routes registers the operations of contracts.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "sign-contract", Method: http.MethodPost, Path: "/api/v1/contracts", Tag: "lending", Status: http.StatusCreated,
		Zh: "签订合同", En: "Sign the contract of an accepted offer", Policy: api.Need(PermissionSign)},
		func(ctx context.Context, p auth.Principal, in *signInput) (*contractOutput, error) {
			c, err := s.Sign(ctx, p, in.Body.ApplicationID)
			return &contractOutput{Body: c}, err
		})
	api.Handle(a, api.Op{ID: "list-contracts", Method: http.MethodGet, Path: "/api/v1/contracts", Tag: "lending",
		Zh: "合同列表", En: "List contracts", Policy: api.Need(PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *listInput) (*listOutput, error) {
			page, err := s.List(ctx, p, Filter{FirmID: in.FirmID, FacilityID: in.FacilityID, Limit: in.Limit, Cursor: in.Cursor})
			return &listOutput{Body: page}, err
		})
	api.Handle(a, api.Op{ID: "get-contract", Method: http.MethodGet, Path: "/api/v1/contracts/{id}", Tag: "lending",
		Zh: "查看合同", En: "One contract", Policy: api.Need(PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *idInput) (*contractOutput, error) {
			c, err := s.Get(ctx, p, in.ID)
			return &contractOutput{Body: c}, err
		})
	a.Raw(api.Op{ID: "get-contract-pdf", Method: http.MethodGet, Path: "/api/v1/contracts/{id}/pdf", Tag: "lending",
		Zh: "下载合同 PDF", En: "The contract's PDF", Policy: api.Need(PermissionRead)}, s.servePDF)
	a.Raw(api.Op{ID: "verify-contract", Method: http.MethodGet, Path: "/verify/contract/{hash}", Tag: "public",
		Zh: "合同验真页", En: "Verification page of a contract file", Policy: api.Public()}, s.serveVerification)
}

func (s *Service) servePDF(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	c, f, err := s.PDF(r.Context(), p, r.PathValue("id"))
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // read only
	h := w.Header()
	h.Set("Content-Type", "application/pdf")
	h.Set("Content-Length", strconv.FormatInt(f.Size, 10))
	h.Set("Content-Disposition", `inline; filename="`+c.Terms.Number+`.pdf"`)
	h.Set("ETag", `"`+c.PDFHash+`"`)
	h.Set("Cache-Control", "private, no-cache")
	_, err = io.Copy(w, f)
	return err
}
