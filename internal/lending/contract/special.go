package contract

import (
	"strconv"

	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// title is what the document is called.
func (t Terms) title() fault.Text {
	switch t.Conditions.Kind {
	case product.KindLease:
		return fault.Text{Zh: "融资租赁合同", En: "Finance lease"}
	case product.KindDiscount:
		return fault.Text{Zh: "应收账款贴现合同", En: "Contract on discounting receivables"}
	default:
		return fault.Text{Zh: "流动资金借款合同", En: "Working-capital loan contract"}
	}
}

// costNote says what the annualised rate counts.
func (t Terms) costNote() fault.Text {
	if t.Extras.WithheldMinor > 0 || t.Extras.DepositMinor > 0 || t.Method == loan.SalesShare || t.Conditions.Kind == product.KindLease {
		return fault.Text{Zh: "（按示例现金流的内部收益率，单利，含预扣利息与保证金占用，无利息以外的费用）", En: " (inner rate of the example's flows, simple, with interest in advance and the deposit tied up; no charge beside interest)"}
	}
	return fault.Text{Zh: "（单利，按365天，无利息以外的费用）", En: " (simple, 365 days, no charge beside interest)"}
}

func (t Terms) useZh() string {
	if t.Conditions.Kind == product.KindLease {
		return "融资款项仅用于购置租赁物；租赁物用于：" + t.Purpose.Zh + "，不得用于国家禁止生产、经营的领域"
	}
	return "借款仅用于：" + t.Purpose.Zh + "。不得用于固定资产、股权投资以及国家禁止生产、经营的领域"
}

func (t Terms) useEn() string {
	if t.Conditions.Kind == product.KindLease {
		return "The money pays for the leased machine only; the machine serves: " + t.Purpose.En + ", and no prohibited trade"
	}
	return "The money serves only: " + t.Purpose.En + ". It may not buy fixed assets or equity or serve prohibited trades"
}

// specialZh is what only some kinds of contract say; the amounts are the example's, each drawdown fixes its own within the bounds.
func (t Terms) specialZh() (out []section) {
	c, x := t.Conditions, t.Extras
	if c.Kind == product.KindLease {
		due := "期末"
		if x.InAdvance {
			due = "期初"
		}
		list := []string{
			"S.1 租赁期内租赁物所有权属于甲方；租金按" + due + "支付，金额以各笔租赁的租金计划为准。",
			"S.2 留购价款：租赁期满，乙方付清全部租金及留购价款（本例 " + t.amount(x.ResidualMinor, "zh") + "，不超过融资金额的 " + c.Lease.ResidualMax.Percent() + "）后，租赁物所有权转移给乙方。",
		}
		if c.Lease.DepositMax > 0 {
			use := "租赁结清后退还乙方"
			if c.Lease.DepositUse == loan.DepositLastRents {
				use = "抵付最后的租金及留购价款，余额在结清后退还乙方"
			}
			list = append(list, "S.3 保证金（本例 "+t.amount(x.DepositMinor, "zh")+"，为融资金额的 "+c.Lease.DepositMin.Percent()+" 至 "+c.Lease.DepositMax.Percent()+"）从融资款中扣留或由乙方缴入，是甲方对乙方的负债，不计利息，不视为已付租金；"+use+"。",
				"S.4 乙方违约的，甲方经双人复核可以用保证金抵偿已到期的款项，并要求乙方补足。")
		}
		out = append(out, section{"特别约定 融资租赁", list})
	}
	if c.Kind == product.KindDiscount {
		out = append(out, section{"特别约定 贴现", []string{
			"S.1 每笔贴现在支付时按面额、年利率和至到期日的实际天数预扣利息（本例预扣 " + t.amount(x.WithheldMinor, "zh") + "，实付 " + t.amount(t.LimitMinor-x.WithheldMinor, "zh") + "），到期按面额清偿。",
			"S.2 提前清偿的，已预扣的利息不退还。",
		}})
	}
	if s := c.Sales; s != (loan.SalesConditions{}) {
		limit := "无上限"
		if s.Cap > 0 {
			limit = "最高为该笔借款金额的 " + s.Cap.Percent()
		}
		out = append(out, section{"特别约定 按销售额比例还款", []string{
			"S.1 每期应还为该期销售额的 " + s.ShareMin.Percent() + " 至 " + s.ShareMax.Percent() + "（以各笔借款确定的比例为准），最低为该笔借款金额的 " + s.Minimum.Percent() + "，" + limit + "，且不低于当期利息。利息按日计收。",
			"S.2 销售额由乙方、收单机构或平台在到期日（含）前报送；到期日仍未报送的，按最低额到期；迟报而应多还的部分计入其后最近一期，不视为逾期。",
			"S.3 还款计划按预计月销售额 " + t.amount(x.SalesExpectedMinor, "zh") + " 编制，仅供参考；最后到期日未还清的，余额一并到期。",
		}})
	}
	if c.Tranches.Max > 1 {
		out = append(out, section{"特别约定 分次放款", []string{
			"S.1 每笔借款可按提款时确定的计划分次发放，最多 " + strconv.Itoa(c.Tranches.Max) + " 次，最后一次在首次发放后 " + strconv.Itoa(c.Tranches.MonthsMax) + " 个月内；利息自各次实际发放之日起计。",
		}})
	}
	return out
}

// specialEn is the reading aid to it.
func (t Terms) specialEn() (out []section) {
	c, x := t.Conditions, t.Extras
	if c.Kind == product.KindLease {
		due := "at the end"
		if x.InAdvance {
			due = "at the start"
		}
		list := []string{
			"S.1 The machine belongs to the lessor during the lease. Rents are paid " + due + " of their periods, by the plan of each lease.",
			"S.2 Residual: when all rents and the purchase price (here " + t.amount(x.ResidualMinor, "en") + ", at most " + c.Lease.ResidualMax.Percent() + " of the amount) are paid, the machine becomes the lessee's.",
		}
		if c.Lease.DepositMax > 0 {
			use := "it goes back when the lease is settled"
			if c.Lease.DepositUse == loan.DepositLastRents {
				use = "it pays the last rents and the purchase price; what is left goes back"
			}
			list = append(list, "S.3 The deposit (here "+t.amount(x.DepositMinor, "en")+", "+c.Lease.DepositMin.Percent()+" to "+c.Lease.DepositMax.Percent()+" of the amount) is kept back or paid in. It is the lessor's debt to the lessee, bears no interest and is no rent paid; "+use+".",
				"S.4 In default the lessor may, by two people, use it for what is due and ask for it to be made up.")
		}
		out = append(out, section{"Special terms: lease", list})
	}
	if c.Kind == product.KindDiscount {
		out = append(out, section{"Special terms: discount", []string{
			"S.1 Interest on the face for the actual days to the due date is kept back when the money is paid (here " + t.amount(x.WithheldMinor, "en") + ", so that " + t.amount(t.LimitMinor-x.WithheldMinor, "en") + " are paid); the face is due at the end.",
			"S.2 Interest kept back is not returned on early payment.",
		}})
	}
	if s := c.Sales; s != (loan.SalesConditions{}) {
		limit := "without a cap"
		if s.Cap > 0 {
			limit = "at most " + s.Cap.Percent() + " of the amount lent"
		}
		out = append(out, section{"Special terms: a share of sales", []string{
			"S.1 Of each period " + s.ShareMin.Percent() + " to " + s.ShareMax.Percent() + " of its sales are due (each loan fixes its share), at least " + s.Minimum.Percent() + " of the amount lent, " + limit + ", and never less than the interest, which runs by the day.",
			"S.2 Sales are reported by the borrower, its acquirer or platform up to the due date. Where nothing is reported the minimum is due; what a late report adds is due with the next instalment and is no arrears.",
			"S.3 The plan assumes sales of " + t.amount(x.SalesExpectedMinor, "en") + " a month. Whatever is left on the last due date is due then.",
		}})
	}
	if c.Tranches.Max > 1 {
		out = append(out, section{"Special terms: several disbursements", []string{
			"S.1 A loan may be paid out by the plan fixed when it is drawn, in at most " + strconv.Itoa(c.Tranches.Max) + " parts, the last within " + strconv.Itoa(c.Tranches.MonthsMax) + " months of the first; each part bears interest from its own day.",
		}})
	}
	return out
}
