package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// site is the evidence part of a server with a job runner, and the people who call it.
type site struct {
	bundle
	a      *api.API
	people map[string]auth.Principal
	keys   int
}

func serve(t *testing.T, d *db.DB) *site {
	t.Helper()
	store, err := blob.NewStore(t.TempDir())
	require.NoError(t, err)
	runner, err := job.NewRunner(d, job.Config{Poll: 10 * time.Millisecond, Watch: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	firms, staff := party.NewService(d, plain{}), dbtest.Institution(t, d)
	x := &site{bundle: bundle{NewService(d, store, firms, runner, 1<<20), staff, d}}
	x.people = map[string]auth.Principal{"ops": staff.Operations, "east": staff.Manager, "admin": staff.Admin, "other": dbtest.Institution(t, d).Operations}
	x.a = api.New(d, "test", func(hc huma.Context) (auth.Principal, error) { return x.people[hc.Header("X-As")], nil }, api.WithLogger(slog.New(slog.DiscardHandler)))
	blob.Routes(x.a, store, 1<<20)
	party.Routes(x.a, firms)
	consent.Routes(x.a)
	source.Routes(x.a)
	Routes(x.a, x.Service)
	require.Empty(t, api.Audit(x.a))
	require.NoError(t, runner.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, runner.Stop(context.WithoutCancel(t.Context()))) })
	return x
}

func (x *site) do(t *testing.T, as, method, path, contentType string, body []byte) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1"+path, bytes.NewReader(body))
	r.Header.Set("X-As", as)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	x.keys++
	r.Header.Set("Idempotency-Key", fmt.Sprintf("key-%d", x.keys))
	w := httptest.NewRecorder()
	x.a.Handler().ServeHTTP(w, r)
	return w
}

// call sends JSON, expects a status and reads the answer into out.
func (x *site) call(t *testing.T, as, method, path string, in any, status int, out any) {
	t.Helper()
	var body []byte
	kind := ""
	if in != nil {
		var err error
		body, err = json.Marshal(in)
		require.NoError(t, err)
		kind = "application/json"
	}
	w := x.do(t, as, method, path, kind, body)
	require.Equal(t, status, w.Code, "%s %s: %s", method, path, w.Body)
	if out != nil {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), out), w.Body.String())
	}
}

func (x *site) send(t *testing.T, as, name string, content []byte) string {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	require.NoError(t, err)
	_, err = part.Write(content)
	require.NoError(t, err)
	require.NoError(t, form.Close())
	w := x.do(t, as, http.MethodPost, "/uploads", form.FormDataContentType(), body.Bytes())
	require.Equal(t, 201, w.Code, w.Body.String())
	var up struct{ Hash string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &up))
	return up.Hash
}

// bring uploads a file, starts its import and waits for the end.
func (x *site) bring(t *testing.T, as, name string, content []byte, more map[string]any) Batch {
	t.Helper()
	in := map[string]any{"file_hash": x.send(t, as, name, content), "file_name": name}
	for k, v := range more {
		in[k] = v
	}
	var b Batch
	x.call(t, as, http.MethodPost, "/imports", in, 202, &b)
	require.Eventually(t, func() bool {
		x.call(t, as, http.MethodGet, "/imports/"+b.ID, nil, 200, &b)
		return b.State != StateRunning
	}, 20*time.Second, 10*time.Millisecond)
	return b
}

// workbook writes the sales as a spreadsheet would save them.
func workbook(t *testing.T, csv string) []byte {
	t.Helper()
	f := excelize.NewFile()
	for i, line := range strings.Split(strings.TrimSpace(csv), "\n") {
		cells := []any{}
		for _, c := range strings.Split(line, ",") {
			cells = append(cells, c)
		}
		cell, err := excelize.CoordinatesToCellName(1, i+1)
		require.NoError(t, err)
		require.NoError(t, f.SetSheetRow("Sheet1", cell, &cells))
	}
	var out bytes.Buffer
	require.NoError(t, f.Write(&out))
	require.NoError(t, f.Close())
	return out.Bytes()
}

// A person brings a firm list and a workbook in the console: uploads, looks, starts, downloads what was
// bad, brings it again; and reads the invoices once the firm has consented.
func TestAnImportFromUploadToErrorReport(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := serve(t, d)
		firms := x.bring(t, "ops", "firms.csv", []byte(firmsFile), nil)
		require.Equal(t, StateCommitted, firms.State)
		book := workbook(t, salesFile)
		hash := x.send(t, "ops", "sales.xlsx", book)
		var seen Preview
		x.call(t, "ops", http.MethodPost, "/imports/preview", map[string]any{"file_hash": hash, "file_name": "sales.xlsx"}, 200, &seen)
		require.Equal(t, []string{KindInvoices, "sale", "xlsx"}, []string{seen.Kind, seen.Direction, seen.Format})
		require.Equal(t, Column{Heading: "购方单位代号", Field: "buyer"}, seen.Columns[3])
		require.Len(t, seen.Problems, 2)

		b := x.bring(t, "ops", "sales.xlsx", book, nil)
		require.Equal(t, StateCommitted, b.State)
		require.EqualValues(t, []int64{10, 7, 1, 3}, []int64{b.Report.Rows, b.Inserted, b.Report.UnknownFirm, b.Report.ErrorCount})
		bad := x.do(t, "ops", http.MethodGet, "/imports/"+b.ID+"/errors.xlsx", "", nil)
		require.Equal(t, 200, bad.Code)
		sheet, err := excelize.OpenReader(bad.Body)
		require.NoError(t, err)
		rows, err := sheet.GetRows(sheet.GetSheetName(0))
		require.NoError(t, err)
		require.Len(t, rows, 4, "a heading and three bad rows")
		require.Contains(t, fmt.Sprint(rows), "FIRM_UNKNOWN")
		for _, kind := range []string{"firms", "sale", "purchase"} {
			require.Equal(t, 200, x.do(t, "ops", http.MethodGet, "/import-templates/"+kind+".xlsx", "", nil).Code)
		}
		require.Equal(t, 404, x.do(t, "ops", http.MethodGet, "/import-templates/x.xlsx", "", nil).Code)

		x.bring(t, "ops", "e9.csv", []byte("企业代号,企业名称\nE9,丙公司\n"), nil)
		again := x.bring(t, "ops", "sales.xlsx", book, nil)
		require.EqualValues(t, 1, again.Inserted, "the row whose firm is known by now, and no other")
		third := x.bring(t, "ops", "sales.xlsx", book, nil)
		require.Equal(t, []string{StateUnchanged, again.ID}, []string{third.State, third.SameAs})

		var page api.Page[Batch]
		x.call(t, "ops", http.MethodGet, "/imports?limit=2", nil, 200, &page)
		require.EqualValues(t, 5, page.Total)
		require.Equal(t, third.ID, page.Items[0].ID)
		require.Equal(t, 403, x.do(t, "admin", http.MethodGet, "/imports", "", nil).Code)
		x.readsUnderConsent(t)
	})
}

func (x *site) readsUnderConsent(t *testing.T) {
	t.Helper()
	var firms api.Page[party.Firm]
	x.call(t, "ops", http.MethodGet, "/firms?q=e1", nil, 200, &firms)
	path := "/firms/" + firms.Items[0].ID
	x.people["risk"] = x.Risk
	require.Contains(t, x.do(t, "risk", http.MethodGet, path+"/invoices", "", nil).Body.String(), "CONSENT_MISSING")
	x.call(t, "ops", http.MethodPost, path+"/consents", map[string]any{"purpose": "credit", "kinds": []string{"invoice"}, "ends_on": "2027-01-01"}, 201, nil)
	var list struct {
		Items []source.View
		Sums  []source.Sum
		Total int64
	}
	x.call(t, "risk", http.MethodGet, path+"/invoices?limit=200", nil, 200, &list)
	require.EqualValues(t, 6, list.Total)
	require.Len(t, list.Items, 6)
	require.EqualValues(t, 650_00, list.Sums[0].ValidNetMinor)
	require.NotEqual(t, list.Items[0].ID, list.Items[1].ID)
	x.call(t, "risk", http.MethodGet, path+"/invoices?counterparty=B1", nil, 200, &list)
	require.EqualValues(t, 2, list.Total)
	var reads api.Page[consent.ReadRecord]
	x.call(t, "ops", http.MethodGet, path+"/reads", nil, 200, &reads)
	require.EqualValues(t, 2, reads.Total, "every page that is read is a read")
	require.Equal(t, x.Risk.UserID, reads.Items[0].Actor)
}

// Nobody reaches the imports, files or firms of another institution or of a branch beside their own.
func TestImportsStayWithinInstitutionAndBranch(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := serve(t, d)
		hash := x.send(t, "ops", "firms.csv", []byte(firmsFile))
		b := x.bring(t, "ops", "firms.csv", []byte(firmsFile), nil)
		for _, stranger := range []string{"other", "east"} {
			require.Equal(t, 404, x.do(t, stranger, http.MethodGet, "/imports/"+b.ID, "", nil).Code)
			require.Equal(t, 404, x.do(t, stranger, http.MethodGet, "/imports/"+b.ID+"/errors.xlsx", "", nil).Code)
			x.call(t, stranger, http.MethodPost, "/imports/"+b.ID+"/discard", nil, 404, nil)
			x.call(t, stranger, http.MethodPost, "/imports/preview", map[string]any{"file_hash": hash}, 404, nil)
			x.call(t, stranger, http.MethodPost, "/imports", map[string]any{"file_hash": hash}, 404, nil)
			var page api.Page[Batch]
			x.call(t, stranger, http.MethodGet, "/imports", nil, 200, &page)
			require.Zero(t, page.Total)
		}
		foreign := x.bring(t, "east", "s.csv", []byte(salesFile), map[string]any{"create_missing": true})
		require.EqualValues(t, 1, foreign.Inserted, "only E9 is new; the firms of the head office are not this branch's")
		require.EqualValues(t, 7, foreign.Report.UnknownFirm)
		claimed := x.bring(t, "east", "f.csv", []byte(strings.Replace(firmsFile, "甲公司", "改名", 1)), nil)
		require.Zero(t, claimed.Inserted)
		require.EqualValues(t, 2, claimed.Report.Rejected)
		x.call(t, "east", http.MethodPost, "/imports", map[string]any{"file_hash": x.send(t, "east", "s.csv", []byte(salesFile)), "branch_path": "/hq/west/"}, 422, nil)
	})
}
