package journal

// Kind says which statement an account stands in and on which side it grows.
type Kind string

// The five kinds. Assets and expenses grow by debits, the others by credits.
const (
	Asset     Kind = "asset"
	Liability Kind = "liability"
	Equity    Kind = "equity"
	Income    Kind = "income"
	Expense   Kind = "expense"
)

// DebitNormal reports whether debits increase the account.
func (k Kind) DebitNormal() bool { return k == Asset || k == Expense }

// Account is one account of an institution's chart.
type Account struct {
	Code   string `json:"code"`
	NameZh string `json:"name_zh"`
	NameEn string `json:"name_en"`
	Kind   Kind   `json:"kind" enum:"asset,liability,equity,income,expense"`
}

// Codes of the accounts that product postings use. The numbers follow the
// application guide of the Accounting Standards for Business Enterprises (2006).
const (
	CentralBank        = "1003"
	Nostro             = "1011"
	InterestReceivable = "1132"
	PenaltyReceivable  = "1133"
	FeeReceivable      = "1221"
	LoanPrincipal      = "1303"
	LoanLoss           = "1304"
	CustomerDeposit    = "2011"
	Suspense           = "2241"
	PaidInCapital      = "4001"
	InterestIncome     = "6011"
	PenaltyIncome      = "6012"
	FeeIncome          = "6021"
	InterestExpense    = "6411"
	ImpairmentLoss     = "6701"
)

// StandardChart is the small bank's chart that a new institution starts with.
func StandardChart() []Account {
	return []Account{
		{CentralBank, "存放中央银行款项", "Balances with the central bank", Asset},
		{Nostro, "存放同业（结算账户）", "Due from banks (settlement account)", Asset},
		{InterestReceivable, "应收利息", "Interest receivable", Asset},
		{PenaltyReceivable, "应收罚息", "Penalty interest receivable", Asset},
		{FeeReceivable, "应收费用", "Fees receivable", Asset},
		{LoanPrincipal, "贷款本金", "Loans, principal", Asset},
		{LoanLoss, "贷款损失准备", "Loan loss allowance", Asset},
		{CustomerDeposit, "吸收存款", "Customer deposits", Liability},
		{Suspense, "待处理结算款项", "Settlement suspense", Liability},
		{PaidInCapital, "实收资本", "Paid-in capital", Equity},
		{InterestIncome, "利息收入", "Interest income", Income},
		{PenaltyIncome, "罚息收入", "Penalty interest income", Income},
		{FeeIncome, "手续费收入", "Fee income", Income},
		{InterestExpense, "利息支出", "Interest expense", Expense},
		{ImpairmentLoss, "资产减值损失", "Impairment loss", Expense},
	}
}
