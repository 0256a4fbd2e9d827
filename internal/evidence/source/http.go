package source

import (
	"context"
	"net/http"
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

var permissionRead = auth.DeclarePermission("evidence.read", "查看企业经营数据", "See a firm's evidence", auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleRisk, auth.RoleCompliance)

type listInput struct {
	ID string `path:"id" maxLength:"60"`
	api.PageQuery
	Direction    string `query:"direction" enum:"purchase,sale"`
	Counterparty string `query:"counterparty" maxLength:"100"`
}

// View is an invoice as the API shows it.
type View struct {
	ID           string        `json:"id,omitempty" doc:"place of the row among the firm's; empty in a preview"`
	Direction    Direction     `json:"direction"`
	Number       string        `json:"number"`
	Date         calendar.Date `json:"date"`
	Counterparty string        `json:"counterparty"`
	NetMinor     int64         `json:"net_minor"`
	TaxMinor     int64         `json:"tax_minor"`
	GrossMinor   int64         `json:"gross_minor"`
	Void         bool          `json:"void"`
	Red          bool          `json:"red"`
	Duplicate    bool          `json:"duplicate"`
	Mismatch     bool          `json:"mismatch"`
}

// ViewOf is the API form of an invoice.
func ViewOf(v Invoice) View {
	return View{"", v.Direction, v.Number, v.Date, v.Counterparty, v.NetMinor, v.TaxMinor, v.GrossMinor, v.Void, v.Red, v.Duplicate, v.Mismatch}
}

// InvoicePage is a page of a firm's invoices with what all of them add up to.
type InvoicePage struct {
	api.Page[View]

	Sums    []Sum   `json:"sums" nullable:"false" doc:"all of the firm's invoices, per direction"`
	Buyers  []Party `json:"buyers" nullable:"false" doc:"ten largest"`
	Sellers []Party `json:"sellers" nullable:"false" doc:"ten largest"`
}

type listOutput struct{ Body InvoicePage }

// Routes registers the reading of a firm's invoices. A read by a person is a read of evidence: it needs
// the firm's consent and is recorded.
func Routes(a *api.API) {
	api.Handle(a, api.Op{ID: "list-invoices", Method: http.MethodGet, Path: "/api/v1/firms/{id}/invoices", Tag: "evidence", Zh: "企业发票", En: "Invoices of a firm", Policy: api.Need(permissionRead)},
		func(ctx context.Context, p auth.Principal, in *listInput) (*listOutput, error) {
			f := Filter{Counterparty: in.Counterparty, Limit: in.Limit + 1}
			if in.Direction != "" {
				d, err := ParseDirection(in.Direction)
				if err != nil {
					return nil, err
				}
				f.Direction = d
			}
			key, err := api.DecodeCursor(in.Cursor, 4)
			if err != nil {
				return nil, err
			}
			if key[0] != "" {
				f.Before.Date = key[0]
				f.Before.Content, _ = strconv.ParseInt(key[1], 10, 64)
				f.Before.Nth, _ = strconv.ParseInt(key[2], 10, 64)
				f.Before.Direction, _ = ParseDirection(key[3])
			}
			out := &listOutput{}
			err = a.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error { return out.read(ctx, tx, p, in.ID, f) })
			return out, err
		})
}

func (o *listOutput) read(ctx context.Context, tx *db.Tx, p auth.Principal, firmID string, f Filter) error {
	if _, err := party.Visible(ctx, tx, p, firmID); err != nil {
		return err
	}
	if err := consent.Read(ctx, tx, consent.Access{Subject: firmID, Kind: consent.KindInvoice, Purpose: consent.PurposeCredit}); err != nil {
		return err
	}
	items, err := List(ctx, tx, firmID, f)
	if err != nil {
		return err
	}
	o.Body.NextCursor = ""
	if len(items) == f.Limit {
		items = items[:f.Limit-1]
		m := items[len(items)-1].Mark
		o.Body.NextCursor = api.EncodeCursor(m.Date, strconv.FormatInt(m.Content, 10), strconv.FormatInt(m.Nth, 10), m.Direction.String())
	}
	o.Body.Items = make([]View, len(items))
	for i, v := range items {
		o.Body.Items[i] = ViewOf(v.Invoice)
		o.Body.Items[i].ID = v.Mark.text()
	}
	if o.Body.Sums, err = Sums(ctx, tx, firmID); err != nil {
		return err
	}
	if o.Body.Total, err = Count(ctx, tx, firmID, f); err != nil {
		return err
	}
	if o.Body.Buyers, err = Parties(ctx, tx, firmID, Sale, 10); err != nil {
		return err
	}
	o.Body.Sellers, err = Parties(ctx, tx, firmID, Purchase, 10)
	return err
}
