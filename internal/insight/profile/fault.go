package profile

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonMissing = fault.Declare("PROFILE_MISSING", fault.NotFound, "企业 {firm} 尚无画像", "Firm {firm} has no profile yet",
		"先刷新画像（需要有效授权和已导入的发票）", "Refresh the profile first; it needs a valid consent and imported invoices")
	ReasonFuture = fault.Declare("PROFILE_DATE_IN_FUTURE", fault.Invalid, "时点 {as_of} 晚于营业日 {today}", "The as-of date {as_of} lies after the business date {today}",
		"选择营业日或更早的日期", "Choose the business date or an earlier one")
)
