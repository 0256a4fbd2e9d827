package app

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons why the program does not start.
var (
	ReasonKeysMissing = fault.Declare("KEY_FILE_MISSING", fault.Unavailable, "数据库中已有数据，但密钥文件 {file} 不存在", "The database holds data, but the key file {file} is missing",
		"把原系统的密钥文件放回此处（或用 crypto.key_file 指明），再重试；不会为已有数据新建密钥", "Put the key file of the system it came from there, or name it with crypto.key_file; no new keys are made for existing data")
	ReasonNoDatabase = fault.Declare("DATABASE_MISSING", fault.NotFound, "{file} 处没有数据库", "There is no database at {file}",
		"检查 --data 与配置；新系统用 `capillary migrate` 或 `capillary demo` 建立", "Check --data and the configuration; `capillary migrate` or `capillary demo` makes a new one")
	ReasonNothingToVerify = fault.Declare("NOTHING_TO_VERIFY", fault.NotFound, "数据库中没有机构，无可核验", "The database holds no institution: there is nothing to verify",
		"检查 --data 与配置指向的数据库", "Check which database --data and the configuration point at")
)
