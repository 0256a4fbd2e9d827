package boost

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonParameter = fault.Declare("BOOST_PARAMETER", fault.Invalid, "训练参数 {name} = {value} 无效：{problem}", "Training parameter {name} = {value} is invalid: {problem}",
		"按提示修改该参数后重试", "Change the parameter as described and retry")
	ReasonData = fault.Declare("BOOST_DATA", fault.Invalid, "训练数据不可用：{problem}", "The training data cannot be used: {problem}",
		"按提示修正数据后重试", "Correct the data as described and retry")
	ReasonModel = fault.Declare("BOOST_MODEL", fault.Invalid, "模型文件不可用（{where}）：{problem}", "The model file cannot be used ({where}): {problem}",
		"确认文件完整，并用支持的版本与目标函数重新导出", "Check that the file is whole, and export it again with a supported version and objective")
	ReasonUnsupported = fault.Declare("BOOST_MODEL_UNSUPPORTED", fault.Invalid, "模型使用了不支持的功能：{what}", "The model uses something that is not supported: {what}",
		"改用二分类或回归、gbtree（gbdt）提升器、数值特征的模型", "Use a model for two classes or regression, with the gbtree (gbdt) booster and plain trees")
	ReasonAltered = fault.Declare("BOOST_MODEL_ALTERED", fault.Invalid, "模型内容与其指纹不符：文件被改动或损坏", "The model does not match its hash: the file was changed or damaged",
		"使用未被改动的模型文件", "Use an unaltered model file")
)

func badData(zh, en string) error {
	return fault.New(ReasonData, "problem", en, "problem_zh", zh)
}

func altered() error { return fault.New(ReasonAltered) }
