// Package ageing is the ageing report of the loan book (账龄分析): at the end of every
// business date the running loans are counted by days past due, branch, product and
// currency, and the sum of their principal is held against the general ledger. The
// reports are kept, so that the course of arrears over months can be read at once.
package ageing

import (
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Bucket is a span of days past due, ends included; Until is zero in the last one.
type Bucket struct {
	No    int `json:"no"`
	From  int `json:"from" doc:"days past due"`
	Until int `json:"until,omitempty"`
}

// The buckets. 90, 270 and 360 days are the lines of the classification rules of 2023
// (商业银行金融资产风险分类办法: substandard, doubtful, loss); 30 and 60 divide what lies before.
var buckets = []Bucket{{No: 0}, {1, 1, 30}, {2, 31, 60}, {3, 61, 90}, {4, 91, 180}, {5, 181, 270}, {6, 271, 360}, {7, 361, 0}}

// over90 is the first bucket beyond 90 days.
const over90 = 4

// Buckets lists the spans in order.
func Buckets() []Bucket { return append([]Bucket{}, buckets...) }

// Sums are what loans add up to.
type Sums struct {
	Loans            int64 `json:"loans"`
	OutstandingMinor int64 `json:"outstanding_minor" doc:"principal not repaid"`
	DueMinor         int64 `json:"due_minor" doc:"of everything, what is due and not paid"`
}

func (s *Sums) add(o Sums) {
	s.Loans += o.Loans
	s.OutstandingMinor += o.OutstandingMinor
	s.DueMinor += o.DueMinor
}

// Row is one group of loans by bucket, in one currency: amounts of two are never added.
type Row struct {
	ID       string `json:"id" doc:"of the branch or the product; empty: everything the reader may see"`
	Name     string `json:"name"`
	Currency string `json:"currency"`
	Sums
	OverdueMinor int64  `json:"overdue_minor" doc:"principal of loans that are past due"`
	Over90Minor  int64  `json:"over_90_minor" doc:"principal of loans past due by more than 90 days"`
	Buckets      []Sums `json:"buckets" nullable:"false" doc:"in the order of the report's buckets"`
}

// Tie holds the loans' principal against the books, in one currency.
type Tie struct {
	Currency        string `json:"currency"`
	LoansMinor      int64  `json:"loans_minor" doc:"sum over the loans"`
	LedgerMinor     int64  `json:"ledger_minor" doc:"balance of the accounts that the accounting recipes name for loan principal"`
	DifferenceMinor int64  `json:"difference_minor" doc:"anything but zero wants an explanation"`
}

// Report is the loan book as it stood when the close of business had moved to AsOf.
type Report struct {
	AsOf    calendar.Date `json:"as_of,omitzero" doc:"the business date that begins: days past due are counted up to it"`
	TakenAt time.Time     `json:"taken_at,omitzero"`
	Behind  int64         `json:"behind" doc:"loans the night could not work, counted as they stood before"`
	Buckets []Bucket      `json:"buckets" nullable:"false"`

	Totals   []Row `json:"totals" nullable:"false"`
	Branches []Row `json:"branches" nullable:"false"`
	Products []Row `json:"products" nullable:"false"`
	Ties     []Tie `json:"ties" nullable:"false" doc:"for readers of the whole institution and its journal only"`
}

// Point is one day in the course of arrears.
type Point struct {
	AsOf             calendar.Date `json:"as_of"`
	Currency         string        `json:"currency"`
	Loans            int64         `json:"loans"`
	OutstandingMinor int64         `json:"outstanding_minor"`
	OverdueMinor     int64         `json:"overdue_minor"`
	Over90Minor      int64         `json:"over_90_minor"`
}

// cell is what the store keeps: one group in one bucket.
type cell struct {
	branchID, branchPath, branchName, productID, currency string
	bucket                                                int
	sums                                                  Sums
	behind                                                int64
}

// fold sums cells into rows by a key, in the order in which the keys come.
func fold(cells []cell, key func(cell) (id, name string)) []Row {
	type place struct{ id, currency string }
	out := []Row{}
	at := map[place]int{}
	for _, c := range cells {
		id, name := key(c)
		i, known := at[place{id, c.currency}]
		if !known {
			i = len(out)
			at[place{id, c.currency}] = i
			out = append(out, Row{ID: id, Name: name, Currency: c.currency, Buckets: make([]Sums, len(buckets))})
		}
		r := &out[i]
		r.add(c.sums)
		r.Buckets[c.bucket].add(c.sums)
		if c.bucket > 0 {
			r.OverdueMinor += c.sums.OutstandingMinor
		}
		if c.bucket >= over90 {
			r.Over90Minor += c.sums.OutstandingMinor
		}
	}
	return out
}

// ReasonNone says that there is no report of a date.
var ReasonNone = fault.Declare("AGEING_NONE", fault.NotFound,
	"没有 {date} 的账龄报表", "There is no ageing report of {date}",
	"账龄报表由日终的“账龄报表”步骤生成：先做日终，或选择已有的日期", "The close of business makes it in its step \"ageing report\": close a day first, or choose a date that has one")

// courseDaysMax bounds the course: two years of days.
const courseDaysMax = 740
