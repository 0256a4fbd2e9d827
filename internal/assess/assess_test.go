package assess

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/cumcm"
)

const (
	firmHead     = "企业代号,企业名称,信誉评级,是否违约\n"
	purchaseHead = "企业代号,发票号码,开票日期,销方单位代号,金额,税额,价税合计,发票状态\n"
	saleHead     = "企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态\n"
)

// writeBook makes a folder of invented firms: a third default, and those sell less, irregularly,
// and void more. One purchase file is GB18030, and a bad row and an unknown firm stand in it.
func writeBook(t testing.TB, firms int) string {
	t.Helper()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(7, 11)) //nolint:gosec // test data
	var list, purchases, sales strings.Builder
	list.WriteString(firmHead)
	purchases.WriteString(purchaseHead)
	sales.WriteString(saleHead)
	number := 0
	invoice := func(b *strings.Builder, firm, party string, day calendar.Date, net int, status string) {
		number++
		tax := net * 13 / 100
		fmt.Fprintf(b, "%s,%08d,%s,%s,%d,%d,%d,%s\n", firm, number, day, party, net, tax, net+tax, status)
	}
	last := calendar.MustParse("2024-06-30")
	for i := range firms {
		code, bad := fmt.Sprintf("F%03d", i), i%3 == 0
		fmt.Fprintf(&list, "%s,%s公司,%s,%s\n", code, code, map[bool]string{true: "D", false: "A"}[bad], map[bool]string{true: "是", false: "否"}[bad])
		for m := range 30 {
			day := last.AddDays(-30*m - r.IntN(20))
			if bad && r.IntN(3) > 0 {
				continue
			}
			for range 2 + r.IntN(3) {
				net, status := 20_000+r.IntN(200_000), "有效发票"
				if bad {
					net /= 8
				}
				if r.IntN(100) < map[bool]int{true: 25, false: 5}[bad] {
					status = "作废发票"
				}
				invoice(&sales, code, fmt.Sprintf("B%d", r.IntN(12)), day, net, status)
				invoice(&purchases, code, fmt.Sprintf("S%d", r.IntN(6)), day, net*6/10, "有效发票")
			}
		}
	}
	purchases.WriteString("F000,1,2024-01-01,S1,1.234,0,1.23,有效发票\n")
	invoice(&purchases, "GHOST", "S1", last, 100, " 作废发票")
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(purchases.String())
	require.NoError(t, err)
	var churn strings.Builder
	churn.WriteString("贷款年利率,信誉评级A,信誉评级B,信誉评级C\n")
	for k := range 12 {
		fmt.Fprintf(&churn, "%.2f,%.4f,%.4f,%.4f\n", 0.04+0.01*float64(k), 0.95*(1-math.Exp(-float64(k)/5)), 0.95*(1-math.Exp(-float64(k)/6)), 0.95*(1-math.Exp(-float64(k)/7)))
	}
	for name, text := range map[string]string{"企业信息.csv": list.String(), "进项.csv": gb, "销项.csv": sales.String(), "流失率.csv": churn.String()} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func command(t testing.TB, lang string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := Command(lang)
	var out, errw bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&errw)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	err = cmd.ExecuteContext(context.Background())
	return out.String(), errw.String(), err
}

func TestAssessWritesThreeReports(t *testing.T) { //nolint:paralleltest // the command sets the collector of the process
	dir := writeBook(t, 60)
	for _, lang := range []string{"zh", "en"} {
		out := filepath.Join(t.TempDir(), "report.xlsx")
		_, stderr, err := command(t, lang, dir, "--budget", "2000万", "--out", out, "--save-model", filepath.Join(dir, "card.json"))
		require.NoError(t, err)
		require.Contains(t, stderr, "report.html")
		f, err := excelize.OpenFile(out)
		require.NoError(t, err)
		require.Len(t, f.GetSheetList(), 10)
		sheet := func(k int) [][]string {
			rows, err := f.GetRows(f.GetSheetName(k))
			require.NoError(t, err)
			return rows
		}
		require.Len(t, sheet(3), 62) // two lines of headings and 60 firms
		require.Greater(t, len(sheet(3)[0]), 62)
		require.Len(t, sheet(4), 61)
		require.Equal(t, []string{"进项.csv"}, sheet(2)[1][:1])
		require.Equal(t, "AMOUNT_DECIMALS", sheet(2)[1][5])
		require.Contains(t, fmt.Sprint(sheet(1)), "GHOST")
		// Money stands in yuan in this workbook, so its definitions must not say fen.
		require.Equal(t, map[string]string{"zh": "元", "en": "yuan"}[lang], sheet(9)[1][3])
		require.NotContains(t, fmt.Sprint(sheet(9)), " fen ")
		require.NoError(t, f.Close())

		page, err := os.ReadFile(strings.TrimSuffix(out, ".xlsx") + ".html")
		require.NoError(t, err)
		require.NotRegexp(t, regexp.MustCompile(`https?://|<script|@import|url\(`), string(page))
		require.Contains(t, string(page), "有效前沿")
		require.Contains(t, string(page), "Efficient frontier")
		require.Contains(t, string(page), `id="lang-`+lang+`" aria-label="`+map[string]string{"zh": "中文", "en": "English"}[lang]+`" checked`)
		require.Equal(t, strings.Count(string(page), "<svg"), strings.Count(string(page), "</svg>"))
		require.NotContains(t, string(page), "NaN")
	}
}

func TestNothingIsLeftOfAReportThatFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target := filepath.Join(dir, "report")
	err := writeWhole(target, func(f *os.File) error {
		_, err := f.WriteString("half")
		require.NoError(t, err)
		return errors.New("disk full")
	})
	require.True(t, fault.Is(err, ReasonWrite))
	require.NoError(t, writeWhole(target, func(f *os.File) error {
		_, err := f.WriteString("whole")
		return err
	}))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, "report", entries[0].Name())
}

func TestStoredModelScoresFirmsWithoutLabels(t *testing.T) { //nolint:paralleltest // the command sets the collector of the process
	dir := writeBook(t, 60)
	card := filepath.Join(dir, "card.json")
	first, _, err := command(t, "en", dir, "--quiet", "--out", filepath.Join(dir, "a.xlsx"), "--html", "none", "--json", "-", "--save-model", card)
	require.NoError(t, err)
	list, err := os.ReadFile(filepath.Join(dir, "企业信息.csv"))
	require.NoError(t, err)
	unlabelled := regexp.MustCompile(`,[AD],[是否]`).ReplaceAll(list, []byte(",,"))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "企业信息.csv"), unlabelled, 0o600))

	_, _, err = command(t, "en", dir, "--quiet", "--out", filepath.Join(dir, "b.xlsx"))
	require.True(t, fault.Is(err, ReasonTraining), "%v", err)

	second, _, err := command(t, "en", dir, "--quiet", "--out", filepath.Join(dir, "b.xlsx"), "--json", "-", "--model", card)
	require.NoError(t, err)
	pds := func(text string) map[string]float64 {
		var r struct {
			Firms []struct {
				Code  string `json:"code"`
				Score struct {
					PD float64 `json:"pd"`
				} `json:"score"`
			} `json:"firms"`
		}
		require.NoError(t, json.Unmarshal([]byte(text), &r))
		out := map[string]float64{}
		for _, f := range r.Firms {
			out[f.Code] = f.Score.PD
		}
		return out
	}
	require.Equal(t, pds(first), pds(second)) // the label is the target only, never an input
	_, err = os.Stat(filepath.Join(dir, "a.html"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestWrongFoldersAndFlagsAreExplained(t *testing.T) { //nolint:paralleltest // the command sets the collector of the process
	change := func(t *testing.T, name, text string) string {
		t.Helper()
		dir := writeBook(t, 3)
		if text == "" {
			require.NoError(t, os.Remove(filepath.Join(dir, name)))
		} else {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		}
		return dir
	}
	for name, c := range map[string]struct {
		dir    string
		args   []string
		reason *fault.Reason
		says   string
	}{
		"no folder":        {filepath.Join(t.TempDir(), "none"), nil, ReasonFolder, "none"},
		"no sales":         {change(t, "销项.csv", ""), nil, ReasonFileMissing, "--sales"},
		"no churn":         {change(t, "流失率.csv", ""), nil, ReasonFileMissing, "--churn"},
		"two firm files":   {change(t, "firms.csv", firmHead), nil, ReasonFileAmbiguous, "--firms"},
		"no firms":         {change(t, "企业信息.csv", firmHead), nil, ReasonNoFirms, "企业信息.csv"},
		"wrong header":     {change(t, "销项.csv", "a,b\n1,2\n"), nil, fault.New(reasonByCode(t, "FILE_HEADER")).Reason, "发票号码"},
		"too few firms":    {writeBook(t, 3), nil, ReasonTraining, "--model"},
		"bad budget":       {writeBook(t, 3), []string{"--budget", "much"}, ReasonOption, "--budget"},
		"bad rate":         {writeBook(t, 3), []string{"--lgd", "145%"}, ReasonOption, "--lgd"},
		"bad date":         {writeBook(t, 3), []string{"--as-of", "2020"}, ReasonOption, "--as-of"},
		"minimum over max": {writeBook(t, 3), []string{"--min", "2000000"}, ReasonOption, "--min"},
		"no model":         {writeBook(t, 3), []string{"--model", "absent.json"}, ReasonModelFile, "absent.json"},
		"nowhere to write": {writeBook(t, 40), []string{"--out", "/nonexistent/x.xlsx"}, ReasonWrite, "/nonexistent"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append([]string{c.dir, "--quiet", "--out", filepath.Join(t.TempDir(), "r.xlsx")}, c.args...)
			_, _, err := command(t, "en", args...)
			require.True(t, fault.Is(err, c.reason), "%v", err)
			for _, e := range fault.All(err) {
				said := e.Text("zh") + e.RemedyText("zh") + e.Text("en") + e.RemedyText("en")
				require.NotContains(t, said, "{")
				require.Contains(t, said, c.says)
			}
		})
	}
}

func reasonByCode(t *testing.T, code string) *fault.Reason {
	t.Helper()
	for _, r := range fault.Reasons() {
		if r.Code == code {
			return r
		}
	}
	require.Fail(t, "no reason "+code)
	return nil
}

func TestProgressNeverFallsAndEnds(t *testing.T) {
	t.Parallel()
	o := DefaultOptions(writeBook(t, 60))
	events := make(chan Event, 10_000)
	o.Progress = func(e Event) { events <- e }
	_, err := Run(context.Background(), o)
	require.NoError(t, err)
	close(events)
	var stages []string
	last := Event{}
	for e := range events {
		if len(stages) == 0 || stages[len(stages)-1] != e.Stage {
			stages = append(stages, e.Stage)
		}
		require.NotEmpty(t, e.Zh)
		require.NotEmpty(t, e.En)
		if e.Stage == "read" {
			last = e
		}
	}
	require.Equal(t, last.Total, last.Done)
	require.Equal(t, []string{"read", "profile", "validate", "score", "allocate"}, stages)
}

func TestCancelStopsTheRun(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	o := DefaultOptions(writeBook(t, 60))
	o.Progress = func(e Event) {
		if e.Stage == "profile" {
			cancel()
		}
	}
	_, err := Run(ctx, o)
	require.ErrorIs(t, err, context.Canceled)
}

func TestAmountsWithUnits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"100": 100_00, "1,000.5": 1000_50, "5000万": 50_000_000_00, "1亿": 100_000_000_00, "0.5万元": 5000_00} {
		got, err := parseYuan(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "x", "1.2.3", "万", "1e6", "99999999999999999亿"} {
		_, err := parseYuan(text)
		require.Error(t, err, text)
	}
}

// TestContestFolder is the bar of the project on the contest's files: the counts of the traps, the
// cross-validated AUC from invoices alone, and a feasible book.
func TestContestFolder(t *testing.T) { //nolint:paralleltest // the command sets the collector of the process
	dir := cumcm.Dir(t)
	out, _, err := command(t, "en", dir, "--quiet", "--budget", "100000000", "--out", filepath.Join(t.TempDir(), "r.xlsx"), "--json", "-")
	require.NoError(t, err)
	checkBook(t, dir, out, 100_000_000_00)
	var r struct {
		Validation struct {
			AUC struct {
				Mean float64 `json:"mean"`
				Std  float64 `json:"std"`
			} `json:"auc"`
			Folds   []json.RawMessage `json:"folds"`
			Samples int               `json:"samples"`
		} `json:"validation"`
		Files []struct {
			Direction string `json:"direction"`
			Rows      int64  `json:"rows"`
			Void      int64  `json:"void"`
			Padded    int64  `json:"void_padded"`
			Red       int64  `json:"red"`
			Zero      int64  `json:"zero"`
			Duplicate int64  `json:"duplicate"`
			Mismatch  int64  `json:"mismatch"`
		} `json:"files"`
	}
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.GreaterOrEqual(t, r.Validation.AUC.Mean, 0.87)
	require.Positive(t, r.Validation.AUC.Std)
	require.Len(t, r.Validation.Folds, 100)
	require.Equal(t, 123, r.Validation.Samples)
	require.Equal(t, "[{purchase 210947 7608 0 1881 0 803 2} {sale 162484 11206 47 8556 1679 4436 1}]", fmt.Sprint(r.Files))
}
