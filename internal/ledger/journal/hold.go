package journal

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Hold reserves money of a sub-account.
type Hold struct {
	Reference string `json:"reference"`
}

func writeHolds(context.Context, *db.Tx, map[string]*Hold) error { return nil }

func (p projection) addHolds(context.Context, *db.Tx) error { return nil }
