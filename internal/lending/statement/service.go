package statement

import (
	"context"
	"net/http"
	"net/url"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// ReasonNotSettled refuses a certificate for a loan that still owes.
var ReasonNotSettled = fault.Declare("LOAN_NOT_SETTLED", fault.Conflict,
	"贷款尚未结清（状态 {status}），不能出具结清证明", "The loan is not settled ({status}); no certificate can be issued",
	"结清后再出具", "Settle it first")

var selectLender = db.Q(`select name, name_en, demo from institution where institution_id = $1`)

// statusNames name the statuses a loan may have before it is settled.
var statusNames = map[loan.Status]string{loan.Pending: "待放款", loan.Active: "正常", loan.Overdue: "逾期", loan.CancelledOut: "已取消"}

// Loans is what statements need of the loans.
type Loans interface {
	Statement(ctx context.Context, p auth.Principal, id string, from, until calendar.Date) (loan.Statement, error)
	Get(ctx context.Context, p auth.Principal, id string) (loan.Detail, error)
	Events(ctx context.Context, p auth.Principal, id string) ([]loan.RecordedEvent, error)
}

// Service makes the papers of loans.
type Service struct {
	db    *db.DB
	loans Loans
}

// NewService makes the service.
func NewService(d *db.DB, loans Loans) *Service { return &Service{db: d, loans: loans} }

func (s *Service) parties(ctx context.Context, p auth.Principal, firmID, payee string) (out Parties, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, selectLender, tx.Institution).Scan(&out.LenderZh, &out.LenderEn, &out.Demo); err != nil {
			return err
		}
		firm, err := party.ByID(ctx, tx, firmID)
		if fault.Is(err, fault.ReasonNotFound) {
			out.Borrower = payee
			return nil
		}
		out.Borrower, out.Code = firm.Name, firm.USCC
		if out.Code == "" {
			out.Code = firm.Code
		}
		return err
	})
	return out, err
}

// Forms of a statement.
const (
	FormPDF  = "pdf"
	FormXLSX = "xlsx"
)

// Statement makes the statement of a period in a language and form.
func (s *Service) Statement(ctx context.Context, p auth.Principal, id, lang, form string, from, until calendar.Date) ([]byte, error) {
	st, err := s.loans.Statement(ctx, p, id, from, until)
	if err != nil {
		return nil, err
	}
	who, err := s.parties(ctx, p, st.Loan.FirmID, st.Loan.PayeeName)
	if err != nil {
		return nil, err
	}
	if form == FormXLSX {
		return Sheet(lang, who, st)
	}
	return PDF(lang, who, st)
}

// Certificate issues the certificate of a settled loan and records that it did.
func (s *Service) Certificate(ctx context.Context, p auth.Principal, id string) ([]byte, error) {
	d, err := s.loans.Get(ctx, p, id)
	if err != nil {
		return nil, err
	}
	if d.Status != loan.Settled {
		return nil, fault.New(ReasonNotSettled, "status", d.Status, "status_zh", statusNames[d.Status])
	}
	events, err := s.loans.Events(ctx, p, id)
	if err != nil {
		return nil, err
	}
	settled, err := loan.SettledOn(events)
	if err != nil {
		return nil, err
	}
	who, err := s.parties(ctx, p, d.FirmID, d.PayeeName)
	if err != nil {
		return nil, err
	}
	var out []byte
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if out, err = Certificate(who, d.Loan, settled, today, d.Totals); err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Action: "loan.settlement_certificate", Object: "loan", ObjectID: id, After: map[string]any{"settled_on": settled, "issued_on": today}})
	})
	return out, err
}

// Routes registers the operations of papers.
func Routes(a *api.API, s *Service) {
	for form, media := range map[string]string{FormPDF: "application/pdf", FormXLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"} {
		a.Raw(api.Op{ID: "download-loan-statement-" + form, Method: http.MethodGet, Path: "/api/v1/loans/{id}/statement." + form, Tag: "lending",
			Zh: "下载对账单（" + form + "）", En: "Download a statement (" + form + ")", Policy: api.Need(loan.PermissionRead),
			Query: []api.QueryParam{{Name: "from", Date: true, Doc: "first day; empty: the disbursement"}, {Name: "until", Date: true, Doc: "last day; empty: the business date"},
				{Name: "lang", Values: []string{"zh", "en"}, Doc: "empty: the caller's"}}},
			func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
				return s.serve(w, r, p, form, media)
			})
	}
	a.Raw(api.Op{ID: "issue-settlement-certificate", Method: http.MethodPost, Path: "/api/v1/loans/{id}/settlement-certificate", Tag: "lending",
		Zh: "出具结清证明（PDF）", En: "Issue the certificate of settlement (PDF)", Policy: api.Need(loan.PermissionRead)},
		func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
			out, err := s.Certificate(r.Context(), p, r.PathValue("id"))
			if err != nil {
				return err
			}
			return send(w, "application/pdf", "settlement-"+r.PathValue("id")+".pdf", out)
		})
}

func (s *Service) serve(w http.ResponseWriter, r *http.Request, p auth.Principal, form, media string) error {
	q := r.URL.Query()
	from, err := api.Date("from", q.Get("from"))
	if err != nil {
		return err
	}
	until, err := api.Date("until", q.Get("until"))
	if err != nil {
		return err
	}
	lang := q.Get("lang")
	if lang == "" {
		lang = p.Lang
	}
	if lang != "en" {
		lang = "zh"
	}
	out, err := s.Statement(r.Context(), p, r.PathValue("id"), lang, form, from, until)
	if err != nil {
		return err
	}
	return send(w, media, "statement-"+r.PathValue("id")+"."+form, out)
}

func send(w http.ResponseWriter, media, name string, out []byte) error {
	w.Header().Set("Content-Type", media)
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(name))
	_, err := w.Write(out) //nolint:gosec // PDF or XLSX of our own making, only ever saved
	return err
}
