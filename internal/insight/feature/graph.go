package feature

import "slices"

// Graph is an institution's index of which firms trade with which counterparties. It is built before the vectors that
// use it and is read-only afterwards, so one graph may serve many goroutines.
type Graph struct {
	firms map[string]int32
	// members gives the firm of a counterparty that only one firm knows, as nearly all are, or else the complement of an
	// index into crowds.
	members map[string]int32
	crowds  [][]int32
}

// sharedSums is what the graph says about one firm.
type sharedSums struct {
	firms                      int
	salesShare, purchasesShare float64
}

// NewGraph makes an empty index.
func NewGraph() *Graph {
	return &Graph{firms: map[string]int32{}, members: map[string]int32{}}
}

// Add records the counterparties of one firm's analysis.
func (g *Graph) Add(firmID string, a *Analysis) {
	for i := range a.parties {
		g.AddTrade(firmID, a.parties[i].name)
	}
}

// AddTrade records that a firm trades with a counterparty.
func (g *Graph) AddTrade(firmID, counterparty string) {
	firm, ok := g.firms[firmID]
	if !ok {
		firm = int32(len(g.firms))
		g.firms[firmID] = firm
	}
	switch m, known := g.members[counterparty]; {
	case !known:
		g.members[counterparty] = firm
	case m >= 0 && m != firm:
		g.members[counterparty] = ^int32(len(g.crowds))
		g.crowds = append(g.crowds, []int32{m, firm})
	case m < 0 && !slices.Contains(g.crowds[^m], firm):
		g.crowds[^m] = append(g.crowds[^m], firm)
	}
}

// In gives the analysis the cross-firm index, which fills the shared-counterparty features.
func (a *Analysis) In(g *Graph, firmID string) *Analysis {
	self, known := g.firms[firmID]
	seen := map[int32]bool{}
	common := map[string]bool{}
	meet := func(firm int32, name string) {
		if !known || firm != self {
			seen[firm], common[name] = true, true
		}
	}
	for i := range a.parties {
		name := a.parties[i].name
		m, traded := g.members[name]
		switch {
		case !traded:
		case m >= 0:
			meet(m, name)
		default:
			for _, firm := range g.crowds[^m] {
				meet(firm, name)
			}
		}
	}
	return a.Shared(len(seen), common)
}

// Shared says how many other firms share a counterparty with this one and which counterparties those are, for callers
// that keep the cross-firm index themselves.
func (a *Analysis) Shared(firms int, common map[string]bool) *Analysis {
	isCommon := func(p *party) bool { return common[p.name] }
	a.shared = &sharedSums{firms: firms, salesShare: a.partyShare(sale, isCommon), purchasesShare: a.partyShare(purchase, isCommon)}
	return a
}

// Counterparties lists the names seen in valid invoices, sorted.
func (a *Analysis) Counterparties() []string {
	names := make([]string, len(a.parties))
	for i := range a.parties {
		names[i] = a.parties[i].name
	}
	slices.Sort(names)
	return names
}
