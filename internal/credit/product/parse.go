package product

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Limits of a recipe.
const (
	recipeBytesMax = 128 << 10
	expressionMax  = 2000
	rulesMax       = 100
	problemsMax    = 50
)

// Parse reads a recipe strictly and compiles it. Every problem is reported with its line, the field
// and what to do; the error joins up to fifty RECIPE_INVALID faults.
func Parse(text []byte) (*Compiled, error) {
	if len(text) > recipeBytesMax {
		return nil, fault.New(fault.ReasonTooLarge, "what", "recipe", "limit", fmt.Sprintf("%d KiB", recipeBytesMax>>10))
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, yamlProblem(err)
	}
	for _, doc := range file.Docs {
		if tok := anchor(doc); tok != nil {
			return nil, problem(tok.Position.Line, "yaml", "不允许锚点与别名", "anchors and aliases are not allowed", "把内容写全", "write the content out")
		}
	}
	var r Recipe
	if err := yaml.UnmarshalWithOptions(text, &r, yaml.Strict()); err != nil {
		return nil, valueProblem(file, err)
	}
	c := &checker{file: file}
	c.recipe(&r)
	if len(c.errs) > 0 {
		return nil, fault.Join(c.errs...)
	}
	sum := sha256.Sum256(text)
	compiled := compile(&r, c)
	if len(c.errs) > 0 {
		return nil, fault.Join(c.errs...)
	}
	compiled.Text, compiled.Hash = string(text), hex.EncodeToString(sum[:])
	return compiled, nil
}

func problem(line int, field, zh, en, fixZh, fixEn string) error {
	return fault.New(ReasonRecipe, "line", line, "field", field, "problem", en, "problem_zh", zh, "fix", fixEn, "fix_zh", fixZh).WithField(field).WithRow(line)
}

func yamlProblem(err error) error {
	var ye yaml.Error
	if !errors.As(err, &ye) || ye.GetToken() == nil {
		return problem(1, "yaml", "无法解析："+err.Error(), "cannot be read: "+err.Error(), "检查缩进与语法", "check the indentation and syntax")
	}
	line, message := ye.GetToken().Position.Line, ye.GetMessage()
	field := ye.GetToken().Value
	var unknown *yaml.UnknownFieldError
	if errors.As(err, &unknown) {
		return problem(line, field, "未知字段", "unknown field", "对照 GET /api/v1/products/schema 更正或删除", "correct or remove it; GET /api/v1/products/schema lists the fields")
	}
	return problem(line, field, "格式错误："+message, message, "按字段类型改写该值", "write a value of the field's type")
}

// valueProblem finds the line of a value that a type of ours (a rate, a date) refused: such an error
// carries no position, only the value in quotes.
func valueProblem(file *ast.File, err error) error {
	var ye yaml.Error
	if errors.As(err, &ye) && ye.GetToken() != nil {
		return yamlProblem(err)
	}
	v := &valueFinder{message: err.Error()}
	for _, doc := range file.Docs {
		if doc.Body != nil {
			ast.Walk(v, doc.Body)
		}
	}
	if v.found == nil {
		return yamlProblem(err)
	}
	return problem(v.found.Position.Line, v.found.Value, "格式错误："+err.Error(), err.Error(), "利率写如 \"0.0435\"，日期写如 2026-01-31", "write a rate as \"0.0435\" and a date as 2026-01-31")
}

type valueFinder struct {
	message string
	found   *token.Token
}

// Visit implements ast.Visitor.
func (v *valueFinder) Visit(n ast.Node) ast.Visitor {
	if _, ok := n.(ast.ScalarNode); ok && v.found == nil && strings.Contains(v.message, strconv.Quote(n.GetToken().Value)) {
		v.found = n.GetToken()
	}
	return v
}

// anchor finds the first anchor or alias: with them a small file could expand without end.
func anchor(doc *ast.DocumentNode) *token.Token {
	v := &anchorFinder{}
	if doc.Body != nil {
		ast.Walk(v, doc.Body)
	}
	return v.found
}

type anchorFinder struct{ found *token.Token }

// Visit implements ast.Visitor.
func (v *anchorFinder) Visit(n ast.Node) ast.Visitor {
	if n.Type() == ast.AnchorType || n.Type() == ast.AliasType {
		v.found = n.GetToken()
		return nil
	}
	return v
}

// checker collects problems with their lines.
type checker struct {
	file     *ast.File
	errs     []error
	nullable map[string]bool
}

func (c *checker) bad(field, zh, en, fixZh, fixEn string) {
	if len(c.errs) < problemsMax {
		c.errs = append(c.errs, problem(c.line(field), field, zh, en, fixZh, fixEn))
	}
}

// line finds the line of a field, or of its nearest parent that is written.
func (c *checker) line(field string) int {
	for {
		p, err := yaml.PathString("$." + field)
		if err == nil {
			if n, err := p.FilterFile(c.file); err == nil && n != nil && n.GetToken() != nil {
				return n.GetToken().Position.Line
			}
		}
		i := strings.LastIndexAny(field, ".[")
		if i < 0 {
			return 1
		}
		field = field[:i]
	}
}

var (
	idPattern    = regexp.MustCompile(`^[a-z][a-z0-9-]{2,40}$`)
	codePattern  = regexp.MustCompile(`^[A-Z][A-Z0-9_]{2,50}$`)
	namePattern  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,40}$`)
	benchmarks   = []string{"lpr_1y", "lpr_5y"}
	methods      = []string{"interest_only", "equal_instalment", "equal_principal", "bullet", methodSales, KindDiscount}
	sizes        = []string{"micro", "small", "medium", "large"}
	dayCounts    = []string{"ACT/360", "ACT/365", "30E/360"}
	allocations  = []string{"fee", "penalty", "interest", "principal"}
	levels       = []string{"yellow", "orange", "red"}
	ruleKinds    = []string{string(KnockOut), string(Refer), string(Note)}
	actions      = []string{string(ActionTask), string(ActionReduce), string(ActionFreeze)}
	statuses     = []string{string(Draft), string(Pilot), string(Live), string(Retired)}
	termKinds    = []string{"term", "revolving", KindLease, KindDiscount}
	payModes     = []string{"self_paid", "entrusted"}
	payees       = []string{"own_account", "supplier"}
	unitNames    = []string{"fen", "ratio", "count", "days", "months"}
	evidenceKind = []string{"invoice", "tax", "power", "water", "logistics", "customs", "order", "device"}
)

func (c *checker) oneOf(field, value string, allowed []string) {
	if !slices.Contains(allowed, value) {
		list := strings.Join(allowed, ", ")
		c.bad(field, fmt.Sprintf("“%s”不在允许值内", value), fmt.Sprintf("%q is not allowed", value), "取其一："+list, "use one of: "+list)
	}
}

func (c *checker) text(field string, t fault.Text) {
	if strings.TrimSpace(t.Zh) == "" {
		c.bad(field+".zh", "缺少中文", "the Chinese text is missing", "补充中文", "add it")
	}
	if strings.TrimSpace(t.En) == "" {
		c.bad(field+".en", "缺少英文", "the English text is missing", "补充英文", "add it")
	}
}

func (c *checker) between(field string, v, low, high int64) {
	if v < low || v > high {
		c.bad(field, fmt.Sprintf("%d 超出范围", v), fmt.Sprintf("%d is out of range", v), fmt.Sprintf("取 %d 至 %d", low, high), fmt.Sprintf("use %d to %d", low, high))
	}
}

func (c *checker) matches(field, v string, p *regexp.Regexp) {
	if !p.MatchString(v) {
		c.bad(field, fmt.Sprintf("“%s”格式不符", v), fmt.Sprintf("%q has the wrong form", v), "须符合 "+p.String(), "it must match "+p.String())
	}
}

func (c *checker) unique(field, what string, seen map[string]bool, v string) {
	if seen[v] {
		c.bad(field, fmt.Sprintf("%s“%s”重复", what, v), fmt.Sprintf("%q appears twice", v), "改名或删除其一", "rename or remove one")
	}
	seen[v] = true
}
