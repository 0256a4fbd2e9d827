// Package product reads, checks and keeps product recipes. A product is data: one YAML file says who
// may ask, what evidence is needed, which rules decide, how the limit and the price are found, and
// what is watched afterwards. The same engine evaluates every recipe; no product is special-cased.
package product

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// SchemaVersion is the version of the recipe language this program reads.
const SchemaVersion = 1

// Status of a product.
type Status string

// The statuses.
const (
	Draft   Status = "draft"
	Pilot   Status = "pilot"
	Live    Status = "live"
	Retired Status = "retired"
)

// RuleKind says what a rule does when it is hit.
type RuleKind string

// The rule kinds.
const (
	KnockOut RuleKind = "knock_out"
	Refer    RuleKind = "refer"
	Note     RuleKind = "note"
)

// Action is what a watch signal does.
type Action string

// The actions.
const (
	ActionTask   Action = "task"
	ActionReduce Action = "reduce_limit"
	ActionFreeze Action = "freeze"
)

// Recipe is a whole product.
type Recipe struct {
	Schema       int          `yaml:"schema" json:"schema" doc:"version of the recipe language: 1"`
	ID           string       `yaml:"id" json:"id" pattern:"^[a-z][a-z0-9-]{2,40}$"`
	Name         fault.Text   `yaml:"name" json:"name"`
	Summary      fault.Text   `yaml:"summary" json:"summary"`
	Version      int64        `yaml:"version" json:"version" minimum:"1"`
	Status       Status       `yaml:"status" json:"status" enum:"draft,pilot,live,retired"`
	Effective    Effective    `yaml:"effective" json:"effective"`
	Audience     Audience     `yaml:"audience" json:"audience"`
	Evidence     []Evidence   `yaml:"evidence" json:"evidence"`
	Parameters   []Parameter  `yaml:"parameters" json:"parameters"`
	Eligibility  []Rule       `yaml:"eligibility" json:"eligibility"`
	Limit        Limit        `yaml:"limit" json:"limit"`
	Pricing      Pricing      `yaml:"pricing" json:"pricing"`
	Terms        Terms        `yaml:"terms" json:"terms"`
	Decision     Decision     `yaml:"decision" json:"decision"`
	Documents    []Document   `yaml:"documents" json:"documents"`
	Disbursement Disbursement `yaml:"disbursement" json:"disbursement"`
	Watch        []Watch      `yaml:"watch" json:"watch"`
	Accounting   []Account    `yaml:"accounting" json:"accounting"`
	Report       []string     `yaml:"report" json:"report" doc:"tags: inclusive, agri, green:<code>, sci-tech, first-time, unsecured, renewal"`
}

// Effective is the life of a version; an empty end is open.
type Effective struct {
	From calendar.Date `yaml:"from" json:"from"`
	To   calendar.Date `yaml:"to,omitempty" json:"to,omitzero"`
}

// Audience says for whom the product is. An empty list lets everybody in.
type Audience struct {
	CustomerTypes []string `yaml:"customer_types" json:"customer_types"`
	SizeClasses   []string `yaml:"size_classes" json:"size_classes" doc:"micro, small, medium, large"`
	Industries    Lists    `yaml:"industries" json:"industries" doc:"GB/T 4754 sections or divisions"`
	Regions       Lists    `yaml:"regions" json:"regions" doc:"prefixes of GB/T 2260 codes"`
	Firms         Lists    `yaml:"firms" json:"firms" doc:"unified social credit codes"`
}

// Lists are a white list (empty: all) and a black list.
type Lists struct {
	Allow []string `yaml:"allow" json:"allow"`
	Deny  []string `yaml:"deny" json:"deny"`
}

// Evidence is a kind of data the decision needs; each needs a live consent.
type Evidence struct {
	Kind         string `yaml:"kind" json:"kind"`
	Purpose      string `yaml:"purpose" json:"purpose"`
	MonthsMin    int    `yaml:"months_min" json:"months_min"`
	FreshDaysMax int    `yaml:"fresh_days_max" json:"fresh_days_max"`
}

// Parameter is a named number that rules use as param.<name>.
type Parameter struct {
	Name   string  `yaml:"name" json:"name" pattern:"^[a-z][a-z0-9_]{0,40}$"`
	Value  float64 `yaml:"value" json:"value"`
	Unit   string  `yaml:"unit" json:"unit" doc:"fen, ratio, count, days, months"`
	Zh     string  `yaml:"zh" json:"zh"`
	En     string  `yaml:"en" json:"en"`
	Source string  `yaml:"source" json:"source" doc:"where the value comes from"`
}

// Rule is one ordered test; When is true for a firm that the rule is about.
type Rule struct {
	Code      string     `yaml:"code" json:"code" pattern:"^[A-Z][A-Z0-9_]{2,50}$"`
	Kind      RuleKind   `yaml:"kind" json:"kind" enum:"knock_out,refer,note"`
	When      string     `yaml:"when" json:"when" doc:"CEL, true when hit"`
	Reason    fault.Text `yaml:"reason" json:"reason" doc:"may hold {variable} placeholders"`
	Remedy    fault.Text `yaml:"remedy" json:"remedy" doc:"what the firm can do"`
	RetryDays int        `yaml:"retry_days" json:"retry_days" doc:"when it is worth asking again"`
}

// Limit is the smallest of its components, rounded down.
type Limit struct {
	RoundToMinor int64       `yaml:"round_to_minor" json:"round_to_minor"`
	MinMinor     int64       `yaml:"min_minor" json:"min_minor" doc:"below it nothing is offered"`
	Components   []Component `yaml:"components" json:"components"`
}

// Component is one upper bound in fen.
type Component struct {
	ID     string     `yaml:"id" json:"id" pattern:"^[a-z][a-z0-9_]{1,40}$"`
	Name   fault.Text `yaml:"name" json:"name"`
	Amount string     `yaml:"amount" json:"amount" doc:"CEL, fen"`
	Remedy fault.Text `yaml:"remedy" json:"remedy" doc:"what raises this bound"`
}

// Pricing builds the yearly rate from its parts.
type Pricing struct {
	Benchmark   string       `yaml:"benchmark" json:"benchmark" enum:"lpr_1y,lpr_5y"`
	Funding     rate.Rate    `yaml:"funding" json:"funding" doc:"transfer price of the money"`
	Operating   rate.Rate    `yaml:"operating" json:"operating"`
	LGD         rate.Rate    `yaml:"lgd" json:"lgd" doc:"loss given default"`
	RiskWeight  rate.Rate    `yaml:"risk_weight" json:"risk_weight"`
	CapitalRate rate.Rate    `yaml:"capital_rate" json:"capital_rate" doc:"capital held per risk-weighted yuan"`
	HurdleRate  rate.Rate    `yaml:"hurdle_rate" json:"hurdle_rate" doc:"return asked on that capital above the funding rate"`
	Margins     []Margin     `yaml:"margins" json:"margins"`
	Adjustments []Adjustment `yaml:"adjustments" json:"adjustments"`
	FloorSpread rate.Rate    `yaml:"floor_spread" json:"floor_spread" doc:"lowest rate = benchmark + this, which may be negative"`
	Ceiling     rate.Rate    `yaml:"ceiling" json:"ceiling"`
	Repricing   string       `yaml:"repricing,omitempty" json:"repricing,omitempty" enum:"fixed,anniversary,january_1,quarterly,monthly,quarter_start,month_start" doc:"when loans take the benchmark anew; empty is a fixed rate"`
}

// Margin is the profit margin of a grade.
type Margin struct {
	Grade string    `yaml:"grade" json:"grade"`
	Rate  rate.Rate `yaml:"rate" json:"rate"`
}

// Adjustment moves the rate when its condition holds.
type Adjustment struct {
	ID   string     `yaml:"id" json:"id"`
	When string     `yaml:"when" json:"when"`
	Rate rate.Rate  `yaml:"rate" json:"rate"`
	Name fault.Text `yaml:"name" json:"name"`
}

// Terms are what the contract says.
type Terms struct {
	Kind           string    `yaml:"kind" json:"kind" enum:"term,revolving,lease,discount"`
	Currency       string    `yaml:"currency" json:"currency"`
	AmountMinMinor int64     `yaml:"amount_min_minor" json:"amount_min_minor"`
	AmountMaxMinor int64     `yaml:"amount_max_minor" json:"amount_max_minor"`
	FacilityMonths int       `yaml:"facility_months" json:"facility_months"`
	TenorMonthsMin int       `yaml:"tenor_months_min" json:"tenor_months_min"`
	TenorMonthsMax int       `yaml:"tenor_months_max" json:"tenor_months_max"`
	DayCount       string    `yaml:"day_count" json:"day_count"`
	Methods        []string  `yaml:"methods" json:"methods" doc:"repayment methods the firm may choose"`
	GraceDays      int       `yaml:"grace_days" json:"grace_days"`
	PenaltySpread  rate.Rate `yaml:"penalty_spread" json:"penalty_spread" doc:"share added to the rate on overdue amounts: 0.5 is half as much again"`
	PrepaymentFee  rate.Rate `yaml:"prepayment_fee" json:"prepayment_fee"`
	Allocation     []string  `yaml:"allocation" json:"allocation" doc:"order in which a repayment is used"`
	Purposes       []Purpose `yaml:"purposes" json:"purposes"`

	Sales    Sales    `yaml:"sales,omitempty" json:"sales,omitzero" doc:"with the method sales_share, and only with it"`
	Lease    Lease    `yaml:"lease,omitempty" json:"lease,omitzero" doc:"with the kind lease, and only with it"`
	Tranches Tranches `yaml:"tranches,omitempty" json:"tranches,omitzero" doc:"several disbursements by plan; absent: all at once"`
}

// The kinds of terms that have parts of their own.
const (
	KindLease    = "lease"
	KindDiscount = "discount"
)

// Sales say how a share of sales repays a loan. Minimum and cap are parts of the amount lent, per instalment.
type Sales struct {
	ShareMin rate.Rate `yaml:"share_min" json:"share_min" doc:"least part of the sales of a period that is due, such as 0.05"`
	ShareMax rate.Rate `yaml:"share_max" json:"share_max"`
	Minimum  rate.Rate `yaml:"minimum" json:"minimum" doc:"due even if less was sold or nothing was reported"`
	Cap      rate.Rate `yaml:"cap,omitempty" json:"cap,omitempty" doc:"most that is due by the share; absent: no cap"`
	Expected string    `yaml:"expected" json:"expected" doc:"CEL, fen: sales expected a month, for the plan in the offer"`
}

// Lease says what a lease may be; shares are of the amount financed. Deposit, residual and in_advance are what an offer shows.
type Lease struct {
	InAdvance   bool      `yaml:"in_advance" json:"in_advance" doc:"rents fall due at the start of their period"`
	Deposit     rate.Rate `yaml:"deposit" json:"deposit"`
	DepositMin  rate.Rate `yaml:"deposit_min" json:"deposit_min"`
	DepositMax  rate.Rate `yaml:"deposit_max" json:"deposit_max"`
	DepositUse  string    `yaml:"deposit_use" json:"deposit_use" enum:"last_rents,return" doc:"what becomes of the deposit: it pays the last rents, or goes back"`
	Residual    rate.Rate `yaml:"residual" json:"residual" doc:"purchase price at the end"`
	ResidualMax rate.Rate `yaml:"residual_max" json:"residual_max"`
}

// Tranches bound a plan of disbursements.
type Tranches struct {
	Max       int `yaml:"max" json:"max" doc:"disbursements, the first one included"`
	MonthsMax int `yaml:"months_max" json:"months_max" doc:"the last one at most so many months after the first"`
}

// Purpose is an allowed use of the money.
type Purpose struct {
	ID   string     `yaml:"id" json:"id"`
	Name fault.Text `yaml:"name" json:"name"`
}

// Decision says when the machine decides alone and who decides otherwise.
type Decision struct {
	StraightThrough string      `yaml:"straight_through" json:"straight_through" doc:"CEL; otherwise the case is referred"`
	Authority       []Authority `yaml:"authority" json:"authority" doc:"rising amounts; the first row that covers the amount decides"`
	ReferDays       int         `yaml:"refer_days" json:"refer_days" doc:"days an approver has"`
	ValidDays       int         `yaml:"valid_days" json:"valid_days" doc:"days a decision stands"`
	OfferDays       int         `yaml:"offer_days" json:"offer_days" doc:"days an offer stands"`
}

// Authority is one row of the matrix.
type Authority struct {
	UpToMinor int64    `yaml:"up_to_minor" json:"up_to_minor"`
	Roles     []string `yaml:"roles" json:"roles"`
}

// Document is a paper to sign.
type Document struct {
	Template string     `yaml:"template" json:"template"`
	Name     fault.Text `yaml:"name" json:"name"`
	Signers  []string   `yaml:"signers" json:"signers" doc:"in order: borrower, guarantor, bank"`
}

// Disbursement says how the money leaves.
type Disbursement struct {
	Mode                string `yaml:"mode" json:"mode" enum:"self_paid,entrusted"`
	EntrustedAboveMinor int64  `yaml:"entrusted_above_minor" json:"entrusted_above_minor" doc:"single payments above it go to the payee directly"`
	Payee               string `yaml:"payee" json:"payee" enum:"own_account,supplier"`
	LockedCollection    bool   `yaml:"locked_collection" json:"locked_collection"`
}

// Watch is a signal with its condition and consequence.
type Watch struct {
	Code      string     `yaml:"code" json:"code"`
	Catalogue string     `yaml:"catalogue" json:"catalogue" doc:"id in the early-warning catalogue"`
	Level     string     `yaml:"level" json:"level" enum:"yellow,orange,red"`
	When      string     `yaml:"when" json:"when" doc:"CEL over the new profile, the profile before (before.*) and the facility"`
	Metric    string     `yaml:"metric" json:"metric" doc:"variable whose value before and after is shown"`
	Action    Action     `yaml:"action" json:"action" enum:"task,reduce_limit,freeze"`
	ReduceTo  string     `yaml:"reduce_to,omitempty" json:"reduce_to,omitempty" doc:"CEL, fen: the new limit, never above the present one"`
	Name      fault.Text `yaml:"name" json:"name"`
	Reason    fault.Text `yaml:"reason" json:"reason"`
	Advice    fault.Text `yaml:"advice" json:"advice" doc:"what the relationship manager should do"`
	Source    string     `yaml:"source" json:"source"`
}

// Account maps a business event to ledger accounts.
type Account struct {
	Event  string `yaml:"event" json:"event"`
	Debit  string `yaml:"debit" json:"debit"`
	Credit string `yaml:"credit" json:"credit"`
}

// ParameterValue finds a parameter.
func (r *Recipe) ParameterValue(name string) (float64, bool) {
	for _, p := range r.Parameters {
		if p.Name == name {
			return p.Value, true
		}
	}
	return 0, false
}

// Allows reports whether the firm may choose a repayment method.
func (t Terms) Allows(method string) bool {
	for _, m := range t.Methods {
		if m == method {
			return true
		}
	}
	return false
}
