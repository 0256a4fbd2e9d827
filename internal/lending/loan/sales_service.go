package loan

import (
	"context"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// PermissionSales lets a person or a feed report a borrower's sales.
var PermissionSales = auth.DeclarePermission("loan.report_sales", "报送销售额", "Report a borrower's sales", auth.RoleOperations, auth.RoleIntegrator)

// SalesConditions are what a contract fixes about repayment by a share of sales; the zero value does not offer it.
type SalesConditions struct {
	ShareMin rate.Rate `json:"share_min"`
	ShareMax rate.Rate `json:"share_max"`
	// Minimum and Cap are parts of the amount lent, per instalment.
	Minimum rate.Rate `json:"minimum"`
	Cap     rate.Rate `json:"cap,omitempty"`
}

// SalesInput is what a drawdown says about sales; without a share the contract's lowest one counts.
type SalesInput struct {
	Share         rate.Rate
	ExpectedMinor int64
}

// of makes the terms of a drawdown from what the contract fixes.
func (c SalesConditions) of(in SalesInput, amountMinor int64) (Sales, error) {
	x := Sales{Share: in.Share, ExpectedMinor: in.ExpectedMinor}
	if x.Share == 0 {
		x.Share = c.ShareMin
	}
	if x.Share < c.ShareMin || x.Share > c.ShareMax {
		return x, fault.Field("sales.share", "须在 "+c.ShareMin.Percent()+" 与 "+c.ShareMax.Percent()+" 之间", "must lie between "+c.ShareMin.Percent()+" and "+c.ShareMax.Percent())
	}
	var err error
	if x.MinimumMinor, err = rate.Share(amountMinor, c.Minimum, money.HalfUp); err != nil {
		return x, err
	}
	x.MinimumMinor = max(x.MinimumMinor, 1)
	x.CapMinor, err = rate.Share(amountMinor, c.Cap, money.HalfUp)
	return x, err
}

// SalesReport is what was sold between two dates, from one source.
type SalesReport struct {
	LoanID      string
	From, To    calendar.Date // both included
	AmountMinor int64
	Source      string
	// Reference names the report for ever; sending it again changes nothing.
	Reference string
	// ReceivedOn is when it was received; zero is the business date.
	ReceivedOn calendar.Date
}

func (r SalesReport) validate() error {
	var errs []error
	for field, v := range map[string]string{"reference": r.Reference, "source": r.Source} {
		if n := utf8.RuneCountInString(v); n == 0 || len(v) > textMax || strings.TrimSpace(v) != v || strings.ContainsAny(v, "\n\r\t") {
			errs = append(errs, fault.Field(field, "须为1至64个字节且首尾无空白", "must have 1 to 64 bytes without blanks around it"))
		}
	}
	return fault.Join(errs...)
}

func (r SalesReport) event(today calendar.Date) (Event, error) {
	on := later(r.ReceivedOn, calendar.Date{})
	if on.IsZero() {
		on = today
	}
	if on.After(today) {
		return Event{}, fault.Field("received_on", "不得晚于营业日", "must not be after the business date")
	}
	return Event{Kind: SalesReported, Date: on, AmountMinor: r.AmountMinor, Key: "sales:" + r.Reference, Detail: Particulars{From: r.From, To: r.To, Source: r.Source}}, nil
}

// ReportSales records a report, once per reference. It may return SALES_REFERENCE_REUSED and SALES_REPORTED_TWICE.
func (s *Service) ReportSales(ctx context.Context, p auth.Principal, r SalesReport) (d Detail, err error) {
	if err := p.Require(PermissionSales); err != nil {
		return d, err
	}
	if err := r.validate(); err != nil {
		return d, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		l, err := read(ctx, tx, selectLocked, r.LoanID)
		if err != nil {
			return err
		}
		if !p.Sees(l.BranchPath) {
			return fault.NotFoundError("loan", r.LoanID)
		}
		st, err := reportOnce(ctx, tx, &l, r)
		d = detail(l, &st)
		return err
	})
	return d, err
}

func reportOnce(ctx context.Context, tx *db.Tx, l *Loan, r SalesReport) (State, error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return State{}, err
	}
	e, err := r.event(today)
	if err != nil {
		return State{}, err
	}
	recorded, err := Events(ctx, tx, l.ID)
	if err != nil {
		return State{}, err
	}
	for _, known := range recorded {
		if known.Key != e.Key {
			continue
		}
		if known.AmountMinor != e.AmountMinor || known.Detail != e.Detail || (!r.ReceivedOn.IsZero() && known.Date != e.Date) {
			return State{}, fault.New(ReasonSalesReused, "reference", r.Reference).WithField("reference")
		}
		return Current(ctx, tx, *l)
	}
	standing, err := standing(plain(recorded))
	if err != nil {
		return State{}, err
	}
	for _, x := range standing {
		if x.Kind == SalesReported && x.Detail.Source == r.Source && !x.Detail.To.Before(r.From) && !r.To.Before(x.Detail.From) {
			return State{}, fault.New(ReasonSalesTwice, "from", x.Detail.From, "to", x.Detail.To, "source", r.Source, "seq", x.Seq).WithField("from")
		}
	}
	st, _, err := act(ctx, tx, l, e, kindNames[SalesReported])
	return st, err
}

type salesInput struct {
	ID   string `path:"id" maxLength:"80"`
	Body struct {
		From        string `json:"from" format:"date" doc:"first day of the sales"`
		To          string `json:"to" format:"date" doc:"last day of the sales; they count to the instalment whose period holds it"`
		AmountMinor int64  `json:"amount_minor" minimum:"0" doc:"sales of these days, minor units; zero says that nothing was sold"`
		Source      string `json:"source" minLength:"1" maxLength:"64" doc:"where the figure comes from, such as a till or a platform; one source reports a day once"`
		Reference   string `json:"reference" minLength:"1" maxLength:"64" doc:"your own number of this report; sending it again changes nothing"`
		ReceivedOn  string `json:"received_on,omitempty" format:"date" doc:"when it was received; empty: the business date"`
	}
}

func salesRoute(a *api.API, s *Service) {
	api.Handle(a, op("report-loan-sales", http.MethodPost, "/api/v1/loans/{id}/sales", "报送销售额", "Report the sales behind a loan repaid by a share of them", PermissionSales),
		func(ctx context.Context, p auth.Principal, in *salesInput) (*detailOutput, error) {
			r := SalesReport{LoanID: in.ID, AmountMinor: in.Body.AmountMinor, Source: in.Body.Source, Reference: in.Body.Reference}
			var err error
			for _, d := range []struct {
				to          *calendar.Date
				field, text string
			}{{&r.From, "from", in.Body.From}, {&r.To, "to", in.Body.To}, {&r.ReceivedOn, "received_on", in.Body.ReceivedOn}} {
				if *d.to, err = api.Date(d.field, d.text); err != nil {
					return nil, err
				}
			}
			d, err := s.ReportSales(ctx, p, r)
			return &detailOutput{Body: d}, err
		})
}
