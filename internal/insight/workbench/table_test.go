package workbench

import (
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func file(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

func table(t testing.TB, text string, o ReadOptions) *Table {
	t.Helper()
	out, err := ReadTable(file(text), o)
	require.NoError(t, err)
	return out
}

func TestNumbersAndCategoriesAreToldApart(t *testing.T) {
	t.Parallel()
	text := "\ufeffid, turnover ,region,grade,empty\r\n1,2.5,\"north, east\",1,\r\n2,NA,south,2,\r\n3,-1e3,,1,NaN\r\n"
	x := table(t, text, ReadOptions{Categorical: []string{"grade"}})
	require.Equal(t, 3, x.Rows)
	turnover, ok := x.Column("turnover")
	require.True(t, ok)
	require.InDelta(t, 2.5, turnover.Numbers[0], 0)
	require.True(t, math.IsNaN(turnover.Numbers[1]))
	require.InDelta(t, -1000, turnover.Numbers[2], 0)
	region, _ := x.Column("region")
	require.Equal(t, []string{"north, east", "south", ""}, region.Texts())
	grade, _ := x.Column("grade")
	require.Equal(t, []string{"1", "2", "1"}, grade.Texts())
	empty, _ := x.Column("empty")
	require.True(t, empty.Numeric())
	x = table(t, text, ReadOptions{Exclude: []string{"region", "grade"}})
	require.Len(t, x.Columns, 3)
}

func TestChineseEncodingsSayTheSame(t *testing.T) {
	t.Parallel()
	text := "企业,行业,违约\n甲公司,制造业,0\n乙公司,批发和零售业,1\n"
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	require.NoError(t, err)
	require.Equal(t, table(t, text, ReadOptions{}), table(t, gb, ReadOptions{}))
}

func TestWhatCannotBeReadIsNamedWithRowColumnAndRemedy(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, reason, says string
		row                int
		o                  ReadOptions
	}{
		{"a,b\n1,2\n3,4x\n5,6\n7,8\n", "TABLE_CELL", "Row 3, column b: the value “4x” cannot be used: 3 other values of the column are numbers", 3, ReadOptions{}},
		{"a,b\n1,2\n3,Inf\n5,6\n", "TABLE_CELL", "Row 3, column b", 3, ReadOptions{}},
		{"a,b\n1,2\n3\n", "TABLE_FILE", "row 3): 1 cells under 2 headings", 3, ReadOptions{}},
		{"a,b\n1,\"2\n", "TABLE_FILE", "quotes do not match", 0, ReadOptions{}},
		{"a,a\n1,2\n", "TABLE_COLUMN", "Column a cannot be used: the name stands twice", 0, ReadOptions{}},
		{"a,\n1,2\n", "TABLE_FILE", "column 2 has no name", 1, ReadOptions{}},
		{"a,b\n", "TABLE_FILE", "no rows", 1, ReadOptions{}},
		{"", "TABLE_FILE", "no rows", 1, ReadOptions{}},
		{"a\n1\n", "TABLE_COLUMN", "Column z cannot be used: the file has no such column", 0, ReadOptions{Exclude: []string{"z"}}},
		{"a\n1\n", "TABLE_COLUMN", "Column b", 0, ReadOptions{Schema: []Input{{Name: "b", Numeric: true}}}},
		{"a\n1\nx\n", "TABLE_CELL", "Row 3, column a: the value “x”", 3, ReadOptions{Schema: []Input{{Name: "a", Numeric: true}}}},
	} {
		_, err := ReadTable(file(c.text), c.o)
		var f *fault.Error
		require.ErrorAs(t, err, &f, c.text)
		require.Equal(t, c.reason, f.Reason.Code, c.text)
		require.Contains(t, f.Text("en"), c.says)
		require.NotEqual(t, f.Text("zh"), f.Text("en"))
		require.NotEmpty(t, f.RemedyText("zh"))
		if c.row > 0 {
			require.Equal(t, c.row, f.Row, c.text)
		}
	}
	broken := errors.New("disk")
	_, err := ReadTable(func() (io.ReadCloser, error) { return nil, broken }, ReadOptions{})
	require.ErrorIs(t, err, broken)
}

func TestConditions(t *testing.T) {
	t.Parallel()
	x := table(t, "id,day,region,due date,行业\n17,-3,north,2,制造\n20,4.5,south,0,批发\n", ReadOptions{})
	for text, want := range map[string][2]bool{
		"id%10<7":                               {false, true},
		"id % 10 >= 7 or day > 4":               {true, true},
		"NOT region=='north'":                   {false, true},
		"region!='north' && id=20":              {false, true},
		"not not (id == 17)":                    {true, false},
		"!(id==17)":                             {false, true},
		"1+2*3==7 and (1+2)*3==9 and 7-2-1==4":  {true, true},
		"-day*2==6":                             {true, false},
		"day%2==-1":                             {true, false}, // the sign of the left side
		"id/10>1.9":                             {false, true},
		"\"due date\" > 1":                      {true, false},
		"行业=='制造'":                              {true, false},
		"id==17 or id==20 and day==0":           {true, false},
		"(id==17 or id==20) and day==4.5":       {false, true},
		"id<=17 || id>19":                       {true, true},
		".5 < 1":                                {true, true},
		"region == 'north' or region == 'east'": {true, false},
	} {
		e, err := ParseExpression(text)
		require.NoError(t, err, text)
		got, err := e.Choose(x)
		require.NoError(t, err, text)
		require.Equal(t, want[:], got, text)
	}
	e, err := ParseExpression("id%10<7 and region=='x' or id>3")
	require.NoError(t, err)
	require.Equal(t, []string{"id", "region"}, e.Columns())
}

func TestWrongConditionsAreNamed(t *testing.T) {
	t.Parallel()
	x := table(t, "id,day,region\n17,,north\n20,4,south\n", ReadOptions{})
	for text, says := range map[string]string{
		"":                        "(character 1): it ends too early",
		"id%10<":                  "(character 7): it ends too early",
		"id%10<7)":                "(character 8): ) is not expected",
		"(id<7":                   "it ends too early",
		"id ; drop":               "(character 4): ; is not expected",
		"id<7<9":                  "(character 5): < is not expected",
		"1.2.3<id":                "1.2.3 is not a number",
		"region=='north":          "(character 9): a quote does not end",
		"os(1)":                   "( is not expected",
		"id and id==4":            "wrong kind",
		"not id":                  "not needs a condition",
		"region<'north'":          "cannot be compared",
		"region==1":               "cannot be compared",
		"id+1":                    "a value, not yes or no",
		"id%0==1":                 "divides by zero",
		"nobody==1":               "Column nobody cannot be used",
		"day==4":                  "Row 2, column day",
		strings.Repeat("(", 1001): "too long",
		strings.Repeat("(", 999):  "ends too early",
	} {
		e, err := ParseExpression(text)
		if err == nil {
			_, err = e.Choose(x)
		}
		var f *fault.Error
		require.ErrorAs(t, err, &f, text)
		require.Contains(t, f.Text("en"), says, text)
		require.NotEqual(t, f.Text("zh"), f.Text("en"))
	}
}

func FuzzParseExpression(f *testing.F) {
	for _, text := range []string{"id%10<7", "not (region=='x' or \"a b\">=-2.5)&&1!=2"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := ParseExpression(text); err == nil {
			_, _ = e.Choose(&Table{Rows: 1})
		}
	})
}

func FuzzReadTable(f *testing.F) {
	f.Add("a,b\n1,x\n,y\n")
	f.Add("\"a\",b\n\"1\n2\",3\n\xff,2")
	f.Fuzz(func(t *testing.T, text string) {
		x, err := ReadTable(file(text), ReadOptions{})
		if err != nil {
			return
		}
		for i := range x.Columns {
			if n := len(x.Columns[i].Numbers) + len(x.Columns[i].Codes); n != x.Rows {
				t.Fatalf("column %d has %d cells in %d rows", i, n, x.Rows)
			}
		}
	})
}

func FuzzLoad(f *testing.F) {
	f.Add(`{"format":"capillary-table-model","version":1,"hash":"","model":{}}`)
	f.Add("tree\nversion=v3\n")
	f.Add(`{"learner":{},"version":[1,7,4]}`)
	f.Fuzz(func(_ *testing.T, text string) { _, _ = Load(strings.NewReader(text)) })
}
