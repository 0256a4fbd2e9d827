// Package application carries a wish to borrow from draft to drawn: the pipeline's states and
// transitions are data, each step is recorded with who, when and why, and the offer shows the firm
// rate, total cost and schedule before it signs.
package application

import (
	"slices"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// State of an application.
type State string

// The states.
const (
	Draft      State = "draft"
	Submitted  State = "submitted"
	Approved   State = "approved"
	Referred   State = "referred"
	Declined   State = "declined"
	Offered    State = "offered"
	Accepted   State = "accepted"
	Contracted State = "contracted"
	Drawn      State = "drawn"
	Withdrawn  State = "withdrawn"
	Expired    State = "expired"
)

// Names are the states in the order of the pipeline, as people call them.
var Names = []struct {
	State State
	Name  fault.Text
}{
	{Draft, fault.Text{Zh: "草稿", En: "draft"}},
	{Submitted, fault.Text{Zh: "已提交", En: "submitted"}},
	{Referred, fault.Text{Zh: "人工审批中", En: "with an approver"}},
	{Approved, fault.Text{Zh: "已批准", En: "approved"}},
	{Declined, fault.Text{Zh: "已拒绝", En: "declined"}},
	{Offered, fault.Text{Zh: "已报价", En: "offered"}},
	{Accepted, fault.Text{Zh: "已接受", En: "accepted"}},
	{Contracted, fault.Text{Zh: "已签约", En: "contracted"}},
	{Drawn, fault.Text{Zh: "已用信", En: "drawn"}},
	{Withdrawn, fault.Text{Zh: "已撤回", En: "withdrawn"}},
	{Expired, fault.Text{Zh: "已失效", En: "expired"}},
}

// Name is the state as people call it.
func (s State) Name() fault.Text {
	for _, n := range Names {
		if n.State == s {
			return n.Name
		}
	}
	return fault.Text{Zh: string(s), En: string(s)}
}

// Open reports a state from which the application may still move.
func (s State) Open() bool {
	return s != Declined && s != Withdrawn && s != Expired && s != Drawn
}

// Action is a step in the pipeline.
type Action string

// The actions.
const (
	ActSubmit      Action = "submit"
	ActApprove     Action = "approve"
	ActRefer       Action = "refer"
	ActDecline     Action = "decline"
	ActReturn      Action = "return"
	ActOffer       Action = "offer"
	ActAccept      Action = "accept"
	ActReject      Action = "reject"
	ActContract    Action = "contract"
	ActDraw        Action = "draw"
	ActWithdraw    Action = "withdraw"
	ActExpire      Action = "expire"
	ActCreate      Action = "create"
	ActEdit        Action = "edit"
	stepNoteMax           = 1000
	purposeNoteMax        = 500
)

// Transition is one allowed step.
type Transition struct {
	Action Action     `json:"action"`
	From   []State    `json:"from"`
	To     State      `json:"to"`
	Name   fault.Text `json:"name"`
}

// Transitions are all allowed steps; nothing else moves an application.
var Transitions = []Transition{
	{ActEdit, []State{Draft}, Draft, fault.Text{Zh: "修改", En: "edit"}},
	{ActSubmit, []State{Draft}, Submitted, fault.Text{Zh: "提交", En: "submit"}},
	{ActApprove, []State{Submitted, Referred}, Approved, fault.Text{Zh: "批准", En: "approve"}},
	{ActRefer, []State{Submitted}, Referred, fault.Text{Zh: "转人工审批", En: "refer"}},
	{ActDecline, []State{Submitted, Referred}, Declined, fault.Text{Zh: "拒绝", En: "decline"}},
	{ActReturn, []State{Referred}, Draft, fault.Text{Zh: "退回补充", En: "return for completion"}},
	{ActOffer, []State{Approved}, Offered, fault.Text{Zh: "报价", En: "offer"}},
	{ActAccept, []State{Offered}, Accepted, fault.Text{Zh: "接受报价", En: "accept the offer"}},
	{ActReject, []State{Offered}, Withdrawn, fault.Text{Zh: "客户谢绝报价", En: "turn the offer down"}},
	{ActContract, []State{Accepted}, Contracted, fault.Text{Zh: "签约", En: "sign the contract"}},
	{ActDraw, []State{Contracted}, Drawn, fault.Text{Zh: "首次用信", En: "first draw"}},
	{ActWithdraw, []State{Draft, Referred, Approved, Offered, Accepted}, Withdrawn, fault.Text{Zh: "撤回", En: "withdraw"}},
	{ActExpire, []State{Approved, Offered}, Expired, fault.Text{Zh: "失效", En: "expire"}},
}

// next finds the transition of an action from a state.
func next(from State, a Action) (Transition, error) {
	var name fault.Text
	for _, t := range Transitions {
		if t.Action != a {
			continue
		}
		name = t.Name
		if slices.Contains(t.From, from) {
			return t, nil
		}
	}
	possible := []string{}
	for _, t := range Possible(from) {
		possible = append(possible, t.Name.Zh+" "+string(t.Action))
	}
	if len(possible) == 0 {
		possible = append(possible, "—")
	}
	return Transition{}, fault.New(ReasonState, "state", from, "state_name", from.Name().Zh, "action", a, "action_name", name.Zh, "possible", strings.Join(possible, ", "))
}

// Possible lists the steps that may follow a state.
func Possible(from State) []Transition {
	out := []Transition{}
	for _, t := range Transitions {
		if slices.Contains(t.From, from) {
			out = append(out, t)
		}
	}
	return out
}

// Application is a stored application.
type Application struct {
	ID             string            `json:"id"`
	FirmID         string            `json:"firm_id"`
	FirmName       string            `json:"firm_name"`
	ProductID      string            `json:"product_id"`
	ProductVersion int64             `json:"product_version"`
	BranchID       string            `json:"branch_id"`
	BranchPath     string            `json:"branch_path"`
	ManagerID      string            `json:"manager_id"`
	State          State             `json:"state"`
	StateName      fault.Text        `json:"state_name"`
	AmountMinor    int64             `json:"amount_minor"`
	Currency       string            `json:"currency"`
	TenorMonths    int               `json:"tenor_months"`
	Method         string            `json:"method"`
	Purpose        string            `json:"purpose"`
	PurposeNote    string            `json:"purpose_note"`
	OtherDebtMinor int64             `json:"other_debt_minor"`
	DecisionID     string            `json:"decision_id"`
	ApprovedMinor  int64             `json:"approved_minor"`
	Rate           rate.Rate         `json:"rate"`
	Reasons        []decision.Reason `json:"reasons" doc:"of the last decision, for the firm and for staff alike"`
	Offer          *Offer            `json:"offer,omitempty"`
	ExpiresOn      calendar.Date     `json:"expires_on,omitzero" doc:"last day of the approval, or of the offer once made"`
	ContractID     string            `json:"contract_id"`
	LoanID         string            `json:"loan_id" doc:"of the first draw"`
	CreatedBy      string            `json:"created_by"`
	SubmittedBy    string            `json:"submitted_by"`
	CreatedAt      time.Time         `json:"created_at"`
	UpdatedAt      time.Time         `json:"updated_at"`
	Version        int64             `json:"version"`
}

// Offer is what the firm is shown before it signs: one price line, the whole cost, every instalment.
type Offer struct {
	AmountMinor      int64         `json:"amount_minor"`
	Currency         string        `json:"currency"`
	Rate             rate.Rate     `json:"rate" doc:"yearly rate, simple"`
	AnnualisedRate   rate.Rate     `json:"annualised_rate" doc:"yearly cost of the money including every charge"`
	TotalCostMinor   int64         `json:"total_cost_minor" doc:"everything paid beyond the amount, if drawn in full for the whole tenor"`
	TenorMonths      int           `json:"tenor_months"`
	Method           string        `json:"method"`
	GraceDays        int           `json:"grace_days"`
	PenaltySpread    rate.Rate     `json:"penalty_spread"`
	PrepaymentFee    rate.Rate     `json:"prepayment_fee"`
	Instalments      []Instalment  `json:"instalments"`
	OfferedOn        calendar.Date `json:"offered_on"`
	ExpiresOn        calendar.Date `json:"expires_on"`
	FacilityMonths   int           `json:"facility_months"`
	Revolving        bool          `json:"revolving"`
	ReducedFromMinor int64         `json:"reduced_from_minor,omitempty" doc:"amount asked, when less is offered"`
	Extras           Extras        `json:"extras,omitzero" doc:"deposit, residual, discount, share of sales: what the kind of product has"`
}

// Instalment is one line of the schedule preview.
type Instalment struct {
	No             int           `json:"no"`
	DueOn          calendar.Date `json:"due_on"`
	PrincipalMinor int64         `json:"principal_minor"`
	InterestMinor  int64         `json:"interest_minor"`
	TotalMinor     int64         `json:"total_minor"`
	BalanceMinor   int64         `json:"balance_minor"`
}

// ScheduleInput is what the schedule preview is made from.
type ScheduleInput struct {
	AmountMinor   int64
	Currency      string
	Rate          rate.Rate
	TenorMonths   int
	Method        string
	DayCount      string
	GraceDays     int
	PenaltySpread rate.Rate
	StartsOn      calendar.Date
	// Terms are the recipe's: kind, deposit, residual, share of sales.
	Terms product.Terms
	// ExpectedSalesMinor are the sales a month that a plan by their share assumes.
	ExpectedSalesMinor int64
}

// Preview is the schedule and its cost.
type Preview struct {
	Instalments    []Instalment
	TotalCostMinor int64
	AnnualisedRate rate.Rate
	Extras         Extras
}

// Extras are what only some kinds of offer have.
type Extras struct {
	Kind               string    `json:"kind,omitempty" enum:"term,revolving,lease,discount"`
	ProceedsMinor      int64     `json:"proceeds_minor,omitempty" doc:"what reaches the firm, when that is less than the amount"`
	WithheldMinor      int64     `json:"withheld_minor,omitempty" doc:"interest of a discount, kept back"`
	DepositMinor       int64     `json:"deposit_minor,omitempty" doc:"of a lease"`
	DepositUse         string    `json:"deposit_use,omitempty" enum:"last_rents,return"`
	ResidualMinor      int64     `json:"residual_minor,omitempty" doc:"purchase price at the end of a lease"`
	InAdvance          bool      `json:"in_advance,omitempty" doc:"rents fall due at the start of their period"`
	SalesShare         rate.Rate `json:"sales_share,omitempty" doc:"part of the sales of a month that is due"`
	SalesMinimumMinor  int64     `json:"sales_minimum_minor,omitempty"`
	SalesCapMinor      int64     `json:"sales_cap_minor,omitempty"`
	SalesExpectedMinor int64     `json:"sales_expected_minor,omitempty" doc:"sales a month that the plan assumes"`
	TranchesMax        int       `json:"tranches_max,omitempty" doc:"disbursements at most"`
}

// Schedule makes a preview. The arithmetic of loans lives in lending, one floor up, so the wiring
// hands it down.
type Schedule func(in ScheduleInput) (Preview, error)

// Step is one recorded transition.
type Step struct {
	ID     string    `json:"id"`
	Action Action    `json:"action"`
	From   State     `json:"from"`
	To     State     `json:"to"`
	Actor  string    `json:"actor"`
	At     time.Time `json:"at"`
	Note   string    `json:"note,omitempty"`
	Data   any       `json:"data,omitempty"`
}

// Acceptance is the evidence that the firm accepted the offer.
type Acceptance struct {
	Channel   string `json:"channel" enum:"portal,branch,phone,paper"`
	Signer    string `json:"signer" maxLength:"100" doc:"who accepted for the firm"`
	Reference string `json:"reference,omitempty" maxLength:"200" doc:"recording, form or file that proves it; needed away from the portal"`
}

func (a Acceptance) validate() error {
	if !slices.Contains([]string{"portal", "branch", "phone", "paper"}, a.Channel) {
		return fault.New(ReasonEvidence).WithField("channel")
	}
	if strings.TrimSpace(a.Signer) == "" {
		return fault.New(ReasonEvidence).WithField("signer")
	}
	if a.Channel != "portal" && strings.TrimSpace(a.Reference) == "" {
		return fault.New(ReasonEvidence).WithField("reference")
	}
	return nil
}
