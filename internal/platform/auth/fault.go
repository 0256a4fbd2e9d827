package auth

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of signing in and of managing people.
var (
	ReasonCredentials = fault.Declare("BAD_CREDENTIALS", fault.Unauthenticated, "登录名、密码或验证码不正确", "Login, password or code is not correct",
		"核对后重试；忘记密码请联系管理员重置", "Check and try again; if you forgot the password ask an administrator to reset it")
	ReasonCodeRequired = fault.Declare("TOTP_REQUIRED", fault.Unauthenticated, "需要动态验证码", "A one-time code is needed",
		"输入验证器应用显示的 6 位数字，或一个恢复码", "Enter the 6 digits your authenticator shows, or a recovery code")
	ReasonPassword = fault.Declare("WEAK_PASSWORD", fault.Invalid, "密码不符合要求：{problem}", "The password is not acceptable: {problem}",
		"使用至少 12 个字符、不含登录名的密码", "Use at least 12 characters, not containing your login")
	ReasonLastAdmin = fault.Declare("LAST_ADMIN", fault.Conflict, "不能停用或撤下最后一位管理员", "The last administrator cannot be disabled or relieved",
		"先授予另一位用户管理员角色", "Give another user the administrator role first")
	ReasonTaken = fault.Declare("ALREADY_EXISTS", fault.Conflict, "{object} {id} 已存在", "{object} {id} already exists",
		"换一个名称，或修改已有的", "Choose another name, or change the existing one")
	ReasonOwnAuthority = fault.Declare("AUTHORITY_EXCEEDED", fault.Forbidden, "转授权不能超过本人权限（{limit}）", "You cannot delegate more than your own authority ({limit})",
		"降低金额，或由有足够权限的人转授", "Lower the amount, or let somebody with enough authority delegate")
	ReasonScope = fault.Declare("SCOPE_NOT_HELD", fault.Forbidden, "不能授予自己没有的权限：{permission}", "A permission not held cannot be given: {permission}",
		"只选择密钥所属用户拥有的权限", "Choose only permissions that the key's user holds")
	ReasonSignOn = fault.Declare("SIGN_ON_FAILED", fault.Unauthenticated, "单点登录失败：{problem}", "Single sign-on failed: {problem}",
		"重新发起登录；若持续失败请联系管理员", "Start signing in again; if it keeps failing ask an administrator")
)
