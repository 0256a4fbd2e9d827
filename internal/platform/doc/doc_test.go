package doc_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/doc"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func sample(text string) *doc.Document {
	rows := make([][]string, 60)
	for i := range rows {
		rows[i] = []string{fmt.Sprint(i + 1), "2026-02-05", "40,000.00", "449.50", "40,449.50"}
	}
	return doc.New(doc.Meta{
		Title: "借款合同", Author: "测试银行", Subject: "示例", Footer: "合同编号 HT-1", Mark: "演示数据 DEMONSTRATION",
		At: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC),
	}).Title("借款合同", "Loan contract").
		Heading("一、当事人").
		Fields([]doc.Field{{"借款人", "杭州小微科技有限公司"}, {"统一社会信用代码", "91330106673959654P"}}).
		Paragraph(text).
		Table([]doc.Column{{"期次", 1, true}, {"到期日", 2, false}, {"本金", 2, true}, {"利息", 2, true}, {"合计", 2, true}}, rows)
}

func TestWritesAValidPDF(t *testing.T) {
	t.Parallel()
	b, err := sample("借款人应当按照约定的日期 2026-02-05 归还本金与利息，年利率为 4.35%（ACT/360）。 The borrower repays on the agreed dates.").Bytes()
	require.NoError(t, err)
	require.NoError(t, api.Validate(bytes.NewReader(b), nil))
	pages, err := api.PageCount(bytes.NewReader(b), nil)
	require.NoError(t, err)
	require.Equal(t, 2, pages)
	require.Less(t, len(b), 400_000, "the font is embedded as a subset")
	if dir := os.Getenv("CAPILLARY_DOC_OUT"); dir != "" {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "sample.pdf"), b, 0o600))
	}
}

func TestSameInputSameBytes(t *testing.T) {
	t.Parallel()
	a, err := sample("同样的输入").Bytes()
	require.NoError(t, err)
	b, err := sample("同样的输入").Bytes()
	require.NoError(t, err)
	require.Equal(t, a, b)
}

func TestRefusesWhatItCannotPrint(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"姓名：𬭎", "emoji 😀", "arabic ع", "tab\tstop", "bell\a"} {
		_, err := sample(text).Bytes()
		require.True(t, fault.Is(err, doc.ReasonGlyph), "%q: %v", text, err)
	}
	_, err := doc.New(doc.Meta{Title: "𬭎"}).Bytes()
	require.True(t, fault.Is(err, doc.ReasonGlyph))
	_, err = doc.New(doc.Meta{Title: "x"}).Table([]doc.Column{{"a", 1, false}}, [][]string{{"㛃"}}).Bytes()
	require.True(t, fault.Is(err, doc.ReasonGlyph))
}

// Every digit, letter and sign a contract prints has a glyph: the trap is a
// font that shows Chinese and prints boxes for numbers.
func TestCommonCharactersHaveGlyphs(t *testing.T) {
	t.Parallel()
	text := "¥€£•·—–‘’“”…%‰×÷±≤≥≈→①②③〔2017〕《民法典》【】「」、。，；：？！（）％￥〇零壹贰叁肆伍陆柒捌玖拾佰仟万亿元角分整喆堃镕珺玥昇翀旻昉"
	for r := rune(0x20); r < 0x7F; r++ {
		text += string(r)
	}
	missing, err := doc.Missing(text)
	require.NoError(t, err)
	require.Empty(t, missing, "%q", missing)
}

func TestLimit(t *testing.T) {
	t.Parallel()
	d := doc.New(doc.Meta{Title: "x"})
	rows := make([][]string, 20_001)
	for i := range rows {
		rows[i] = []string{"1"}
	}
	_, err := d.Table([]doc.Column{{"a", 1, false}}, rows).Bytes()
	require.True(t, fault.Is(err, doc.ReasonLimit))
}
