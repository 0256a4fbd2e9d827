package workbench

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Limits of a table.
const (
	MaxColumns    = 5_000
	MaxRows       = 20_000_000
	MaxCategories = 1_000
)

// DefaultMissing are the texts that stand for an absent value beside the empty cell.
func DefaultMissing() []string { return []string{"NA", "N/A", "NaN", "nan", "null", "NULL"} }

// Column is a column of a table: numbers with NaN, or codes into categories with -1, where a value is absent.
type Column struct {
	Name       string
	Numbers    []float64
	Codes      []int32
	Categories []string // in the order of their first appearance
}

// Numeric reports whether the column holds numbers.
func (c *Column) Numeric() bool { return c.Codes == nil }

// Text is a category, "" when it is absent.
func (c *Column) Text(row int) string {
	if k := c.Codes[row]; k >= 0 {
		return c.Categories[k]
	}
	return ""
}

// Texts are all categories of a column row by row.
func (c *Column) Texts() []string {
	out := make([]string, len(c.Codes))
	for i := range out {
		out[i] = c.Text(i)
	}
	return out
}

// Table is what was read.
type Table struct {
	Columns []Column
	Rows    int
}

// Column finds a column by name.
func (t *Table) Column(name string) (*Column, bool) {
	i := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return nil, false
	}
	return &t.Columns[i], true
}

// ReadOptions say how to read a table.
type ReadOptions struct {
	Missing     []string // texts that stand for an absent value; nil: DefaultMissing
	Categorical []string // columns that hold categories although they look like numbers
	Exclude     []string // columns to leave unread
	// Schema, when set, is what a model expects: its columns must be there and of its kinds, others are left unread.
	Schema []Input
	// Keep are columns to read beside a schema, as texts.
	Keep []string
}

// kind of a column after the first pass.
type kind struct {
	skip, categorical bool
	numeric           bool // a schema says so
	numbers, texts    int
	oddRow            int // of the first text
	odd               string
}

// ReadTable reads a CSV twice: once to learn what its columns hold, once to keep it. open must give the same bytes each
// time. What cannot be used is an error that names row (1-based lines of data are counted with the heading, as an editor
// counts) and column: TABLE_FILE, TABLE_COLUMN, TABLE_CELL.
func ReadTable(open func() (io.ReadCloser, error), o ReadOptions) (*Table, error) {
	if o.Missing == nil {
		o.Missing = DefaultMissing()
	}
	r := &tableReader{open: open, o: o}
	if err := r.learn(); err != nil {
		return nil, err
	}
	return r.load()
}

type tableReader struct {
	open    func() (io.ReadCloser, error)
	o       ReadOptions
	header  []string
	kinds   []kind
	rows    int
	chinese bool // the file is not UTF-8 and is read as GB18030
}

var errNotUTF8 = errors.New("workbench: not UTF-8")

// each calls fn with every record; row 1 is the heading.
func (r *tableReader) each(fn func(row int, record []string) error) error {
	f, err := r.open()
	if err != nil {
		return err
	}
	defer f.Close()
	var in io.Reader = f
	if r.chinese {
		in = simplifiedchinese.GB18030.NewDecoder().Reader(f)
	}
	buffered := bufio.NewReaderSize(in, 1<<16)
	if mark, err := buffered.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = buffered.Discard(3)
	}
	records := csv.NewReader(buffered)
	records.ReuseRecord = true
	for {
		record, err := records.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			if errors.Is(broken.Err, csv.ErrFieldCount) {
				return tableFault(broken.StartLine, fmt.Sprintf("有 %d 个单元格，首行有 %d 列", len(record), len(r.header)),
					fmt.Sprintf("%d cells under %d headings", len(record), len(r.header)))
			}
			return tableFault(broken.StartLine, "引号不配对", "its quotes do not match")
		}
		if err != nil {
			return err
		}
		row, _ := records.FieldPos(0)
		if err := fn(row, record); err != nil {
			return err
		}
	}
}

func tableFault(row int, zh, en string) error {
	return fault.New(ReasonTable, "row", row, "problem", en, "problem_zh", zh).WithRow(row)
}

// learn is the first pass.
func (r *tableReader) learn() error {
	err := r.scan()
	if errors.Is(err, errNotUTF8) {
		r.chinese, r.header, r.kinds, r.rows = true, nil, nil, 0
		err = r.scan()
	}
	if err != nil {
		return err
	}
	if r.rows == 0 {
		return tableFault(1, "没有数据行", "there are no rows of data")
	}
	for i := range r.kinds {
		k := &r.kinds[i]
		if k.skip || k.categorical || k.texts == 0 {
			continue
		}
		if k.numeric {
			return cell(k.oddRow, r.header[i], k.odd, "模型在此列需要数字", "the model needs a number here")
		}
		if k.numbers > k.texts {
			return cell(k.oddRow, r.header[i], k.odd, fmt.Sprintf("该列其余 %d 个值都是数字", k.numbers), fmt.Sprintf("%d other values of the column are numbers", k.numbers))
		}
		k.categorical = true
	}
	return nil
}

func (r *tableReader) scan() error {
	return r.each(func(row int, record []string) error {
		for _, text := range record {
			if !utf8.ValidString(text) && !r.chinese {
				return errNotUTF8
			}
		}
		if r.header == nil {
			return r.heading(record)
		}
		if r.rows++; r.rows > MaxRows {
			return tableFault(row, fmt.Sprintf("超过 %d 行", MaxRows), fmt.Sprintf("more than %d rows", MaxRows))
		}
		for i, text := range record {
			k := &r.kinds[i]
			text = strings.TrimSpace(text)
			if k.skip || k.categorical || r.absent(text) {
				continue
			}
			if _, err := number(text); err == nil {
				k.numbers++
				continue
			}
			if k.texts++; k.texts == 1 {
				k.oddRow, k.odd = row, strings.Clone(text)
			}
		}
		return nil
	})
}

func (r *tableReader) absent(text string) bool {
	return text == "" || slices.Contains(r.o.Missing, text)
}

// number reads a finite number; thousands separators and percent signs are texts, because guessing them loses factors.
func number(text string) (float64, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err == nil && (math.IsInf(v, 0) || math.IsNaN(v)) {
		err = strconv.ErrRange
	}
	return v, err
}

func (r *tableReader) heading(record []string) error {
	if len(record) > MaxColumns {
		return tableFault(1, fmt.Sprintf("有 %d 列，最多 %d 列", len(record), MaxColumns), fmt.Sprintf("%d columns, at most %d are taken", len(record), MaxColumns))
	}
	for i, text := range record {
		name := strings.Clone(strings.TrimSpace(text))
		switch {
		case name == "":
			return tableFault(1, fmt.Sprintf("第 %d 列没有列名", i+1), fmt.Sprintf("column %d has no name", i+1))
		case slices.Contains(r.header, name):
			return column(name, "列名重复", "the name stands twice in the heading")
		}
		k := kind{skip: slices.Contains(r.o.Exclude, name), categorical: slices.Contains(r.o.Categorical, name)}
		if r.o.Schema != nil {
			at := slices.IndexFunc(r.o.Schema, func(in Input) bool { return in.Name == name })
			keep := slices.Contains(r.o.Keep, name)
			k.skip = at < 0 && !keep
			k.numeric = at >= 0 && r.o.Schema[at].Numeric
			k.categorical = !k.numeric
		}
		r.header, r.kinds = append(r.header, name), append(r.kinds, k)
	}
	return r.expected()
}

// expected checks that every column that was named is there.
func (r *tableReader) expected() error {
	named := slices.Concat(r.o.Categorical, r.o.Exclude, r.o.Keep)
	for _, in := range r.o.Schema {
		named = append(named, in.Name)
	}
	for _, name := range named {
		if !slices.Contains(r.header, name) {
			return column(name, "文件中没有这一列", "the file has no such column")
		}
	}
	return nil
}

// load is the second pass.
func (r *tableReader) load() (*Table, error) {
	t := &Table{Rows: r.rows}
	at := make([]int, len(r.header))
	codes := make([]map[string]int32, len(r.header))
	for i, name := range r.header {
		at[i] = -1
		if r.kinds[i].skip {
			continue
		}
		c := Column{Name: name}
		if r.kinds[i].categorical {
			codes[i] = map[string]int32{}
			c.Codes = make([]int32, 0, r.rows)
		} else {
			c.Numbers = make([]float64, 0, r.rows)
		}
		at[i] = len(t.Columns)
		t.Columns = append(t.Columns, c)
	}
	heading := true
	err := r.each(func(row int, record []string) error {
		if heading {
			heading = false
			return nil
		}
		for i, text := range record {
			if at[i] < 0 {
				continue
			}
			if err := r.keep(&t.Columns[at[i]], codes[i], row, strings.TrimSpace(text)); err != nil {
				return err
			}
		}
		return nil
	})
	return t, err
}

func (r *tableReader) keep(c *Column, codes map[string]int32, row int, text string) error {
	if c.Numeric() {
		v := math.NaN()
		if !r.absent(text) {
			var err error
			if v, err = number(text); err != nil {
				return cell(row, c.Name, text, "不是数字", "it is not a number")
			}
		}
		c.Numbers = append(c.Numbers, v)
		return nil
	}
	if r.absent(text) {
		c.Codes = append(c.Codes, -1)
		return nil
	}
	k, known := codes[text]
	if !known {
		text = strings.Clone(text)
		k = int32(len(codes))
		codes[text] = k
		c.Categories = append(c.Categories, text)
	}
	c.Codes = append(c.Codes, k)
	return nil
}
