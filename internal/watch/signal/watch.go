package signal

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// EventTouched asks for one firm to be watched; a batch of evidence becomes one per firm, so that
// each firm is judged in a short transaction of its own.
const EventTouched = "watch.firm_touched"

// Touched is the payload of EventTouched. Its key is not firm_id, so that the request to look does not
// stand on the firm's timeline; what was found does.
type Touched struct {
	FirmID string `json:"firm"`
	Cause  string `json:"cause" doc:"the event or sweep that asked"`
}

// Moment is a firm's profile and score at one time.
type Moment struct {
	Snapshot profile.Snapshot
	Score    model.Score
}

// Sources are the readers of other floors.
type Sources struct {
	Firm func(ctx context.Context, tx *db.Tx, firmID string) (decision.Firm, error)
	// Before is the last scored profile, if any.
	Before func(ctx context.Context, tx *db.Tx, firmID string) (m Moment, found bool, err error)
	// Now profiles and scores the firm on the newest evidence.
	Now func(ctx context.Context, tx *db.Tx, firmID string, day calendar.Date) (Moment, error)
}

// DefaultSources read party, profile and model.
func DefaultSources() Sources {
	return Sources{Firm: decision.DefaultSources().Firm, Before: readBefore, Now: readNow}
}

// readBefore finds what the watch compares with. It is not simply the last score: somebody who scores the firm
// between the arrival of a batch and its judgement would hide the fall.
func readBefore(ctx context.Context, tx *db.Tx, firmID string) (Moment, bool, error) {
	day, err := tx.BusinessDate(ctx)
	if err != nil {
		return Moment{}, false, err
	}
	score, err := model.ScoreBefore(ctx, tx, firmID, day)
	if fault.Is(err, model.ReasonNoScore) {
		return Moment{}, false, nil
	}
	if err != nil {
		return Moment{}, false, err
	}
	snap, err := profile.ByID(ctx, tx, score.SnapshotID)
	if err != nil {
		return Moment{}, false, err
	}
	// Like is compared with like: under another model than before, the earlier profile is scored anew, or every
	// firm would seem to have jumped on the day a model is activated.
	same, err := model.ScoreFirm(ctx, tx, firmID, snap)
	switch {
	case err == nil:
		score = same
	case !fault.Is(err, model.ReasonNoActive) && !fault.Is(err, model.ReasonUnreadable):
		return Moment{}, false, err
	}
	return Moment{Snapshot: snap, Score: score}, true, nil
}

func readNow(ctx context.Context, tx *db.Tx, firmID string, day calendar.Date) (Moment, error) {
	snap, err := profile.RefreshFor(ctx, tx, firmID, day, consent.PurposeWatch)
	if err != nil {
		return Moment{}, err
	}
	score, err := model.ScoreFirm(ctx, tx, firmID, snap)
	return Moment{Snapshot: snap, Score: score}, err
}

// Watcher judges firms.
type Watcher struct{ sources Sources }

// NewWatcher makes a watcher on the given readers.
func NewWatcher(s Sources) *Watcher { return &Watcher{sources: s} }

// Consumers are the two halves of the watch: a batch is fanned out into firms, a firm is judged.
func (w *Watcher) Consumers() []event.Consumer {
	return []event.Consumer{
		{Name: "watch.fan_out", Types: []string{"evidence.batch_imported"}, Handle: fanOut},
		{Name: "watch.judge", Types: []string{EventTouched}, Handle: func(ctx context.Context, tx *db.Tx, e event.Event) error {
			var t Touched
			if err := e.Decode(&t); err != nil {
				return err
			}
			_, err := w.Judge(ctx, tx, t.FirmID)
			return err
		}},
	}
}

func fanOut(ctx context.Context, tx *db.Tx, e event.Event) error {
	var batch struct {
		Firms []struct {
			FirmID string `json:"firm_id"`
		} `json:"firms"`
	}
	if err := e.Decode(&batch); err != nil {
		return err
	}
	for _, f := range batch.Firms {
		if err := touch(ctx, tx, f.FirmID, e.Type+":"+e.AggregateID); err != nil {
			return err
		}
	}
	return nil
}

func touch(ctx context.Context, tx *db.Tx, firmID, cause string) error {
	return event.Append(ctx, tx, event.Draft{Type: EventTouched, Aggregate: "firm", AggregateID: firmID, Payload: Touched{FirmID: firmID, Cause: cause}})
}

// sweepBatch bounds the firms of one sweep transaction.
const sweepBatch = 500

// Sweep asks for every firm with a facility to be watched on the new business date, because silence
// grows without any batch. The end of day calls it with the last id until it returns "".
func Sweep(ctx context.Context, tx *db.Tx, after string) (next string, err error) {
	day, err := tx.BusinessDate(ctx)
	if err != nil {
		return "", err
	}
	ids, err := facility.Firms(ctx, tx, after, sweepBatch)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		if err := touch(ctx, tx, id, "sweep:"+day.String()); err != nil {
			return "", err
		}
		next = id
	}
	return next, nil
}

// Judge profiles and scores a firm anew and raises what its recipes say, once per facility, signal and
// date. A firm that has neither a facility nor a score is left alone.
func (w *Watcher) Judge(ctx context.Context, tx *db.Tx, firmID string) ([]Signal, error) {
	day, err := tx.BusinessDate(ctx)
	if err != nil {
		return nil, err
	}
	all, err := facility.ByFirm(ctx, tx, firmID)
	if err != nil {
		return nil, err
	}
	before, scored, err := w.sources.Before(ctx, tx, firmID)
	if err != nil {
		return nil, err
	}
	open := openOnes(all)
	if len(open) == 0 && !scored {
		return nil, nil
	}
	firm, err := w.sources.Firm(ctx, tx, firmID)
	if err != nil {
		return nil, err
	}
	now, err := w.sources.Now(ctx, tx, firmID, day)
	switch {
	case fault.Is(err, consent.ReasonMissing):
		return consentLapsed(ctx, tx, firm, open, day)
	case fault.Is(err, model.ReasonNoActive):
		return nil, nil // nothing can be compared until a model is active; the sweep comes back
	case err != nil:
		return nil, err
	}
	var out []Signal
	for _, f := range open {
		c := judged{firm: firm, facility: f, before: before, scored: scored, now: now, day: day}
		raised, err := c.judge(ctx, tx)
		if err != nil {
			return nil, err
		}
		out = append(out, raised...)
	}
	return out, nil
}

func openOnes(all []facility.Facility) []facility.Facility {
	var out []facility.Facility
	for _, f := range all {
		if f.Status != facility.Closed {
			out = append(out, f)
		}
	}
	return out
}

// judged is one facility before the rules of its recipe.
type judged struct {
	firm     decision.Firm
	facility facility.Facility
	before   Moment
	scored   bool
	now      Moment
	day      calendar.Date
}

func (c judged) facts() product.Facts {
	f := product.Facts{}
	decision.FirmFacts(f, c.firm)
	decision.ProfileFacts(f, "", c.now.Snapshot, c.now.Score)
	if c.scored {
		decision.ProfileFacts(f, "before.", c.before.Snapshot, c.before.Score)
	}
	f["facility.limit_minor"], f["facility.utilised_minor"] = float64(c.facility.LimitMinor), float64(c.facility.UtilisedMinor)
	f["evidence.months"], f["evidence.invoices"] = float64(c.now.Snapshot.Months), float64(c.now.Snapshot.Invoices)
	return f
}

func (c judged) judge(ctx context.Context, tx *db.Tx) ([]Signal, error) {
	recipe, err := product.Active(ctx, tx, c.facility.ProductID)
	if err != nil {
		return nil, err
	}
	facts := c.facts()
	alarms, err := recipe.Alarms(ctx, facts)
	if err != nil {
		return nil, err
	}
	var out []Signal
	for _, a := range alarms {
		s := c.signal(recipe, a)
		raised, err := raise(ctx, tx, &s, a.ReduceToMinor)
		if err != nil {
			return nil, err
		}
		if raised {
			out = append(out, s)
		}
	}
	if len(out) == 0 {
		return nil, nil
	}
	if err := product.Archive(ctx, tx, recipe); err != nil {
		return nil, err
	}
	return out, c.review(ctx, tx)
}

func (c judged) signal(recipe *product.Compiled, a product.Alarm) Signal {
	s := Signal{FirmID: c.firm.ID, FirmName: c.firm.Name, FacilityID: c.facility.ID, ProductID: c.facility.ProductID, RecipeHash: recipe.Hash, BranchPath: c.facility.BranchPath,
		ManagerID: c.firm.ManagerID, Code: a.Code, Catalogue: a.Catalogue, Level: a.Level, Name: a.Name, Reason: a.Reason, Advice: a.Advice, Metric: a.Metric, Unit: a.Unit,
		ScoreAfterID: c.now.Score.ID, Action: a.Action, State: Open, AsOf: c.day, Version: 1,
		Figures: Figures{Before: a.Before, After: a.After, Read: a.Facts, GradeAfter: c.now.Score.Result.Grade,
			BeforeText: fault.Text{Zh: product.Show(a.Before, a.Unit, "zh"), En: product.Show(a.Before, a.Unit, "en")},
			AfterText:  fault.Text{Zh: product.Show(a.After, a.Unit, "zh"), En: product.Show(a.After, a.Unit, "en")}}}
	s.Figures.PointsAfter, s.Figures.PDAfter = figures(c.now.Score)
	if c.scored {
		s.ScoreBeforeID, s.Figures.GradeBefore = c.before.Score.ID, c.before.Score.Result.Grade
		s.Figures.PointsBefore, s.Figures.PDBefore = figures(c.before.Score)
	}
	return s
}

func figures(s model.Score) (points, pd *float64) {
	p, d := float64(s.Result.Points), s.Result.PD
	return &p, &d
}

// consentLapsed raises that a firm with money out can no longer be watched.
func consentLapsed(ctx context.Context, tx *db.Tx, firm decision.Firm, open []facility.Facility, day calendar.Date) ([]Signal, error) {
	var out []Signal
	for _, f := range open {
		s := Signal{FirmID: firm.ID, FirmName: firm.Name, FacilityID: f.ID, ProductID: f.ProductID, BranchPath: f.BranchPath, ManagerID: firm.ManagerID, Code: CodeConsent, Level: "yellow",
			Name:   fault.Text{Zh: "贷后监测授权缺失", En: "No consent to watch"},
			Reason: fault.Text{Zh: "企业没有有效的贷后监测（watch）授权，新数据不能用于预警", En: "The firm has no live consent for watching, so fresh data cannot be used"},
			Advice: fault.Text{Zh: "联系企业补签授权", En: "Ask the firm to grant the consent"},
			Action: product.ActionTask, State: Open, AsOf: day, Version: 1, Figures: Figures{Read: product.Facts{}}}
		raised, err := raise(ctx, tx, &s, 0)
		if err != nil {
			return nil, err
		}
		if raised {
			out = append(out, s)
		}
	}
	return out, nil
}
