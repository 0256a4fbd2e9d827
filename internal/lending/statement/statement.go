// Package statement makes the papers of a loan that a customer takes home: the
// statement of any period as PDF and XLSX, in Chinese or English, and the
// certificate that a loan is settled. It keeps nothing: the same loan and period
// give the same bytes.
package statement

import (
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/doc"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Parties are who lends and who borrows.
type Parties struct {
	LenderZh string
	LenderEn string
	Demo     bool
	Borrower string
	Code     string // the firm's social credit code, or the institution's own
}

func (p Parties) lender(lang string) string {
	if lang == "en" && p.LenderEn != "" {
		return p.LenderEn
	}
	return p.LenderZh
}

// mark says on every page that a demonstration is none of the real thing.
func (p Parties) mark() string {
	if p.Demo {
		return "演示数据，不具法律效力  DEMONSTRATION, NOT BINDING"
	}
	return ""
}

// pick is a text in the language of the paper.
func pick(lang, zh, en string) string { return fault.Text{Zh: zh, En: en}.In(lang) }

// line is one row of a statement as both forms print it.
type line struct {
	on        string
	what      string
	amount    int64
	principal int64
	interest  int64
	penalty   int64
	fee       int64
	balance   int64
	paid      bool
}

func lines(lang string, s loan.Statement) []line {
	out := make([]line, 0, len(s.Lines))
	for _, l := range s.Lines {
		x := line{on: l.Date.String(), what: l.Memo.In(lang), amount: l.Amount, balance: l.Principal}
		if a := l.Allocation; a != nil {
			x.paid, x.principal, x.interest, x.penalty, x.fee = true, a.PrincipalMinor, a.InterestMinor, a.PenaltyMinor, a.FeeMinor
		}
		out = append(out, x)
	}
	return out
}

// heads are the columns of a statement.
func heads(lang string) []string {
	if lang == "en" {
		return []string{"Date", "Event", "Amount", "Principal", "Interest", "Penalty", "Fees", "Balance"}
	}
	return []string{"日期", "事项", "金额", "其中本金", "利息", "罚息", "费用", "本金余额"}
}

// plain prints an amount without its currency, with the currency's own decimals.
func plain(minor int64, c money.Currency) string { return money.Group(money.Of(minor, c).String()) }

// part prints a share of a repayment; lines that are none have no shares.
func (l line) part(minor int64, c money.Currency) string {
	if !l.paid {
		return ""
	}
	return plain(minor, c)
}

// PDF prints a statement.
func PDF(lang string, p Parties, s loan.Statement) ([]byte, error) {
	c, period := s.Loan.Currency, s.From.String()+pick(lang, " 至 ", " to ")+s.Until.String()
	d := doc.New(doc.Meta{
		Title: pick(lang, "贷款对账单 ", "Loan statement ") + s.Loan.ID, Author: p.lender(lang), Subject: period,
		Footer: pick(lang, "贷款 ", "Loan ") + s.Loan.ID + "   " + period, Mark: p.mark(), At: midnight(s.Until),
	})
	d.Title(pick(lang, "贷款对账单", "Loan statement"), period)
	d.Fields([]doc.Field{
		{Name: pick(lang, "贷款人", "Lender"), Value: p.lender(lang)},
		{Name: pick(lang, "借款人", "Borrower"), Value: p.Borrower},
		{Name: pick(lang, "企业代码", "Firm code"), Value: dash(p.Code)},
		{Name: pick(lang, "贷款编号", "Loan"), Value: s.Loan.ID},
		{Name: pick(lang, "业务编号", "Reference"), Value: dash(s.Loan.Reference)},
		{Name: pick(lang, "放款金额", "Amount lent"), Value: money.Of(s.Loan.PrincipalMinor, s.Loan.Currency).Format(lang)},
		{Name: pick(lang, "年利率（单利）", "Yearly rate (simple)"), Value: s.Loan.Terms.AnnualRate.Percent()},
		{Name: pick(lang, "期初本金", "Opening principal"), Value: money.Of(s.OpeningMinor, s.Loan.Currency).Format(lang)},
		{Name: pick(lang, "期末本金", "Closing principal"), Value: money.Of(s.ClosingMinor, s.Loan.Currency).Format(lang)},
	})
	shares := []float64{1.5, 2.2, 1.7, 1.6, 1.3, 1.1, 1, 1.7}
	columns := make([]doc.Column, len(shares))
	for i, h := range heads(lang) {
		columns[i] = doc.Column{Head: h, Share: shares[i], Numbers: i > 1}
	}
	var rows [][]string
	for _, l := range lines(lang, s) {
		rows = append(rows, []string{l.on, l.what, plain(l.amount, c), l.part(l.principal, c), l.part(l.interest, c), l.part(l.penalty, c), l.part(l.fee, c), plain(l.balance, c)})
	}
	d.Heading(pick(lang, "明细", "Entries"))
	if len(rows) == 0 {
		d.Paragraph(pick(lang, "本期间没有发生事项。", "Nothing happened in this period."))
	} else {
		d.Table(columns, rows)
	}
	t := s.Totals
	d.Heading(pick(lang, "截至期末累计", "Running totals at the end of the period")).Fields([]doc.Field{
		{Name: pick(lang, "已还本金", "Principal repaid"), Value: plain(t.PaidPrincipalMinor, c)},
		{Name: pick(lang, "已还利息", "Interest paid"), Value: plain(t.PaidInterestMinor, c)},
		{Name: pick(lang, "已还罚息", "Penalty paid"), Value: plain(t.PaidPenaltyMinor, c)},
		{Name: pick(lang, "已还费用", "Fees paid"), Value: plain(t.PaidFeeMinor, c)},
		{Name: pick(lang, "累计计提利息", "Interest accrued"), Value: plain(t.InterestAccruedMinor, c)},
	})
	d.Paragraph(pick(lang, "负数金额为还款。金额单位："+string(s.Loan.Currency)+"。如有疑问，请在收到之日起十日内与贷款人联系。",
		"Negative amounts are repayments. Amounts in "+string(s.Loan.Currency)+". Please contact the lender within ten days of receipt with any question."))
	return d.Bytes()
}

// Sheet writes a statement as a workbook; amounts are numbers with the decimals of their currency.
func Sheet(lang string, p Parties, s loan.Statement) ([]byte, error) {
	amount := func(v int64) money.Amount { return money.Of(v, s.Loan.Currency) }
	w := doc.NewWorkbook()
	w.Sheet(pick(lang, "对账单", "Statement"), 8)
	w.Row(pick(lang, "贷款人", "Lender"), p.lender(lang))
	w.Row(pick(lang, "借款人", "Borrower"), p.Borrower)
	w.Row(pick(lang, "贷款编号", "Loan"), s.Loan.ID)
	w.Row(pick(lang, "期间", "Period"), s.From.String()+" – "+s.Until.String())
	w.Row(pick(lang, "币种", "Currency"), string(s.Loan.Currency))
	w.Row(pick(lang, "期初本金", "Opening principal"), amount(s.OpeningMinor))
	w.Row(pick(lang, "期末本金", "Closing principal"), amount(s.ClosingMinor))
	w.Row()
	cells := make([]any, 0, len(heads(lang)))
	for _, h := range heads(lang) {
		cells = append(cells, h)
	}
	w.Row(cells...)
	for _, l := range lines(lang, s) {
		out := []any{l.on, l.what, amount(l.amount), nil, nil, nil, nil, amount(l.balance)}
		if l.paid {
			out[3], out[4], out[5], out[6] = amount(l.principal), amount(l.interest), amount(l.penalty), amount(l.fee)
		}
		w.Row(out...)
	}
	return w.Bytes()
}

// Certificate prints that a loan is settled: the Chinese text, and the English after it.
func Certificate(p Parties, l loan.Loan, settledOn, issuedOn calendar.Date, totals loan.Totals) ([]byte, error) {
	number := "JQ-" + l.ID
	d := doc.New(doc.Meta{
		Title: "贷款结清证明 " + number, Author: p.LenderZh, Subject: "Settlement certificate of loan " + l.ID, Footer: "编号 No. " + number, Mark: p.mark(), At: midnight(issuedOn),
	})
	amount := func(v int64, lang string) string { return money.Of(v, l.Currency).Format(lang) }
	d.Title("贷款结清证明", "编号 "+number)
	d.Paragraph("兹证明：" + p.Borrower + "（代码 " + dash(p.Code) + "）于 " + l.DisbursedOn.String() + " 在我行取得的贷款 " + l.ID + "（业务编号 " + dash(l.Reference) + "），放款金额 " +
		amount(l.PrincipalMinor, "zh") + "，已于 " + settledOn.String() + " 全部结清，本金、利息、罚息及费用均无欠付。")
	d.Fields([]doc.Field{
		{Name: "已还本金", Value: amount(totals.PaidPrincipalMinor, "zh")}, {Name: "已还利息", Value: amount(totals.PaidInterestMinor, "zh")},
		{Name: "已还罚息", Value: amount(totals.PaidPenaltyMinor, "zh")}, {Name: "已还费用", Value: amount(totals.PaidFeeMinor, "zh")},
		{Name: "贷款人", Value: p.LenderZh}, {Name: "出具日期", Value: issuedOn.String()},
	})
	d.Paragraph("本证明仅说明上述一笔贷款的结清情况，不涉及借款人在我行的其他债务。")
	d.Heading("Certificate of settlement (English text; the Chinese text prevails)")
	d.Paragraph("This certifies that loan " + l.ID + " (reference " + dash(l.Reference) + ") of " + amount(l.PrincipalMinor, "en") + ", paid out on " + l.DisbursedOn.String() + " to " +
		p.Borrower + " (code " + dash(p.Code) + "), was settled in full on " + settledOn.String() + ". No principal, interest, penalty or fee of it remains unpaid.")
	d.Fields([]doc.Field{
		{Name: "Principal repaid", Value: amount(totals.PaidPrincipalMinor, "en")}, {Name: "Interest paid", Value: amount(totals.PaidInterestMinor, "en")},
		{Name: "Penalty paid", Value: amount(totals.PaidPenaltyMinor, "en")}, {Name: "Fees paid", Value: amount(totals.PaidFeeMinor, "en")},
		{Name: "Lender", Value: p.lender("en")}, {Name: "Issued on", Value: issuedOn.String()},
	})
	d.Paragraph("It says nothing about other debts of the borrower.")
	return d.Bytes()
}

func dash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

func midnight(d calendar.Date) time.Time { return d.Time() }
