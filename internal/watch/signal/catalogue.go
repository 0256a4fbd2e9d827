package signal

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed data/early_warning.csv
var catalogueText string

// Entry is one signal of the early-warning catalogue with its default threshold.
type Entry struct {
	ID            string `json:"id"`
	Domain        string `json:"domain"`
	Zh            string `json:"zh"`
	En            string `json:"en"`
	Metric        string `json:"metric"`
	Threshold     string `json:"threshold" doc:"default; recipes hold the ones in force"`
	Level         string `json:"level"`
	EffectiveFrom string `json:"effective_from"`
	Source        string `json:"source"`
	Watched       bool   `json:"watched" doc:"a product in force evaluates it"`
}

var entries = sync.OnceValues(func() ([]Entry, error) {
	var out []Entry
	for _, line := range strings.Split(strings.TrimSpace(catalogueText), "\n") {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "id|") {
			continue
		}
		p := strings.Split(line, "|")
		if len(p) != 7 {
			return nil, fmt.Errorf("signal: catalogue row %q", line)
		}
		out = append(out, Entry{ID: p[0], Domain: p[1], Zh: p[2], En: p[3], Metric: p[4], Threshold: p[5], Level: p[6],
			EffectiveFrom: "2026-01-01", Source: "design default from common bank practice; back-test before relying on it"})
	}
	return out, nil
})

// Catalogue lists the early-warning signals; watched names those that recipes evaluate.
func Catalogue(watched map[string]bool) ([]Entry, error) {
	all, err := entries()
	if err != nil {
		return nil, err
	}
	out := append([]Entry(nil), all...)
	for i := range out {
		out[i].Watched = watched[out[i].ID]
	}
	return out, nil
}
