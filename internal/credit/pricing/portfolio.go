package pricing

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/industry"
	"github.com/capillary-finance/capillary/internal/ledger/fx"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Totals are the numbers of a part of the book.
type Totals struct {
	Firms            int64   `json:"firms"`
	Facilities       int64   `json:"facilities"`
	Frozen           int64   `json:"frozen_facilities"`
	LimitMinor       int64   `json:"limit_minor"`
	UtilisedMinor    int64   `json:"utilised_minor"`
	Utilisation      float64 `json:"utilisation" doc:"balance in use over limits"`
	WeightedPD       float64 `json:"weighted_pd" doc:"probability of default weighted by the balance in use"`
	OutstandingMinor int64   `json:"outstanding_minor"`
	PAR1Minor        int64   `json:"par1_minor" doc:"principal of loans at least a day past due"`
	PAR30Minor       int64   `json:"par30_minor" doc:"principal of loans more than 30 days past due"`
	PAR90Minor       int64   `json:"par90_minor" doc:"principal of loans more than 90 days past due"`
	PAR30            float64 `json:"par30" doc:"share of principal more than 30 days past due"`

	pdWeight float64
}

// Part is a slice of the book.
type Part struct {
	Key  string     `json:"key"`
	Name fault.Text `json:"name"`
	Totals
}

// Portfolio is the book within the caller's view.
type Portfolio struct {
	Currency string `json:"currency" doc:"the institution's; what is in others counts at the rates of the business date"`
	// MissingRates names the currencies that could not be counted.
	MissingRates []string `json:"missing_rates" nullable:"false" doc:"currencies without a rate: what is in them is not in the sums"`
	Total        Totals   `json:"total"`
	ByGrade      []Part   `json:"by_grade"`
	ByIndustry   []Part   `json:"by_industry"`
	ByBranch     []Part   `json:"by_branch"`
	HasLoans     bool     `json:"has_loans" doc:"whether money out and arrears are included"`
}

type cell struct {
	grade, industry, branch string
	t                       Totals
}

// Portfolio adds up the book: firms by grade, industry and branch with limits, use and arrears.
func (s *Service) Portfolio(ctx context.Context, p auth.Principal) (out Portfolio, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		rates, err := fx.TableOn(ctx, tx, today)
		if err != nil {
			return err
		}
		to := &converting{rates: rates, missing: map[string]bool{}}
		cells, err := readCells(ctx, tx, p.BranchPattern(), to)
		if err != nil {
			return err
		}
		var loans []LoanFigure
		if s.readers.Loans != nil {
			if loans, err = s.readers.Loans(ctx, tx, p.BranchPattern()); err != nil {
				return err
			}
		}
		branches, err := auth.BranchesBelow(ctx, tx, p.BranchPattern())
		if err != nil {
			return err
		}
		names := make(map[string]fault.Text, len(branches))
		for _, b := range branches {
			names[b.Path] = fault.Text{Zh: b.Name, En: cmp.Or(b.NameEn, b.Name)}
		}
		if loans, err = to.loans(loans); err != nil {
			return err
		}
		out = assemble(cells, loans, names)
		out.Currency, out.MissingRates = string(rates.Base), to.names()
		out.HasLoans = s.readers.Loans != nil
		return nil
	})
	return out, err
}

func readCells(ctx context.Context, tx *db.Tx, pattern string, to *converting) ([]cell, error) {
	rows, err := tx.Query(ctx, selectCells, tx.Institution, pattern, string(to.rates.Base))
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []cell
	for rows.Next() {
		var c cell
		if err := rows.Scan(&c.grade, &c.industry, &c.branch, &c.t.Firms, &c.t.LimitMinor, &c.t.UtilisedMinor, &c.t.Facilities, &c.t.Frozen, &c.t.pdWeight); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	foreign, err := readForeign(ctx, tx, pattern, to)
	return append(out, foreign...), err
}

func assemble(cells []cell, loans []LoanFigure, branchNames map[string]fault.Text) Portfolio {
	out := Portfolio{}
	grades, industries, branches := map[string]*Part{}, map[string]*Part{}, map[string]*Part{}
	for _, c := range cells {
		out.Total.add(c.t)
		part(grades, c.grade, gradeText(c.grade)).add(c.t)
		section, title := sectionOf(c.industry)
		part(industries, section, title).add(c.t)
		name, known := branchNames[c.branch]
		if !known {
			name = fault.Text{Zh: c.branch, En: c.branch}
		}
		part(branches, c.branch, name).add(c.t)
	}
	for _, l := range loans {
		out.Total.arrears(l)
	}
	out.Total.finish()
	out.ByGrade, out.ByIndustry, out.ByBranch = sorted(grades), sorted(industries), sorted(branches)
	return out
}

func part(m map[string]*Part, key string, name fault.Text) *Part {
	if m[key] == nil {
		m[key] = &Part{Key: key, Name: name}
	}
	return m[key]
}

func gradeText(g string) fault.Text {
	if g == "" {
		return fault.Text{Zh: "未评分", En: "not scored"}
	}
	return fault.Text{Zh: g + " 级", En: "grade " + g}
}

func sectionOf(code string) (string, fault.Text) {
	s, err := industry.Section(code)
	if err != nil {
		return "", fault.Text{Zh: "未填行业", En: "no industry given"}
	}
	return s.Code, fault.Text{Zh: s.Zh, En: s.En}
}

func sorted(m map[string]*Part) []Part {
	out := make([]Part, 0, len(m))
	for _, p := range m {
		p.finish()
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Part) int { return strings.Compare(a.Key, b.Key) })
	return out
}

func (t *Totals) add(o Totals) {
	t.Firms += o.Firms
	t.Facilities += o.Facilities
	t.Frozen += o.Frozen
	t.LimitMinor += o.LimitMinor
	t.UtilisedMinor += o.UtilisedMinor
	t.pdWeight += o.pdWeight
}

func (t *Totals) arrears(l LoanFigure) {
	t.OutstandingMinor += l.OutstandingMinor
	if l.DaysPastDue > 0 {
		t.PAR1Minor += l.OutstandingMinor
	}
	if l.DaysPastDue > 30 {
		t.PAR30Minor += l.OutstandingMinor
	}
	if l.DaysPastDue > 90 {
		t.PAR90Minor += l.OutstandingMinor
	}
}

// finish fills the ratios.
func (t *Totals) finish() {
	if t.LimitMinor > 0 {
		t.Utilisation = float64(t.UtilisedMinor) / float64(t.LimitMinor)
	}
	if t.UtilisedMinor > 0 {
		t.WeightedPD = t.pdWeight / float64(t.UtilisedMinor)
	}
	if t.OutstandingMinor > 0 {
		t.PAR30 = float64(t.PAR30Minor) / float64(t.OutstandingMinor)
	}
}
