package workbench

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Expression is a condition over the columns of a row, such as id%10<7. It has no functions, no state and no loops: it
// ends after as many steps as it has words.
//
//	or:    and {("or" | "||") and}
//	and:   not {("and" | "&&") not}
//	not:   ("not" | "!") not | comparison
//	comparison: sum [("<" | "<=" | ">" | ">=" | "==" | "=" | "!=") sum]
//	sum:   term {("+" | "-") term}
//	term:  sign {("*" | "/" | "%") sign}
//	sign:  "-" sign | number | 'text' | column | "column" | "(" or ")"
//
// A column is its name, in double quotes when it is not a plain word. Texts compare with == and != only. % is the
// remainder with the sign of the left side.
type Expression struct {
	text    string
	root    term
	columns []string
}

const longestExpression = 1000

// value is a number, a text or a truth.
type value struct {
	number float64
	text   string
	truth  bool
	kind   byte // 'n', 't', 'b'; 0: absent
}

// term evaluates a part for a row.
type term func(t *Table, row int) (value, error)

// ParseExpression reads an expression; a wrong one is TABLE_EXPRESSION with the character at fault.
func ParseExpression(text string) (*Expression, error) {
	p := &parser{e: &Expression{text: text}, runes: []rune(text)}
	if len(p.runes) > longestExpression {
		return nil, p.fault(longestExpression, "太长", "it is too long")
	}
	p.next()
	root, err := p.or()
	if err != nil {
		return nil, err
	}
	if p.word != "" {
		return nil, p.unexpected()
	}
	p.e.root = root
	return p.e, nil
}

// Columns are the names of the columns that the expression reads.
func (e *Expression) Columns() []string { return e.columns }

// Choose gives the truth of the expression for every row. A column that is not there is TABLE_COLUMN; an absent value,
// a division by zero or a result that is no condition names the row.
func (e *Expression) Choose(t *Table) ([]bool, error) {
	for _, name := range e.columns {
		if _, ok := t.Column(name); !ok {
			return nil, column(name, "表达式 "+e.text+" 用到它，但文件中没有", "the expression "+e.text+" reads it, but the file has no such column")
		}
	}
	out := make([]bool, t.Rows)
	for row := range out {
		v, err := e.root(t, row)
		if err != nil {
			return nil, err
		}
		if v.kind != 'b' {
			return nil, fault.New(ReasonExpression, "expression", e.text, "position", 1, "problem", "it gives a value, not yes or no", "problem_zh", "结果是一个值，而不是真假")
		}
		out[row] = v.truth
	}
	return out, nil
}

// parser is recursive descent over words; depth bounds the recursion.
type parser struct {
	e     *Expression
	runes []rune
	at    int // behind the current word
	from  int
	word  string
	kind  byte // 'n' number, 't' text, 'c' column in quotes, 'w' word, 'o' operator
	depth int
}

func (p *parser) fault(at int, zh, en string) error {
	return fault.New(ReasonExpression, "expression", p.e.text, "position", at+1, "problem", en, "problem_zh", zh)
}

func (p *parser) unexpected() error {
	if p.word == "" && p.kind == 0 {
		return p.fault(p.from, "不完整", "it ends too early")
	}
	return p.fault(p.from, fmt.Sprintf("此处不应有 %s", p.word), fmt.Sprintf("%s is not expected here", p.word))
}

// next reads a word; an unclosed quote is a word of kind '?'.
func (p *parser) next() {
	for p.at < len(p.runes) && unicode.IsSpace(p.runes[p.at]) {
		p.at++
	}
	p.from, p.word, p.kind = p.at, "", 0
	if p.at == len(p.runes) {
		return
	}
	switch r := p.runes[p.at]; {
	case r == '\'' || r == '"':
		end := slices.Index(p.runes[p.at+1:], r)
		if end < 0 {
			p.word, p.kind, p.at = string(p.runes[p.at:]), '?', len(p.runes)
			return
		}
		p.word, p.kind = string(p.runes[p.at+1:p.at+1+end]), 't'
		if r == '"' {
			p.kind = 'c'
		}
		p.at += end + 2
		return
	case unicode.IsDigit(r) || r == '.':
		p.take('n', func(r rune) bool { return unicode.IsDigit(r) || r == '.' })
	case unicode.IsLetter(r) || r == '_':
		p.take('w', func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '.' })
	default:
		p.kind, p.word = 'o', string(r)
		p.at++
		if p.at < len(p.runes) && slices.Contains([]string{"<=", ">=", "==", "!=", "&&", "||"}, string(p.runes[p.at-1:p.at+1])) {
			p.word = string(p.runes[p.at-1 : p.at+1])
			p.at++
		}
	}
}

func (p *parser) take(kind byte, in func(rune) bool) {
	for p.at < len(p.runes) && in(p.runes[p.at]) {
		p.at++
	}
	p.word, p.kind = string(p.runes[p.from:p.at]), kind
}

// is reports whether the word is one of the operators or keywords.
func (p *parser) is(words ...string) bool {
	return (p.kind == 'o' || p.kind == 'w') && slices.Contains(words, strings.ToLower(p.word))
}

func (p *parser) or() (term, error) {
	return p.chain(p.and, []string{"or", "||"}, func(string) func(a, b value) (value, error) {
		return func(a, b value) (value, error) { return value{truth: a.truth || b.truth, kind: 'b'}, nil }
	}, 'b')
}

func (p *parser) and() (term, error) {
	return p.chain(p.not, []string{"and", "&&"}, func(string) func(a, b value) (value, error) {
		return func(a, b value) (value, error) { return value{truth: a.truth && b.truth, kind: 'b'}, nil }
	}, 'b')
}

// chain reads operands of one precedence, both sides of which must be of a kind.
func (p *parser) chain(operand func() (term, error), operators []string, apply func(string) func(a, b value) (value, error), kind byte) (term, error) {
	left, err := operand()
	for err == nil && p.is(operators...) {
		at, do := p.from, apply(strings.ToLower(p.word))
		p.next()
		var right term
		if right, err = operand(); err == nil {
			left = p.both(at, left, right, kind, do)
		}
	}
	return left, err
}

// both evaluates two sides and checks their kinds.
func (p *parser) both(at int, left, right term, kind byte, do func(a, b value) (value, error)) term {
	return func(t *Table, row int) (value, error) {
		a, err := left(t, row)
		if err != nil {
			return a, err
		}
		b, err := right(t, row)
		if err != nil {
			return b, err
		}
		if kind != 0 && (a.kind != kind || b.kind != kind) {
			return a, p.fault(at, "两侧的类型不对", "its sides are of the wrong kind")
		}
		return do(a, b)
	}
}

func (p *parser) not() (term, error) {
	if !p.is("not", "!") {
		return p.comparison()
	}
	at := p.from
	p.next()
	if p.depth++; p.depth > longestExpression {
		return nil, p.unexpected()
	}
	inner, err := p.not()
	return func(t *Table, row int) (value, error) {
		v, err := inner(t, row)
		if err == nil && v.kind != 'b' {
			err = p.fault(at, "not 之后须为条件", "not needs a condition")
		}
		return value{truth: !v.truth, kind: 'b'}, err
	}, err
}

func (p *parser) comparison() (term, error) {
	left, err := p.sum()
	if err != nil || !p.is("<", "<=", ">", ">=", "==", "=", "!=") {
		return left, err
	}
	at, operator := p.from, p.word
	p.next()
	right, err := p.sum()
	if err != nil {
		return nil, err
	}
	return p.both(at, left, right, 0, func(a, b value) (value, error) {
		if a.kind != b.kind || a.kind != 'n' && (a.kind != 't' || !strings.HasSuffix(operator, "=") || strings.ContainsAny(operator, "<>")) {
			return a, p.fault(at, "两侧不能这样比较", "its sides cannot be compared that way")
		}
		return value{kind: 'b', truth: compare(operator, a, b)}, nil
	}), nil
}

func compare(operator string, a, b value) bool {
	switch operator {
	case "<":
		return a.number < b.number
	case "<=":
		return a.number <= b.number
	case ">":
		return a.number > b.number
	case ">=":
		return a.number >= b.number
	case "!=":
		return a.number != b.number || a.text != b.text
	}
	return a.number == b.number && a.text == b.text
}

func (p *parser) sum() (term, error) {
	return p.chain(p.product, []string{"+", "-"}, func(operator string) func(a, b value) (value, error) {
		return func(a, b value) (value, error) {
			if operator == "-" {
				b.number = -b.number
			}
			return value{number: a.number + b.number, kind: 'n'}, nil
		}
	}, 'n')
}

func (p *parser) product() (term, error) {
	return p.chain(p.sign, []string{"*", "/", "%"}, func(operator string) func(a, b value) (value, error) {
		at := p.from
		return func(a, b value) (value, error) {
			switch {
			case operator == "*":
				a.number *= b.number
			case b.number == 0:
				return a, p.fault(at, "除数为零", "it divides by zero")
			case operator == "/":
				a.number /= b.number
			default:
				a.number = math.Mod(a.number, b.number)
			}
			return a, nil
		}
	}, 'n')
}

func (p *parser) sign() (term, error) {
	if p.depth++; p.depth > longestExpression {
		return nil, p.unexpected()
	}
	from, word, kind := p.from, p.word, p.kind
	switch {
	case p.is("-"):
		p.next()
		inner, err := p.sign()
		return p.both(from, func(*Table, int) (value, error) { return value{kind: 'n'}, nil }, inner, 'n', func(_, b value) (value, error) {
			return value{number: -b.number, kind: 'n'}, nil
		}), err
	case p.is("("):
		p.next()
		inner, err := p.or()
		if err == nil && !p.is(")") {
			err = p.unexpected()
		}
		p.next()
		return inner, err
	case kind == 'n':
		v, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, p.fault(from, fmt.Sprintf("%s 不是数字", word), word+" is not a number")
		}
		p.next()
		return func(*Table, int) (value, error) { return value{number: v, kind: 'n'}, nil }, nil
	case kind == 't':
		p.next()
		return func(*Table, int) (value, error) { return value{text: word, kind: 't'}, nil }, nil
	case kind == 'c' || kind == 'w' && !p.is("and", "or", "not"):
		p.next()
		return p.reads(word), nil
	case kind == '?':
		return nil, p.fault(from, "引号没有结束", "a quote does not end")
	}
	return nil, p.unexpected()
}

// reads is a column's value.
func (p *parser) reads(name string) term {
	if !slices.Contains(p.e.columns, name) {
		p.e.columns = append(p.e.columns, name)
	}
	return func(t *Table, row int) (value, error) {
		c, _ := t.Column(name)
		if c.Numeric() {
			if v := c.Numbers[row]; !math.IsNaN(v) {
				return value{number: v, kind: 'n'}, nil
			}
		} else if text := c.Text(row); text != "" {
			return value{text: text, kind: 't'}, nil
		}
		return value{}, cell(row+2, name, "", "表达式用到它，不能为空", "the expression reads it: it must not be empty")
	}
}
