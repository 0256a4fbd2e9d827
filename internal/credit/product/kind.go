package product

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const methodSales = "sales_share"

// kindMethods says which methods a kind of terms may offer.
func kindMethods(kind string) []string {
	switch kind {
	case KindLease:
		return []string{"equal_instalment", "equal_principal"}
	case KindDiscount:
		return []string{KindDiscount}
	default:
		return []string{"interest_only", "equal_instalment", "equal_principal", "bullet", methodSales}
	}
}

// kind checks that kind, methods and the parts of terms belong together.
func (c *checker) kind(t Terms) {
	allowed := kindMethods(t.Kind)
	for i, m := range t.Methods {
		if slices.Contains(methods, m) && !slices.Contains(allowed, m) {
			c.bad(fmt.Sprintf("terms.methods[%d]", i), fmt.Sprintf("“%s”类条款不支持 %s", t.Kind, m), fmt.Sprintf("%s is no method of the kind %s", m, t.Kind),
				fmt.Sprintf("取其一：%v", allowed), fmt.Sprintf("use one of: %v", allowed))
		}
	}
	c.belongs("terms.sales", t.Allows(methodSales), t.Sales != (Sales{}), "methods: [sales_share]", func() { c.salesTerms(t.Sales) })
	c.belongs("terms.lease", t.Kind == KindLease, t.Lease != (Lease{}), "kind: lease", func() { c.leaseTerms(t) })
	if t.Tranches != (Tranches{}) {
		if t.Kind == KindLease || t.Kind == KindDiscount {
			c.bad("terms.tranches", "租赁与贴现不支持分次放款", "leases and discounts are paid out at once", "删除 tranches", "remove tranches")
		}
		c.between("terms.tranches.max", int64(t.Tranches.Max), 2, 24)
		c.between("terms.tranches.months_max", int64(t.Tranches.MonthsMax), 1, int64(max(t.TenorMonthsMax-1, 1)))
	}
}

// belongs wants a part of the terms exactly where something else is.
func (c *checker) belongs(field string, needed, given bool, with string, check func()) {
	switch {
	case needed && !given:
		c.bad(field, "缺少该部分", "the part is missing", "补充 "+field+"，因已写 "+with, "add "+field+", because of "+with)
	case given && !needed:
		c.bad(field, "该部分只与 "+with+" 同用", "the part goes with "+with+" only", "删除该部分，或写 "+with, "remove it, or write "+with)
	case given:
		check()
	}
}

func (c *checker) salesTerms(x Sales) {
	c.between("terms.sales.share_min", int64(x.ShareMin), 1, rate.Scale)
	c.between("terms.sales.share_max", int64(x.ShareMax), int64(x.ShareMin), rate.Scale)
	c.between("terms.sales.minimum", int64(x.Minimum), 1, rate.Scale)
	if x.Cap != 0 {
		c.between("terms.sales.cap", int64(x.Cap), int64(x.Minimum), rate.Scale)
	}
}

func (c *checker) leaseTerms(t Terms) {
	x := t.Lease
	c.between("terms.lease.deposit_min", int64(x.DepositMin), 0, rate.Scale/2)
	c.between("terms.lease.deposit_max", int64(x.DepositMax), int64(x.DepositMin), rate.Scale/2)
	c.between("terms.lease.deposit", int64(x.Deposit), int64(x.DepositMin), int64(x.DepositMax))
	c.between("terms.lease.residual_max", int64(x.ResidualMax), 0, rate.Scale/2)
	c.between("terms.lease.residual", int64(x.Residual), 0, int64(x.ResidualMax))
	if x.DepositMax > 0 || x.DepositUse != "" {
		c.oneOf("terms.lease.deposit_use", x.DepositUse, []string{"last_rents", "return"})
	}
	if x.InAdvance && t.Allows("equal_principal") {
		c.bad("terms.lease.in_advance", "期初付租须为等额租金", "rents in advance need level rents", "methods 只写 equal_instalment", "write equal_instalment alone under methods")
	}
}

// ExpectedSales are the sales that a plan by their share assumes a month, in fen; at least one. Without the data it is the
// least that keeps a plan: then the minimum decides.
func (c *Compiled) ExpectedSales(ctx context.Context, f Facts) (int64, error) {
	if !c.Terms.Allows(methodSales) {
		return 0, nil
	}
	got, err := c.expected.run(ctx, c.activation(f))
	var absent errAbsent
	if errors.As(err, &absent) {
		return 1, nil
	}
	if err != nil {
		return 0, fault.New(ReasonRule, "rule", "terms.sales.expected", "problem", err.Error()).Wrap(err)
	}
	return max(fen(got), 1), nil
}
