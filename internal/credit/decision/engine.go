package decision

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Firm is what a decision needs to know of a firm.
type Firm struct {
	ID           string
	Code         string
	Name         string
	CustomerType string
	SizeClass    string
	Industry     string
	Region       string
	BranchID     string
	BranchPath   string
	ManagerID    string // the relationship manager, when one is assigned
}

// Sources are the readers of other floors that an answer is made from.
type Sources struct {
	Firm    func(ctx context.Context, tx *db.Tx, firmID string) (Firm, error)
	Consent func(ctx context.Context, tx *db.Tx, firmID, kind, purpose string) error
	Profile func(ctx context.Context, tx *db.Tx, firmID string, day calendar.Date) (profile.Snapshot, error)
	Score   func(ctx context.Context, tx *db.Tx, firmID string, s profile.Snapshot) (model.Score, error)
}

// Engine makes decisions.
type Engine struct{ sources Sources }

// NewEngine makes an engine on the given readers; DefaultSources are those of the product.
func NewEngine(s Sources) *Engine { return &Engine{sources: s} }

// Firm reads a firm.
func (e *Engine) Firm(ctx context.Context, tx *db.Tx, firmID string) (Firm, error) {
	return e.sources.Firm(ctx, tx, firmID)
}

// otherDebtMax bounds the declared debt (100 billion yuan).
const otherDebtMax = 10_000_000_000_000

func (a Ask) validate(c *product.Compiled) error {
	t := c.Terms
	var errs []error
	bad := func(field, zh, en string) {
		errs = append(errs, fault.New(ReasonRequest, "field", field, "product", c.ID, "problem", en, "problem_zh", zh).WithField(field))
	}
	if a.AmountMinor < t.AmountMinMinor || a.AmountMinor > 10*t.AmountMaxMinor {
		bad("amount_minor", fmt.Sprintf("须不少于 %s，上限 %s", amount(t.Currency, t.AmountMinMinor, "zh"), amount(t.Currency, t.AmountMaxMinor, "zh")),
			fmt.Sprintf("at least %s; the product lends up to %s", amount(t.Currency, t.AmountMinMinor, "en"), amount(t.Currency, t.AmountMaxMinor, "en")))
	}
	if a.Currency != t.Currency {
		bad("currency", "本产品只以 "+t.Currency+" 放贷", "this product lends in "+t.Currency+" only")
	}
	if a.TenorMonths < t.TenorMonthsMin || a.TenorMonths > t.TenorMonthsMax {
		bad("tenor_months", fmt.Sprintf("须为 %d 至 %d 个月", t.TenorMonthsMin, t.TenorMonthsMax), fmt.Sprintf("must be %d to %d months", t.TenorMonthsMin, t.TenorMonthsMax))
	}
	if !t.Allows(a.Method) {
		bad("method", fmt.Sprintf("可选 %v", t.Methods), fmt.Sprintf("choose one of %v", t.Methods))
	}
	if !slices.ContainsFunc(t.Purposes, func(p product.Purpose) bool { return p.ID == a.Purpose }) {
		ids := make([]string, 0, len(t.Purposes))
		for _, p := range t.Purposes {
			ids = append(ids, p.ID)
		}
		bad("purpose", fmt.Sprintf("可选 %v", ids), fmt.Sprintf("choose one of %v", ids))
	}
	if a.OtherDebtMinor < 0 || a.OtherDebtMinor > otherDebtMax {
		bad("other_debt_minor", "须不小于 0", "must not be negative")
	}
	return fault.Join(errs...)
}

// Check says whether an ask fits the product's terms, naming every field that does not.
func Check(ctx context.Context, tx *db.Tx, a Ask) (*product.Compiled, error) {
	if a.FirmID == "" {
		return nil, fault.Required("firm_id")
	}
	c, err := product.Active(ctx, tx, a.ProductID)
	if err != nil {
		return nil, err
	}
	day, err := tx.BusinessDate(ctx)
	if err != nil {
		return nil, err
	}
	if !c.OnSale(day) {
		return nil, fault.New(product.ReasonNotOnSale, "product", c.ID, "status", c.Status)
	}
	return c, a.validate(c)
}

// Decide answers an ask in tx and stores the answer. No credit bureau is asked, ever, by this call:
// it reads the firm's own evidence under the firm's consent.
func (e *Engine) Decide(ctx context.Context, tx *db.Tx, a Ask) (Decision, error) {
	c, err := Check(ctx, tx, a)
	if err != nil {
		return Decision{}, err
	}
	firm, err := e.sources.Firm(ctx, tx, a.FirmID)
	if err != nil {
		return Decision{}, err
	}
	in, err := e.gather(ctx, tx, c, a, firm)
	if err != nil {
		return Decision{}, err
	}
	out, err := Evaluate(ctx, c, in)
	if err != nil {
		return Decision{}, err
	}
	if err := product.Archive(ctx, tx, c); err != nil {
		return Decision{}, err
	}
	d := Decision{ID: tx.NewID("dec"), FirmID: firm.ID, BranchPath: firm.BranchPath, Currency: a.Currency, Inputs: in, Outcome: out, DecidedAt: tx.Now, Actor: tx.Actor}
	if err := insert(ctx, tx, d); err != nil {
		return Decision{}, fmt.Errorf("store decision: %w", err)
	}
	return d, record(ctx, tx, d)
}

func record(ctx context.Context, tx *db.Tx, d Decision) error {
	note := map[string]any{
		"decision_id": d.ID, "firm_id": d.FirmID, "application_id": d.Inputs.Ask.ApplicationID, "product_id": d.Inputs.RecipeID, "recipe_version": d.Inputs.RecipeVersion,
		"result": d.Outcome.Result, "soft": d.Inputs.Ask.Soft, "limit_minor": d.Outcome.LimitMinor, "amount_minor": d.Outcome.AmountMinor, "currency": d.Currency,
		"rate": d.Outcome.Rate, "grade": d.Inputs.Grade, "reason_codes": codes(d.Outcome.Reasons),
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "decision.made", Object: "decision", ObjectID: d.ID, After: note}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "decision.made", Aggregate: "decision", AggregateID: d.ID, Payload: note})
}

// gather reads consent, profile, score and exposure into the inputs of an answer.
func (e *Engine) gather(ctx context.Context, tx *db.Tx, c *product.Compiled, a Ask, firm Firm) (Inputs, error) {
	for _, ev := range c.Evidence {
		if err := e.sources.Consent(ctx, tx, firm.ID, ev.Kind, ev.Purpose); err != nil {
			return Inputs{}, err
		}
	}
	day, err := tx.BusinessDate(ctx)
	if err != nil {
		return Inputs{}, err
	}
	snap, err := e.sources.Profile(ctx, tx, firm.ID, day)
	if err != nil {
		return Inputs{}, err
	}
	score, err := e.sources.Score(ctx, tx, firm.ID, snap)
	if err != nil {
		return Inputs{}, err
	}
	benchmark, err := pricing.BenchmarkAt(ctx, tx, c.Pricing.Benchmark, day)
	if err != nil {
		return Inputs{}, err
	}
	in := Inputs{
		Ask: a, Date: day, AsOf: snap.AsOf, Facts: product.Facts{}, PD: Probability(score.Result.PD), Points: score.Result.Points, Grade: score.Result.Grade,
		ThinFile: score.Result.ThinFile, Contributions: score.Result.Contributions, ScoreReasons: score.Result.Reasons, Benchmark: benchmark,
		SnapshotID: snap.ID, FeatureVersion: snap.FeatureVersion, ScoreID: score.ID, ModelID: score.ModelID, ModelHash: score.ModelHash,
		RecipeID: c.ID, RecipeVersion: c.Version, RecipeHash: c.Hash,
	}
	FirmFacts(in.Facts, firm)
	ProfileFacts(in.Facts, "", snap, score)
	f := in.Facts
	f["req.amount_minor"], f["req.tenor_months"], f["req.method"], f["req.purpose"] = float64(a.AmountMinor), float64(a.TenorMonths), a.Method, a.Purpose
	f["benchmark.rate"] = share(benchmark.Rate)
	f["evidence.months"], f["evidence.invoices"], f["evidence.age_days"] = float64(snap.Months), float64(snap.Invoices), age(snap, day)
	return in, exposure(ctx, tx, firm.ID, a, f)
}

// RateFloor is the lowest rate of a product today: its benchmark plus its spread.
func RateFloor(ctx context.Context, tx *db.Tx, c *product.Compiled) (rate.Rate, error) {
	day, err := tx.BusinessDate(ctx)
	if err != nil {
		return 0, err
	}
	b, err := pricing.BenchmarkAt(ctx, tx, c.Pricing.Benchmark, day)
	return max(0, b.Rate+c.Pricing.FloorSpread), err
}

// Probability makes a PD from the model's float, rounded up: the one place where it becomes a rate.
func Probability(pd float64) rate.Rate {
	return rate.Rate(math.Ceil(min(max(pd, 0), 1)*rate.Scale - 1e-9))
}

func share(r rate.Rate) float64 { return float64(r) / rate.Scale }

// FirmFacts adds the firm's variables.
func FirmFacts(f product.Facts, firm Firm) {
	f["firm.customer_type"], f["firm.size_class"], f["firm.industry"] = firm.CustomerType, firm.SizeClass, firm.Industry
	f["firm.region"], f["firm.code"] = firm.Region, firm.Code
}

// ProfileFacts adds the features and the score, under a prefix ("before." for the profile before).
func ProfileFacts(f product.Facts, prefix string, s profile.Snapshot, score model.Score) {
	f.FeatureFacts(prefix+"f.", s.Vector)
	f[prefix+"score.pd"], f[prefix+"score.points"], f[prefix+"score.grade"] = share(Probability(score.Result.PD)), float64(score.Result.Points), score.Result.Grade
	if prefix == "" {
		f["score.thin"] = score.Result.ThinFile
	}
}

// noEvidenceDays stands for the age of evidence that does not exist.
const noEvidenceDays = 99_999

func age(s profile.Snapshot, day calendar.Date) float64 {
	silent, ok := s.Vector.Value("silence_days")
	if !ok {
		return noEvidenceDays
	}
	return silent + float64(day.Sub(s.AsOf))
}

func exposure(ctx context.Context, tx *db.Tx, firmID string, a Ask, f product.Facts) error {
	limit, used, err := facility.Exposure(ctx, tx, firmID, money.Currency(a.Currency))
	if err != nil {
		return err
	}
	all, err := facility.ByFirm(ctx, tx, firmID)
	if err != nil {
		return err
	}
	f["exposure.limit_minor"], f["exposure.utilised_minor"], f["exposure.other_debt_minor"] = float64(limit), float64(used), float64(a.OtherDebtMinor)
	f["exposure.frozen"] = slices.ContainsFunc(all, func(x facility.Facility) bool { return x.Status == facility.Frozen })
	f["firm.borrowed_before"] = len(all) > 0
	return nil
}
