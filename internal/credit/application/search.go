package application

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/search"
)

var findApplications = db.Q(`select id, firm_name, product_id, state, case when lower(id) = $3 then 0 when lower(firm_name) like $4 or lower(id) like $4 then 1 else 2 end as fit
	from application where institution_id = $1 and branch_path like $2 and (lower(firm_name) like $5 or lower(id) like $5 or lower(contract_id) = $3)
	order by fit, id desc limit $6`)

// Search is the provider of applications: by firm, id or contract, within the caller's branches.
func Search() search.Provider {
	return search.Provider{Kind: "application", Permission: permissionRead, Find: func(ctx context.Context, tx *db.Tx, p auth.Principal, q search.Query) ([]search.Hit, error) {
		rows, err := tx.Query(ctx, findApplications, tx.Institution, p.BranchPattern(), q.Text, q.Starts(), q.Contains(), q.Limit)
		if err != nil {
			return nil, err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		var out []search.Hit
		for rows.Next() {
			var h search.Hit
			var product string
			var state State
			var fit int64
			if err := rows.Scan(&h.ID, &h.Title, &product, &state, &fit); err != nil {
				return nil, err
			}
			h.Detail, h.Rank = product+" · "+string(state), search.Rank(fit)
			out = append(out, h)
		}
		return out, rows.Err()
	}}
}
