package receipt_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/lending/receipt"
)

func candidate(id string, due int64) receipt.Candidate {
	return receipt.Candidate{LoanID: id, BranchPath: "/hq/", Open: true, DueMinor: due, Rate: rate.FromBP(400), StartedOn: calendar.Of(2026, 1, 5), NextDueOn: calendar.Of(2026, 3, 5)}
}

func TestRules(t *testing.T) {
	t.Parallel()
	policy := receipt.DefaultPolicy()
	settled := candidate("old", 0)
	settled.Open = false
	payoff := candidate("a", 100)
	payoff.PayoffMinor = 5000
	dear := candidate("dear", 300)
	dear.Rate = rate.FromBP(900)
	late := candidate("late", 300)
	late.DaysPastDue = 40
	for name, c := range map[string]struct {
		line       receipt.Line
		candidates []receipt.Candidate
		rule       receipt.RuleName
		score      int64
		plan       []receipt.Share
	}{
		"nothing known":              {receipt.Line{AmountMinor: 100}, nil, "", 0, nil},
		"names its loan":             {receipt.Line{AmountMinor: 100}, []receipt.Candidate{candidate("a", 100).Found("number"), candidate("b", 100).Found("account")}, receipt.RuleLoanNumber, 95, []receipt.Share{{LoanID: "a", AmountMinor: 100}}},
		"part of what is due":        {receipt.Line{AmountMinor: 40}, []receipt.Candidate{candidate("a", 100).Found("number")}, receipt.RuleLoanNumber, 95, []receipt.Share{{LoanID: "a", AmountMinor: 40}}},
		"more than due stays open":   {receipt.Line{AmountMinor: 150}, []receipt.Candidate{candidate("a", 100).Found("number")}, receipt.RuleLoanNumber, 95, []receipt.Share{{LoanID: "a", AmountMinor: 100}}},
		"settles it":                 {receipt.Line{AmountMinor: 5000}, []receipt.Candidate{payoff.Found("number")}, receipt.RuleLoanNumber, 95, []receipt.Share{{LoanID: "a", AmountMinor: 5000, Prepay: true}}},
		"asked to pay ahead":         {receipt.Line{AmountMinor: 700, Prepay: true}, []receipt.Candidate{payoff.Found("number")}, receipt.RuleLoanNumber, 95, []receipt.Share{{LoanID: "a", AmountMinor: 700, Prepay: true}}},
		"beyond the payoff":          {receipt.Line{AmountMinor: 9000, Prepay: true}, []receipt.Candidate{payoff.Found("number")}, receipt.RuleLoanNumber, 95, []receipt.Share{{LoanID: "a", AmountMinor: 5000, Prepay: true}}},
		"the loan is settled":        {receipt.Line{AmountMinor: 10}, []receipt.Candidate{settled.Found("number")}, receipt.RuleLoanNumber, 0, nil},
		"owes nothing now":           {receipt.Line{AmountMinor: 10}, []receipt.Candidate{candidate("a", 0).Found("number")}, receipt.RuleLoanNumber, 0, nil},
		"exactly one loan's due":     {receipt.Line{AmountMinor: 200}, []receipt.Candidate{candidate("a", 100).Found("account"), candidate("b", 200).Found("account")}, receipt.RuleExactDue, 90, []receipt.Share{{LoanID: "b", AmountMinor: 200}}},
		"exactly all loans' due":     {receipt.Line{AmountMinor: 300}, []receipt.Candidate{candidate("a", 100).Found("firm"), candidate("b", 200).Found("firm")}, receipt.RuleExactDue, 90, []receipt.Share{{LoanID: "a", AmountMinor: 100}, {LoanID: "b", AmountMinor: 200}}},
		"the heavier burden first":   {receipt.Line{AmountMinor: 350}, []receipt.Candidate{candidate("a", 300).Found("account"), dear.Found("account")}, receipt.RulePayer, 80, []receipt.Share{{LoanID: "dear", AmountMinor: 300}, {LoanID: "a", AmountMinor: 50}}},
		"the longest overdue first":  {receipt.Line{AmountMinor: 350}, []receipt.Candidate{candidate("a", 300).Found("account"), late.Found("account")}, receipt.RulePayer, 80, []receipt.Share{{LoanID: "late", AmountMinor: 300}, {LoanID: "a", AmountMinor: 50}}},
		"not due is not paid ahead":  {receipt.Line{AmountMinor: 350}, []receipt.Candidate{candidate("a", 0).Found("account"), candidate("b", 100).Found("account")}, receipt.RulePayer, 80, []receipt.Share{{LoanID: "b", AmountMinor: 100}}},
		"a name alone is suggested":  {receipt.Line{AmountMinor: 100}, []receipt.Candidate{candidate("a", 100).Found("name")}, receipt.RulePayerName, 60, []receipt.Share{{LoanID: "a", AmountMinor: 100}}},
		"a name with two loans":      {receipt.Line{AmountMinor: 100}, []receipt.Candidate{candidate("a", 100).Found("name"), candidate("b", 100).Found("name")}, "", 0, nil},
		"several loans are named":    {receipt.Line{AmountMinor: 150}, []receipt.Candidate{candidate("a", 100).Found("number"), candidate("b", 100).Found("number")}, receipt.RuleLoanNumber, 95, []receipt.Share{{LoanID: "a", AmountMinor: 100}, {LoanID: "b", AmountMinor: 50}}},
		"a settled and an open name": {receipt.Line{AmountMinor: 100}, []receipt.Candidate{settled.Found("name"), candidate("a", 100).Found("name")}, receipt.RulePayerName, 60, []receipt.Share{{LoanID: "a", AmountMinor: 100}}},
	} {
		v := policy.Decide(c.line, c.candidates)
		require.Equal(t, c.rule, v.Rule, name)
		require.Equal(t, c.score, v.Score, name)
		require.Equal(t, c.plan, v.Plan, name)
		require.NotEmpty(t, v.Why.Zh, name)
		require.NotEmpty(t, v.Why.En, name)
	}
}

// Whatever the candidates: a plan never exceeds the money, never gives a loan
// more than it can take, and does not depend on the order of the candidates.
func TestAPlanIsNeverMoreThanTheMoney(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		policy := receipt.DefaultPolicy()
		policy.LoanOrder = rapid.Permutation(policy.LoanOrder).Draw(t, "order")
		policy.Rules = rapid.Permutation(policy.Rules).Draw(t, "rules")
		require.NoError(t, policy.Validate())
		n := rapid.IntRange(0, 6).Draw(t, "n")
		var all []receipt.Candidate
		limit := map[string]int64{}
		for i := range n {
			c := candidate(string(rune('a'+i)), rapid.Int64Range(0, 300).Draw(t, "due"))
			c.Open = rapid.Bool().Draw(t, "open")
			c.Rate = rate.FromBP(rapid.Int64Range(1, 3).Draw(t, "rate"))
			c.DaysPastDue = rapid.IntRange(0, 2).Draw(t, "late")
			if rapid.Bool().Draw(t, "asked") {
				c.PayoffMinor = c.DueMinor + rapid.Int64Range(0, 300).Draw(t, "payoff")
			}
			limit[c.LoanID] = max(c.DueMinor, c.PayoffMinor)
			if !c.Open {
				limit[c.LoanID] = 0
			}
			all = append(all, c.Found(rapid.SampledFrom([]string{"number", "account", "firm", "name"}).Draw(t, "how")))
		}
		l := receipt.Line{AmountMinor: rapid.Int64Range(1, 900).Draw(t, "amount"), Prepay: rapid.Bool().Draw(t, "prepay")}
		v := policy.Decide(l, all)
		sum := int64(0)
		for _, part := range v.Plan {
			require.Positive(t, part.AmountMinor)
			require.LessOrEqual(t, part.AmountMinor, limit[part.LoanID])
			sum += part.AmountMinor
		}
		require.LessOrEqual(t, sum, l.AmountMinor)
		if v.Rule == receipt.RulePayer || v.Rule == "" {
			require.Equal(t, v.Plan, policy.Decide(l, rapid.Permutation(all).Draw(t, "shuffled")).Plan)
		}
	})
}

func TestLoanNumbersInText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"还贷款DR-2026-0007，谢谢":       {"DR-2026-0007"},
		"DR-1001/DR-1002":          {"DR-1001/DR-1002", "DR-1001", "DR-1002"},
		"借据 loan_01ABC; 编号:J20260": {"loan_01ABC", "J20260"},
		"还款 12":                    nil,
	} {
		require.Equal(t, want, receipt.Line{Remittance: text}.Tokens(), text)
	}
	require.Equal(t, []string{"我的借据-1"}, receipt.Line{LoanHint: " 我的借据-1 "}.Tokens(), "what the file calls the loan is taken as it stands")
	for name, spoil := range map[string]func(*receipt.Policy){
		"rule":   func(p *receipt.Policy) { p.Rules[0].Name = "guess" },
		"twice":  func(p *receipt.Policy) { p.Rules[0] = p.Rules[1] },
		"score":  func(p *receipt.Policy) { p.Rules[0].Score = 101 },
		"order":  func(p *receipt.Policy) { p.LoanOrder[0] = "luck" },
		"orders": func(p *receipt.Policy) { p.LoanOrder[0] = p.LoanOrder[1] },
		"none":   func(p *receipt.Policy) { p.Rules = nil },
		"from":   func(p *receipt.Policy) { p.PostFrom = 102 },
	} {
		p := receipt.DefaultPolicy()
		spoil(&p)
		require.Error(t, p.Validate(), name)
	}
}
