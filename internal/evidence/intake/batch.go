// Package intake brings files in: it recognises what a file holds, previews it, and runs the import as a
// job that shows progress, can be cancelled and resumed, reports every bad row, and makes the whole file
// visible at once or not at all. The same file twice changes nothing.
package intake

import (
	"encoding/json"
	"time"

	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Kinds of files.
const (
	KindFirms    = "firms"
	KindInvoices = "invoices"
)

// States of a batch.
const (
	StateRunning   = "running"
	StateCommitted = "committed"
	StateUnchanged = "unchanged" // the same file was imported before
	StateFailed    = "failed"
	StateDiscarded = "discarded" // given up by a person before it was complete
)

// Reasons of this package.
var (
	ReasonFirmUnknown = fault.Declare("FIRM_UNKNOWN", fault.Invalid, "企业代号 {value} 不存在", "No firm has the code {value}",
		"先导入企业清单，或勾选“自动建立缺少的企业”", "Import the firm list first, or tick \"create missing firms\"")
	ReasonNotRecognised = fault.Declare("FILE_NOT_RECOGNISED", fault.Invalid, "无法识别文件内容：既不是企业清单，也不是发票", "The file is neither a firm list nor invoices",
		"下载模板对照表头；首行应含 企业代号 与 发票号码 或 企业名称", "Compare with the template: the header needs 企业代号 and 发票号码 or 企业名称")
	ReasonFirmRow = fault.Declare("FIRM_ROW", fault.Invalid, "企业 {value}：{problem}", "Firm {value}: {problem}",
		"更正该行后重新导入", "Correct the row and import again")
)

// Options are what the person chose.
type Options struct {
	Kind          string            `json:"kind,omitempty" enum:"firms,invoices" doc:"empty: recognised from the header"`
	Direction     source.Direction  `json:"direction,omitempty" doc:"purchase or sale; empty: recognised from the header"`
	FirmCode      string            `json:"firm_code,omitempty" maxLength:"64" doc:"owner of every row, for files without a firm column"`
	Columns       map[string]string `json:"columns,omitempty" doc:"field name to heading, for headings that are not recognised: {\"net\": \"不含税金额（元）\"}"`
	CreateMissing bool              `json:"create_missing,omitempty" doc:"make firms for unknown codes"`
	BranchPath    string            `json:"branch_path,omitempty" maxLength:"200" doc:"branch of new firms; empty: the caller's"`
	BranchID      string            `json:"branch_id,omitempty" maxLength:"60"`
	ManagerID     string            `json:"manager_id,omitempty" maxLength:"60"`
	Demo          bool              `json:"demo,omitempty" doc:"mark new firms as demonstration"`
}

// Batch is one import.
type Batch struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind"`
	FileName   string     `json:"file_name"`
	FileHash   string     `json:"file_hash"`
	FileBytes  int64      `json:"file_bytes"`
	State      string     `json:"state" enum:"running,committed,unchanged,failed,discarded"`
	Options    Options    `json:"options"`
	JobID      string     `json:"job_id"`
	Staged     int64      `json:"staged" doc:"rows read and waiting"`
	Inserted   int64      `json:"inserted" doc:"rows that were new"`
	Known      int64      `json:"known" doc:"rows that were there already"`
	Report     Report     `json:"report"`
	SameAs     string     `json:"same_as,omitempty" doc:"the earlier import of the same file"`
	CreatedBy  string     `json:"created_by"`
	CreatedAt  time.Time  `json:"created_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`

	branchPath string // whose batch it is: others neither list nor open it
}

// Report is the count of every class of rows; the bad rows themselves are kept beside it.
type Report struct {
	source.Report
	UnknownFirm  int64 `json:"unknown_firm" doc:"rows whose firm code is not known"`
	VoidedSince  int64 `json:"voided_since" doc:"rows that were valid before and are void by this file"`
	FirmsCreated int64 `json:"firms_created"`
	FirmsUpdated int64 `json:"firms_updated"`
	Labelled     int64 `json:"labelled,omitempty"`
	Defaulted    int64 `json:"defaulted,omitempty"`
	BadKept      int64 `json:"bad_kept" doc:"bad rows kept for download; all are counted in error_count"`
}

func (r Report) encode() string {
	r.Errors = nil // kept in their own table
	b, _ := json.Marshal(r)
	return string(b)
}

// badKeptMax bounds the bad rows kept for download; a file with more is wrong as a whole.
const badKeptMax = 200_000
