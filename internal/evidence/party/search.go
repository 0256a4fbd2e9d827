package party

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/search"
)

var findFirms = db.Q(`select id, code, name, uscc, case when lower(code) = $3 or lower(uscc) = $3 or lower(name) = $3 then 0
		when lower(code) like $4 or lower(name) like $4 or lower(uscc) like $4 then 1 else 2 end as fit
	from firm where institution_id = $1 and branch_path like $2 and (lower(name) like $5 or lower(code) like $5 or lower(uscc) like $5 or lower(owner_name) like $5)
	order by fit, code, id limit $6`)

// Search is the provider of firms: by name, code, credit code or owner, within the caller's branches.
func Search() search.Provider {
	return search.Provider{Kind: "firm", Permission: permissionRead, Find: func(ctx context.Context, tx *db.Tx, p auth.Principal, q search.Query) ([]search.Hit, error) {
		rows, err := tx.Query(ctx, findFirms, tx.Institution, p.BranchPattern(), q.Text, q.Starts(), q.Contains(), q.Limit)
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		var out []search.Hit
		for rows.Next() {
			var h search.Hit
			var code, uscc string
			var fit int64
			if err := rows.Scan(&h.ID, &code, &h.Title, &uscc, &fit); err != nil {
				return nil, err
			}
			h.Detail, h.Rank = code, search.Rank(fit)
			if uscc != "" {
				h.Detail += " · " + uscc
			}
			out = append(out, h)
		}
		return out, rows.Err()
	}}
}
