package journal

// Kind says which statement an account stands in and on which side it grows.
type Kind string

// The kinds. Assets, expenses and memorandum accounts grow by debits, the others by credits.
// Memorandum accounts stand off the balance sheet and balance among themselves only.
const (
	Asset     Kind = "asset"
	Liability Kind = "liability"
	Equity    Kind = "equity"
	Income    Kind = "income"
	Expense   Kind = "expense"
	Memo      Kind = "memo"
)

// DebitNormal reports whether debits increase the account.
func (k Kind) DebitNormal() bool { return k == Asset || k == Expense || k == Memo }

// ProfitAndLoss reports whether the account is closed into the year's profit.
func (k Kind) ProfitAndLoss() bool { return k == Income || k == Expense }

// Kinds lists every kind.
func Kinds() []Kind { return []Kind{Asset, Liability, Equity, Income, Expense, Memo} }

// OverdraftUnlimited is the overdraft of an account that nobody checks for funds.
const OverdraftUnlimited = -1

// Account is one account of an institution's chart.
type Account struct {
	Code           string `json:"code"`
	NameZh         string `json:"name_zh"`
	NameEn         string `json:"name_en"`
	Kind           Kind   `json:"kind" enum:"asset,liability,equity,income,expense,memo"`
	Parent         string `json:"parent_code" doc:"account it is listed under; empty at the first level"`
	Level          int    `json:"level" doc:"1 at the top"`
	Active         bool   `json:"active" doc:"an inactive account takes no postings"`
	OpenAPI        bool   `json:"open_api" doc:"other systems may post to it through the API"`
	Manual         bool   `json:"manual" doc:"manual vouchers may touch it"`
	OverdraftMinor int64  `json:"overdraft_minor" doc:"how far a sub-account may go below zero on its normal side; -1 is unlimited"`
	Monetary       bool   `json:"monetary" doc:"revalued when it holds foreign currency"`
	Version        int64  `json:"version"`
}

// Codes of the accounts that product postings use. The numbers follow the application guide of the
// Accounting Standards for Business Enterprises (2006); those it does not have are marked (own).
const (
	CentralBank        = "1003"
	Nostro             = "1011"
	InterestReceivable = "1132"
	PenaltyReceivable  = "1133" // own
	CompoundReceivable = "1134" // own
	FeeReceivable      = "1221"
	LoanPrincipal      = "1303"
	LoanLoss           = "1304"
	UnearnedDiscount   = "1305" // own; "interest adjustment" of loans and discounted bills
	MarginDeposit      = "2002"
	CustomerDeposit    = "2011"
	Suspense           = "2241"
	CustomerCredit     = "2242" // own
	EntrustedFunds     = "2314"
	FXPosition         = "3002"
	FXEquivalent       = "3003" // own: the base-currency side of 3002
	PaidInCapital      = "4001"
	ProfitOfTheYear    = "4103"
	RetainedEarnings   = "4104"
	InterestIncome     = "6011"
	PenaltyIncome      = "6012" // own
	CompoundIncome     = "6013" // own
	FeeIncome          = "6021"
	RecoveryIncome     = "6052" // own
	FXResult           = "6061"
	TransferResult     = "6112" // own
	InterestExpense    = "6411"
	ImpairmentLoss     = "6701"
	WaiverExpense      = "6712" // own

	SuspendedInterest       = "7001" // own, off the balance sheet
	SuspendedInterestContra = "7002" // own, off the balance sheet
	WrittenOff              = "7011" // own, off the balance sheet
	WrittenOffContra        = "7012" // own, off the balance sheet
)

// controlled is an account that only loans move: manual vouchers may not touch it.
func controlled(code, zh, en string, k Kind) Account {
	a := free(code, zh, en, k)
	a.Manual = false
	return a
}

func free(code, zh, en string, k Kind) Account {
	return Account{Code: code, NameZh: zh, NameEn: en, Kind: k, Level: 1, Active: true, Manual: true, OverdraftMinor: OverdraftUnlimited, Monetary: !k.ProfitAndLoss() && k != Equity, Version: 1}
}

func fixed(code, zh, en string, k Kind) Account {
	a := free(code, zh, en, k)
	a.Monetary = false
	return a
}

// StandardChart is the small bank's or lender's chart that a new institution starts with.
func StandardChart() []Account {
	return append(append(assets(), liabilities()...), results()...)
}

func assets() []Account {
	return []Account{
		free("1001", "库存现金", "Cash on hand", Asset),
		free("1002", "银行存款", "Bank deposits", Asset),
		free(CentralBank, "存放中央银行款项", "Balances with the central bank", Asset),
		free(Nostro, "存放同业（结算账户）", "Due from banks (settlement account)", Asset),
		free("1012", "其他货币资金", "Other monetary funds", Asset),
		free("1031", "存出保证金", "Margin deposits paid", Asset),
		free("1101", "交易性金融资产", "Financial assets held for trading", Asset),
		free("1111", "买入返售金融资产", "Financial assets bought under resale agreements", Asset),
		controlled(InterestReceivable, "应收利息", "Interest receivable", Asset),
		controlled(PenaltyReceivable, "应收罚息", "Penalty interest receivable", Asset),
		controlled(CompoundReceivable, "应收复利", "Compound interest receivable", Asset),
		controlled(FeeReceivable, "应收费用", "Fees receivable", Asset),
		free("1231", "坏账准备", "Allowance for doubtful accounts", Asset),
		controlled("1301", "贴现资产", "Discounted bills", Asset),
		free("1302", "拆出资金", "Placements with banks", Asset),
		controlled(LoanPrincipal, "贷款本金", "Loans, principal", Asset),
		controlled(LoanLoss, "贷款损失准备", "Loan loss allowance", Asset),
		controlled(UnearnedDiscount, "贷款—利息调整", "Loans, unearned discount", Asset),
		fixed("1321", "代理业务资产", "Assets of agency business", Asset),
		fixed("1441", "抵债资产", "Foreclosed assets", Asset),
		fixed("1601", "固定资产", "Fixed assets", Asset),
		fixed("1602", "累计折旧", "Accumulated depreciation", Asset),
		fixed("1701", "无形资产", "Intangible assets", Asset),
		fixed("1702", "累计摊销", "Accumulated amortisation", Asset),
		fixed("1811", "递延所得税资产", "Deferred tax assets", Asset),
		fixed("1901", "待处理财产损溢", "Assets pending disposal", Asset),
	}
}

func liabilities() []Account {
	return []Account{
		free("2001", "短期借款", "Short-term borrowings", Liability),
		free(MarginDeposit, "存入保证金", "Margin deposits received", Liability),
		free("2003", "拆入资金", "Placements from banks", Liability),
		free("2004", "向中央银行借款", "Borrowings from the central bank", Liability),
		free(CustomerDeposit, "吸收存款", "Customer deposits", Liability),
		free("2012", "同业存放", "Deposits from banks", Liability),
		free("2111", "卖出回购金融资产款", "Financial assets sold under repurchase agreements", Liability),
		free("2211", "应付职工薪酬", "Employee benefits payable", Liability),
		free("2221", "应交税费", "Taxes payable", Liability),
		free("2231", "应付利息", "Interest payable", Liability),
		free("2232", "应付股利", "Dividends payable", Liability),
		free(Suspense, "待处理结算款项", "Settlement suspense", Liability),
		controlled(CustomerCredit, "客户溢缴款", "Customers' overpaid money", Liability),
		controlled(EntrustedFunds, "代理业务负债（委托贷款资金）", "Liabilities of agency business (entrusted loan funds)", Liability),
		fixed("2401", "递延收益", "Deferred income", Liability),
		free("2501", "长期借款", "Long-term borrowings", Liability),
		fixed("2801", "预计负债", "Provisions", Liability),
		fixed("2901", "递延所得税负债", "Deferred tax liabilities", Liability),
		free("3001", "清算资金往来", "Clearing", Liability),
		fixed(FXPosition, "货币兑换", "Foreign exchange position", Liability),
		fixed(FXEquivalent, "货币兑换（本位币）", "Foreign exchange position, base currency", Liability),
	}
}

func results() []Account {
	return []Account{
		free(PaidInCapital, "实收资本", "Paid-in capital", Equity),
		free("4002", "资本公积", "Capital reserve", Equity),
		free("4101", "盈余公积", "Surplus reserve", Equity),
		free("4102", "一般风险准备", "General risk reserve", Equity),
		free(ProfitOfTheYear, "本年利润", "Profit of the year", Equity),
		free(RetainedEarnings, "利润分配", "Profit distribution", Equity),
		controlled(InterestIncome, "利息收入", "Interest income", Income),
		controlled(PenaltyIncome, "罚息收入", "Penalty interest income", Income),
		controlled(CompoundIncome, "复利收入", "Compound interest income", Income),
		controlled(FeeIncome, "手续费及佣金收入", "Fee and commission income", Income),
		free("6051", "其他业务收入", "Other operating income", Income),
		controlled(RecoveryIncome, "已核销贷款收回", "Recoveries of written-off loans", Income),
		free(FXResult, "汇兑损益", "Exchange result", Income),
		free("6101", "公允价值变动损益", "Fair value result", Income),
		free("6111", "投资收益", "Investment income", Income),
		controlled(TransferResult, "资产转让损益", "Result of asset transfers", Income),
		free("6301", "营业外收入", "Non-operating income", Income),
		free("6402", "其他业务成本", "Other operating costs", Expense),
		free("6403", "税金及附加", "Taxes and surcharges", Expense),
		free(InterestExpense, "利息支出", "Interest expense", Expense),
		free("6421", "手续费及佣金支出", "Fee and commission expense", Expense),
		free("6601", "业务及管理费", "Operating and administrative expenses", Expense),
		controlled(ImpairmentLoss, "资产减值损失", "Impairment loss", Expense),
		free("6711", "营业外支出", "Non-operating expenses", Expense),
		controlled(WaiverExpense, "息费减免支出", "Waivers of interest and fees", Expense),
		free("6801", "所得税费用", "Income tax expense", Expense),
		free("6901", "以前年度损益调整", "Adjustments of earlier years' results", Expense),
		controlled(SuspendedInterest, "表外应收利息", "Suspended interest receivable (off balance sheet)", Memo),
		controlled(SuspendedInterestContra, "表外应收利息对应", "Suspended interest, contra (off balance sheet)", Memo),
		controlled(WrittenOff, "已核销贷款", "Written-off claims (off balance sheet)", Memo),
		controlled(WrittenOffContra, "已核销贷款对应", "Written-off claims, contra (off balance sheet)", Memo),
	}
}
