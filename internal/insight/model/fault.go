package model

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonNoActive = fault.Declare("MODEL_NONE_ACTIVE", fault.Precondition, "没有启用中的评分模型", "No scoring model is active",
		"训练、批准并启用一个评分模型", "Train, approve and activate a scoring model")
	ReasonState = fault.Declare("MODEL_STATE", fault.Conflict, "模型 {id} 处于 {state}，不能{action_zh}", "Model {id} is {state} and cannot be {action}",
		"刷新页面，按 草稿→已验证→已批准→启用 的顺序操作", "Reload and follow the order draft, validated, approved, active")
	ReasonSamePerson = fault.Declare("MODEL_SAME_PERSON", fault.Forbidden, "训练者本人不能批准模型 {id}", "Whoever trained model {id} may not approve it",
		"请另一位有权限的人批准", "Ask another person with the permission to approve it")
	ReasonUntrainable = fault.Declare("MODEL_UNTRAINABLE", fault.Invalid, "无法训练：{problem}", "Cannot train: {problem}",
		"补充带标签且有有效授权的企业，或调整选项后重试", "Add labelled firms with a valid consent, or change the options, and retry")
	ReasonAltered = fault.Declare("MODEL_ALTERED", fault.Internal, "模型 {id} 的评分卡与其指纹不符", "The scorecard of model {id} does not match its hash",
		"停用该模型，运行 capillary verify，并启用未被改动的模型", "Retire the model, run capillary verify, and activate an unaltered one")
	ReasonNoScore = fault.Declare("SCORE_MISSING", fault.NotFound, "企业 {firm} 尚未评分", "Firm {firm} has not been scored yet",
		"先对企业评分", "Score the firm first")
	ReasonUnreadable = fault.Declare("MODEL_FEATURES_CHANGED", fault.Precondition, "画像版本 {profile} 与模型版本 {model} 不一致", "The profile's version {profile} differs from the model's {model}",
		"刷新企业画像或重新训练模型", "Refresh the profile or train the model anew")
)
