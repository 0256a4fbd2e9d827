package product

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonRecipe = fault.Declare("RECIPE_INVALID", fault.Invalid,
		"产品配方第 {line} 行 {field}：{problem}", "Recipe line {line}, {field}: {problem}",
		"{fix}", "{fix}")
	ReasonRule = fault.Declare("RULE_FAILED", fault.Internal,
		"规则 {rule} 无法求值：{problem}", "Rule {rule} could not be evaluated: {problem}",
		"请产品负责人检查该规则", "Ask the product owner to check the rule")
	ReasonNotOnSale = fault.Declare("PRODUCT_NOT_ON_SALE", fault.Conflict,
		"产品 {product} 当前不受理（{status}）", "Product {product} takes no applications now ({status})",
		"选择其他在售产品", "Choose another product on sale")
	ReasonVersion = fault.Declare("PRODUCT_VERSION", fault.Conflict,
		"版本号须大于现有版本 {current}", "The version must be above the present {current}",
		"把 version 改为 {next} 后重新提交", "Set version to {next} and submit again")
	ReasonSamePerson = fault.Declare("PRODUCT_SAME_PERSON", fault.Forbidden,
		"提交人不能复核自己的配方", "Who submitted a recipe cannot approve it",
		"请另一位有权人复核", "Ask another authorised person")
	ReasonState = fault.Declare("PRODUCT_STATE", fault.Conflict,
		"该版本已是 {status}，不能再复核", "This version is already {status}",
		"刷新列表", "Reload the list")
)
