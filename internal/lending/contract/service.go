package contract

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/benchmark"
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Permissions of contracts.
var (
	PermissionRead = auth.DeclarePermission("contract.read", "查看合同", "Read contracts",
		auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance, auth.RoleIntegrator)
	PermissionSign = auth.DeclarePermission("contract.sign", "签订合同", "Sign contracts", auth.RoleOperations, auth.RoleRelationshipManager)
)

const pdfMax = 20 << 20

// Service signs and shows contracts.
type Service struct {
	db    *db.DB
	blobs *blob.Store
}

// NewService makes the service.
func NewService(d *db.DB, blobs *blob.Store) *Service { return &Service{db: d, blobs: blobs} }

// Sign turns an accepted application into a contract: the document is written
// and stored first, then contract, facility and the application's step are one
// transaction. Signing again answers with the contract that exists.
func (s *Service) Sign(ctx context.Context, p auth.Principal, applicationID string) (c Contract, err error) {
	if err := p.Require(PermissionSign); err != nil {
		return c, err
	}
	var known bool
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		c, known, err = s.prepare(ctx, tx, p, applicationID)
		return err
	})
	if err != nil || known {
		return c, err
	}
	pdf, err := Render(c.Terms)
	if err != nil {
		return c, err
	}
	info, err := s.blobs.Put(ctx, p.InstitutionID, c.Terms.Number+".pdf", "application/pdf", bytes.NewReader(pdf), pdfMax)
	if err != nil {
		return c, err
	}
	if err := pointStored.Hit(ctx); err != nil {
		return c, err
	}
	c.PDFHash, c.PDFSize = info.Hash, info.Size
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		stored, err := commit(ctx, tx, c, info)
		c = stored
		return err
	})
	return c, err
}

// prepare gathers the terms; nothing is written yet.
func (s *Service) prepare(ctx context.Context, tx *db.Tx, p auth.Principal, applicationID string) (c Contract, known bool, err error) {
	a, err := application.ByID(ctx, tx, applicationID)
	if err == nil && !p.Sees(a.BranchPath) {
		err = fault.NotFoundError("application", applicationID)
	}
	if err != nil {
		return c, false, err
	}
	if c, known, err = byApplication(ctx, tx, applicationID); err != nil || known {
		return c, known, err
	}
	if a.State != application.Accepted || a.Offer == nil {
		return c, false, fault.New(ReasonNotAccepted, "application", applicationID, "state", a.State, "state_zh", a.State.Name().Zh)
	}
	c = Contract{
		ID: tx.NewID("con"), ApplicationID: a.ID, FirmID: a.FirmID, ProductID: a.ProductID, BranchID: a.BranchID, BranchPath: a.BranchPath, Status: Signed,
		CreatedAt: tx.Now, CreatedBy: tx.Actor,
	}
	if c.Terms, err = terms(ctx, tx, a, c.ID); err != nil {
		return c, false, err
	}
	c.TermsHash, err = c.Terms.Digest()
	return c, false, err
}

func terms(ctx context.Context, tx *db.Tx, a application.Application, id string) (t Terms, err error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return t, err
	}
	firm, err := party.ByID(ctx, tx, a.FirmID)
	if err != nil {
		return t, err
	}
	recipe, err := product.Active(ctx, tx, a.ProductID)
	if err != nil {
		return t, err
	}
	o := a.Offer
	// The document says that nothing but interest is charged, and the loan's
	// arithmetic charges nothing else: an offer that says otherwise is not signed.
	if o.PrepaymentFee != 0 {
		return t, fault.New(ReasonUnsupported, "term", "prepayment fee", "term_zh", "提前还款手续费")
	}
	c, err := conditions(recipe.Terms, recipe.Pricing, *o)
	if err != nil {
		return t, err
	}
	t = Terms{
		Number: number(today, id), Borrower: firm.Name, BorrowerUSCC: firm.USCC, Purpose: purpose(recipe.Terms, a), Currency: money.Currency(o.Currency),
		LimitMinor: o.AmountMinor, Revolving: o.Revolving, AnnualRate: o.Rate, Method: loan.Method(o.Method), TenorMonths: o.TenorMonths, Conditions: c,
		SignedOn: today, StartsOn: today, ExpiresOn: today.AddMonths(max(o.FacilityMonths, 1), calendar.Clamp),
	}
	if err := tx.QueryRow(ctx, selectLender, tx.Institution).Scan(&t.LenderZh, &t.LenderEn, &t.Demo); err != nil {
		return t, err
	}
	lt, err := example(application.ScheduleInput{AmountMinor: o.AmountMinor, Currency: o.Currency, Rate: o.Rate, TenorMonths: o.TenorMonths, Method: o.Method, StartsOn: today}, o.Extras, c)
	if err != nil {
		return t, err
	}
	plan, err := loan.Outlined(lt)
	if err != nil {
		return t, err
	}
	t.PenaltyRate, t.Schedule, t.Cost, t.Extras = lt.PenaltyRate, plan.Schedule, plan.Cost, o.Extras
	t.AnnualisedRate, err = disclosed(lt, plan)
	return t, err
}

// conditions fixes what the recipe allows and the offer promised.
func conditions(r product.Terms, p product.Pricing, o application.Offer) (loan.Conditions, error) {
	c, err := fixed(r, r.DayCount, o.GraceDays, o.PenaltySpread)
	if err != nil {
		return c, err
	}
	c.TenorMonthsMin, c.TenorMonthsMax = max(r.TenorMonthsMin, 1), max(r.TenorMonthsMax, o.TenorMonths)
	if p.Repricing != "" && p.Repricing != string(benchmark.Fixed) {
		c.Repricing = loan.Repricing{Benchmark: p.Benchmark, Rule: p.Repricing}
	}
	for _, m := range r.Methods {
		c.Methods = append(c.Methods, loan.Method(m))
	}
	return c, nil
}

func purpose(r product.Terms, a application.Application) fault.Text {
	for _, p := range r.Purposes {
		if p.ID == a.Purpose {
			return p.Name
		}
	}
	return fault.Text{Zh: "日常经营周转", En: "working capital"}
}

// number is what people call the contract: the date and the end of its id.
func number(on calendar.Date, id string) string {
	return "JK" + strings.ReplaceAll(on.String(), "-", "") + "-" + strings.ToUpper(id[len(id)-8:])
}

func commit(ctx context.Context, tx *db.Tx, c Contract, info blob.Info) (Contract, error) {
	if err := tx.Lock(ctx, "contract.application:"+c.ApplicationID); err != nil {
		return c, err
	}
	if stored, known, err := byApplication(ctx, tx, c.ApplicationID); err != nil || known {
		return stored, err
	}
	a, err := application.ByID(ctx, tx, c.ApplicationID)
	if err != nil {
		return c, err
	}
	if a.State != application.Accepted {
		return c, fault.New(ReasonNotAccepted, "application", a.ID, "state", a.State, "state_zh", a.State.Name().Zh)
	}
	f, err := facility.Open(ctx, tx, facility.Draft{
		FirmID: c.FirmID, ApplicationID: c.ApplicationID, ContractID: c.ID, ProductID: c.ProductID, ProductVersion: a.ProductVersion, BranchID: c.BranchID,
		BranchPath: c.BranchPath, LimitMinor: c.Terms.LimitMinor, Currency: string(c.Terms.Currency), Rate: c.Terms.AnnualRate, Revolving: c.Terms.Revolving,
		StartsOn: c.Terms.StartsOn, ExpiresOn: c.Terms.ExpiresOn,
	})
	if err != nil {
		return c, err
	}
	if err := pointFacility.Hit(ctx); err != nil {
		return c, err
	}
	c.FacilityID = f.ID
	if err := insert(ctx, tx, c); err != nil {
		return c, err
	}
	if err := pointInserted.Hit(ctx); err != nil {
		return c, err
	}
	if err := blob.Attach(ctx, tx, info, blob.Link{Object: "contract", ObjectID: c.ID, Permission: PermissionRead}); err != nil {
		return c, err
	}
	if err := application.MarkContracted(ctx, tx, c.ApplicationID, c.ID); err != nil {
		return c, err
	}
	if err := pointMarked.Hit(ctx); err != nil {
		return c, err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "contract.sign", Object: "contract", ObjectID: c.ID, After: c}); err != nil {
		return c, err
	}
	return c, event.Append(ctx, tx, event.Draft{Type: "contract.signed", Aggregate: "contract", AggregateID: c.ID, Payload: map[string]any{
		"contract_id": c.ID, "number": c.Terms.Number, "application_id": c.ApplicationID, "facility_id": c.FacilityID, "firm_id": c.FirmID,
		"limit_minor": c.Terms.LimitMinor, "pdf_hash": c.PDFHash, "branch_path": c.BranchPath,
	}})
}

// Conditions finds what a facility's contract fixes about its loans; the wiring
// hands it to loan.NewService.
func Conditions(ctx context.Context, tx *db.Tx, f facility.Facility) (loan.Conditions, error) {
	c, err := ByID(ctx, tx, f.ContractID)
	return c.Terms.Conditions, err
}

// Get reads a contract of the caller's branches.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (c Contract, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return c, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		c, err = ByID(ctx, tx, id)
		if err == nil && !p.Sees(c.BranchPath) {
			err = fault.NotFoundError("contract", id)
		}
		return err
	})
	return c, err
}

// Filter narrows a list of contracts; empty fields do not.
type Filter struct {
	FirmID, FacilityID string
	Limit              int
	Cursor             string
}

// List pages through the contracts of the caller's branches, newest first.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter) (page api.Page[Contract], err error) {
	if err := p.Require(PermissionRead); err != nil {
		return page, err
	}
	parts, err := api.DecodeCursor(f.Cursor, 1)
	if err != nil {
		return page, err
	}
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 20
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		args := []any{tx.Institution, p.BranchPattern(), f.FirmID, f.FacilityID}
		if err := tx.QueryRow(ctx, countPage, args...).Scan(&page.Total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectPage, append(args, parts[0], f.Limit+1)...)
		if err != nil {
			return err
		}
		page.Items, err = collect(rows)
		if len(page.Items) > f.Limit {
			page.Items = page.Items[:f.Limit]
			page.NextCursor = api.EncodeCursor(page.Items[f.Limit-1].ID)
		}
		return err
	})
	return page, err
}

// PDF opens a contract's document; the store checks its hash before a byte of
// it is served.
func (s *Service) PDF(ctx context.Context, p auth.Principal, id string) (Contract, *blob.File, error) {
	c, err := s.Get(ctx, p, id)
	if err != nil {
		return c, nil, err
	}
	f, err := s.blobs.Open(ctx, p.InstitutionID, c.PDFHash)
	return c, f, err
}

// Verify recomputes the digest and the document of every contract of the
// institution and compares them with what is stored.
func (s *Service) Verify(ctx context.Context, tx *db.Tx) (n int64, err error) {
	for after := ""; ; {
		rows, err := tx.Query(ctx, selectAll, tx.Institution, after, 100)
		if err != nil {
			return n, err
		}
		list, err := collect(rows)
		if err != nil || len(list) == 0 {
			return n, err
		}
		for _, c := range list {
			digest, err := c.Terms.Digest()
			if err != nil {
				return n, err
			}
			if digest != c.TermsHash {
				return n, fault.New(ReasonBroken, "contract", c.ID, "problem", "the terms were changed")
			}
			if err := s.blobs.Verify(ctx, tx.Institution, c.PDFHash); err != nil {
				return n, fault.New(ReasonBroken, "contract", c.ID, "problem", "the document is missing or damaged").Wrap(err)
			}
			n, after = n+1, c.ID
		}
	}
}

// HashOf is the SHA-256 by which a document is looked up.
func HashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Instants at which a test may break off.
var (
	pointMarked   = failpoint.Declare("contract.marked")
	pointInserted = failpoint.Declare("contract.inserted")
	pointFacility = failpoint.Declare("contract.facility")
	pointStored   = failpoint.Declare("contract.stored")
)
