package product

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// expressionCostMax bounds the work of one expression; the longest allowed text stays far below it.
const expressionCostMax = 10_000

// Compiled is a checked recipe whose expressions are ready to run. It is immutable and shared.
type Compiled struct {
	Recipe
	Text string
	Hash string

	params    Facts
	units     map[string]string
	rules     []expression
	parts     []expression
	adjust    []expression
	straight  expression
	expected  expression
	watch     []expression
	reduce    []expression
	variables []string // names a decision needs, for its snapshot
}

// expression is a compiled CEL text and the variables it reads.
type expression struct {
	program cel.Program
	reads   []string
	needs   []string // those of reads that may never be absent
}

func compile(r *Recipe, c *checker) *Compiled {
	decide := slices.DeleteFunc(Variables(), func(v Variable) bool { return v.WatchOnly })
	plain, err := environment(decide, r.Parameters)
	if err != nil {
		c.bad("parameters", err.Error(), err.Error(), "改参数名", "rename the parameter")
		return nil
	}
	watching, err := environment(Variables(), r.Parameters)
	if err != nil {
		c.bad("parameters", err.Error(), err.Error(), "改参数名", "rename the parameter")
		return nil
	}
	c.nullable = map[string]bool{}
	for _, v := range Variables() {
		c.nullable[v.Name] = v.Nullable
	}
	out := &Compiled{Recipe: *r, params: Facts{}, units: map[string]string{}}
	for _, v := range Variables() {
		out.units[v.Name] = v.Unit
	}
	for _, p := range r.Parameters {
		out.params["param."+p.Name], out.units["param."+p.Name] = p.Value, p.Unit
	}
	for i, rule := range r.Eligibility {
		at := fmt.Sprintf("eligibility[%d]", i)
		out.rules = append(out.rules, c.expression(plain, at+".when", rule.When, cel.BoolType))
		c.holes(plain, at+".reason", rule.Reason)
		c.holes(plain, at+".remedy", rule.Remedy)
	}
	for i, k := range r.Limit.Components {
		at := fmt.Sprintf("limit.components[%d]", i)
		out.parts = append(out.parts, c.expression(plain, at+".amount", k.Amount, cel.DoubleType))
		c.holes(plain, at+".remedy", k.Remedy)
	}
	for i, a := range r.Pricing.Adjustments {
		out.adjust = append(out.adjust, c.expression(plain, fmt.Sprintf("pricing.adjustments[%d].when", i), a.When, cel.BoolType))
	}
	out.straight = c.expression(plain, "decision.straight_through", r.Decision.StraightThrough, cel.BoolType)
	inputs := []expression{out.straight}
	if r.Terms.Sales != (Sales{}) {
		out.expected = c.expression(plain, "terms.sales.expected", r.Terms.Sales.Expected, cel.DoubleType)
		inputs = append(inputs, out.expected)
	}
	for i, w := range r.Watch {
		at := fmt.Sprintf("watch[%d]", i)
		out.watch = append(out.watch, c.expression(watching, at+".when", w.When, cel.BoolType))
		var reduce expression
		if w.ReduceTo != "" {
			reduce = c.expression(watching, at+".reduce_to", w.ReduceTo, cel.DoubleType)
		}
		out.reduce = append(out.reduce, reduce)
		c.holes(watching, at+".reason", w.Reason)
		c.holes(watching, at+".advice", w.Advice)
		if out.units[w.Metric] == "" {
			c.bad(at+".metric", "未知变量 "+w.Metric, "unknown variable "+w.Metric, "取 GET /api/v1/products/variables 中的名称", "use a name from GET /api/v1/products/variables")
		}
	}
	for _, e := range slices.Concat(out.rules, out.parts, out.adjust, inputs) {
		for _, name := range e.reads {
			if !slices.Contains(out.variables, name) {
				out.variables = append(out.variables, name)
			}
		}
	}
	slices.Sort(out.variables)
	return out
}

// expression compiles one text and reports what is wrong with it in the reader's terms.
func (c *checker) expression(env *cel.Env, field, text string, want *cel.Type) expression {
	if strings.TrimSpace(text) == "" {
		c.bad(field, "缺少表达式", "the expression is missing", "写一个 CEL 表达式，例如 f.tenure_months < 6.0", "write a CEL expression such as f.tenure_months < 6.0")
		return expression{}
	}
	checked, issues := env.Compile(text)
	if issues.Err() != nil {
		message := issues.Errors()[0].Message
		c.bad(field, "表达式错误："+message, message,
			"变量名见 GET /api/v1/products/variables；数字写成 6.0；可能缺失的值用 coalesce(值, 0.0) 或先与 null 比较",
			"names are in GET /api/v1/products/variables; write numbers as 6.0; a value that may be absent needs coalesce(value, 0.0) or a comparison with null")
		return expression{}
	}
	if got := checked.OutputType(); !got.IsExactType(want) {
		c.bad(field, fmt.Sprintf("结果须为 %s，实为 %s", want, got), fmt.Sprintf("must give %s, gives %s", want, got),
			"改写表达式；可能缺失的值用 coalesce", "rewrite it; wrap a value that may be absent in coalesce")
		return expression{}
	}
	program, err := env.Program(checked, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(expressionCostMax), cel.InterruptCheckFrequency(100))
	if err != nil {
		c.bad(field, err.Error(), err.Error(), "简化表达式", "simplify the expression")
		return expression{}
	}
	e := expression{program: program}
	for _, info := range checked.NativeRep().ReferenceMap() {
		if info.Name != "" && len(info.OverloadIDs) == 0 && !slices.Contains(e.reads, info.Name) {
			e.reads = append(e.reads, info.Name)
		}
	}
	slices.Sort(e.reads)
	for _, name := range e.reads {
		if !c.nullable[name] {
			e.needs = append(e.needs, name)
		}
	}
	return e
}

// holes checks that the placeholders of a text are variables.
func (c *checker) holes(env *cel.Env, field string, t fault.Text) {
	for lang, s := range map[string]string{"zh": t.Zh, "en": t.En} {
		for _, name := range placeholders(s) {
			if _, issues := env.Compile(name); issues.Err() != nil {
				c.bad(field+"."+lang, "占位符 {"+name+"} 不是变量", "placeholder {"+name+"} is not a variable",
					"取 GET /api/v1/products/variables 中的名称", "use a name from GET /api/v1/products/variables")
			}
		}
	}
}

// activation gives CEL the facts and the recipe's parameters.
func (c *Compiled) activation(f Facts) map[string]any {
	all := make(map[string]any, len(f)+len(c.params))
	for k, v := range f {
		all[k] = v
	}
	for k, v := range c.params {
		all[k] = v
	}
	return all
}

// errAbsent says that an expression needed a value that the facts do not have.
type errAbsent struct{ names []string }

func (e errAbsent) Error() string { return "absent: " + strings.Join(e.names, ", ") }

// run evaluates an expression; a failure with an absent input is errAbsent.
func (e expression) run(ctx context.Context, facts map[string]any) (any, error) {
	var gone []string
	for _, name := range e.needs {
		if facts[name] == nil {
			gone = append(gone, name)
		}
	}
	if len(gone) > 0 {
		return nil, errAbsent{gone}
	}
	out, _, err := e.program.ContextEval(ctx, facts)
	if err == nil {
		if v, ok := out.(types.Double); ok && (math.IsNaN(float64(v)) || math.IsInf(float64(v), 0)) {
			return nil, fmt.Errorf("the result is not a finite number")
		}
		return out.Value(), nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var absent []string
	for _, name := range e.reads {
		if v, ok := facts[name]; !ok || v == nil {
			absent = append(absent, name)
		}
	}
	if len(absent) > 0 {
		return nil, errAbsent{absent}
	}
	return nil, err
}

// Fill writes the values of {variable} placeholders as a person reads them.
func (c *Compiled) Fill(t fault.Text, f Facts) fault.Text {
	return fault.Text{Zh: c.fill(t.Zh, f, "zh"), En: c.fill(t.En, f, "en")}
}

func (c *Compiled) fill(s string, f Facts, lang string) string {
	for _, name := range placeholders(s) {
		v, ok := f[name]
		if !ok {
			v = c.params[name]
		}
		s = strings.ReplaceAll(s, "{"+name+"}", Show(v, c.units[name], lang))
	}
	return s
}

// Show writes a fact for a reader.
func Show(v any, unit, lang string) string {
	switch x := v.(type) {
	case nil:
		if lang == "zh" {
			return "无数据"
		}
		return "no data"
	case float64:
		return scorecard.Figure(x, feature.Unit(unit), lang)
	case bool:
		return map[bool]map[string]string{true: {"zh": "是", "en": "yes"}, false: {"zh": "否", "en": "no"}}[x][lang]
	}
	return fmt.Sprint(v)
}
