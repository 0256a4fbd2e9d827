package assess

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/testkit/cumcm"
)

// The checker reads the JSON report and the churn table as a stranger would, and recomputes every
// profit from the formula of the task. It shares no code with the optimiser.

type reported struct {
	Terms struct {
		LGD     string `json:"lgd"`
		Funding string `json:"funding_rate"`
	} `json:"terms"`
	Firms []struct {
		Code      string `json:"code"`
		Defaulted bool   `json:"defaulted"`
		Decision  struct {
			Outcome string `json:"outcome"`
			Limit   int64  `json:"limit_minor"`
		} `json:"decision"`
		Score struct {
			PD    float64 `json:"pd"`
			Grade string  `json:"grade"`
		} `json:"score"`
		Allocation *struct {
			Amount int64  `json:"amount_minor"`
			Rate   string `json:"rate"`
			Profit int64  `json:"profit_minor"`
		} `json:"allocation"`
	} `json:"firms"`
	Book struct {
		Amount int64 `json:"amount_minor"`
		Profit int64 `json:"profit_minor"`
		Bound  int64 `json:"bound_minor"`
	} `json:"book"`
}

type churnTable struct {
	rates []string
	lost  map[string][]float64
}

func readChurn(t *testing.T, dir string) churnTable {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*流失率.csv"))
	require.NoError(t, err)
	text, err := os.ReadFile(found[0])
	require.NoError(t, err)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\ufeff"))).ReadAll()
	require.NoError(t, err)
	c := churnTable{lost: map[string][]float64{}}
	for _, row := range rows[1:] {
		c.rates = append(c.rates, row[0])
		for i, g := range []string{"A", "B", "C"} {
			v, err := strconv.ParseFloat(row[i+1], 64)
			require.NoError(t, err)
			c.lost[g] = append(c.lost[g], v)
		}
	}
	return c
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	require.NoError(t, err)
	return v
}

// checkBook proves the reported book feasible and its profits right, and compares it with two
// baselines of its own: the same amount for every approved firm, and one rate for each grade.
func checkBook(t *testing.T, dir, text string, budget int64) {
	t.Helper()
	var r reported
	require.NoError(t, json.Unmarshal([]byte(text), &r))
	c := readChurn(t, dir)
	lgd, funding := number(t, r.Terms.LGD), number(t, r.Terms.Funding)
	margin := func(pd float64, grade string, k int) float64 {
		return (1 - c.lost[grade][k]) * ((1-pd)*number(t, c.rates[k]) - pd*lgd - funding)
	}
	amount, profit, approved := int64(0), 0.0, int64(0)
	for _, f := range r.Firms {
		if f.Decision.Outcome == "approve" {
			approved++
		}
		require.Equal(t, f.Decision.Outcome == "approve", f.Allocation != nil, f.Code)
		if f.Allocation == nil || f.Allocation.Amount == 0 {
			continue
		}
		a := f.Allocation
		require.Equal(t, "approve", f.Decision.Outcome)
		require.False(t, f.Defaulted)
		require.LessOrEqual(t, int64(100_000_00), a.Amount)
		require.LessOrEqual(t, a.Amount, min(f.Decision.Limit, 1_000_000_00))
		k := 0
		for c.rates[k] != a.Rate {
			k++
		}
		require.True(t, number(t, a.Rate) >= 0.04 && number(t, a.Rate) <= 0.15)
		p := margin(f.Score.PD, f.Score.Grade, k) * float64(a.Amount)
		require.InDelta(t, p, a.Profit, 1)
		amount += a.Amount
		profit += p
	}
	require.Equal(t, amount, r.Book.Amount)
	require.LessOrEqual(t, amount, budget)
	require.LessOrEqual(t, profit, float64(r.Book.Bound)+1)

	equal, share := 0.0, budget/approved/1_000_000*1_000_000
	listed := map[string]float64{}
	for _, f := range r.Firms {
		if f.Decision.Outcome != "approve" {
			continue
		}
		best := math.Inf(-1)
		for k := range c.rates {
			best = max(best, margin(f.Score.PD, f.Score.Grade, k))
		}
		equal += best * float64(min(share, f.Decision.Limit))
	}
	for _, grade := range []string{"A", "B", "C"} {
		for k := range c.rates {
			sum := 0.0
			for _, f := range r.Firms {
				if f.Decision.Outcome == "approve" && f.Score.Grade == grade {
					sum += max(0, margin(f.Score.PD, grade, k)) * float64(f.Decision.Limit)
				}
			}
			listed[grade] = max(listed[grade], sum)
		}
	}
	t.Logf("budget %d, lent %d: profit %.0f; equal split %.0f; one rate per grade, without the budget, %.0f yuan",
		budget/100, amount/100, profit/100, equal/100, (listed["A"]+listed["B"]+listed["C"])/100)
	require.Greater(t, profit, equal)
	if amount+1_000_000_00 < budget { // the budget does not bind, so the price list had no more money than the book
		require.Greater(t, profit, listed["A"]+listed["B"]+listed["C"])
	}
}

func TestBooksOfSeveralBudgetsAreFeasibleAndBest(t *testing.T) { //nolint:paralleltest // the command sets the collector of the process
	dir := cumcm.Dir(t)
	for _, budget := range []string{"5000000", "30000000"} {
		out, _, err := command(t, "en", dir, "--quiet", "--budget", budget, "--out", filepath.Join(t.TempDir(), "r.xlsx"), "--html", "none", "--json", "-")
		require.NoError(t, err)
		checkBook(t, dir, out, int64(number(t, budget))*100)
	}
}

// TestProfilesEqualThoseOfASecondReader compares every feature with that of the same firm read by
// the slow reader of the test kit, which shares no code with the decoder.
func TestProfilesEqualThoseOfASecondReader(t *testing.T) {
	t.Parallel()
	firms := cumcm.Load(t)
	r, err := Run(context.Background(), DefaultOptions(cumcm.Dir(t)))
	require.NoError(t, err)
	require.Equal(t, cumcm.LastDate(firms), r.AsOf)
	require.Len(t, r.Firms, len(firms))
	defs := feature.Definitions()
	for i, f := range firms {
		require.Equal(t, f.Code, r.Firms[i].Code)
		require.Equal(t, f.Bad, r.Firms[i].Defaulted)
		want := feature.Compute(r.AsOf, f.Invoices)
		for k, v := range r.Firms[i].Vector.Values {
			if strings.HasPrefix(defs[k].ID, "shared_") { // needs the whole book
				continue
			}
			if feature.Null(want.Values[k]) {
				require.True(t, feature.Null(v), "%s %s", f.Code, defs[k].ID)
				continue
			}
			require.Equal(t, want.Values[k], v, "%s %s", f.Code, defs[k].ID) //nolint:testifylint // the same arithmetic must give the same bits
		}
	}
}
