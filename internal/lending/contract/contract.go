// Package contract turns an accepted offer into a signed contract: its terms
// and their digest, the PDF in Chinese and English with its hash, and the
// facility that the contract promises.
package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Signed is the one status a stored contract has: contracts are never edited.
const Signed = "signed"

// Terms are everything that was agreed. Their canonical JSON is what the digest
// printed in the document covers.
type Terms struct {
	Number         string            `json:"number"`
	LenderZh       string            `json:"lender_zh"`
	LenderEn       string            `json:"lender_en"`
	Borrower       string            `json:"borrower"`
	BorrowerUSCC   string            `json:"borrower_uscc"`
	Purpose        fault.Text        `json:"purpose"`
	Currency       money.Currency    `json:"currency"`
	LimitMinor     int64             `json:"limit_minor"`
	Revolving      bool              `json:"revolving"`
	AnnualRate     rate.Rate         `json:"annual_rate"`
	AnnualisedRate rate.Rate         `json:"annualised_rate" doc:"simple, per 365 days, all charges included"`
	PenaltyRate    rate.Rate         `json:"penalty_rate"`
	Method         loan.Method       `json:"method"`
	TenorMonths    int               `json:"tenor_months"`
	Conditions     loan.Conditions   `json:"conditions"`
	SignedOn       calendar.Date     `json:"signed_on"`
	StartsOn       calendar.Date     `json:"starts_on"`
	ExpiresOn      calendar.Date     `json:"expires_on"`
	Schedule       []loan.Instalment `json:"schedule" doc:"of the whole limit drawn on the day of signing"`
	Cost           loan.Cost         `json:"cost"`
	Demo           bool              `json:"demo"`
}

// Contract is a stored contract.
type Contract struct {
	ID            string    `json:"id"`
	ApplicationID string    `json:"application_id"`
	FacilityID    string    `json:"facility_id"`
	FirmID        string    `json:"firm_id"`
	ProductID     string    `json:"product_id"`
	BranchID      string    `json:"branch_id"`
	BranchPath    string    `json:"branch_path"`
	Status        string    `json:"status" enum:"signed"`
	Terms         Terms     `json:"terms"`
	TermsHash     string    `json:"terms_hash" doc:"SHA-256 of the terms, printed in the document"`
	PDFHash       string    `json:"pdf_hash" doc:"SHA-256 of the PDF file"`
	PDFSize       int64     `json:"pdf_size"`
	CreatedAt     time.Time `json:"created_at"`
	CreatedBy     string    `json:"created_by"`
}

// Digest is the SHA-256 of the terms' JSON. Struct order is fixed, so the same
// terms always give the same digest.
func (t Terms) Digest() (string, error) {
	b, err := json.Marshal(t)
	if err != nil {
		return "", fmt.Errorf("contract terms: %w", err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}

// Reasons of contracts.
var (
	ReasonNotAccepted = fault.Declare("CONTRACT_OFFER_NOT_ACCEPTED", fault.Conflict,
		"申请 {application} 处于“{state}”，尚不能签约", "Application {application} is {state}; there is no accepted offer to sign",
		"客户接受报价后再签约", "Sign after the offer is accepted")
	ReasonUnsupported = fault.Declare("CONTRACT_TERM_UNSUPPORTED", fault.Invalid,
		"合同尚不支持条款：{term}", "Contracts do not support this term yet: {term}",
		"修改产品配置，去除该条款后重新报价", "Change the product so that it does without this term, and make a new offer")
	ReasonBroken = fault.Declare("CONTRACT_BROKEN", fault.Internal,
		"合同 {contract} 校验失败：{problem}", "Contract {contract} does not verify: {problem}",
		"停止使用该合同并从备份核对", "Stop using it and compare with a backup")
)

// Annualised turns a yearly rate under a day-count basis into the simple yearly
// cost over 365 days, which is what has to be disclosed. Without charges beside
// interest this is all there is to it.
func Annualised(r rate.Rate, basis daycount.Convention) (rate.Rate, error) {
	if basis != daycount.Act360 {
		return r, nil
	}
	v, err := money.MulDiv(int64(r), 365, 360, money.HalfUp)
	return rate.Rate(v), err
}

// penalty is the rate on overdue amounts: the contract rate and its spread.
func penalty(r, spread rate.Rate) (rate.Rate, error) {
	v, err := money.MulDiv(int64(r), rate.Scale+int64(spread), rate.Scale, money.HalfUp)
	return rate.Rate(v), err
}

// example is the loan that the schedule in an offer or a contract shows.
func example(amountMinor int64, currency string, r rate.Rate, months int, method string, c loan.Conditions, start calendar.Date) (loan.Terms, error) {
	p, err := penalty(r, c.PenaltySpread)
	return loan.Terms{
		PrincipalMinor: amountMinor, Currency: money.Currency(currency), AnnualRate: r, PenaltyRate: p, Start: start, TenorMonths: months,
		Method: loan.Method(method), Basis: c.Basis, Rounding: c.Rounding, GraceDays: c.GraceDays, DueRule: c.DueRule,
	}, err
}

// OfferSchedule is the schedule an offer shows, computed by the same arithmetic
// as the loan; the wiring hands it down to credit.
func OfferSchedule(in application.ScheduleInput) (application.Preview, error) {
	var out application.Preview
	basis, err := daycount.Parse(strings.ToUpper(in.DayCount))
	if err != nil {
		return out, fault.Field("day_count", "未知的计息基础", "is not a known day-count basis").Wrap(err)
	}
	c := loan.Conditions{Basis: basis, Rounding: money.HalfUp, GraceDays: in.GraceDays, PenaltySpread: in.PenaltySpread}
	t, err := example(in.AmountMinor, in.Currency, in.Rate, in.TenorMonths, in.Method, c, in.StartsOn)
	if err != nil {
		return out, err
	}
	rows, err := loan.Schedule(t)
	if err != nil {
		return out, err
	}
	cost, err := loan.TotalCost(rows)
	if err != nil {
		return out, err
	}
	for _, r := range rows {
		out.Instalments = append(out.Instalments, application.Instalment{
			No: r.No, DueOn: r.DueDate, PrincipalMinor: r.PrincipalMinor, InterestMinor: r.InterestMinor, TotalMinor: r.TotalMinor, BalanceMinor: r.BalanceMinor,
		})
	}
	out.TotalCostMinor = cost.InterestMinor
	out.AnnualisedRate, err = Annualised(in.Rate, basis)
	return out, err
}
