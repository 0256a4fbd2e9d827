package source

import (
	"slices"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// field is a column the decoder understands; its name is stable in reports and in the API.
type field uint8

const (
	fieldNone field = iota
	fieldFirm
	fieldNumber
	fieldDate
	fieldSeller
	fieldBuyer
	fieldParty
	fieldNet
	fieldTax
	fieldGross
	fieldStatus
	fieldName
	fieldRating
	fieldDefault
	fieldUSCC
	fieldIndustry
	fieldRegion
	fieldEmployees
	fieldCount
)

var fieldNames = [fieldCount]string{
	"", "firm", "number", "date", "seller", "buyer", "counterparty", "net", "tax", "gross", "status",
	"name", "rating", "default", "uscc", "industry", "region", "employees",
}

func (f field) String() string { return fieldNames[f] }

// aliases lists the accepted headings of each field as normalHeading leaves them; the first is
// the one that error messages propose.
var aliases = map[field][]string{
	fieldFirm:      {"企业代号", "企业编号", "企业代码", "firm", "firmcode", "company", "companycode", "enterprise"},
	fieldNumber:    {"发票号码", "发票号", "票号", "invoicenumber", "invoiceno", "number", "invoice"},
	fieldDate:      {"开票日期", "发票日期", "日期", "date", "invoicedate", "issuedate", "issuedon"},
	fieldSeller:    {"销方单位代号", "销方代号", "销方", "销售方", "销方名称", "销方纳税人识别号", "seller", "sellercode", "supplier", "suppliercode"},
	fieldBuyer:     {"购方单位代号", "购方代号", "购方", "购买方", "购方名称", "购方纳税人识别号", "buyer", "buyercode", "customer", "customercode"},
	fieldParty:     {"对方单位代号", "交易对手", "对方", "counterparty", "counterpartycode"},
	fieldNet:       {"金额", "不含税金额", "net", "netamount", "amount"},
	fieldTax:       {"税额", "tax", "taxamount", "vat"},
	fieldGross:     {"价税合计", "含税金额", "gross", "grossamount", "total"},
	fieldStatus:    {"发票状态", "状态", "status", "invoicestatus"},
	fieldName:      {"企业名称", "名称", "name", "firmname", "companyname"},
	fieldRating:    {"信誉评级", "评级", "rating", "creditrating"},
	fieldDefault:   {"是否违约", "违约", "default", "defaulted"},
	fieldUSCC:      {"统一社会信用代码", "信用代码", "uscc", "creditcode"},
	fieldIndustry:  {"行业代码", "行业", "industry", "industrycode"},
	fieldRegion:    {"地区代码", "行政区划", "地区", "region", "regioncode"},
	fieldEmployees: {"从业人数", "员工人数", "employees", "headcount"},
}

// invoiceFields and firmFields say which headings mean something in which file; the same word
// must never be two fields of one file.
var (
	invoiceFields = headings(fieldFirm, fieldNumber, fieldDate, fieldSeller, fieldBuyer, fieldParty, fieldNet, fieldTax, fieldGross, fieldStatus)
	firmFields    = headings(fieldFirm, fieldName, fieldRating, fieldDefault, fieldUSCC, fieldIndustry, fieldRegion, fieldEmployees)
)

func headings(fields ...field) map[string]field {
	m := map[string]field{}
	for _, f := range fields {
		for _, a := range aliases[f] {
			if _, taken := m[a]; taken {
				panic("source: heading " + a + " stands for two fields")
			}
			m[a] = f
		}
	}
	return m
}

// withColumns lays the caller's own headings over the known ones of the fields in known; names that
// are no field of this kind of file mean nothing.
func withColumns(known map[string]field, own map[string]string) map[string]field {
	if len(own) == 0 {
		return known
	}
	byName := map[string]field{}
	out := make(map[string]field, len(known)+len(own))
	for heading, f := range known {
		byName[f.String()] = f
		out[heading] = f
	}
	for name, heading := range own {
		f, ok := byName[name]
		if !ok || heading == "" {
			continue
		}
		for h, was := range out {
			if was == f {
				delete(out, h) // the named column and no other
			}
		}
		out[normalHeading([]byte(heading))] = f
	}
	return out
}

// Field is a column that a file of a kind may have.
type Field struct {
	Name     string `json:"name"`
	Required bool   `json:"required" doc:"of seller, buyer and counterparty, one is enough"`
}

// Fields lists what a file of a kind may hold, in reading order: what headings are mapped to.
func Fields(firms bool) []Field {
	known, required := invoiceFields, []field{fieldFirm, fieldNumber, fieldDate, fieldNet, fieldTax, fieldGross, fieldStatus}
	if firms {
		known, required = firmFields, []field{fieldFirm, fieldName}
	}
	var out []Field
	for f := fieldNone + 1; f < fieldCount; f++ {
		if known[aliases[f][0]] == f {
			out = append(out, Field{Name: f.String(), Required: slices.Contains(required, f)})
		}
	}
	return out
}

// FieldOf tells which field a heading stands for, empty when none: what a person checks before an import.
func FieldOf(heading string, firms bool, own map[string]string) string {
	known := invoiceFields
	if firms {
		known = firmFields
	}
	return withColumns(known, own)[normalHeading([]byte(heading))].String()
}

var headingNoise = strings.NewReplacer(" ", "", "\t", "", "_", "", "-", "", "　", "", "\u00a0", "", "\ufeff", "", "\n", "", "\r", "", "*", "")

// normalHeading makes headings comparable. Only the unit yuan may follow in parentheses: 金额（万元）
// stays unknown, because reading it as yuan would be wrong by four orders of magnitude.
func normalHeading(b []byte) string {
	s := strings.ToLower(headingNoise.Replace(string(b)))
	for _, unit := range [...]string{"(元)", "（元）", "(yuan)", "(cny)", "(rmb)"} {
		s = strings.TrimSuffix(s, unit)
	}
	return s
}

// columns maps each field to its place in a record, or -1.
type columns struct {
	at       [fieldCount]int
	headings []string // as they stand in the file
	unknown  []string
}

// mapHeader reads one record as a header.
func mapHeader(record [][]byte, known map[string]field) columns {
	var c columns
	for f := range c.at {
		c.at[f] = -1
	}
	for i, cell := range record {
		c.headings = append(c.headings, strings.Clone(string(trimBlank(cell))))
		f, ok := known[normalHeading(cell)]
		switch {
		case ok && c.at[f] < 0:
			c.at[f] = i
		case len(trimBlank(cell)) > 0:
			c.unknown = append(c.unknown, shorten(trimBlank(cell)))
		}
	}
	return c
}

func (c *columns) has(f field) bool { return c.at[f] >= 0 }

// heading is the text above a field's column.
func (c *columns) heading(f field) string {
	if i := c.at[f]; i >= 0 {
		return c.headings[i]
	}
	return ""
}

// missing lists the required fields that the header lacks.
func (c *columns) missing(required ...field) []field {
	var out []field
	for _, f := range required {
		if !c.has(f) {
			out = append(out, f)
		}
	}
	return out
}

// headerError names what is missing and every heading that would have been accepted.
func headerError(file string, missing []field) error {
	var names, accepted []string
	for _, f := range missing {
		if f == fieldParty {
			names = append(names, aliases[fieldSeller][0]+"/"+aliases[fieldBuyer][0])
			accepted = append(accepted, strings.Join(aliases[fieldSeller], "|"), strings.Join(aliases[fieldBuyer], "|"))
			continue
		}
		names = append(names, aliases[f][0]+" ("+f.String()+")")
		accepted = append(accepted, strings.Join(aliases[f], "|"))
	}
	return fault.New(ReasonFileHeader, "file", file,
		"columns", strings.Join(names, ", "), "accepted", strings.Join(accepted, "; "))
}
