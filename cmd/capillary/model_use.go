package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/capillary-finance/capillary/internal/insight/workbench"
)

// useFlags are those of the commands that apply a model.
type useFlags struct {
	model, data, id, out string
	missing              []string
	rows                 []int
	ids                  []string
	top                  int
}

func (f *useFlags) common(cmd *cobra.Command, c *cli) {
	p := cmd.Flags()
	p.StringVar(&f.model, "model", "", c.tr("模型文件（必填）：本系统的、XGBoost 的 JSON 或 LightGBM 的文本", "model file (required): our own, XGBoost JSON or LightGBM text"))
	p.StringVar(&f.data, "data", "", c.tr("CSV 文件（必填）", "CSV file (required)"))
	p.StringVar(&f.id, "id", "", c.tr("写入结果的编号列", "column that identifies a row in the result"))
	p.StringSliceVar(&f.missing, "missing", workbench.DefaultMissing(), c.tr("空单元格之外表示缺失的写法", "texts of an absent value beside the empty cell"))
}

func (c *cli) modelScoreCommand() *cobra.Command {
	var f useFlags
	cmd := &cobra.Command{
		Use: "score", Args: cobra.NoArgs, Short: c.tr("用模型给一个 CSV 的每一行评分", "score every row of a CSV with a model"),
		Long: c.tr("结果为 CSV：行号（首行为第 1 行）、编号列、违约概率，评分卡另有分数。训练时没有见过的类别按缺失处理，并在标准错误中报告。",
			"The result is a CSV: row (the heading is row 1), the id column, the probability and, of a scorecard, the points. A category that training never saw counts as absent and is reported on standard error."),
		Example: "  capillary model score --model model.json --data clients.csv --id id --out scores.csv\n  capillary model score --model xgboost.json --data clients.csv",
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, t, err := f.load(c)
			if err != nil {
				return err
			}
			scored, unseen, err := m.Score(t)
			if err != nil {
				return err
			}
			for name, n := range unseen {
				fmt.Fprintf(cmd.ErrOrStderr(), c.tr("「%s」列有 %d 个单元格的类别未在训练中出现，按缺失处理\n", "column %s: %d cells hold a category that training never saw; they count as absent\n"), name, n)
			}
			if f.out == "" || f.out == "-" {
				return f.write(cmd.OutOrStdout(), m, t, scored)
			}
			return writeWhole(f.out, func(w io.Writer) error { return f.write(w, m, t, scored) })
		},
	}
	f.common(cmd, c)
	cmd.Flags().StringVarP(&f.out, "out", "o", "", c.tr("结果文件（默认标准输出）", "file to write (default: standard output)"))
	return cmd
}

// load reads the model and then the table that it asks for.
func (f *useFlags) load(c *cli) (*workbench.Model, *workbench.Table, error) {
	if f.model == "" || f.data == "" {
		return nil, nil, &usageError{errors.New(c.tr("--model 与 --data 必填", "--model and --data are required"))}
	}
	file, err := opened(f.model)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	m, err := workbench.Load(file)
	if err != nil {
		return nil, nil, err
	}
	o := workbench.ReadOptions{Missing: f.missing, Schema: m.Inputs}
	if f.id != "" {
		o.Keep = []string{f.id}
	}
	t, err := workbench.ReadTable(openFile(f.data), o)
	return m, t, err
}

// identity is the text of the id column in a row.
func (f *useFlags) identity(t *workbench.Table, row int) string {
	if f.id == "" {
		return ""
	}
	col, _ := t.Column(f.id)
	if col.Numeric() {
		return strconv.FormatFloat(col.Numbers[row], 'f', -1, 64)
	}
	return col.Text(row)
}

func (f *useFlags) write(w io.Writer, m *workbench.Model, t *workbench.Table, scored []workbench.Scored) error {
	out := csv.NewWriter(w)
	heading := []string{"row"}
	if f.id != "" {
		heading = append(heading, f.id)
	}
	heading = append(heading, "pd")
	if m.Card != nil {
		heading = append(heading, "points")
	}
	if err := out.Write(heading); err != nil {
		return err
	}
	for row, s := range scored {
		record := []string{strconv.Itoa(row + 2)}
		if f.id != "" {
			record = append(record, f.identity(t, row))
		}
		record = append(record, strconv.FormatFloat(s.PD, 'g', 9, 64))
		if s.Points != nil {
			record = append(record, strconv.Itoa(*s.Points))
		}
		if err := out.Write(record); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func (c *cli) modelExplainCommand() *cobra.Command {
	var f useFlags
	cmd := &cobra.Command{
		Use: "explain", Args: cobra.NoArgs, Short: c.tr("说明模型为何给出这些评分", "say why a model scores rows as it does"),
		Long: c.tr("输出 JSON：每行的基准与各列对对数坏好比的贡献（提升树为精确 TreeSHAP，评分卡为各列得分），相加即为该行的对数坏好比。",
			"Prints JSON: for each row the base and what every column adds to the log-odds (exact TreeSHAP of boosted trees, the points of a scorecard); together they are the row's log-odds."),
		Example: "  capillary model explain --model model.json --data clients.csv --row 2,17\n  capillary model explain --model model.json --data clients.csv --id id --only 25068 --top 5",
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, t, err := f.load(c)
			if err != nil {
				return err
			}
			rows, err := f.wanted(c, t)
			if err != nil {
				return err
			}
			explained, err := m.Explain(t, rows)
			if err != nil {
				return err
			}
			for i := range explained {
				explained[i].ID = f.identity(t, rows[i])
				if f.top > 0 {
					explained[i].Parts = explained[i].Parts[:min(f.top, len(explained[i].Parts))]
				}
			}
			return printJSON(cmd.OutOrStdout(), explained)
		},
	}
	f.common(cmd, c)
	p := cmd.Flags()
	p.IntSliceVar(&f.rows, "row", nil, c.tr("文件的行号（首行列名为第 1 行），逗号分隔；默认第 2 行", "rows of the file (the heading is row 1), comma separated; default row 2"))
	p.StringSliceVar(&f.ids, "only", nil, c.tr("编号列的值（配合 --id）", "values of the id column (with --id)"))
	p.IntVar(&f.top, "top", 0, c.tr("每行只列贡献最大的几列（0 为全部）", "list only the heaviest columns (0: all)"))
	return cmd
}

// wanted are the 0-based rows that were asked for.
func (f *useFlags) wanted(c *cli, t *workbench.Table) ([]int, error) {
	if len(f.ids) > 0 && f.id == "" {
		return nil, &usageError{errors.New(c.tr("--only 须与 --id 同用", "--only needs --id"))}
	}
	var rows []int
	for _, id := range f.ids {
		found := false
		for row := range t.Rows {
			if f.identity(t, row) == id {
				rows, found = append(rows, row), true
			}
		}
		if !found {
			return nil, &usageError{errors.New(strings.NewReplacer("{id}", id, "{column}", f.id).Replace(c.tr("「{column}」列没有 {id}", "column {column} has no {id}")))}
		}
	}
	for _, row := range f.rows {
		rows = append(rows, row-2)
	}
	if len(rows) == 0 {
		rows = []int{0}
	}
	return rows, nil
}
