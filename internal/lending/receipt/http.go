package receipt

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/job"
)

type receiptStartInput struct {
	Body struct {
		FileHash string `json:"file_hash" minLength:"64" maxLength:"64" doc:"given by POST /uploads"`
		FileName string `json:"file_name,omitempty" maxLength:"200"`
	}
}

type receiptPullInput struct {
	Body struct {
		Currency string `json:"currency,omitempty" maxLength:"3" doc:"whose settlement account; empty: the institution's currency"`
		From     string `json:"from,omitempty" format:"date" doc:"empty: the business date"`
		To       string `json:"to,omitempty" format:"date" doc:"empty: the same day"`
	}
}

type receiptFileOutput struct{ Body File }

type receiptFilesInput struct{ api.PageQuery }

type receiptFilesOutput struct{ Body api.Page[File] }

type receiptIdInput struct {
	ID string `path:"id" maxLength:"60"`
}

type receiptFileDetailOutput struct{ Body FileDetail }

type receiptBadInput struct {
	ID    string `path:"id" maxLength:"60"`
	After int64  `query:"after" minimum:"0" doc:"next of the page before"`
	Limit int    `query:"limit" default:"100" minimum:"1" maximum:"1000"`
}

type receiptBadOutput struct {
	Body struct {
		Items []BadRow `json:"items" nullable:"false"`
		Next  int64    `json:"next"`
	}
}

type receiptListInput struct {
	api.PageQuery
	Status string `query:"status" enum:"received,matched,exception,returning,closed"`
	FileID string `query:"file_id" maxLength:"60"`
	Text   string `query:"q" maxLength:"100" doc:"in payer, account, reference or remittance"`
}

type receiptListOutput struct{ Body api.Page[Receipt] }

type receiptDetailOutput struct{ Body Detail }

type receiptSummaryOutput struct {
	Body struct {
		Items []Count `json:"items" nullable:"false"`
	}
}

type receiptAssignInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Parts []struct {
			LoanID      string `json:"loan_id" maxLength:"80"`
			AmountMinor int64  `json:"amount_minor" minimum:"1"`
			Prepay      bool   `json:"prepay,omitempty" doc:"may go beyond what is due"`
		} `json:"parts" minItems:"1" maxItems:"50"`
		Note string `json:"note,omitempty" maxLength:"500"`
	}
}

type receiptReturnInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Account string `json:"account,omitempty" maxLength:"64" doc:"empty: where the money came from; any other needs a second person"`
		Name    string `json:"name,omitempty" maxLength:"64"`
		Reason  string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

type receiptReturnOutput struct {
	Body struct {
		Receipt    Detail `json:"receipt"`
		ProposalID string `json:"proposal_id,omitempty" doc:"waits for a second person"`
	}
}

type receiptReasonInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500"`
	}
}

type receiptNoteInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Note string `json:"note" minLength:"1" maxLength:"500"`
	}
}

type receiptProposedOutput struct {
	Body struct {
		ProposalID string `json:"proposal_id" doc:"waits for a second person"`
	}
}

type receiptPolicyInput struct {
	Body struct {
		Rules     []Rule     `json:"rules" minItems:"1"`
		PostFrom  int64      `json:"post_from" minimum:"0" maximum:"101"`
		LoanOrder []OrderKey `json:"loan_order" minItems:"1" enum:"due,security,burden,earliest"`
	}
}

type receiptPolicyOutput struct{ Body Policy }

type receiptJobOutput struct{ Body job.Job }

func op(id, method, path, zh, en, permission string) api.Op {
	return api.Op{ID: id, Method: method, Path: path, Tag: "receipts", Zh: zh, En: en, Policy: api.Need(permission)}
}

// Routes registers the operations of receipts.
func Routes(a *api.API, s *Service) {
	fileRoutes(a, s)
	statementRoutes(a, s)
	deskRoutes(a, s)
	api.Handle(a, op("list-receipts", http.MethodGet, "/api/v1/receipts", "来款列表", "List receipts", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *receiptListInput) (*receiptListOutput, error) {
			page, err := s.List(ctx, p, Filter{Status: in.Status, FileID: in.FileID, Text: in.Text, Limit: in.Limit, Cursor: in.Cursor})
			return &receiptListOutput{Body: page}, err
		})
	api.Handle(a, op("get-receipt", http.MethodGet, "/api/v1/receipts/{id}", "来款详情", "Read a receipt", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *receiptIdInput) (*receiptDetailOutput, error) {
			d, err := s.Get(ctx, p, in.ID)
			return &receiptDetailOutput{Body: d}, err
		})
	api.Handle(a, op("summarise-receipts", http.MethodGet, "/api/v1/receipt-summary", "来款统计", "Count receipts by status", PermissionRead),
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*receiptSummaryOutput, error) {
			out := &receiptSummaryOutput{}
			var err error
			out.Body.Items, err = s.Summary(ctx, p)
			return out, err
		})
	api.Handle(a, op("get-receipt-policy", http.MethodGet, "/api/v1/receipt-policy", "来款匹配规则", "Matching rules of receipts", PermissionRead),
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*receiptPolicyOutput, error) {
			out, err := s.Policy(ctx, p)
			return &receiptPolicyOutput{Body: out}, err
		})
	api.Handle(a, op("propose-receipt-policy", http.MethodPost, "/api/v1/receipt-policy", "提议新的匹配规则（须第二人复核）", "Propose matching rules (a second person decides)", PermissionHandle),
		func(ctx context.Context, p auth.Principal, in *receiptPolicyInput) (*receiptProposedOutput, error) {
			out := &receiptProposedOutput{}
			var err error
			out.Body.ProposalID, err = s.ProposePolicy(ctx, p, Policy{Rules: in.Body.Rules, PostFrom: in.Body.PostFrom, LoanOrder: in.Body.LoanOrder})
			return out, err
		})
}

func fileRoutes(a *api.API, s *Service) {
	start := op("start-receipt-file", http.MethodPost, "/api/v1/receipt-files", "导入来款文件", "Take in a file of payments", PermissionHandle)
	start.Status = http.StatusAccepted
	api.Handle(a, start, func(ctx context.Context, p auth.Principal, in *receiptStartInput) (*receiptFileOutput, error) {
		f, err := s.Start(ctx, p, in.Body.FileHash, in.Body.FileName)
		return &receiptFileOutput{Body: f}, err
	})
	pull := op("pull-receipt-file", http.MethodPost, "/api/v1/receipt-files/pull", "从银行取对账文件", "Fetch the bank's statement", PermissionHandle)
	pull.Status = http.StatusAccepted
	api.Handle(a, pull, func(ctx context.Context, p auth.Principal, in *receiptPullInput) (*receiptFileOutput, error) {
		from, err := api.Date("from", in.Body.From)
		if err != nil {
			return nil, err
		}
		to, err := api.Date("to", in.Body.To)
		if err != nil {
			return nil, err
		}
		f, err := s.Pull(ctx, p, money.Currency(in.Body.Currency), from, to)
		return &receiptFileOutput{Body: f}, err
	})
	api.Handle(a, op("list-receipt-files", http.MethodGet, "/api/v1/receipt-files", "来款文件列表", "List files of payments", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *receiptFilesInput) (*receiptFilesOutput, error) {
			page, err := s.Files(ctx, p, in.Limit, in.Cursor)
			return &receiptFilesOutput{Body: page}, err
		})
	api.Handle(a, op("get-receipt-file", http.MethodGet, "/api/v1/receipt-files/{id}", "来款文件详情", "Read a file of payments", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *receiptIdInput) (*receiptFileDetailOutput, error) {
			d, err := s.File(ctx, p, in.ID)
			return &receiptFileDetailOutput{Body: d}, err
		})
	api.Handle(a, op("list-receipt-bad-rows", http.MethodGet, "/api/v1/receipt-files/{id}/bad-rows", "未采用的行", "Rows that were not taken", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *receiptBadInput) (*receiptBadOutput, error) {
			out := &receiptBadOutput{}
			var err error
			out.Body.Items, out.Body.Next, err = s.BadRows(ctx, p, in.ID, in.After, in.Limit)
			return out, err
		})
	a.Raw(op("download-receipt-bad-rows", http.MethodGet, "/api/v1/receipt-files/{id}/bad-rows.xlsx", "下载未采用的行", "Download the rows that were not taken", PermissionRead),
		func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
			return s.badWorkbook(r.Context(), w, p, r.PathValue("id"))
		})
	a.Raw(op("download-receipt-template", http.MethodGet, "/api/v1/receipt-template.xlsx", "下载批量还款模板", "Download the template of a repayment file", PermissionRead),
		func(w http.ResponseWriter, _ *http.Request, _ auth.Principal) error {
			return workbook(w, "repayments-还款.xlsx", func(row func(...any) error) error {
				for _, r := range template {
					if err := row(r...); err != nil {
						return err
					}
				}
				return nil
			})
		})
	rematch := op("rematch-receipts", http.MethodPost, "/api/v1/receipt-files/rematch", "重新匹配等待中的来款", "Match what waits again", PermissionHandle)
	rematch.Status = http.StatusAccepted
	api.Handle(a, rematch, func(ctx context.Context, p auth.Principal, _ *struct{}) (*receiptJobOutput, error) {
		j, err := s.Rematch(ctx, p)
		return &receiptJobOutput{Body: j}, err
	})
}

func deskRoutes(a *api.API, s *Service) {
	api.Handle(a, op("assign-receipt", http.MethodPost, "/api/v1/receipts/{id}/assign", "将来款分配到贷款并入账", "Assign a receipt to loans and post it", PermissionHandle),
		func(ctx context.Context, p auth.Principal, in *receiptAssignInput) (*receiptDetailOutput, error) {
			parts := make([]Share, len(in.Body.Parts))
			for i, x := range in.Body.Parts {
				parts[i] = Share{LoanID: x.LoanID, AmountMinor: x.AmountMinor, Prepay: x.Prepay}
			}
			d, err := s.Assign(ctx, p, in.ID, parts, in.Body.Note)
			return &receiptDetailOutput{Body: d}, err
		})
	api.Handle(a, op("return-receipt", http.MethodPost, "/api/v1/receipts/{id}/return", "退回来款", "Return a receipt to its payer", PermissionHandle),
		func(ctx context.Context, p auth.Principal, in *receiptReturnInput) (*receiptReturnOutput, error) {
			out := &receiptReturnOutput{}
			var err error
			out.Body.Receipt, out.Body.ProposalID, err = s.Return(ctx, p, ReturnBody{ReceiptID: in.ID, Account: in.Body.Account, Name: in.Body.Name, Reason: in.Body.Reason})
			return out, err
		})
	api.Handle(a, op("ignore-receipt", http.MethodPost, "/api/v1/receipts/{id}/ignore", "提议来款不处理（须第二人复核）", "Propose to leave a receipt aside (a second person decides)", PermissionHandle),
		func(ctx context.Context, p auth.Principal, in *receiptReasonInput) (*receiptProposedOutput, error) {
			out := &receiptProposedOutput{}
			var err error
			out.Body.ProposalID, err = s.Ignore(ctx, p, IgnoreBody{ReceiptID: in.ID, Reason: in.Body.Reason})
			return out, err
		})
	api.Handle(a, op("note-receipt", http.MethodPost, "/api/v1/receipts/{id}/notes", "添加备注", "Add a note to a receipt", PermissionHandle),
		func(ctx context.Context, p auth.Principal, in *receiptNoteInput) (*receiptDetailOutput, error) {
			d, err := s.Note(ctx, p, in.ID, in.Body.Note)
			return &receiptDetailOutput{Body: d}, err
		})
}

// workbook streams one sheet.
func workbook(w http.ResponseWriter, name string, fill func(row func(...any) error) error) error {
	f := excelize.NewFile()
	defer f.Close() //nolint:errcheck // in memory
	sw, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	if err := sw.SetColWidth(1, 12, 22); err != nil {
		return err
	}
	n := 0
	if err := fill(func(cells ...any) error {
		n++
		return sw.SetRow("A"+strconv.Itoa(n), cells)
	}); err != nil {
		return err
	}
	if err := sw.Flush(); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(name))
	return f.Write(w)
}

// badWorkbook gives every bad row with its problem and remedy in both languages.
func (s *Service) badWorkbook(ctx context.Context, w http.ResponseWriter, p auth.Principal, id string) error {
	f, err := s.File(ctx, p, id)
	if err != nil {
		return err
	}
	return workbook(w, "bad-rows-"+f.Name+".xlsx", func(row func(...any) error) error {
		if err := row("行 line", "列 column", "值 value", "代码 code", "问题", "处理办法", "problem", "remedy"); err != nil {
			return err
		}
		for after := int64(0); ; {
			page, last, err := s.BadRows(ctx, p, id, after, 1000)
			if err != nil || len(page) == 0 {
				return err
			}
			for _, b := range page {
				if err := row(b.Line, b.Column, b.Value, b.Code, b.Message.Zh, b.Remedy.Zh, b.Message.En, b.Remedy.En); err != nil {
					return err
				}
			}
			after = last
		}
	})
}
