// Package party keeps who the firms are: identity, size class, owner, branch and manager, relations
// to others, and whether a default was observed. Everything else about a firm hangs on its id.
package party

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/industry"
	"github.com/capillary-finance/capillary/internal/base/region"
	"github.com/capillary-finance/capillary/internal/base/uscc"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Customer types (domain.md 1): the subject of inclusive finance is not always a company.
const (
	TypeEnterprise  = "enterprise"  // 企业法人
	TypeIndividual  = "individual"  // 个体工商户
	TypeOwner       = "owner"       // 小微企业主
	TypeFarmer      = "farmer"      // 农户
	TypeCooperative = "cooperative" // 农民专业合作社
	TypeFamilyFarm  = "family_farm" // 家庭农场
	TypeOther       = "other"
)

// Observed outcomes of a firm; the label of scorecard training.
const (
	LabelGood = "good"
	LabelBad  = "bad"
)

// Firm is a customer or a candidate.
type Firm struct {
	ID           string        `json:"id"`
	Code         string        `json:"code" doc:"the institution's own code, unique"`
	Name         string        `json:"name"`
	USCC         string        `json:"uscc" doc:"unified social credit code; may be empty until known"`
	USCCEvidence string        `json:"uscc_evidence,omitempty" doc:"why a code that fails its check digit is accepted"`
	CustomerType string        `json:"customer_type"`
	Industry     string        `json:"industry" doc:"GB/T 4754 code, e.g. C3311"`
	IndustryName fault.Text    `json:"industry_name"`
	Region       string        `json:"region" doc:"administrative division code"`
	RegionName   string        `json:"region_name"`
	Employees    int64         `json:"employees"`
	RevenueMinor int64         `json:"revenue_minor"`
	AssetsMinor  int64         `json:"assets_minor"`
	SizeClass    string        `json:"size_class" doc:"L, M, S, T (micro) or empty when the inputs are missing"`
	SizeSource   string        `json:"size_source" doc:"self-declared, tax, statement"`
	SizeOn       calendar.Date `json:"size_on"`
	OwnerName    string        `json:"owner_name"`
	OwnerID      string        `json:"owner_id" doc:"masked"`
	Phone        string        `json:"phone" doc:"masked"`
	Address      string        `json:"address"`
	BranchID     string        `json:"branch_id"`
	BranchPath   string        `json:"branch_path"`
	ManagerID    string        `json:"manager_id"`
	Status       string        `json:"status"`
	Demo         bool          `json:"demo"`
	DefaultLabel string        `json:"default_label" doc:"good, bad or empty: the observed outcome, never an input of a score"`
	LabelOn      calendar.Date `json:"label_on"`
	LabelSource  string        `json:"label_source"`
	CreatedAt    time.Time     `json:"created_at"`
	UpdatedAt    time.Time     `json:"updated_at"`
	Version      int64         `json:"version"`
}

// Draft is what a person or a file says of a firm.
type Draft struct {
	Code         string        `json:"code" maxLength:"64"`
	Name         string        `json:"name" maxLength:"200"`
	USCC         string        `json:"uscc,omitempty" maxLength:"18"`
	USCCEvidence string        `json:"uscc_evidence,omitempty" maxLength:"500"`
	CustomerType string        `json:"customer_type,omitempty" maxLength:"20" doc:"default enterprise"`
	Industry     string        `json:"industry,omitempty" maxLength:"8"`
	Region       string        `json:"region,omitempty" maxLength:"12"`
	Employees    int64         `json:"employees,omitempty" minimum:"0" maximum:"10000000"`
	RevenueMinor int64         `json:"revenue_minor,omitempty" minimum:"0" maximum:"900000000000000"`
	AssetsMinor  int64         `json:"assets_minor,omitempty" minimum:"0" maximum:"900000000000000"`
	SizeSource   string        `json:"size_source,omitempty" maxLength:"20" doc:"self-declared, tax, statement"`
	OwnerName    string        `json:"owner_name,omitempty" maxLength:"60"`
	OwnerID      string        `json:"owner_id,omitempty" maxLength:"18" doc:"resident id; stored encrypted, shown masked"`
	Phone        string        `json:"phone,omitempty" maxLength:"20"`
	Address      string        `json:"address,omitempty" maxLength:"200"`
	BranchID     string        `json:"branch_id,omitempty" maxLength:"60"`
	BranchPath   string        `json:"branch_path,omitempty" maxLength:"200"`
	ManagerID    string        `json:"manager_id,omitempty" maxLength:"60"`
	Demo         bool          `json:"demo,omitempty"`
	DefaultLabel string        `json:"default_label,omitempty" maxLength:"4"`
	LabelOn      calendar.Date `json:"label_on,omitempty"`
	LabelSource  string        `json:"label_source,omitempty" maxLength:"60"`
}

var codeForm = regexp.MustCompile(`^[\p{Han}A-Za-z0-9._-]{1,64}$`)

// normal trims and fills defaults.
func (d Draft) normal() Draft {
	d.Code, d.Name, d.USCC = strings.TrimSpace(d.Code), strings.TrimSpace(d.Name), uscc.Normalise(d.USCC)
	d.Industry, d.Region = strings.ToUpper(strings.TrimSpace(d.Industry)), strings.TrimSpace(d.Region)
	d.Phone, d.OwnerID = strings.TrimSpace(d.Phone), strings.ToUpper(strings.TrimSpace(d.OwnerID))
	if d.CustomerType == "" {
		d.CustomerType = TypeEnterprise
	}
	if d.SizeSource == "" {
		d.SizeSource = "self-declared"
	}
	return d
}

// Validate names every bad field at once.
func (d Draft) Validate() error {
	var errs []error
	if !codeForm.MatchString(d.Code) {
		errs = append(errs, fault.Field("code", "须为 1 至 64 个汉字、字母、数字或 . _ -", "must be 1 to 64 letters, digits, Han characters, dots, dashes or underscores"))
	}
	if n := utf8.RuneCountInString(d.Name); n == 0 || n > 200 {
		errs = append(errs, fault.Required("name"))
	}
	if d.USCC != "" && d.USCCEvidence == "" {
		if err := uscc.Check(d.USCC); err != nil {
			errs = append(errs, fault.Field("uscc", "统一社会信用代码校验不通过；确属有效时请填写 uscc_evidence 说明依据", "fails its check: correct it, or give uscc_evidence if it is really in use").Wrap(err))
		}
	}
	if d.OwnerID != "" && !strings.Contains(d.OwnerID, "*") { // a masked value came back from a form
		if err := uscc.CheckResident(d.OwnerID); err != nil {
			errs = append(errs, fault.Field("owner_id", "居民身份证号校验不通过", "fails the resident id check").Wrap(err))
		}
	}
	if d.Industry != "" {
		if _, err := industry.Lookup(d.Industry); err != nil {
			errs = append(errs, fault.Field("industry", "不是 GB/T 4754 行业代码", "is not a GB/T 4754 code").Wrap(err))
		}
	}
	if d.Region != "" && !region.Known(d.Region) {
		errs = append(errs, fault.Field("region", "不是已知的行政区划代码", "is not a known administrative division"))
	}
	switch d.CustomerType {
	case "", TypeEnterprise, TypeIndividual, TypeOwner, TypeFarmer, TypeCooperative, TypeFamilyFarm, TypeOther:
	default:
		errs = append(errs, fault.Field("customer_type", "未知的客户类型", "is not a known customer type"))
	}
	if d.DefaultLabel != "" && d.DefaultLabel != LabelGood && d.DefaultLabel != LabelBad {
		errs = append(errs, fault.Field("default_label", "须为 good、bad 或空", "must be good, bad or empty"))
	}
	if d.Employees < 0 || d.RevenueMinor < 0 || d.AssetsMinor < 0 {
		errs = append(errs, fault.Field("employees", "人数与金额不能为负", "head count and amounts must not be negative"))
	}
	return fault.Join(errs...)
}

// sizeClass applies the statistical classification; empty when industry or every figure is missing.
func sizeClass(code string, employees, revenueMinor, assetsMinor int64) string {
	if code == "" || employees == 0 && revenueMinor == 0 && assetsMinor == 0 {
		return ""
	}
	size, err := industry.SizeClass(code, employees, revenueMinor, assetsMinor)
	if err != nil {
		return ""
	}
	return string(size)
}

// Mask hides the middle of an identity number or phone, keeping enough to recognise it.
func Mask(s string) string {
	r := []rune(s)
	head, tail := 4, 4
	switch n := len(r); {
	case n <= 4:
		return strings.Repeat("*", n)
	case n <= 8:
		head, tail = 1, 1
	case n <= 11:
		head = 3
	}
	return string(r[:head]) + strings.Repeat("*", len(r)-head-tail) + string(r[len(r)-tail:])
}

// describe fills the names that follow from codes.
func (f *Firm) describe() {
	if i, err := industry.Lookup(f.Industry); err == nil {
		f.IndustryName = fault.Text{Zh: i.Zh, En: i.En}
	}
	f.RegionName = region.FullName(f.Region)
}

// Relation joins a firm to another or to a person or company outside.
type Relation struct {
	ID          string    `json:"id"`
	FirmID      string    `json:"firm_id"`
	OtherFirmID string    `json:"other_firm_id"`
	OtherName   string    `json:"other_name"`
	Kind        string    `json:"kind"`
	ShareBP     int64     `json:"share_bp" doc:"share in basis points, for shareholders"`
	Note        string    `json:"note"`
	Inverse     bool      `json:"inverse" doc:"the relation was recorded on the other firm"`
	CreatedAt   time.Time `json:"created_at"`
}

// RelationDraft is a relation about to be recorded.
type RelationDraft struct {
	OtherFirmID string `json:"other_firm_id,omitempty" maxLength:"60"`
	OtherName   string `json:"other_name,omitempty" maxLength:"200"`
	Kind        string `json:"kind" enum:"shareholder,guarantor,director,group,family,other"`
	ShareBP     int64  `json:"share_bp,omitempty" minimum:"0" maximum:"10000"`
	Note        string `json:"note,omitempty" maxLength:"500"`
}
