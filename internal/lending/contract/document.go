package contract

import (
	"strconv"
	"time"

	"github.com/capillary-finance/capillary/internal/base/benchmark"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/doc"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// section is a heading with its clauses.
type section struct {
	heading string
	clauses []string
}

// Render writes the contract's document: the Chinese text, which prevails, and
// the English one after it. The bytes depend on the terms alone.
func Render(t Terms) ([]byte, error) {
	digest, err := t.Digest()
	if err != nil {
		return nil, err
	}
	mark := ""
	if t.Demo {
		mark = "演示合同，不具法律效力  DEMONSTRATION, NOT BINDING"
	}
	d := doc.New(doc.Meta{
		Title: t.title().Zh + " " + t.Number, Author: t.LenderZh, Subject: "SHA-256 " + digest,
		Footer: "合同编号 No. " + t.Number + "   摘要 digest " + digest[:16], Mark: mark,
		At: time.Date(t.SignedOn.Year(), t.SignedOn.Month(), t.SignedOn.Day(), 0, 0, 0, 0, time.UTC),
	})
	d.Title(t.title().Zh, "合同编号 "+t.Number)
	d.Heading("当事人").Fields([]doc.Field{
		{Name: "贷款人（甲方）", Value: t.LenderZh},
		{Name: "借款人（乙方）", Value: t.Borrower},
		{Name: "统一社会信用代码", Value: orDash(t.BorrowerUSCC)},
		{Name: "签订日期", Value: t.SignedOn.String()},
	})
	d.Heading("主要条款").Fields(t.factsZh())
	write(d, t.clausesZh())
	write(d, t.specialZh())
	t.schedule(d, "zh", digest)
	d.Page().Title(t.title().En, "Contract no. "+t.Number+" (English text; the Chinese text prevails)")
	d.Heading("Parties").Fields([]doc.Field{
		{Name: "Lender", Value: t.LenderEn + "  " + t.LenderZh},
		{Name: "Borrower", Value: t.Borrower},
		{Name: "Social credit code", Value: orDash(t.BorrowerUSCC)},
		{Name: "Date of signing", Value: t.SignedOn.String()},
	})
	d.Heading("Principal terms").Fields(t.factsEn())
	write(d, t.clausesEn())
	write(d, t.specialEn())
	t.schedule(d, "en", digest)
	return d.Bytes()
}

func write(d *doc.Document, sections []section) {
	for _, s := range sections {
		d.Heading(s.heading)
		for _, c := range s.clauses {
			d.Paragraph(c)
		}
	}
}

func orDash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

func (t Terms) amount(minor int64, lang string) string {
	return money.Of(minor, t.Currency).Format(lang)
}

func (t Terms) factsZh() []doc.Field {
	kind := "非循环（归还后不恢复）"
	if t.Revolving {
		kind = "循环（归还后恢复，随借随还）"
	}
	return []doc.Field{
		{Name: "借款额度", Value: t.amount(t.LimitMinor, "zh") + "，" + kind},
		{Name: "额度有效期", Value: t.StartsOn.String() + " 至 " + t.ExpiresOn.String()},
		{Name: "年利率（单利）", Value: t.AnnualRate.Percent() + "，计息基础 " + t.Conditions.Basis.String() + "，" + repricing(t.Conditions.Repricing).Zh},
		{Name: "折合年化利率", Value: t.AnnualisedRate.Percent() + t.costNote().Zh},
		{Name: "逾期利率", Value: t.PenaltyRate.Percent() + "（年利率上浮 " + t.Conditions.PenaltySpread.Percent() + "）"},
		{Name: "还款方式", Value: t.Method.Name().Zh + "；单笔期限 " + months(t.TenorMonths, "zh")},
		{Name: "宽限期", Value: strconv.Itoa(t.Conditions.GraceDays) + " 天"},
		{Name: "用途", Value: t.Purpose.Zh},
		{Name: "总成本", Value: "一次提取全部额度并按计划归还，利息合计 " + t.amount(t.Cost.InterestMinor, "zh") + "，本息合计 " + t.amount(t.Cost.TotalMinor, "zh")},
	}
}

func (t Terms) factsEn() []doc.Field {
	kind := "not revolving"
	if t.Revolving {
		kind = "revolving: what is repaid may be drawn again"
	}
	return []doc.Field{
		{Name: "Limit", Value: t.amount(t.LimitMinor, "en") + ", " + kind},
		{Name: "Available", Value: t.StartsOn.String() + " to " + t.ExpiresOn.String()},
		{Name: "Yearly rate (simple)", Value: t.AnnualRate.Percent() + ", " + t.Conditions.Basis.String() + ", " + repricing(t.Conditions.Repricing).En},
		{Name: "Annualised rate", Value: t.AnnualisedRate.Percent() + t.costNote().En},
		{Name: "Overdue rate", Value: t.PenaltyRate.Percent() + " (yearly rate plus " + t.Conditions.PenaltySpread.Percent() + " of it)"},
		{Name: "Repayment", Value: t.Method.Name().En + "; each loan " + months(t.TenorMonths, "en")},
		{Name: "Grace", Value: strconv.Itoa(t.Conditions.GraceDays) + " days"},
		{Name: "Purpose", Value: t.Purpose.En},
		{Name: "Total cost", Value: "drawn in full at once and repaid as planned: interest " + t.amount(t.Cost.InterestMinor, "en") + ", in all " + t.amount(t.Cost.TotalMinor, "en")},
	}
}

func months(n int, lang string) string {
	if lang == "zh" {
		return strconv.Itoa(n) + " 个月"
	}
	return strconv.Itoa(n) + " months"
}

func (t Terms) schedule(d *doc.Document, lang, digest string) {
	heads, heading, total, note := []string{"期次", "到期日", "本金", "利息", "应还合计", "剩余本金"}, "附件：还款计划（示例）", "合计",
		"本计划以签订日一次提取全部额度为例；实际计划以各笔放款日与金额为准，并在提款前向借款人展示。"
	proof := "条款摘要（SHA-256）：\n" + digest[:32] + "\n" + digest[32:] + "\n任何人可凭文件的 SHA-256 在贷款人的验真页核对本文件是否为签署的版本。"
	if lang == "en" {
		heads, heading, total = []string{"No.", "Due", "Principal", "Interest", "Total", "Balance"}, "Annex: repayment schedule (example)", "Total"
		note = "The example assumes that the whole limit is drawn on the day of signing. Each drawdown has its own schedule from its own day, shown before it is drawn."
		proof = "Digest of the terms (SHA-256):\n" + digest[:32] + "\n" + digest[32:] + "\nAnyone can check with the SHA-256 of this file, on the lender's verification page, that it is the version signed."
	}
	shares := []float64{1, 2, 2.4, 2.2, 2.4, 2.6}
	columns := make([]doc.Column, len(heads))
	for i, h := range heads {
		columns[i] = doc.Column{Head: h, Share: shares[i], Numbers: i != 1}
	}
	plain := func(minor int64) string { return money.Group(money.Of(minor, t.Currency).String()) }
	var rows [][]string
	for _, r := range t.Schedule {
		rows = append(rows, row(r, plain))
	}
	rows = append(rows, []string{total, "", plain(t.Cost.PrincipalMinor), plain(t.Cost.InterestMinor), plain(t.Cost.TotalMinor), ""})
	d.Heading(heading).Paragraph(note).Table(columns, rows).Paragraph(proof)
}

func row(r loan.Instalment, plain func(int64) string) []string {
	return []string{strconv.Itoa(r.No), r.DueDate.String(), plain(r.PrincipalMinor), plain(r.InterestMinor), plain(r.TotalMinor), plain(r.BalanceMinor)}
}

// repricing says in words whether the rate is fixed or follows its benchmark.
func repricing(r loan.Repricing) fault.Text {
	if r.Benchmark == "" {
		return fault.Text{Zh: "固定利率", En: "fixed"}
	}
	zh, en := benchmark.Rule(r.Rule).Name()
	name := map[string]string{string(benchmark.LPR1Y): "1年期LPR", string(benchmark.LPR5Y): "5年期以上LPR"}[r.Benchmark]
	return fault.Text{
		Zh: "浮动利率：放款日与" + name + "的利差不变，" + zh,
		En: "floating: the spread to the benchmark " + r.Benchmark + " on the day of drawing is kept; reset " + en,
	}
}
