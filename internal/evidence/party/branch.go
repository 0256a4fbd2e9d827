package party

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

var findBranch = db.Q(`select id, path from branch where institution_id = $1 and ($2 = '' or id = $2) and ($3 = '' or path = $3) order by path limit 1`)

// HomeBranch settles to which branch new firms belong: the one named by id or path, which must exist
// within the caller's own; else the caller's; and for the program itself, which stands above all
// branches, the head office: a firm outside every branch would be seen by nobody.
func HomeBranch(ctx context.Context, tx *db.Tx, p auth.Principal, id, path string) (string, string, error) {
	if id == "" && path == "" && p.BranchID != "" {
		return p.BranchID, p.BranchPath, nil
	}
	if id == p.BranchID && path == p.BranchPath && id != "" {
		return id, path, nil
	}
	var foundID, foundPath string
	err := tx.QueryRow(ctx, findBranch, tx.Institution, id, path).Scan(&foundID, &foundPath)
	switch {
	case db.IsNoRows(err) && id == "" && path == "":
		return p.BranchID, p.BranchPath, nil // an institution without branches
	case db.IsNoRows(err), err == nil && !p.Sees(foundPath):
		return "", "", fault.Field("branch_id", "没有该网点，或不在您的范围内", "is not a branch that you may see")
	}
	return foundID, foundPath, err
}
