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
	"github.com/capillary-finance/capillary/internal/credit/product"
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
	// Extras are what the kind of product has beside: deposit, residual, discount, share of sales.
	Extras application.Extras `json:"extras,omitzero"`
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

// example is the loan that the schedule in an offer or a contract shows: the whole amount drawn at once, with the deposit, the
// residual and the sales of the offer.
func example(in application.ScheduleInput, x application.Extras, c loan.Conditions) (loan.Terms, error) {
	draw := loan.DrawInput{AmountMinor: in.AmountMinor, TenorMonths: in.TenorMonths, Method: loan.Method(in.Method)}
	c.Methods, c.TenorMonthsMin, c.TenorMonthsMax = []loan.Method{draw.Method}, in.TenorMonths, in.TenorMonths
	if c.Kind == product.KindLease {
		draw.Lease = loan.LeaseInput{InAdvance: x.InAdvance, DepositMinor: x.DepositMinor, ResidualMinor: x.ResidualMinor}
	}
	if draw.Method == loan.SalesShare {
		draw.Sales = loan.SalesInput{Share: x.SalesShare, ExpectedMinor: x.SalesExpectedMinor}
	}
	return draw.Under(in.Rate, money.Currency(in.Currency), c, in.StartsOn)
}

// terms of the recipe as a contract fixes them.
func fixed(p product.Terms, dayCount string, graceDays int, penaltySpread rate.Rate) (loan.Conditions, error) {
	basis, err := daycount.Parse(strings.ToUpper(dayCount))
	if err != nil {
		return loan.Conditions{}, fault.Field("day_count", "未知的计息基础", "is not a known day-count basis").Wrap(err)
	}
	return loan.Conditions{
		Basis: basis, Rounding: money.HalfUp, GraceDays: graceDays, PenaltySpread: penaltySpread, Kind: p.Kind,
		Sales:    loan.SalesConditions{ShareMin: p.Sales.ShareMin, ShareMax: p.Sales.ShareMax, Minimum: p.Sales.Minimum, Cap: p.Sales.Cap},
		Lease:    loan.LeaseConditions{DepositMin: p.Lease.DepositMin, DepositMax: p.Lease.DepositMax, DepositUse: loan.DepositUse(p.Lease.DepositUse), ResidualMax: p.Lease.ResidualMax},
		Tranches: loan.TrancheConditions{Max: p.Tranches.Max, MonthsMax: p.Tranches.MonthsMax},
	}, nil
}

// OfferSchedule is the schedule an offer shows, computed by the same arithmetic
// as the loan; the wiring hands it down to credit.
func OfferSchedule(in application.ScheduleInput) (application.Preview, error) {
	var out application.Preview
	c, err := fixed(in.Terms, in.DayCount, in.GraceDays, in.PenaltySpread)
	if err != nil {
		return out, err
	}
	x := application.Extras{SalesExpectedMinor: in.ExpectedSalesMinor, InAdvance: in.Terms.Lease.InAdvance, TranchesMax: in.Terms.Tranches.Max}
	for _, part := range []struct {
		to    *int64
		share rate.Rate
	}{{&x.DepositMinor, in.Terms.Lease.Deposit}, {&x.ResidualMinor, in.Terms.Lease.Residual}} {
		if *part.to, err = rate.Share(in.AmountMinor, part.share, money.HalfUp); err != nil {
			return out, err
		}
	}
	t, err := example(in, x, c)
	if err != nil {
		return out, err
	}
	o, err := loan.Outlined(t)
	if err != nil {
		return out, err
	}
	for _, r := range o.Schedule {
		out.Instalments = append(out.Instalments, application.Instalment{
			No: r.No, DueOn: r.DueDate, PrincipalMinor: r.PrincipalMinor, InterestMinor: r.InterestMinor, TotalMinor: r.TotalMinor, BalanceMinor: r.BalanceMinor,
		})
	}
	out.TotalCostMinor, out.Extras = o.Cost.InterestMinor, extras(x, in.Terms.Kind, t, o)
	out.AnnualisedRate, err = disclosed(t, o)
	return out, err
}

// extras fills in what the arithmetic found.
func extras(x application.Extras, kind string, t loan.Terms, o loan.Outline) application.Extras {
	x.Kind, x.WithheldMinor, x.DepositUse = kind, o.WithheldMinor, string(t.Deposit.Use)
	if o.ProceedsMinor != t.PrincipalMinor {
		x.ProceedsMinor = o.ProceedsMinor
	}
	x.SalesShare, x.SalesMinimumMinor, x.SalesCapMinor, x.SalesExpectedMinor = t.Sales.Share, t.Sales.MinimumMinor, t.Sales.CapMinor, t.Sales.ExpectedMinor
	return x
}

// disclosed is the yearly cost of a plan: of a discount, a lease and a share of sales from its flows, because interest in advance,
// a deposit or uneven payments make the money dearer than its rate says; else the rate itself over 365 days.
func disclosed(t loan.Terms, o loan.Outline) (rate.Rate, error) {
	if t.Method == loan.Discount || t.Method == loan.SalesShare || t.Deposit.AmountMinor > 0 || t.Plan.InAdvance || t.Plan.BalloonMinor > 0 {
		return o.Simple, nil
	}
	return Annualised(t.AnnualRate, t.Basis)
}
