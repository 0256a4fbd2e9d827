package loan

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

type drawBody struct {
	AmountMinor     int64  `json:"amount_minor" minimum:"1" doc:"in the smallest unit of the facility's currency"`
	Currency        string `json:"currency,omitempty" maxLength:"3" doc:"the facility's; another one is refused"`
	TenorMonths     int    `json:"tenor_months" minimum:"1" maximum:"360"`
	Method          string `json:"method" enum:"equal_instalment,equal_principal,interest_only,bullet,flat,custom,discount,sales_share"`
	PayeeName       string `json:"payee_name,omitempty" maxLength:"64" doc:"required to draw, not to preview"`
	PayeeAccount    string `json:"payee_account,omitempty" maxLength:"64" doc:"required to draw, not to preview"`
	ClientReference string `json:"client_reference,omitempty" maxLength:"64" doc:"your own number of this drawdown; sending it again never pays twice"`

	FirstMinor   int64         `json:"first_minor,omitempty" minimum:"0" doc:"paid out now, the rest in later tranches; empty: all of it now"`
	Entrusted    bool          `json:"entrusted,omitempty" doc:"the payee is the borrower's supplier"`
	Purpose      string        `json:"purpose,omitempty" maxLength:"200" doc:"what the money is for; needed with entrusted payment"`
	RepayAccount string        `json:"repay_account,omitempty" maxLength:"64" doc:"account collections are taken from; empty: the payee's"`
	Plan         Plan          `json:"plan,omitempty" doc:"frequency, grace, seasons, balloon; empty: one instalment a month"`
	Sales        *drawSales    `json:"sales,omitempty" doc:"with the method sales_share"`
	Lease        *drawLease    `json:"lease,omitempty" doc:"under a contract of leases"`
	Tranches     []drawTranche `json:"tranches,omitempty" maxItems:"23" doc:"further disbursements; what they leave of the amount is paid out now"`

	Prepayment string `json:"prepayment,omitempty" enum:"reduce_instalment,reduce_next,reduce_term,next_instalments,last_instalments" doc:"what a prepayment does to the instalments ahead"`
}

type drawSales struct {
	Share         string `json:"share,omitempty" maxLength:"12" doc:"part of the sales of a period, such as 0.08; empty: the contract's lowest"`
	ExpectedMinor int64  `json:"expected_minor" minimum:"1" doc:"sales expected per period, for the plan"`
}

type drawLease struct {
	InAdvance     bool  `json:"in_advance,omitempty" doc:"rents fall due at the start of their period"`
	ResidualMinor int64 `json:"residual_minor,omitempty" minimum:"0" doc:"purchase price at the end"`
	DepositMinor  int64 `json:"deposit_minor,omitempty" minimum:"0"`
	DepositPaidIn bool  `json:"deposit_paid_in,omitempty" doc:"the lessee pays the deposit in; else it is kept back from the money"`
}

type drawTranche struct {
	Date        string `json:"date" format:"date"`
	AmountMinor int64  `json:"amount_minor" minimum:"1"`
}

type drawInput struct {
	ID   string `path:"id" maxLength:"80" doc:"facility"`
	Body drawBody
}

func (in drawInput) input() (DrawInput, error) {
	b := in.Body
	out := DrawInput{
		FacilityID: in.ID, AmountMinor: b.AmountMinor, Currency: money.Currency(b.Currency), TenorMonths: b.TenorMonths, Method: Method(b.Method), PayeeName: b.PayeeName,
		PayeeAccount: b.PayeeAccount, Reference: b.ClientReference, FirstMinor: b.FirstMinor, Entrusted: b.Entrusted, Purpose: b.Purpose,
		RepayAccount: b.RepayAccount, Plan: b.Plan, Prepayment: Strategy(b.Prepayment),
	}
	var errs []error
	if b.Sales != nil {
		out.Sales.ExpectedMinor = b.Sales.ExpectedMinor
		if b.Sales.Share != "" {
			var err error
			if out.Sales.Share, err = rate.Parse(b.Sales.Share); err != nil {
				errs = append(errs, fault.Field("sales.share", "须为小数，如 0.08", "must be a decimal such as 0.08").Wrap(err))
			}
		}
	}
	if b.Lease != nil {
		out.Lease = LeaseInput(*b.Lease)
	}
	for _, x := range b.Tranches {
		on, err := api.Date("tranches", x.Date)
		errs = append(errs, err)
		out.Tranches = append(out.Tranches, schedule.Tranche{Date: on, AmountMinor: x.AmountMinor})
	}
	return out, fault.Join(errs...)
}

type loanOutput struct{ Body Loan }

type previewOutput struct{ Body Outline }

type listInput struct {
	api.PageQuery
	Status     string `query:"status" enum:"pending_disbursement,active,overdue,settled,cancelled,written_off,transferred"`
	FirmID     string `query:"firm_id" maxLength:"80"`
	FacilityID string `query:"facility_id" maxLength:"80"`
	LateFrom   int64  `query:"days_past_due_from" minimum:"0"`
	LateUntil  int64  `query:"days_past_due_until" minimum:"0" doc:"0 or none: no bound"`
}

type listOutput struct{ Body api.Page[Loan] }

type idInput struct {
	ID string `path:"id" maxLength:"80"`
}

type detailOutput struct{ Body Detail }

type scheduleOutput struct {
	Body struct {
		Items []Row `json:"items"`
	}
}

type eventsOutput struct {
	Body struct {
		Items []RecordedEvent `json:"items"`
	}
}

type quoteInput struct {
	ID string `path:"id" maxLength:"80"`
	On string `query:"on" format:"date" doc:"settlement day; empty is the business date"`
}

type quoteOutput struct{ Body Quote }

type statementInput struct {
	ID    string `path:"id" maxLength:"80"`
	From  string `query:"from" format:"date"`
	Until string `query:"until" format:"date"`
}

type statementOutput struct{ Body Statement }

type repayInput struct {
	ID   string `path:"id" maxLength:"80"`
	Body struct {
		AmountMinor int64  `json:"amount_minor" minimum:"1" doc:"in the smallest unit of the loan's currency"`
		Currency    string `json:"currency,omitempty" maxLength:"3" doc:"the loan's; another one is refused"`
		Prepay      bool   `json:"prepay,omitempty" doc:"allow paying future principal"`
		Strategy    string `json:"strategy,omitempty" enum:"reduce_instalment,reduce_next,reduce_term,next_instalments,last_instalments" doc:"what a prepayment does to the instalments ahead; empty: the loan's usual one"`
		ValueDate   string `json:"value_date,omitempty" format:"date" doc:"day on which the money arrived; empty: the business date"`
		Channel     string `json:"channel,omitempty" maxLength:"64" doc:"the way the money came, e.g. counter, transfer"`
		Keep        bool   `json:"keep_surplus,omitempty" doc:"hold money beyond what settles the loan as the customer's credit"`
		Reference   string `json:"reference" minLength:"1" maxLength:"64" doc:"your own number of this payment; sending it again changes nothing"`
		Collect     bool   `json:"collect,omitempty" doc:"take the money from the customer's account instead of recording money received"`
	}
}

type repayOutput struct{ Body RepayResult }

func op(id, method, path, zh, en, permission string) api.Op {
	return api.Op{ID: id, Method: method, Path: path, Tag: "lending", Zh: zh, En: en, Policy: api.Need(permission)}
}

// Routes registers the operations of loans.
func Routes(a *api.API, s *Service) {
	calculateRoute(a)
	servicing(a, s)
	salesRoute(a, s)
	depositRoute(a, s)
	collectionRoutes(a, s)
	api.Handle(a, op("draw-loan", http.MethodPost, "/api/v1/facilities/{id}/drawdowns", "放款", "Draw down a loan", PermissionDraw),
		func(ctx context.Context, p auth.Principal, in *drawInput) (*loanOutput, error) {
			draw, err := in.input()
			if err != nil {
				return nil, err
			}
			l, err := s.Draw(ctx, p, draw)
			return &loanOutput{Body: l}, err
		})
	preview := op("preview-loan", http.MethodPost, "/api/v1/facilities/{id}/drawdowns/preview", "试算还款计划", "Preview a repayment schedule", PermissionRead)
	preview.NoIdempotency = true
	api.Handle(a, preview, func(ctx context.Context, p auth.Principal, in *drawInput) (*previewOutput, error) {
		draw, err := in.input()
		if err != nil {
			return nil, err
		}
		o, err := s.Preview(ctx, p, draw)
		return &previewOutput{Body: o}, err
	})
	api.Handle(a, op("list-loans", http.MethodGet, "/api/v1/loans", "贷款列表", "List loans", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *listInput) (*listOutput, error) {
			page, err := s.List(ctx, p, Filter{Status: in.Status, FirmID: in.FirmID, FacilityID: in.FacilityID, LateFrom: in.LateFrom, LateUntil: in.LateUntil, Limit: in.Limit, Cursor: in.Cursor})
			return &listOutput{Body: page}, err
		})
	api.Handle(a, op("get-loan", http.MethodGet, "/api/v1/loans/{id}", "贷款详情", "One loan with its schedule and what it owes", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *idInput) (*detailOutput, error) {
			d, err := s.Get(ctx, p, in.ID)
			return &detailOutput{Body: d}, err
		})
	readings(a, s)
	api.Handle(a, op("repay-loan", http.MethodPost, "/api/v1/loans/{id}/repayments", "还款", "Record or collect a repayment", PermissionRepay),
		func(ctx context.Context, p auth.Principal, in *repayInput) (*repayOutput, error) {
			on, err := api.Date("value_date", in.Body.ValueDate)
			if err != nil {
				return nil, err
			}
			r, err := s.Repay(ctx, p, RepayInput{
				LoanID: in.ID, AmountMinor: in.Body.AmountMinor, Currency: money.Currency(in.Body.Currency), Prepay: in.Body.Prepay || in.Body.Strategy != "", Reference: in.Body.Reference, Collect: in.Body.Collect,
				ValueDate: on, Strategy: Strategy(in.Body.Strategy), Channel: in.Body.Channel, Keep: in.Body.Keep,
			})
			return &repayOutput{Body: r}, err
		})
}

func readings(a *api.API, s *Service) {
	api.Handle(a, op("get-loan-schedule", http.MethodGet, "/api/v1/loans/{id}/schedule", "还款计划", "Repayment schedule", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *idInput) (*scheduleOutput, error) {
			d, err := s.Get(ctx, p, in.ID)
			out := &scheduleOutput{}
			out.Body.Items = d.Rows
			return out, err
		})
	api.Handle(a, op("list-loan-events", http.MethodGet, "/api/v1/loans/{id}/events", "贷款事件", "Events of a loan", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *idInput) (*eventsOutput, error) {
			out := &eventsOutput{}
			var err error
			out.Body.Items, err = s.Events(ctx, p, in.ID)
			return out, err
		})
	api.Handle(a, op("quote-loan-settlement", http.MethodGet, "/api/v1/loans/{id}/quote", "结清试算", "Settlement quote", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *quoteInput) (*quoteOutput, error) {
			on, err := api.Date("on", in.On)
			if err != nil {
				return nil, err
			}
			q, err := s.Quote(ctx, p, in.ID, on)
			return &quoteOutput{Body: q}, err
		})
	api.Handle(a, op("get-loan-statement", http.MethodGet, "/api/v1/loans/{id}/statement", "对账单", "Statement of a loan", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *statementInput) (*statementOutput, error) {
			from, err := api.Date("from", in.From)
			if err != nil {
				return nil, err
			}
			until, err := api.Date("until", in.Until)
			if err != nil {
				return nil, err
			}
			st, err := s.Statement(ctx, p, in.ID, from, until)
			return &statementOutput{Body: st}, err
		})
}
