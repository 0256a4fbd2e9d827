package product

import (
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// VariableType is the type of a rule variable.
type VariableType string

// The variable types. Numbers are 64-bit floats: amounts are whole fen, exact to 90 trillion yuan.
const (
	Number VariableType = "number"
	Text   VariableType = "text"
	Flag   VariableType = "flag"
)

// Variable is something a rule may speak of.
type Variable struct {
	Name      string       `json:"name"`
	Type      VariableType `json:"type"`
	Unit      string       `json:"unit,omitempty"`
	Nullable  bool         `json:"nullable" doc:"may be absent: compare with null first, or use coalesce(value, fallback)"`
	WatchOnly bool         `json:"watch_only" doc:"only in watch conditions"`
	Zh        string       `json:"zh"`
	En        string       `json:"en"`
}

// Facts are the values of variables by name; an absent number is nil.
type Facts map[string]any

var fixedVariables = []Variable{
	{Name: "firm.customer_type", Type: Text, Zh: "客户类型", En: "customer type"},
	{Name: "firm.size_class", Type: Text, Zh: "企业规模", En: "size class"},
	{Name: "firm.industry", Type: Text, Zh: "行业门类或大类（GB/T 4754）", En: "industry section or division (GB/T 4754)"},
	{Name: "firm.region", Type: Text, Zh: "行政区划代码", En: "region code"},
	{Name: "firm.code", Type: Text, Zh: "统一社会信用代码", En: "unified social credit code"},
	{Name: "firm.borrowed_before", Type: Flag, Zh: "在本机构有过授信", En: "had a facility here before"},
	{Name: "score.pd", Type: Number, Unit: "ratio", Zh: "违约概率", En: "probability of default"},
	{Name: "score.points", Type: Number, Unit: "count", Zh: "评分", En: "score points"},
	{Name: "score.grade", Type: Text, Zh: "等级", En: "grade"},
	{Name: "score.thin", Type: Flag, Zh: "数据不足（薄档）", En: "thin file"},
	{Name: "req.amount_minor", Type: Number, Unit: "fen", Zh: "申请金额", En: "amount asked"},
	{Name: "req.tenor_months", Type: Number, Unit: "months", Zh: "申请期限", En: "tenor asked"},
	{Name: "req.method", Type: Text, Zh: "还款方式", En: "repayment method"},
	{Name: "req.purpose", Type: Text, Zh: "用途", En: "purpose"},
	{Name: "exposure.limit_minor", Type: Number, Unit: "fen", Zh: "本机构已有授信额度", En: "limits already granted here"},
	{Name: "exposure.utilised_minor", Type: Number, Unit: "fen", Zh: "本机构已用额度", En: "balance already in use here"},
	{Name: "exposure.other_debt_minor", Type: Number, Unit: "fen", Zh: "申报的他行负债", En: "declared debt elsewhere"},
	{Name: "exposure.frozen", Type: Flag, Zh: "有被冻结的额度", En: "has a frozen facility"},
	{Name: "evidence.age_days", Type: Number, Unit: "days", Zh: "证据距今天数", En: "age of the newest evidence"},
	{Name: "evidence.months", Type: Number, Unit: "months", Zh: "有发票的月数", En: "months with invoices"},
	{Name: "evidence.invoices", Type: Number, Unit: "count", Zh: "有效发票张数", En: "valid invoices"},
	{Name: "benchmark.rate", Type: Number, Unit: "ratio", Zh: "基准利率（LPR）", En: "benchmark rate (LPR)"},
	{Name: "before.score.pd", Type: Number, Unit: "ratio", WatchOnly: true, Nullable: true, Zh: "此前违约概率", En: "probability of default before"},
	{Name: "before.score.points", Type: Number, Unit: "count", WatchOnly: true, Nullable: true, Zh: "此前评分", En: "score before"},
	{Name: "before.score.grade", Type: Text, WatchOnly: true, Zh: "此前等级", En: "grade before"},
	{Name: "facility.limit_minor", Type: Number, Unit: "fen", WatchOnly: true, Zh: "额度", En: "limit"},
	{Name: "facility.utilised_minor", Type: Number, Unit: "fen", WatchOnly: true, Zh: "已用额度", En: "balance in use"},
}

// Variables lists what rules may use, apart from the recipe's own parameters: profile features as
// f.<id>, their earlier values as before.f.<id> (watch only), and the fixed ones.
func Variables() []Variable {
	out := append([]Variable(nil), fixedVariables...)
	for _, d := range feature.Definitions() {
		v := Variable{Name: "f." + d.ID, Type: Number, Unit: string(d.Unit), Nullable: true, Zh: d.Zh, En: d.En}
		out = append(out, v)
		v.Name, v.WatchOnly, v.Zh, v.En = "before.f."+d.ID, true, "此前"+d.Zh, d.En+", before"
		out = append(out, v)
	}
	return out
}

// FeatureFacts adds a feature vector's values under f. (or another prefix).
func (f Facts) FeatureFacts(prefix string, v feature.Vector) {
	for i, d := range feature.Definitions() {
		if i >= len(v.Values) || feature.Null(v.Values[i]) {
			f[prefix+d.ID] = nil
			continue
		}
		f[prefix+d.ID] = v.Values[i]
	}
}

// environment makes the CEL environment of a recipe: every variable typed, so that a misspelt or
// mistyped name is an error when the recipe is read and not when a firm asks.
func environment(vars []Variable, params []Parameter) (*cel.Env, error) {
	opts := []cel.EnvOption{
		cel.CrossTypeNumericComparisons(true),
		cel.ParserExpressionSizeLimit(expressionMax),
		cel.ParserRecursionLimit(40),
		cel.ClearMacros(), // no comprehension: every expression ends, in time that its length bounds
		cel.Function("coalesce", cel.Overload("coalesce_number", []*cel.Type{cel.NullableType(cel.DoubleType), cel.DoubleType}, cel.DoubleType,
			cel.BinaryBinding(coalesce))),
		cel.Function("smaller", cel.Overload("smaller_number", []*cel.Type{cel.DoubleType, cel.DoubleType}, cel.DoubleType, cel.BinaryBinding(smaller))),
		cel.Function("larger", cel.Overload("larger_number", []*cel.Type{cel.DoubleType, cel.DoubleType}, cel.DoubleType, cel.BinaryBinding(larger))),
	}
	for _, v := range vars {
		opts = append(opts, cel.Variable(v.Name, celType(v)))
	}
	for _, p := range params {
		opts = append(opts, cel.Variable("param."+p.Name, cel.DoubleType))
	}
	return cel.NewEnv(opts...)
}

func celType(v Variable) *cel.Type {
	switch {
	case v.Type == Text:
		return cel.StringType
	case v.Type == Flag:
		return cel.BoolType
	case v.Nullable:
		return cel.NullableType(cel.DoubleType)
	}
	return cel.DoubleType
}

func coalesce(a, b ref.Val) ref.Val {
	if a == types.NullValue {
		return b
	}
	return a
}

func smaller(a, b ref.Val) ref.Val {
	x, ok1 := a.(types.Double)
	y, ok2 := b.(types.Double)
	if !ok1 || !ok2 {
		return types.NewErr("smaller: a value is absent")
	}
	return min(x, y)
}

func larger(a, b ref.Val) ref.Val {
	x, ok1 := a.(types.Double)
	y, ok2 := b.(types.Double)
	if !ok1 || !ok2 {
		return types.NewErr("larger: a value is absent")
	}
	return max(x, y)
}

// placeholders finds the {variable} names of a text.
func placeholders(s string) []string {
	var out []string
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			return out
		}
		s = s[i+1:]
		j := strings.IndexByte(s, '}')
		if j < 0 {
			return append(out, s)
		}
		out = append(out, s[:j])
		s = s[j+1:]
	}
}
