package ageing

import (
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/doc"
)

func pick(lang, zh, en string) string {
	if lang == "en" {
		return en
	}
	return zh
}

// label names a bucket.
func (b Bucket) label(lang string) string {
	switch {
	case b.No == 0:
		return pick(lang, "未逾期", "Not past due")
	case b.Until == 0:
		return fmt.Sprintf(pick(lang, "逾期%d天以上", "More than %d days"), b.From-1)
	default:
		return fmt.Sprintf(pick(lang, "逾期%d–%d天", "%d–%d days"), b.From, b.Until)
	}
}

// Sheet writes a report as a workbook: totals, branches and products, each with loans and principal per bucket.
func Sheet(lang string, r Report) ([]byte, error) {
	w := doc.NewWorkbook()
	for _, part := range []struct {
		zh, en string
		rows   []Row
	}{{"合计", "Total", r.Totals}, {"机构", "Branches", r.Branches}, {"产品", "Products", r.Products}} {
		title := pick(lang, part.zh, part.en)
		w.Sheet(title, 4+2*len(r.Buckets))
		w.Row(pick(lang, "账龄报表", "Ageing report"), r.AsOf.String())
		head := []any{title, pick(lang, "币种", "Currency"), pick(lang, "笔数", "Loans"), pick(lang, "本金余额", "Principal outstanding")}
		for _, b := range r.Buckets {
			head = append(head, b.label(lang)+pick(lang, "笔数", ": loans"), b.label(lang)+pick(lang, "本金", ": principal"))
		}
		w.Row(head...)
		for _, row := range part.rows {
			w.Row(row.cells(title)...)
		}
	}
	return w.Bytes()
}

// cells are a row of the sheet; the row of everything has no name of its own.
func (r Row) cells(title string) []any {
	name := r.Name
	if r.ID == "" {
		name = title
	}
	amount := func(minor int64) money.Amount { return money.Of(minor, money.Currency(r.Currency)) }
	out := []any{name, r.Currency, r.Loans, amount(r.OutstandingMinor)}
	for _, b := range r.Buckets {
		out = append(out, b.Loans, amount(b.OutstandingMinor))
	}
	return out
}
