// Package recipe says which account plays which role in a posting: what a loan's event books is written in
// roles ("interest receivable"), and each institution maps the roles to its own accounts, for itself and,
// where it wants, for single products, from a date on. A mapping changes by maker-checker.
package recipe

import "github.com/capillary-finance/capillary/internal/ledger/journal"

// Role is what an account does in a posting.
type Role string

// The roles.
const (
	Settlement                  Role = "settlement"
	LoanPrincipal               Role = "loan_principal"
	InterestReceivable          Role = "interest_receivable"
	InterestIncome              Role = "interest_income"
	PenaltyReceivable           Role = "penalty_receivable"
	PenaltyIncome               Role = "penalty_income"
	CompoundReceivable          Role = "compound_receivable"
	CompoundIncome              Role = "compound_income"
	FeeReceivable               Role = "fee_receivable"
	FeeIncome                   Role = "fee_income"
	SuspendedInterestReceivable Role = "suspended_interest_receivable"
	SuspendedInterestContra     Role = "suspended_interest_contra"
	UnearnedDiscount            Role = "unearned_discount"
	CustomerCredit              Role = "customer_credit"
	LeaseDeposit                Role = "lease_deposit"
	LoanLossAllowance           Role = "loan_loss_allowance"
	RecoveryIncome              Role = "recovery_income"
	WaiverExpense               Role = "waiver_expense"
	WrittenOffClaim             Role = "written_off_claim"
	WrittenOffContra            Role = "written_off_contra"
	TransferResult              Role = "transfer_result"
	ImpairmentLoss              Role = "impairment_loss"
	FXPosition                  Role = "fx_position"
	FXEquivalent                Role = "fx_equivalent"
	FXResult                    Role = "fx_result"
	EntrustedClearing           Role = "entrusted_clearing"
)

// Definition describes a role.
type Definition struct {
	Role    Role           `json:"role"`
	Zh      string         `json:"zh"`
	En      string         `json:"en"`
	Kinds   []journal.Kind `json:"kinds" doc:"kinds of account that may play it"`
	Account string         `json:"default_account" doc:"account of the standard chart that plays it"`
}

var (
	asset     = []journal.Kind{journal.Asset}
	liability = []journal.Kind{journal.Liability}
	result    = []journal.Kind{journal.Income, journal.Expense}
	memo      = []journal.Kind{journal.Memo}
	either    = []journal.Kind{journal.Asset, journal.Liability}
)

// Roles lists every role in the order in which a loan's life meets them.
func Roles() []Definition {
	return []Definition{
		{Settlement, "结算账户", "Settlement account", either, journal.Nostro},
		{LoanPrincipal, "贷款本金", "Loan principal", asset, journal.LoanPrincipal},
		{InterestReceivable, "应收利息", "Interest receivable", asset, journal.InterestReceivable},
		{InterestIncome, "利息收入", "Interest income", result, journal.InterestIncome},
		{PenaltyReceivable, "应收罚息", "Penalty interest receivable", asset, journal.PenaltyReceivable},
		{PenaltyIncome, "罚息收入", "Penalty interest income", result, journal.PenaltyIncome},
		{CompoundReceivable, "应收复利", "Compound interest receivable", asset, journal.CompoundReceivable},
		{CompoundIncome, "复利收入", "Compound interest income", result, journal.CompoundIncome},
		{FeeReceivable, "应收费用", "Fee receivable", asset, journal.FeeReceivable},
		{FeeIncome, "费用收入", "Fee income", result, journal.FeeIncome},
		{SuspendedInterestReceivable, "表外应收利息", "Suspended interest receivable", memo, journal.SuspendedInterest},
		{SuspendedInterestContra, "表外应收利息对应科目", "Suspended interest, contra", memo, journal.SuspendedInterestContra},
		{UnearnedDiscount, "未实现贴现利息", "Unearned discount", either, journal.UnearnedDiscount},
		{CustomerCredit, "客户溢缴款", "Customer credit", liability, journal.CustomerCredit},
		{LeaseDeposit, "承租人保证金", "Deposits of lessees", liability, journal.MarginDeposit},
		{LoanLossAllowance, "贷款损失准备", "Loan loss allowance", asset, journal.LoanLoss},
		{RecoveryIncome, "已核销收回", "Recoveries", result, journal.RecoveryIncome},
		{WaiverExpense, "息费减免", "Waivers", result, journal.WaiverExpense},
		{WrittenOffClaim, "已核销债权", "Written-off claim", memo, journal.WrittenOff},
		{WrittenOffContra, "已核销债权对应科目", "Written-off claim, contra", memo, journal.WrittenOffContra},
		{TransferResult, "资产转让损益", "Result of transfer", result, journal.TransferResult},
		{ImpairmentLoss, "资产减值损失", "Impairment loss", result, journal.ImpairmentLoss},
		{FXPosition, "货币兑换", "FX position", either, journal.FXPosition},
		{FXEquivalent, "货币兑换（本位币）", "FX position in base currency", either, journal.FXEquivalent},
		{FXResult, "汇兑损益", "FX result", result, journal.FXResult},
		{EntrustedClearing, "委托贷款资金", "Entrusted funds clearing", either, journal.EntrustedFunds},
	}
}

// definition finds a role.
func definition(r Role) (Definition, bool) {
	for _, d := range Roles() {
		if d.Role == r {
			return d, true
		}
	}
	return Definition{}, false
}

// Map says which account plays each role. A map given by Default or For names every role.
type Map map[Role]string

// Default is the mapping onto the standard chart; it needs no database.
func Default() Map {
	all := Roles()
	m := make(Map, len(all))
	for _, d := range all {
		m[d.Role] = d.Account
	}
	return m
}

// Code is the account that plays a role. A role that the map lacks plays on its standard account.
func (m Map) Code(r Role) string {
	if code := m[r]; code != "" {
		return code
	}
	d, _ := definition(r)
	return d.Account
}

// over lays a mapping over m; what it does not name stays.
func (m Map) over(o Map) {
	for r, code := range o {
		if code != "" {
			m[r] = code
		}
	}
}
