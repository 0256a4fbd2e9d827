// Package doc writes PDF documents that people sign and keep: Chinese and
// English text in an embedded font, fields, clauses and tables. The same input
// gives the same bytes, so a document is proved by its hash, and a text with a
// character the font does not have is refused instead of printed as a box.
package doc

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/sfnt"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// The document font: a renamed subset of Noto Sans CJK SC (SIL OFL 1.1, see
// font/OFL.txt), made by scripts/make-font.py.
//
//go:embed font/CapillarySansSC-Regular.ttf
var fontBytes []byte

const family = "capillary"

// Reasons of this package.
var (
	ReasonGlyph = fault.Declare("DOC_GLYPH_MISSING", fault.Invalid,
		"文档字体缺少字符 {runes}（“{text}”）", "The document font lacks the characters {runes} (in “{text}”)",
		"改用常用字形，或安装完整字库后重试", "Use a common form of the character, or install the full font")
	ReasonLimit = fault.Declare("DOC_TOO_LONG", fault.TooLarge,
		"文档超过 {limit} 行", "The document exceeds {limit} lines", "缩短内容后重试", "Shorten it and retry")
)

// linesMax bounds a document.
const linesMax = 20_000

// Page geometry in millimetres, A4.
const (
	marginX   = 20.0
	marginTop = 18.0
	marginEnd = 18.0
	textSize  = 10.0
	lineMM    = 5.6
)

// Meta describes a document.
type Meta struct {
	Title   string
	Author  string
	Subject string
	// Footer stands at the left of every page's foot, the page number at the right.
	Footer string
	// Mark, when set, is printed on every page's head: a demonstration says so.
	Mark string
	// At is the time written into the file; it is part of the bytes.
	At time.Time
}

// Document is a PDF being written. Methods may be chained freely; the first
// failure is kept and returned by Bytes.
type Document struct {
	pdf   *fpdf.Fpdf
	meta  Meta
	lines int
	err   error
}

// New starts a document with its first page.
func New(m Meta) *Document {
	d := &Document{meta: m, pdf: fpdf.New("P", "mm", "A4", "")}
	d.check(m.Title, m.Author, m.Subject, m.Footer, m.Mark)
	d.pdf.SetCatalogSort(true)
	d.pdf.SetCreationDate(m.At.UTC())
	d.pdf.SetModificationDate(m.At.UTC())
	d.pdf.SetProducer("Capillary", true)
	d.pdf.SetTitle(m.Title, true)
	d.pdf.SetAuthor(m.Author, true)
	d.pdf.SetSubject(m.Subject, true)
	// The writer rewrites composite glyphs in the bytes it is given when it cuts the subset, so each document gets its own copy.
	d.pdf.AddUTF8FontFromBytes(family, "", bytes.Clone(fontBytes))
	d.pdf.SetMargins(marginX, marginTop, marginX)
	d.pdf.SetAutoPageBreak(true, marginEnd)
	d.pdf.AliasNbPages("{pages}")
	d.pdf.SetHeaderFuncMode(d.head, true)
	d.pdf.SetFooterFunc(d.foot)
	d.pdf.AddPage()
	d.font(textSize)
	return d
}

func (d *Document) head() {
	if d.meta.Mark == "" {
		return
	}
	d.font(8)
	d.pdf.SetTextColor(180, 40, 40)
	d.pdf.SetXY(marginX, 8)
	d.pdf.CellFormat(d.width(), 5, d.meta.Mark, "", 0, "R", false, 0, "")
	d.pdf.SetTextColor(0, 0, 0)
}

func (d *Document) foot() {
	d.font(8)
	d.pdf.SetTextColor(110, 110, 110)
	d.pdf.SetXY(marginX, -13)
	d.pdf.CellFormat(d.width()-30, 5, d.meta.Footer, "", 0, "L", false, 0, "")
	d.pdf.CellFormat(30, 5, fmt.Sprintf("%d / {pages}", d.pdf.PageNo()), "", 0, "R", false, 0, "")
	d.pdf.SetTextColor(0, 0, 0)
}

func (d *Document) font(size float64) { d.pdf.SetFont(family, "", size) }

func (d *Document) width() float64 {
	w, _ := d.pdf.GetPageSize()
	return w - 2*marginX
}

var face = sync.OnceValues(func() (*sfnt.Font, error) { return sfnt.Parse(fontBytes) })

// Missing lists the characters of a text that the document font cannot print.
func Missing(text string) ([]rune, error) {
	f, err := face()
	if err != nil {
		return nil, fmt.Errorf("document font: %w", err)
	}
	var buf sfnt.Buffer
	var out []rune
	for _, r := range text {
		if r == '\n' {
			continue
		}
		// A control or a private character would print as nothing or as a box.
		if index, err := f.GlyphIndex(&buf, r); err != nil || index == 0 || unicode.IsControl(r) {
			out = append(out, r)
		}
	}
	return out, nil
}

func (d *Document) check(texts ...string) bool {
	for _, text := range texts {
		if d.err != nil {
			return false
		}
		missing, err := Missing(text)
		if err != nil {
			d.err = err
		} else if len(missing) > 0 {
			d.err = fault.New(ReasonGlyph, "runes", fmt.Sprintf("%q", missing), "text", excerpt(text))
		}
	}
	return d.err == nil
}

func excerpt(s string) string {
	r := []rune(s)
	return string(r[:min(len(r), 30)])
}

func (d *Document) count(n int) bool {
	if d.lines += n; d.lines > linesMax && d.err == nil {
		d.err = fault.New(ReasonLimit, "limit", linesMax)
	}
	return d.err == nil
}

// Title prints a centred title with an optional line under it.
func (d *Document) Title(title, under string) *Document {
	if !d.check(title, under) || !d.count(2) {
		return d
	}
	d.font(17)
	d.pdf.CellFormat(d.width(), 11, title, "", 1, "C", false, 0, "")
	if under != "" {
		d.font(textSize)
		d.pdf.SetTextColor(90, 90, 90)
		d.pdf.CellFormat(d.width(), 7, under, "", 1, "C", false, 0, "")
		d.pdf.SetTextColor(0, 0, 0)
	}
	d.pdf.Ln(4)
	return d
}

// Heading prints a section's heading and keeps it with the text below.
func (d *Document) Heading(text string) *Document {
	if !d.check(text) || !d.count(1) {
		return d
	}
	d.room(24)
	d.pdf.Ln(3)
	d.font(12)
	d.pdf.CellFormat(d.width(), 8, text, "B", 1, "L", false, 0, "")
	d.pdf.Ln(2)
	d.font(textSize)
	return d
}

// room starts a new page when less than mm is left on this one.
func (d *Document) room(mm float64) {
	_, height := d.pdf.GetPageSize()
	if d.pdf.GetY()+mm > height-marginEnd {
		d.pdf.AddPage()
	}
}

// Paragraph prints running text; line feeds start new lines.
func (d *Document) Paragraph(text string) *Document {
	if !d.check(text) {
		return d
	}
	d.font(textSize)
	for _, line := range d.wrap(text, d.width()) {
		if !d.count(1) {
			return d
		}
		d.pdf.CellFormat(d.width(), lineMM, line, "", 1, "L", false, 0, "")
	}
	d.pdf.Ln(1.5)
	return d
}

// Field is a name with its value.
type Field struct{ Name, Value string }

// Fields prints names and values in two columns.
func (d *Document) Fields(fields []Field) *Document {
	const nameMM = 44.0
	for _, f := range fields {
		if !d.check(f.Name, f.Value) {
			return d
		}
		d.font(textSize)
		names, values := d.wrap(f.Name, nameMM-2), d.wrap(f.Value, d.width()-nameMM)
		n := max(len(names), len(values))
		if !d.count(n) {
			return d
		}
		d.room(float64(n) * lineMM)
		for i := range n {
			d.pdf.SetTextColor(90, 90, 90)
			d.pdf.CellFormat(nameMM, lineMM, at(names, i), "", 0, "L", false, 0, "")
			d.pdf.SetTextColor(0, 0, 0)
			d.pdf.CellFormat(d.width()-nameMM, lineMM, at(values, i), "", 1, "L", false, 0, "")
		}
	}
	d.pdf.Ln(1.5)
	return d
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// Column is a column of a table: its head, its share of the width, and whether
// it holds numbers, which stand to the right.
type Column struct {
	Head    string
	Share   float64
	Numbers bool
}

// Table prints rows under a head that is repeated on every page.
func (d *Document) Table(columns []Column, rows [][]string) *Document {
	total := 0.0
	for _, c := range columns {
		if !d.check(c.Head) {
			return d
		}
		total += c.Share
	}
	widths := make([]float64, len(columns))
	for i, c := range columns {
		widths[i] = d.width() * c.Share / total
	}
	const rowMM = 6.2
	d.pdf.SetDrawColor(205, 210, 216)
	defer d.pdf.SetDrawColor(0, 0, 0)
	head := func() {
		d.font(9)
		d.pdf.SetFillColor(238, 241, 245)
		for i, c := range columns {
			d.pdf.CellFormat(widths[i], rowMM+0.6, c.Head, "TB", 0, align(c), true, 0, "")
		}
		d.pdf.Ln(-1)
	}
	d.room(3 * rowMM)
	head()
	_, height := d.pdf.GetPageSize()
	for _, row := range rows {
		if !d.check(row...) || !d.count(1) {
			return d
		}
		if d.pdf.GetY()+rowMM > height-marginEnd {
			d.pdf.AddPage()
			head()
		}
		d.font(9)
		for i, c := range columns {
			d.pdf.CellFormat(widths[i], rowMM, at(row, i), "B", 0, align(c), false, 0, "")
		}
		d.pdf.Ln(-1)
	}
	d.pdf.Ln(3)
	d.font(textSize)
	return d
}

func align(c Column) string {
	if c.Numbers {
		return "R"
	}
	return "L"
}

// Page starts a new page.
func (d *Document) Page() *Document {
	if d.err == nil {
		d.pdf.AddPage()
		d.font(textSize)
	}
	return d
}

// Bytes finishes the document. It returns DOC_GLYPH_MISSING when any text had a
// character without a glyph.
func (d *Document) Bytes() ([]byte, error) {
	if d.err != nil {
		return nil, d.err
	}
	var b bytes.Buffer
	if err := d.pdf.Output(&b); err != nil {
		return nil, fmt.Errorf("pdf: %w", err)
	}
	return b.Bytes(), nil
}

// Signs (and the unit 元) that must not begin a line, and signs that must not end one.
const (
	closers = "，。、；：！？）》」』”’】〉％元%,.;:!?)]}"
	openers = "（《「『“‘【〈([{¥￥$"
)

// wrap breaks text into lines: between Chinese characters and at blanks, never
// before a closing sign or after an opening one.
func (d *Document) wrap(text string, width float64) []string {
	var out []string
	for _, paragraph := range strings.Split(text, "\n") {
		line := ""
		for _, piece := range pieces(paragraph) {
			if line != "" && d.pdf.GetStringWidth(strings.TrimRight(line+piece, " ")) > width-1 {
				out = append(out, strings.TrimRight(line, " "))
				line = strings.TrimLeft(piece, " ")
				continue
			}
			line += piece
		}
		out = append(out, strings.TrimRight(line, " "))
	}
	return out
}

// pieces cuts a paragraph into parts that must stay on one line.
func pieces(s string) []string {
	var out []string
	var current strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		current.WriteRune(r)
		if i+1 < len(runes) && breaksBetween(r, runes[i+1]) {
			out = append(out, current.String())
			current.Reset()
		}
	}
	return append(out, current.String())
}

func breaksBetween(a, b rune) bool {
	if strings.ContainsRune(closers, b) || strings.ContainsRune(openers, a) {
		return false
	}
	return a == ' ' || wideRune(a) || wideRune(b)
}

func wideRune(r rune) bool { return r >= 0x2E80 && r < 0xFF5F }
