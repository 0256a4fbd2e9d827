package dbtest

import (
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/job/schema"
)

// Hooks are the migration hooks every fixture runs: the tables that libraries own.
var Hooks = []db.MigrationHook{schema.Migrate}
