package pricing

import (
	_ "embed"
	"fmt"
	"sort"
	"strings"
	"sync"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

//go:embed data/lpr.csv
var lprText string

// ReasonNoBenchmark says that no benchmark is known for a date.
var ReasonNoBenchmark = fault.Declare("BENCHMARK_UNKNOWN", fault.Conflict,
	"{date} 没有基准利率 {benchmark}", "No benchmark {benchmark} is known for {date}",
	"请管理员补充基准利率数据", "Ask an administrator to add the benchmark data")

// Benchmark is a published reference rate; it holds until the next publication.
type Benchmark struct {
	Name        string        `json:"name" enum:"lpr_1y,lpr_5y"`
	Rate        rate.Rate     `json:"rate"`
	PublishedOn calendar.Date `json:"published_on"`
	Certainty   string        `json:"certainty" enum:"verified,general_knowledge,derived_unchanged"`
}

type lprRow struct {
	on        calendar.Date
	oneYear   rate.Rate
	fiveYears rate.Rate
	certainty string
}

var lprRows = sync.OnceValues(func() ([]lprRow, error) {
	var out []lprRow
	for _, line := range strings.Split(strings.TrimSpace(lprText), "\n") {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "date|") {
			continue
		}
		parts := strings.Split(line, "|")
		if len(parts) != 4 {
			return nil, fmt.Errorf("pricing: lpr row %q", line)
		}
		on, err := calendar.Parse(parts[0])
		if err != nil {
			return nil, err
		}
		one, err := rate.Parse(parts[1] + "%")
		if err != nil {
			return nil, err
		}
		five, err := rate.Parse(parts[2] + "%")
		if err != nil {
			return nil, err
		}
		out = append(out, lprRow{on, one, five, parts[3]})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].on.Before(out[j].on) })
	return out, nil
})

// BenchmarkOn is the rate in force on a date: the newest publication not after it.
func BenchmarkOn(name string, day calendar.Date) (Benchmark, error) {
	rows, err := lprRows()
	if err != nil {
		return Benchmark{}, err
	}
	i := sort.Search(len(rows), func(i int) bool { return rows[i].on.After(day) }) - 1
	if i < 0 || name != "lpr_1y" && name != "lpr_5y" {
		return Benchmark{}, fault.New(ReasonNoBenchmark, "benchmark", name, "date", day)
	}
	b := Benchmark{Name: name, Rate: rows[i].oneYear, PublishedOn: rows[i].on, Certainty: rows[i].certainty}
	if name == "lpr_5y" {
		b.Rate = rows[i].fiveYears
	}
	return b, nil
}
