package intake

import (
	"context"
	"net/http"
	"net/url"

	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

var permissionImport = auth.DeclarePermission("evidence.import", "导入数据文件", "Import files of evidence", auth.RoleRelationshipManager, auth.RoleOperations, auth.RoleRisk, auth.RoleIntegrator)

// Request names an uploaded file and how to read it.
type Request struct {
	Options

	FileHash string `json:"file_hash" minLength:"64" maxLength:"64" doc:"given by POST /uploads"`
	FileName string `json:"file_name,omitempty" maxLength:"200"`
}

type startInput struct{ Body Request }

type previewOutput struct{ Body Preview }

type batchOutput struct{ Body Batch }

type batchInput struct {
	ID string `path:"id" maxLength:"60"`
}

type listInput struct{ api.PageQuery }

type listOutput struct{ Body api.Page[Batch] }

// Routes registers the operations on imports.
func Routes(a *api.API, s *Service) {
	may := api.Need(permissionImport)
	api.Handle(a, api.Op{ID: "preview-import", Method: http.MethodPost, Path: "/api/v1/imports/preview", Tag: "imports", Zh: "预览文件", En: "Preview a file", Policy: may, NoIdempotency: true},
		func(ctx context.Context, p auth.Principal, in *startInput) (*previewOutput, error) {
			v, err := s.Preview(ctx, p, in.Body.FileHash, in.Body.FileName, in.Body.Options)
			return &previewOutput{Body: v}, err
		})
	api.Handle(a, api.Op{ID: "start-import", Method: http.MethodPost, Path: "/api/v1/imports", Tag: "imports", Zh: "开始导入", En: "Start an import", Policy: may, Status: http.StatusAccepted},
		func(ctx context.Context, p auth.Principal, in *startInput) (*batchOutput, error) {
			b, err := s.Start(ctx, p, in.Body.FileHash, in.Body.FileName, in.Body.Options)
			return &batchOutput{Body: b}, err
		})
	api.Handle(a, api.Op{ID: "list-imports", Method: http.MethodGet, Path: "/api/v1/imports", Tag: "imports", Zh: "导入记录", En: "List imports", Policy: may},
		func(ctx context.Context, p auth.Principal, in *listInput) (*listOutput, error) {
			page, err := s.List(ctx, p, in.Limit, in.Cursor)
			return &listOutput{Body: page}, err
		})
	api.Handle(a, api.Op{ID: "get-import", Method: http.MethodGet, Path: "/api/v1/imports/{id}", Tag: "imports", Zh: "导入详情", En: "Read an import", Policy: may},
		func(ctx context.Context, p auth.Principal, in *batchInput) (*batchOutput, error) {
			b, err := s.Get(ctx, p, in.ID)
			return &batchOutput{Body: b}, err
		})
	api.Handle(a, api.Op{ID: "discard-import", Method: http.MethodPost, Path: "/api/v1/imports/{id}/discard", Tag: "imports", Zh: "放弃未完成的导入", En: "Give up an unfinished import", Policy: may},
		func(ctx context.Context, p auth.Principal, in *batchInput) (*batchOutput, error) {
			b, err := s.Discard(ctx, p, in.ID)
			return &batchOutput{Body: b}, err
		})
	a.Raw(api.Op{ID: "import-errors", Method: http.MethodGet, Path: "/api/v1/imports/{id}/errors.xlsx", Tag: "imports", Zh: "下载错误行", En: "Download the bad rows", Policy: may},
		func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
			return s.errorsWorkbook(r.Context(), w, p, r.PathValue("id"))
		})
	a.Raw(api.Op{ID: "import-template", Method: http.MethodGet, Path: "/api/v1/import-templates/{kind}", Tag: "imports", Zh: "下载模板", En: "Download a template", Policy: may},
		func(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
			return template(w, r.PathValue("kind"))
		})
}

// List reads a page of imports, newest first.
func (s *Service) List(ctx context.Context, p auth.Principal, limit int, cursor string) (page api.Page[Batch], err error) {
	key, err := api.DecodeCursor(cursor, 1)
	if err != nil {
		return page, err
	}
	page.Items = []Batch{}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countBatch, tx.Institution, p.BranchPattern()).Scan(&page.Total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, listBatches, tx.Institution, p.BranchPattern(), key[0], limit+1)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			b, err := scanBatch(rows)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, b)
		}
		return rows.Err()
	})
	if len(page.Items) > limit {
		page.Items = page.Items[:limit]
		page.NextCursor = api.EncodeCursor(page.Items[limit-1].ID)
	}
	return page, err
}

func attachment(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape(name))
}

// errorsWorkbook streams every kept bad row with its problem and remedy in both languages.
func (s *Service) errorsWorkbook(ctx context.Context, w http.ResponseWriter, p auth.Principal, id string) error {
	b, err := s.Get(ctx, p, id)
	if err != nil {
		return err
	}
	f := excelize.NewFile()
	defer f.Close()
	const sheet = "errors 错误行"
	if err := f.SetSheetName("Sheet1", sheet); err != nil {
		return err
	}
	sw, err := f.NewStreamWriter(sheet)
	if err != nil {
		return err
	}
	if err := sw.SetColWidth(1, 9, 24); err != nil {
		return err
	}
	if err := sw.SetRow("A1", []any{"行 line", "字段 field", "列 column", "值 value", "代码 code", "问题", "处理办法", "problem", "remedy"}); err != nil {
		return err
	}
	row := 2
	for after := int64(0); ; {
		var page []source.RowError
		err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) (err error) {
			page, err = Errors(ctx, tx, b.ID, after, 5000)
			return err
		})
		if err != nil {
			return err
		}
		for _, e := range page {
			cell, err := excelize.CoordinatesToCellName(1, row)
			if err != nil {
				return err
			}
			if err := sw.SetRow(cell, []any{e.Line, e.Field, e.Column, e.Value, e.Code, e.Message.Zh, e.Remedy.Zh, e.Message.En, e.Remedy.En}); err != nil {
				return err
			}
			row++
		}
		after += int64(len(page))
		if len(page) == 0 {
			break
		}
	}
	if err := sw.Flush(); err != nil {
		return err
	}
	attachment(w, "errors-"+b.FileName+".xlsx")
	return f.Write(w)
}

// templates are the headers of the files to bring, with one line as an example.
var templates = map[string][][]any{
	"firms.xlsx": {{"企业代号", "企业名称", "统一社会信用代码", "行业代码", "地区代码", "从业人数", "是否违约"}, {"E1", "示例企业有限公司", "914403001922038216", "C3311", "330302", 25, "否"}},
	"sale.xlsx": {{"企业代号", "发票号码", "开票日期", "购方单位代号", "金额", "税额", "价税合计", "发票状态"},
		{"E1", "11459356", "2026/5/8", "B0001", 100.00, 13.00, 113.00, "有效发票"}},
	"purchase.xlsx": {{"企业代号", "发票号码", "开票日期", "销方单位代号", "金额", "税额", "价税合计", "发票状态"},
		{"E1", "11459357", "2026/5/9", "S0001", 100.00, 13.00, 113.00, "有效发票"}},
}

func template(w http.ResponseWriter, kind string) error {
	rows, ok := templates[kind]
	if !ok {
		return fault.NotFoundError("template", kind)
	}
	f := excelize.NewFile()
	defer f.Close()
	for i, r := range rows {
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		if err != nil {
			return err
		}
		if err := f.SetSheetRow("Sheet1", cell, &r); err != nil {
			return err
		}
	}
	attachment(w, kind)
	return f.Write(w)
}
