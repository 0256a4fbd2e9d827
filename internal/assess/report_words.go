package assess

import (
	"fmt"

	"github.com/capillary-finance/capillary/internal/evidence/source"
)

// line is one line of the summary, in both languages.
type line struct {
	zh, en         string
	value          any
	noteZh, noteEn string
}

// totals are counts over all invoice files.
func totals(r *Result) source.Report {
	var t source.Report
	for _, f := range r.Files {
		t.Rows += f.Rows
		t.Accepted += f.Accepted
		t.Rejected += f.Rejected
		t.Valid += f.Valid
		t.Void += f.Void
		t.VoidPadded += f.VoidPadded
		t.Red += f.Red
		t.Zero += f.Zero
		t.Duplicate += f.Duplicate
		t.Mismatch += f.Mismatch
	}
	return t
}

func outcomes(r *Result) (approved, declined, referred int64) {
	for i := range r.Firms {
		switch r.Firms[i].Decision.Outcome {
		case Approve:
			approved++
		case Decline:
			declined++
		case Refer:
			referred++
		}
	}
	return approved, declined, referred
}

func summary(r *Result) []line {
	t := totals(r)
	approved, declined, referred := outcomes(r)
	out := []line{
		{"评估日", "As of", r.AsOf.String(), "最新一张发票的日期，或 --as-of", "date of the newest invoice, or --as-of"},
		{"企业", "Firms", int64(len(r.Firms)), "", ""},
		{"发票", "Invoices", t.Rows, fmt.Sprintf("有效 %d，作废 %d，拒绝 %d", t.Valid, t.Void, t.Rejected), fmt.Sprintf("%d valid, %d void, %d rejected", t.Valid, t.Void, t.Rejected)},
	}
	if v := r.Validation; v != nil {
		out = append(out,
			line{"AUC（交叉验证）", "AUC, cross-validated", figureCell(v.AUC.Mean), fmt.Sprintf("%d×%d 折，标准差 %.3f，5%%–95%% %.3f–%.3f", v.Repeats, v.FoldCount, v.AUC.Std, v.AUC.P05, v.AUC.P95),
				fmt.Sprintf("%dx%d folds, std %.3f, 5%%-95%% %.3f-%.3f", v.Repeats, v.FoldCount, v.AUC.Std, v.AUC.P05, v.AUC.P95)})
	}
	b := &r.Book
	out = append(out,
		line{"通过 / 拒绝 / 转人工", "Approved / declined / referred", fmt.Sprintf("%d / %d / %d", approved, declined, referred), "", ""},
		line{"预算（元）", "Budget (yuan)", yuanCell(b.BudgetMinor), "承诺额全额占用预算", "commitments count in full"},
		line{"已分配（元）", "Allocated (yuan)", yuanCell(b.AmountMinor), fmt.Sprintf("%d 家企业", b.Firms), fmt.Sprintf("%d firms", b.Firms)},
		line{"预计用信（元）", "Expected use (yuan)", yuanCell(b.UseMinor), "扣除流失后", "after churn"},
		line{"预期损失（元）", "Expected loss (yuan)", yuanCell(b.LossMinor), "", ""},
		line{"期望年收益（元）", "Expected yearly profit (yuan)", yuanCell(b.ProfitMinor), "", ""},
		line{"收益上界（元）", "Profit bound (yuan)", yuanCell(b.BoundMinor), fmt.Sprintf("拉格朗日对偶；差距 %.2g", b.Gap), fmt.Sprintf("Lagrangian dual; gap %.2g", b.Gap)},
		line{"预算影子价格", "Shadow price of the budget", figureCell(b.ShadowPrice), "再多一元预算带来的收益", "profit of one more yuan of budget"})
	for _, base := range r.Baselines {
		zh, en := methodName(base.Method)
		out = append(out, line{"期望年收益：" + zh, "Expected yearly profit: " + en, yuanCell(base.ProfitMinor), "基准", "baseline"})
	}
	out = append(out,
		line{"LGD", "LGD", r.Terms.LGD, "", ""},
		line{"资金成本", "Funding cost", r.Terms.Funding, "", ""},
		line{"利率区间", "Rates", r.Terms.MinRate.Percent() + " – " + r.Terms.MaxRate.Percent(), "", ""})
	return out
}

func methodName(method string) (zh, en string) {
	switch method {
	case "equal_split":
		return "平均分配", "Equal split"
	case "rate_per_grade":
		return "每级一价", "One rate per grade"
	}
	return "最优分配", "Optimal"
}

func outcomeName(outcome string) (zh, en string) {
	switch outcome {
	case Approve:
		return "通过", "approved"
	case Decline:
		return "拒绝", "declined"
	}
	return "转人工", "referred"
}

func lineName(outcome string) (zh, en string) {
	switch outcome {
	case "lent":
		return "放款", "lent"
	case "grade":
		return "等级不可贷", "grade not lent to"
	case "unprofitable":
		return "任何利率均无收益", "no rate earns"
	case "bounds":
		return "上限低于最低金额", "limit under the smallest amount"
	}
	return "预算用尽", "out of budget"
}

func (d *Decision) bindingName() (zh, en string) {
	for _, p := range d.Parts {
		if p.Code == d.Binding {
			return p.Zh, p.En
		}
	}
	return "", ""
}
