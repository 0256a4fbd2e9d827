package blob

import "github.com/capillary-finance/capillary/internal/platform/fault"

// ReasonDamaged says that a stored file no longer matches its hash.
var ReasonDamaged = fault.Declare("BLOB_DAMAGED", fault.Internal,
	"文件 {hash} 已损坏，内容与其哈希不符", "File {hash} is damaged: its content does not match its hash",
	"从备份恢复该文件，或重新上传同一文件", "Restore the file from a backup, or upload the same file again")
