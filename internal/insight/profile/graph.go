package profile

import (
	"context"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Node is a firm or a counterparty in the picture of shared counterparties. A firm outside of the caller's branches has no name.
type Node struct {
	ID     string `json:"id"`
	Kind   string `json:"kind" enum:"firm,counterparty"`
	Label  string `json:"label"`
	Hidden bool   `json:"hidden" doc:"a firm that the caller may not see"`
	Centre bool   `json:"centre"`
}

// Edge says that a firm trades with a counterparty.
type Edge struct {
	Firm         string `json:"firm"`
	Counterparty string `json:"counterparty"`
}

// Network is the firm, the counterparties that it shares with other firms, and those firms.
type Network struct {
	Nodes     []Node `json:"nodes"`
	Edges     []Edge `json:"edges"`
	Truncated bool   `json:"truncated" doc:"there are more than the picture can hold"`
}

// edgesMax bounds the picture.
const edgesMax = 400

var sharedEdges = db.Q(`select m.counterparty, o.firm_id from profile_counterparty m
	join profile_counterparty o on o.institution_id = m.institution_id and o.counterparty = m.counterparty and o.firm_id <> m.firm_id
	where m.institution_id = $1 and m.firm_id = $2 order by m.counterparty, o.firm_id limit $3`)

// Network draws the shared counterparties of a firm.
func (s *Service) Network(ctx context.Context, p auth.Principal, firmID string) (Network, error) {
	if err := p.Require(CanRead); err != nil {
		return Network{}, err
	}
	var n Network
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		firm, err := party.Visible(ctx, tx, p, firmID)
		if err == nil {
			err = look(ctx, tx, firmID)
		}
		if err != nil {
			return err
		}
		n = Network{Nodes: []Node{{ID: firmID, Kind: "firm", Label: firm.Name, Centre: true}}, Edges: []Edge{}}
		return n.load(ctx, tx, p, firmID)
	})
	return n, err
}

func (n *Network) load(ctx context.Context, tx *db.Tx, p auth.Principal, firmID string) error {
	rows, err := tx.Query(ctx, sharedEdges, tx.Institution, firmID, edgesMax+1)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var others []string
	seen := map[string]bool{}
	for rows.Next() {
		var name, other string
		if err := rows.Scan(&name, &other); err != nil {
			return err
		}
		if len(n.Edges) >= edgesMax {
			n.Truncated = true
			continue
		}
		if !seen["c:"+name] {
			seen["c:"+name] = true
			n.Nodes = append(n.Nodes, Node{ID: "c:" + name, Kind: "counterparty", Label: name})
			n.Edges = append(n.Edges, Edge{Firm: firmID, Counterparty: "c:" + name})
		}
		if !seen[other] {
			seen[other] = true
			others = append(others, other)
		}
		n.Edges = append(n.Edges, Edge{Firm: other, Counterparty: "c:" + name})
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, id := range others {
		f, err := party.ByID(ctx, tx, id)
		if err != nil {
			return err
		}
		node := Node{ID: id, Kind: "firm", Label: f.Name}
		if !p.Sees(f.BranchPath) {
			node.Label, node.Hidden = "", true
		}
		n.Nodes = append(n.Nodes, node)
	}
	return nil
}
