// Package search is the one search box over everything a person may see. It knows no kind of object:
// each domain registers a provider for its own, which answers inside the caller's transaction and
// within the caller's branches. A provider whose permission the caller lacks is not even asked.
package search

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Rank says how well a hit fits; a better one has the lower rank.
type Rank int

// The ranks, best first.
const (
	Exact   Rank = iota // the whole code or identifier
	Prefix              // the beginning of a code or name
	Partial             // somewhere inside
)

// Hit is one object found.
type Hit struct {
	Kind   string `json:"kind" doc:"firm, application, loan ..."`
	ID     string `json:"id"`
	Title  string `json:"title"`
	Detail string `json:"detail,omitempty"`
	Rank   Rank   `json:"-"`
}

// Limits of one search.
const (
	runesMin = 1
	runesMax = 100
	hitsMax  = 50
)

// Query is what was typed.
type Query struct {
	Text  string // trimmed and lower case
	Limit int    // hits wanted of one provider
}

// Contains is the SQL LIKE pattern of values that hold the text.
func (q Query) Contains() string { return "%" + q.Starts() }

// Starts is the SQL LIKE pattern of values that begin with the text. Wildcards typed by the person
// stand for nothing: nobody searches for them, and they would turn the index off.
func (q Query) Starts() string {
	return strings.NewReplacer("%", "", "_", "", `\`, "").Replace(q.Text) + "%"
}

// Provider finds objects of one kind.
type Provider struct {
	Kind       string
	Permission string // who may see objects of this kind at all; empty: every signed-in person
	Find       func(ctx context.Context, tx *db.Tx, p auth.Principal, q Query) ([]Hit, error)
}

// Service asks every provider.
type Service struct {
	db *db.DB

	mu        sync.RWMutex
	providers []Provider
}

// NewService makes a service without providers.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// Register adds a provider. An incomplete or repeated one is a programming error and panics at start.
func (s *Service) Register(p Provider) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Kind == "" || p.Find == nil || slices.ContainsFunc(s.providers, func(x Provider) bool { return x.Kind == p.Kind }) {
		panic("search: incomplete or repeated provider " + p.Kind)
	}
	s.providers = append(s.providers, p)
}

// Search finds what the caller may see: exact hits of every kind first, then beginnings, then the rest,
// in each by the order in which the kinds were registered.
func (s *Service) Search(ctx context.Context, p auth.Principal, text string, limit int) ([]Hit, error) {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	if n := utf8.RuneCountInString(text); n < runesMin || n > runesMax {
		return nil, fault.Field("q", "须为 1 至 100 个字符", "must be 1 to 100 characters")
	}
	if limit <= 0 || limit > hitsMax {
		limit = hitsMax
	}
	s.mu.RLock()
	providers := slices.Clone(s.providers)
	s.mu.RUnlock()
	out := []Hit{}
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		for _, x := range providers {
			if x.Permission != "" && !p.Can(x.Permission) {
				continue
			}
			hits, err := x.Find(ctx, tx, p, Query{Text: text, Limit: limit})
			if err != nil {
				return fmt.Errorf("search %s: %w", x.Kind, err)
			}
			for _, h := range hits {
				h.Kind = x.Kind
				out = append(out, h)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(out, func(a, b Hit) int { return int(a.Rank) - int(b.Rank) })
	return out[:min(limit, len(out))], nil
}
