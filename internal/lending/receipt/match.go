package receipt

import (
	"fmt"
	"sort"
	"strings"
	"unicode"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// RuleName names a way of finding the loan.
type RuleName string

// The rules, from the surest to the weakest.
const (
	RuleCollection RuleName = "collection"  // it is the money of an order of ours
	RuleLoanNumber RuleName = "loan_number" // the payer named the loan
	RuleExactDue   RuleName = "exact_due"   // the payer's firm owes just this
	RulePayer      RuleName = "payer"       // the payer's firm is known; the law's order decides
	RulePayerName  RuleName = "payer_name"  // only a name is known, and one open loan bears it
)

// OrderKey is one step of the order in which several loans of one payer are paid.
type OrderKey string

// Steps of Article 560 of the Civil Code, for a payer who did not say: debts due
// before debts not due, then the less secured, then the heavier burden, then the
// earlier due date. Equal to the last, the older loan comes first: the statute's
// split in proportion would leave several instalments short instead of one.
const (
	ByDue      OrderKey = "due"
	BySecurity OrderKey = "security"
	ByBurden   OrderKey = "burden"
	ByEarliest OrderKey = "earliest"
)

// Rule is one rule as the policy has it.
type Rule struct {
	Name  RuleName `json:"name" enum:"collection,loan_number,exact_due,payer,payer_name"`
	Score int64    `json:"score" minimum:"0" maximum:"100" doc:"how sure this rule is"`
}

// Policy is how an institution matches: rules in order, the score from which
// money is posted without a person, and the order among several loans.
type Policy struct {
	Rules     []Rule     `json:"rules" nullable:"false"`
	PostFrom  int64      `json:"post_from" minimum:"0" maximum:"101" doc:"scores from here are posted; 101 posts nothing by itself"`
	LoanOrder []OrderKey `json:"loan_order" nullable:"false" enum:"due,security,burden,earliest"`
	Version   int64      `json:"version"`
}

// DefaultPolicy is in force until an institution decides otherwise.
func DefaultPolicy() Policy {
	return Policy{
		Rules:    []Rule{{RuleCollection, 100}, {RuleLoanNumber, 95}, {RuleExactDue, 90}, {RulePayer, 80}, {RulePayerName, 60}},
		PostFrom: 80, LoanOrder: []OrderKey{ByDue, BySecurity, ByBurden, ByEarliest},
	}
}

// Validate refuses unknown and doubled rules and keys.
func (p Policy) Validate() error {
	bad := func(zh, en string) error { return fault.New(ReasonPolicy, "problem", en, "problem_zh", zh) }
	seen := map[string]bool{}
	for _, r := range p.Rules {
		switch r.Name {
		case RuleCollection, RuleLoanNumber, RuleExactDue, RulePayer, RulePayerName:
		default:
			return bad("未知："+string(r.Name), "unknown: "+string(r.Name))
		}
		if seen[string(r.Name)] || r.Score < 0 || r.Score > 100 {
			return bad("重复或分值不在0至100", "one is there twice or its score is outside 0 to 100")
		}
		seen[string(r.Name)] = true
	}
	for _, k := range p.LoanOrder {
		switch k {
		case ByDue, BySecurity, ByBurden, ByEarliest:
		default:
			return bad("未知的清偿顺序："+string(k), "unknown order: "+string(k))
		}
		if seen[string(k)] {
			return bad("清偿顺序重复", "an order stands there twice")
		}
		seen[string(k)] = true
	}
	if len(p.Rules) == 0 || len(p.LoanOrder) == 0 || p.PostFrom < 0 || p.PostFrom > 101 {
		return bad("须至少有一条规则和一个清偿顺序，入账分值在0至101之间", "at least one rule and one order are needed, and post_from within 0 to 101")
	}
	return nil
}

// How a candidate came to be one.
const (
	byNumber  = 1 << iota // named in the remittance or the file
	byAccount             // its payee account paid
	byFirm                // its firm was named by code
	byName                // its firm or payee bears the payer's name
)

// Candidate is a loan the money may be for.
type Candidate struct {
	LoanID       string
	Reference    string
	FirmID       string
	Currency     money.Currency
	BranchPath   string
	Open         bool
	DueMinor     int64
	PayoffMinor  int64 // zero when it was not asked
	Rate         rate.Rate
	SecuredMinor int64
	DaysPastDue  int
	NextDueOn    calendar.Date
	StartedOn    calendar.Date
	found        int
}

// evidence is what rules look at.
type evidence struct {
	line       Line
	candidates []Candidate
	// order is set when the money is that of an order of ours.
	order *Order
}

// Order is a collection the money may belong to.
type Order struct {
	ID          string
	LoanID      string
	AmountMinor int64
	Currency    money.Currency
	Final       bool
	Failed      bool
	Branch      string
}

// Verdict is what the rules say of a receipt.
type Verdict struct {
	Rule       RuleName
	Score      int64
	Why        fault.Text
	Plan       []Share
	OrderID    string // the collection that has booked the money, of this loan
	LoanID     string
	Wait       bool // the order has no outcome yet; look again later
	BranchPath string
}

// decide applies the rules in order; the first that finds something decides. Money pays debts of its own
// currency only: where just loans in others are found, it waits for a person, who is told so.
func (p Policy) decide(e evidence) Verdict {
	e, other := e.sameCurrency()
	if other != nil && (other.found&byNumber != 0 || len(open(e.candidates)) == 0) {
		return Verdict{BranchPath: other.BranchPath, Why: fault.Text{
			Zh: "来款币种为 " + string(e.line.Currency) + "，而贷款 " + other.LoanID + " 的币种为 " + string(other.Currency) + "，不能入账：请联系付款人，或退回后以贷款币种重付",
			En: "the money is in " + string(e.line.Currency) + ", loan " + other.LoanID + " is in " + string(other.Currency) + ": it cannot repay it. Ask the payer, or return it to be paid in the loan's currency",
		}}
	}
	for _, r := range p.Rules {
		v, ok := p.try(r.Name, e)
		if ok {
			v.Rule, v.Score = r.Name, r.Score
			if len(v.Plan) == 0 && v.OrderID == "" {
				v.Score = 0 // the loan is known and cannot take the money
			}
			return v
		}
	}
	return Verdict{Why: fault.Text{Zh: "没有规则能认出这笔来款：附言无贷款编号，付款账号与户名也没有对应的在贷借款", En: "no rule recognises this money: no loan is named, and neither the account nor the name of the payer has an open loan"}}
}

// sameCurrency leaves the loans that the money can pay. other is the loan in another currency that stands
// closest to the money: one it names while it names none it can pay, else any that is open.
func (e evidence) sameCurrency() (evidence, *Candidate) {
	kept := e
	kept.candidates = nil
	var other *Candidate
	named := false
	for i, c := range e.candidates {
		if c.Currency == e.line.Currency {
			kept.candidates = append(kept.candidates, c)
			named = named || c.found&byNumber != 0
			continue
		}
		if c.Open && (other == nil || c.found&byNumber != 0 && other.found&byNumber == 0) {
			other = &e.candidates[i]
		}
	}
	if other != nil && named && other.found&byNumber != 0 {
		other = nil
	}
	if e.order != nil {
		other = nil // the order decides
	}
	return kept, other
}

func (p Policy) try(name RuleName, e evidence) (Verdict, bool) {
	switch name {
	case RuleCollection:
		return collection(e)
	case RuleLoanNumber:
		return p.named(e)
	case RuleExactDue:
		return p.exact(e)
	case RulePayer:
		return p.spread(e, byAccount|byFirm, fault.Text{Zh: "付款人已知", En: "the payer is known"})
	case RulePayerName:
		return p.soleName(e)
	}
	return Verdict{}, false
}

func collection(e evidence) (Verdict, bool) {
	if e.order == nil {
		return Verdict{}, false
	}
	v := Verdict{OrderID: e.order.ID, LoanID: e.order.LoanID, BranchPath: e.order.Branch, Why: fault.Text{Zh: "与扣款指令 " + e.order.ID + " 的编号一致", En: "bears the number of collection order " + e.order.ID}}
	switch {
	case e.order.Currency != e.line.Currency:
		v.OrderID = ""
		v.Why = fault.Text{Zh: "与扣款指令 " + e.order.ID + " 对应，但币种不同（" + string(e.order.Currency) + " 与 " + string(e.line.Currency) + "），请核对", En: "belongs to collection order " + e.order.ID + ", which was in " + string(e.order.Currency) + ", not " + string(e.line.Currency) + ": check it"}
	case e.order.AmountMinor != e.line.AmountMinor:
		v.OrderID = ""
		v.Why = fault.Text{Zh: "与扣款指令 " + e.order.ID + " 对应，但金额不同，请核对", En: "belongs to collection order " + e.order.ID + ", which was for another amount: check it"}
	case e.order.Failed:
		v.OrderID = ""
		v.Why = fault.Text{Zh: "与扣款指令 " + e.order.ID + " 对应，但该指令已记为失败，请核对", En: "belongs to collection order " + e.order.ID + ", which is recorded as failed: check it"}
	case !e.order.Final:
		v.Wait = true
	}
	return v, true
}

func (e evidence) having(found int) []Candidate {
	var out []Candidate
	for _, c := range e.candidates {
		if c.found&found != 0 {
			out = append(out, c)
		}
	}
	return out
}

func open(c []Candidate) []Candidate {
	var out []Candidate
	for _, x := range c {
		if x.Open {
			out = append(out, x)
		}
	}
	return out
}

// named is the payer's own choice, which the law puts first.
func (p Policy) named(e evidence) (Verdict, bool) {
	all := e.having(byNumber)
	found := open(all)
	switch {
	case len(all) == 0:
		return Verdict{}, false
	case len(found) == 0:
		return Verdict{BranchPath: all[0].BranchPath, Why: fault.Text{Zh: "写明了贷款 " + all[0].LoanID + "，但它没有未清款项", En: "names loan " + all[0].LoanID + ", which owes nothing"}}, true
	case len(found) > 1:
		v, ok := p.spread(e, byNumber, fault.Text{Zh: "写明了多笔贷款", En: "names several loans"})
		return v, ok
	}
	c := found[0]
	v := Verdict{BranchPath: c.BranchPath, Why: fault.Text{Zh: "附言或文件写明贷款 " + c.LoanID, En: "names loan " + c.LoanID}}
	v.Plan = one(e.line, c)
	v.remainder(e.line)
	return v, true
}

// one gives a loan what it can take: what is due, or all of it when the payer
// asked to pay ahead or the amount settles the loan.
func one(l Line, c Candidate) []Share {
	switch {
	case l.AmountMinor <= c.DueMinor:
		return []Share{{LoanID: c.LoanID, AmountMinor: l.AmountMinor}}
	case c.PayoffMinor > 0 && (l.AmountMinor == c.PayoffMinor || l.Prepay):
		return []Share{{LoanID: c.LoanID, AmountMinor: min(l.AmountMinor, c.PayoffMinor), Prepay: true}}
	case c.DueMinor > 0:
		return []Share{{LoanID: c.LoanID, AmountMinor: c.DueMinor}}
	}
	return nil
}

// exact finds the amount that the payer's firm owes to the fen.
func (p Policy) exact(e evidence) (Verdict, bool) {
	found := open(e.having(byAccount | byFirm))
	sum := int64(0)
	for _, c := range p.sorted(found) {
		sum += c.DueMinor
		if c.DueMinor == e.line.AmountMinor {
			return Verdict{BranchPath: c.BranchPath, Plan: []Share{{LoanID: c.LoanID, AmountMinor: c.DueMinor}},
				Why: fault.Text{Zh: "付款人的贷款 " + c.LoanID + " 当前应还恰为该金额", En: "loan " + c.LoanID + " of the payer owes exactly this"}}, true
		}
	}
	for _, c := range found {
		if c.PayoffMinor == e.line.AmountMinor {
			return Verdict{BranchPath: c.BranchPath, Plan: []Share{{LoanID: c.LoanID, AmountMinor: c.PayoffMinor, Prepay: true}},
				Why: fault.Text{Zh: "付款人的贷款 " + c.LoanID + " 结清金额恰为该金额", En: "exactly this settles loan " + c.LoanID + " of the payer"}}, true
		}
	}
	if len(found) > 1 && sum == e.line.AmountMinor {
		v, ok := p.spread(e, byAccount|byFirm, fault.Text{Zh: "付款人各笔贷款当前应还合计恰为该金额", En: "the payer's loans together owe exactly this"})
		return v, ok
	}
	return Verdict{}, false
}

// spread pays what is due of several loans in the order of the policy.
func (p Policy) spread(e evidence, found int, why fault.Text) (Verdict, bool) {
	all := open(e.having(found))
	if len(all) == 0 {
		return Verdict{}, false
	}
	v := Verdict{BranchPath: all[0].BranchPath, Why: why}
	if len(all) == 1 {
		v.Plan = one(e.line, all[0])
		v.Why.Zh += "，只有一笔在贷 " + all[0].LoanID
		v.Why.En += ", with one open loan, " + all[0].LoanID
		v.remainder(e.line)
		return v, true
	}
	left := e.line.AmountMinor
	for _, c := range p.sorted(all) {
		if take := min(left, c.DueMinor); take > 0 {
			v.Plan = append(v.Plan, Share{LoanID: c.LoanID, AmountMinor: take})
			left -= take
		}
	}
	v.Why.Zh += fmt.Sprintf("，按约定清偿顺序分配到 %d 笔", len(v.Plan))
	v.Why.En += fmt.Sprintf(", spread in the agreed order over %d loans", len(v.Plan))
	v.remainder(e.line)
	return v, true
}

// soleName trusts a name only when it has one open loan.
func (p Policy) soleName(e evidence) (Verdict, bool) {
	found := open(e.having(byName))
	if len(found) != 1 {
		return Verdict{}, false
	}
	v := Verdict{BranchPath: found[0].BranchPath, Plan: one(e.line, found[0]),
		Why: fault.Text{Zh: "仅户名相符，且只有一笔在贷 " + found[0].LoanID, En: "only the payer's name agrees, with one open loan, " + found[0].LoanID}}
	v.remainder(e.line)
	return v, true
}

// remainder says what the loans cannot take; it stays open.
func (v *Verdict) remainder(l Line) {
	rest := l.AmountMinor
	for _, part := range v.Plan {
		rest -= part.AmountMinor
	}
	if rest > 0 {
		v.Why.Zh += "；超出应还 " + money.Of(rest, l.Currency).String() + "，待人工处理"
		v.Why.En += "; " + money.Of(rest, l.Currency).String() + " beyond what is due waits for a person"
	}
}

// sorted orders loans by the policy's keys.
func (p Policy) sorted(c []Candidate) []Candidate {
	out := append([]Candidate(nil), c...)
	sort.SliceStable(out, func(i, j int) bool {
		for _, k := range p.LoanOrder {
			if d := k.compare(out[i], out[j]); d != 0 {
				return d < 0
			}
		}
		if d := out[i].StartedOn.Compare(out[j].StartedOn); d != 0 {
			return d < 0
		}
		return out[i].LoanID < out[j].LoanID
	})
	return out
}

// compare is negative when a is paid before b.
func (k OrderKey) compare(a, b Candidate) int {
	switch k {
	case ByDue:
		return boolFirst(a.DueMinor > 0, b.DueMinor > 0)
	case BySecurity:
		return sign(a.SecuredMinor, b.SecuredMinor)
	case ByBurden:
		return sign(int64(b.Rate), int64(a.Rate))
	case ByEarliest:
		if d := sign(int64(b.DaysPastDue), int64(a.DaysPastDue)); d != 0 {
			return d
		}
		return a.NextDueOn.Compare(b.NextDueOn)
	}
	return 0
}

func boolFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

func sign(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

const (
	tokensMax   = 24
	tokenMinLen = 4
	tokenMaxLen = 64
)

// tokens cuts what may be a loan's number out of the texts of a payment.
func (l Line) tokens() []string {
	var out []string
	seen := map[string]bool{}
	add := func(s string) {
		if len(s) >= tokenMinLen && len(s) <= tokenMaxLen && !seen[s] && len(out) < tokensMax {
			seen[s] = true
			out = append(out, s)
		}
	}
	add(strings.TrimSpace(l.LoanHint))
	for _, text := range []string{l.Remittance, l.EndToEndID, l.Note} {
		for _, f := range strings.FieldsFunc(text, func(r rune) bool {
			// Numbers are Latin letters, digits and joining marks; Chinese words around them part them.
			return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-_/.", r)
		}) {
			add(strings.Trim(f, "-_/."))
			for _, part := range strings.Split(f, "/") { // several numbers in one breath
				add(strings.Trim(part, "-_."))
			}
		}
	}
	return out
}
