package pricing

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// ReasonNobody says that there is no scored firm to lend to.
var ReasonNobody = fault.Declare("OPTIMISE_NOBODY", fault.Conflict,
	"可见范围内没有已评分的企业", "No scored firm is within your view",
	"先为企业刷新画像并评分", "Profile and score firms first")

// Readers are what the book needs from floors that this package may not import.
type Readers struct {
	// Limits gives the newest limit that a decision allowed, by firm; nil: no such bound.
	Limits func(ctx context.Context, tx *db.Tx) (map[string]int64, error)
	// Loans sums money out and arrears over the firms of a branch pattern; nil: not shown.
	Loans func(ctx context.Context, tx *db.Tx, branchPattern string) ([]LoanFigure, error)
}

// LoanFigure is one loan as the portfolio page needs it.
type LoanFigure struct {
	FirmID           string
	Currency         money.Currency
	OutstandingMinor int64
	DaysPastDue      int64
}

// Service is the use cases on the book.
type Service struct {
	db        *db.DB
	readers   Readers
	proposals *proposal.Service
}

// NewService makes the service.
func NewService(d *db.DB, r Readers) *Service { return &Service{db: d, readers: r} }

// OptimiseInput is what the user asks of the optimiser.
type OptimiseInput struct {
	BudgetMinor   int64     `json:"budget_minor"`
	MinMinor      int64     `json:"min_minor"`
	MaxMinor      int64     `json:"max_minor"`
	LotMinor      int64     `json:"lot_minor"`
	MinRate       rate.Rate `json:"min_rate"`
	MaxRate       rate.Rate `json:"max_rate"`
	RateStep      rate.Rate `json:"rate_step"`
	LGD           rate.Rate `json:"lgd"`
	Funding       rate.Rate `json:"funding_rate"`
	FirmIDs       []string  `json:"firm_ids,omitempty"`
	RespectLimits bool      `json:"respect_limits"`
	Curve         *Curve    `json:"curve,omitempty"`
	Points        int       `json:"frontier_points"`
}

// RunLine is what a firm gets, with its name.
type RunLine struct {
	ID          string    `json:"id"`
	FirmName    string    `json:"firm_name"`
	Grade       string    `json:"grade"`
	PD          float64   `json:"pd"`
	MinMinor    int64     `json:"min_minor"`
	MaxMinor    int64     `json:"max_minor"`
	Outcome     string    `json:"outcome" enum:"lent,grade,unprofitable,bounds,budget"`
	AmountMinor int64     `json:"amount_minor"`
	Rate        rate.Rate `json:"rate"`
	Churn       float64   `json:"churn"`
	Margin      float64   `json:"margin"`
	UseMinor    int64     `json:"use_minor"`
	LossMinor   int64     `json:"loss_minor"`
	ProfitMinor int64     `json:"profit_minor"`
}

// RunBook is an allocation with names.
type RunBook struct {
	Method      string         `json:"method"`
	Currency    money.Currency `json:"currency"`
	Lines       []RunLine      `json:"lines,omitempty"`
	BudgetMinor int64          `json:"budget_minor"`
	AmountMinor int64          `json:"amount_minor"`
	UseMinor    int64          `json:"use_minor"`
	LossMinor   int64          `json:"loss_minor"`
	ProfitMinor int64          `json:"profit_minor"`
	Firms       int            `json:"firms"`
	ShadowPrice float64        `json:"shadow_price" doc:"profit that one more yuan of budget would earn"`
	BoundMinor  int64          `json:"bound_minor" doc:"no allocation can earn more"`
	Gap         float64        `json:"gap"`
	Exact       bool           `json:"exact"`
}

// Run is a stored optimisation.
type Run struct {
	ID          string    `json:"id"`
	Book        RunBook   `json:"book"`
	Baselines   []RunBook `json:"baselines" doc:"equal split, and the best single rate per grade"`
	Frontier    Frontier  `json:"frontier"`
	CurveSource string    `json:"curve_source" enum:"request,default"`
	Candidates  int       `json:"candidates"`
	ElapsedMS   int64     `json:"elapsed_ms"`
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   string    `json:"created_by"`
}

const (
	scoredMax     = 20_000
	optimiseTime  = 45 * time.Second
	frontierUsual = 24
)

// Optimise divides a budget among the scored firms within the caller's view and keeps the run.
func (s *Service) Optimise(ctx context.Context, p auth.Principal, in OptimiseInput) (Run, error) {
	if err := p.Require(permissionOptimise); err != nil {
		return Run{}, err
	}
	began := time.Now()
	firms, limits, err := s.candidates(ctx, p, in)
	if err != nil {
		return Run{}, err
	}
	problem, run := in.problem(firms, limits)
	ctx, cancel := context.WithTimeout(ctx, optimiseTime)
	defer cancel()
	if err := run.solve(ctx, problem, firms, in.Points); err != nil {
		return Run{}, err
	}
	run.ElapsedMS = time.Since(began).Milliseconds()
	return run, s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		run.ID, run.CreatedAt, run.CreatedBy = tx.NewID("opt"), tx.Now, tx.Actor
		if err := storeRun(ctx, tx, p.BranchPath, in, run); err != nil {
			return err
		}
		note := map[string]any{"budget_minor": run.Book.BudgetMinor, "amount_minor": run.Book.AmountMinor, "profit_minor": run.Book.ProfitMinor, "firms": run.Book.Firms, "candidates": run.Candidates}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "portfolio.optimise", Object: "optimisation", ObjectID: run.ID, After: note}); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Draft{Type: "portfolio.optimised", Aggregate: "optimisation", AggregateID: run.ID, Payload: note})
	})
}

// candidates reads the scored firms of the view, those asked for when any are, and their limits.
func (s *Service) candidates(ctx context.Context, p auth.Principal, in OptimiseInput) (firms []Scored, limits map[string]int64, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if firms, err = scored(ctx, tx, p.BranchPattern(), scoredMax+1); err != nil {
			return err
		}
		if in.RespectLimits && s.readers.Limits != nil {
			limits, err = s.readers.Limits(ctx, tx)
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if len(firms) > scoredMax {
		return nil, nil, fault.New(fault.ReasonTooLarge, "what", "firms", "limit", scoredMax)
	}
	if len(in.FirmIDs) > 0 {
		wanted := map[string]bool{}
		for _, id := range in.FirmIDs {
			wanted[id] = true
		}
		firms = slices.DeleteFunc(firms, func(f Scored) bool { return !wanted[f.ID] })
	}
	if len(firms) == 0 {
		return nil, nil, fault.New(ReasonNobody)
	}
	return firms, limits, nil
}

// problem states the task; a firm's own limit narrows its upper bound.
func (in OptimiseInput) problem(firms []Scored, limits map[string]int64) (Problem, Run) {
	run := Run{CurveSource: "request", Candidates: len(firms)}
	if in.Curve == nil {
		curve := DefaultCurve()
		in.Curve, run.CurveSource = &curve, "default"
	}
	p := Problem{Curve: *in.Curve, Currency: money.CNY, BudgetMinor: in.BudgetMinor, LotMinor: in.LotMinor, MinRate: in.MinRate, MaxRate: in.MaxRate, LGD: in.LGD,
		Funding: in.Funding, RateStep: in.RateStep}
	for _, f := range firms {
		top := in.MaxMinor
		if own, ok := limits[f.ID]; limits != nil && ok {
			top = min(top, own)
		}
		p.Firms = append(p.Firms, Firm{ID: f.ID, Grade: f.Grade, PD: f.PD, MinMinor: in.MinMinor, MaxMinor: top})
	}
	return p, run
}

func (r *Run) solve(ctx context.Context, p Problem, firms []Scored, points int) error {
	if points == 0 {
		points = frontierUsual
	}
	best, err := Optimise(ctx, p)
	if err != nil {
		return err
	}
	r.Book = named(best, firms)
	equal, err := EqualSplit(p)
	if err != nil {
		return err
	}
	list, err := RatePerGrade(ctx, p)
	if err != nil {
		return err
	}
	r.Baselines = []RunBook{named(equal, nil), named(list, nil)}
	r.Frontier, err = Efficient(ctx, p, points)
	return err
}

// named adds the firms' names; without firms the lines are left out.
func named(b Book, firms []Scored) RunBook {
	out := RunBook{Method: b.Method, Currency: b.Currency, BudgetMinor: b.BudgetMinor, AmountMinor: b.AmountMinor, UseMinor: b.UseMinor, LossMinor: b.LossMinor,
		ProfitMinor: b.ProfitMinor, Firms: b.Firms, ShadowPrice: b.ShadowPrice, BoundMinor: b.BoundMinor, Gap: b.Gap, Exact: b.Exact}
	for i := range firms {
		l := b.Lines[i]
		out.Lines = append(out.Lines, RunLine{ID: l.ID, FirmName: firms[i].Name, Grade: l.Grade, PD: l.PD, MinMinor: l.MinMinor, MaxMinor: l.MaxMinor, Outcome: l.Outcome,
			AmountMinor: l.AmountMinor, Rate: l.Rate, Churn: l.Churn, Margin: l.Margin, UseMinor: l.UseMinor, LossMinor: l.LossMinor, ProfitMinor: l.ProfitMinor})
	}
	return out
}

// Run reads a stored run that was made within the caller's branch.
func (s *Service) Run(ctx context.Context, p auth.Principal, id string) (run Run, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		var branch string
		run, branch, err = readRun(ctx, tx, id)
		if err == nil && !p.Sees(branch) {
			err = fault.NotFoundError("optimisation", id)
		}
		return err
	})
	return run, err
}

// Runs lists the newest hundred runs of the caller's branch.
func (s *Service) Runs(ctx context.Context, p auth.Principal) (out []RunMark, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error { out, err = listRuns(ctx, tx, p.BranchPattern()); return err })
	return out, err
}

// defaultShapes say, per grade, which share of customers leaves at 15% when none leaves at 4%: better
// firms have more choice.
var defaultShapes = map[string]float64{"A": 0.90, "B": 0.86, "C": 0.82}

// DefaultCurve is a made-up but plausible table for institutions that have not counted their own: from
// 4% to 15% in steps of half a point, churn rising fast at first. It is a design default and no
// measurement; a request may bring its own table.
func DefaultCurve() Curve {
	c := Curve{Lost: map[string][]float64{}}
	for bp := int64(400); bp <= 1500; bp += 50 {
		c.Rates = append(c.Rates, rate.FromBP(bp))
		for g, top := range defaultShapes {
			share := top * math.Pow(float64(bp-400)/1100, 0.6)
			c.Lost[g] = append(c.Lost[g], math.Round(share*1e6)/1e6)
		}
	}
	return c
}
