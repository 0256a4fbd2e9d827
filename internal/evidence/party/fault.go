package party

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonCodeTaken = fault.Declare("FIRM_CODE_TAKEN", fault.Conflict, "企业代号 {code} 已存在", "Firm code {code} is already in use",
		"换一个代号，或打开已有企业进行修改", "Choose another code, or open the existing firm and change it")
)
