package demo

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/lending/contract"
	"github.com/capillary-finance/capillary/internal/lending/loan"
)

// kind is a product beside the revolving credit, shown by one firm.
type kind struct {
	product, method, purpose, note string
	months                         int
	draw                           func(r *run, c contract.Contract, f Firm, in *loan.DrawInput)
}

// kinds are one of each: a lease with a deposit, a discounted receivable, a loan in stages, a share of sales.
func kinds() []kind {
	return []kind{
		{"invoice-lease", "equal_instalment", "machine", "数控机床一台（演示）", 12, func(_ *run, c contract.Contract, f Firm, in *loan.DrawInput) {
			x := c.Terms.Extras
			in.Lease = loan.LeaseInput{DepositMinor: x.DepositMinor * 2 / 5, ResidualMinor: x.ResidualMinor * 2 / 5}
			in.PayeeName, in.PayeeAccount, in.RepayAccount = "演示机床供应商", "6228DEMOSUPPLIER", Account(f)
			in.Entrusted, in.Purpose = true, "数控机床一台，演示采购合同"
		}},
		{"invoice-discount", "discount", "receivable", "对主要购方的应收账款（演示）", 3, func(r *run, _ contract.Contract, _ Firm, in *loan.DrawInput) {
			in.Plan.FirstDue = r.o.Until.AddDays(75)
		}},
		{"invoice-staged", "interest_only", "stock", "分批备货（演示）", 12, func(r *run, c contract.Contract, _ Firm, in *loan.DrawInput) {
			part := c.Terms.LimitMinor / 10
			in.Tranches = []schedule.Tranche{{Date: r.o.Until.AddMonths(1, calendar.Clamp), AmountMinor: part}, {Date: r.o.Until.AddMonths(3, calendar.Clamp), AmountMinor: part}}
		}},
		{"invoice-sales-share", "sales_share", "stock", "旺季备货，按销售额还款（演示）", 12, func(_ *run, c contract.Contract, _ Firm, in *loan.DrawInput) {
			in.Sales = loan.SalesInput{Share: c.Terms.Extras.SalesShare, ExpectedMinor: c.Terms.Extras.SalesExpectedMinor}
		}},
	}
}

// special lets the firms that asked for nothing else try the other kinds until each is shown once.
func (r *run) special(ctx context.Context) error {
	left := kinds()
	for i, f := range r.firms {
		if len(left) == 0 {
			break
		}
		if i%3 != 2 {
			continue
		}
		funded, err := r.try(ctx, f, left[0])
		if err != nil {
			return fmt.Errorf("%s, %s: %w", f.Code, left[0].product, err)
		}
		if funded {
			left = left[1:]
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("no firm could be shown with %s", left[0].product)
	}
	return r.paid(ctx, r.others)
}

// try asks for one kind; a firm that is not approved at once stays in the pipeline.
func (r *run) try(ctx context.Context, f Firm, k kind) (bool, error) {
	rm := r.people["chen.rm"]
	if f.Branch == "west" {
		rm = r.people["lin.rm"]
	}
	c, ok, err := r.contracted(ctx, rm, f, application.Input{
		FirmID: r.ids[f.Code], ProductID: k.product, AmountMinor: 20_000_000, Currency: "CNY", TenorMonths: k.months, Method: k.method, Purpose: k.purpose, PurposeNote: k.note,
	}, false)
	if err != nil || !ok {
		return false, err
	}
	in := loan.DrawInput{
		FacilityID: c.FacilityID, AmountMinor: c.Terms.LimitMinor * 2 / 5, TenorMonths: k.months, Method: c.Terms.Method, PayeeName: f.Name, PayeeAccount: Account(f),
		Reference: "demo-draw-" + f.Code,
	}
	k.draw(r, c, f, &in)
	l, err := r.a.Loans.Draw(ctx, r.people["zhang.ops"], in)
	if err != nil {
		return false, err
	}
	r.others = append(r.others, funded{f, l})
	return true, nil
}

// takings reports the sales of a first half-month; nothing is reported of the second month, so that the minimum falls due and
// the page says why.
func (r *run) takings(ctx context.Context, from, to calendar.Date) error {
	for _, x := range r.others {
		if x.loan.Terms.Method != loan.SalesShare {
			continue
		}
		_, err := r.a.Loans.ReportSales(ctx, r.people["zhang.ops"], loan.SalesReport{
			LoanID: x.loan.ID, From: from, To: to, AmountMinor: x.loan.Terms.Sales.ExpectedMinor * 8 / 10, Source: "演示收单机构", Reference: "demo-sales-" + to.String(),
		})
		if err != nil {
			return err
		}
	}
	return nil
}
