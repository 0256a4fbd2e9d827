// Package chart changes an institution's chart of accounts: accounts are added, renamed, moved, deactivated,
// opened to other systems and given overdrafts, each by one person's proposal and another's approval.
package chart

import (
	"regexp"

	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Change is the wished state of one account. A new account is added; of a known one everything but the kind
// may change.
type Change struct {
	New            bool         `json:"new,omitempty" doc:"the account must not exist yet"`
	Code           string       `json:"code" maxLength:"20"`
	NameZh         string       `json:"name_zh" maxLength:"60"`
	NameEn         string       `json:"name_en" maxLength:"120"`
	Kind           journal.Kind `json:"kind" enum:"asset,liability,equity,income,expense,memo"`
	Parent         string       `json:"parent_code,omitempty" maxLength:"20"`
	Active         bool         `json:"active"`
	OpenAPI        bool         `json:"open_api,omitempty" doc:"other systems may post to it"`
	Manual         bool         `json:"manual,omitempty" doc:"manual vouchers may touch it"`
	OverdraftMinor int64        `json:"overdraft_minor" minimum:"-1" doc:"-1: not checked; 0: never below zero"`
	Monetary       bool         `json:"monetary,omitempty"`
}

func (c Change) account() journal.Account {
	return journal.Account{
		Code: c.Code, NameZh: c.NameZh, NameEn: c.NameEn, Kind: c.Kind, Parent: c.Parent, Active: c.Active, OpenAPI: c.OpenAPI, Manual: c.Manual,
		OverdraftMinor: c.OverdraftMinor, Monetary: c.Monetary,
	}
}

var codeForm = regexp.MustCompile(`^[0-9]{4}(\.?[0-9A-Z]{1,6}){0,4}$`)

const levelMax = 6

// check judges a change against the chart as it is; before is the account it changes, or nil.
func check(c Change, chart []journal.Account) (before *journal.Account, err error) {
	by := make(map[string]journal.Account, len(chart))
	for _, a := range chart {
		by[a.Code] = a
	}
	if a, found := by[c.Code]; found {
		before = &a
	}
	switch {
	case len(c.Code) > 20 || !codeForm.MatchString(c.Code):
		return before, fault.Field("code", "须为四位数字科目号，可加下级编号", "must be a four-digit code, with further digits for levels beneath")
	case c.NameZh == "" || len(c.NameZh) > 180:
		return before, fault.Required("name_zh")
	case c.NameEn == "" || len(c.NameEn) > 120:
		return before, fault.Required("name_en")
	case before != nil && c.New:
		return before, fault.New(ReasonExists, "account", c.Code)
	case before == nil && !c.New:
		return nil, fault.New(journal.ReasonUnknownAccount, "account", c.Code)
	case before != nil && before.Kind != c.Kind:
		return before, fault.Field("kind", "科目类别不可更改", "the kind of an account never changes")
	case !known(c.Kind):
		return before, fault.Field("kind", "未知类别", "is not a kind of account")
	case c.OverdraftMinor < journal.OverdraftUnlimited:
		return before, fault.Field("overdraft_minor", "须为 -1 或不小于 0", "must be -1 or not negative")
	case c.OpenAPI && !c.Manual:
		return before, fault.New(ReasonControlled, "account", c.Code)
	}
	if err := checkParent(c, by); err != nil {
		return before, err
	}
	if !c.Active {
		for _, a := range chart {
			if a.Parent == c.Code && a.Active {
				return before, fault.New(ReasonChildren, "account", c.Code)
			}
		}
	}
	return before, nil
}

func known(k journal.Kind) bool {
	for _, x := range journal.Kinds() {
		if x == k {
			return true
		}
	}
	return false
}

// checkParent follows the parents upwards: they must exist, be of the same kind, and never lead back.
func checkParent(c Change, by map[string]journal.Account) error {
	level := 1
	for p := c.Parent; p != ""; level++ {
		a, found := by[p]
		problem := fault.Text{}
		switch {
		case p == c.Code:
			problem = fault.Text{Zh: "形成循环", En: "it leads back to the account itself"}
		case !found:
			problem = fault.Text{Zh: "不存在", En: "it does not exist"}
		case a.Kind != c.Kind:
			problem = fault.Text{Zh: "类别不同", En: "it is of another kind"}
		case !a.Active && c.Active:
			problem = fault.Text{Zh: "已停用", En: "it is not active"}
		case level >= levelMax:
			problem = fault.Text{Zh: "层级超过六级", En: "there would be more than six levels"}
		}
		if problem.En != "" {
			return fault.New(ReasonParent, "parent", p, "problem", problem.En, "problem_zh", problem.Zh).WithField("parent_code")
		}
		p = a.Parent
	}
	return nil
}
