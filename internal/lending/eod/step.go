package eod

import (
	"context"
	"slices"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Step names where the end of a day stands.
type Step string

// The built-in steps in their order. Accrual, billing, penalty and ageing are one step, because the state of a loan derives
// them all from the passing of time: they cannot be taken apart or put in a wrong order.
const (
	StepCatchUp Step = "catch_up" // loans that an earlier run left behind
	StepCollect Step = "collect"
	StepRoll    Step = "roll"
	StepAccrue  Step = "accrue"
	StepReset   Step = "rate_reset"
	StepPost    Step = "gl_posting"
	StepDone    Step = "done"
)

// Work is one step of the end of a day. A package above registers its own (a rate reset, classification, reports) and says
// where it stands unless the institution orders otherwise. Run must be idempotent: a run that dies is begun again at its step.
type Work struct {
	Name Step
	Text fault.Text
	// Mandatory steps cannot be left out of an institution's plan, and keep their order among themselves.
	Mandatory bool
	// Before or After name the step beside which a registered step stands by default.
	Before, After Step
	Run           func(ctx context.Context, d *Day) error
}

// Day is what a step works on: the end of one business date.
type Day struct {
	Principal auth.Principal
	Run       *Run
	service   *Service
	progress  Progress
}

// Update runs fn in a transaction of the institution.
func (d *Day) Update(ctx context.Context, fn func(tx *db.Tx) error) error {
	return d.service.db.Update(ctx, d.Principal.Scope(), fn)
}

// View runs fn in a reading transaction of the institution.
func (d *Day) View(ctx context.Context, fn func(tx *db.Tx) error) error {
	return d.service.db.View(ctx, d.Principal.Scope(), fn)
}

// Progress says how far the step is; its error stops the step.
func (d *Day) Progress(done, total int64) error { return d.progress(d.Run.Step, done, total) }

// Reasons of plans.
var (
	ReasonPlan = fault.Declare("EOD_PLAN", fault.Invalid,
		"日终步骤 {step}：{problem}", "End-of-day step {step}: {problem}",
		"使用步骤清单中的名称，保留所有必需步骤及其先后", "Use the listed names, and keep every mandatory step in its order")
)

func planFault(step Step, zh, en string) error {
	return fault.New(ReasonPlan, "step", string(step), "problem", en, "problem_zh", zh).WithField("steps")
}

func (s *Service) builtIn() []Work {
	return []Work{
		{Name: StepCatchUp, Text: fault.Text{Zh: "补处理", En: "catching up"}, Mandatory: true, Run: s.catchUp},
		{Name: StepCollect, Text: fault.Text{Zh: "扣收到期款项", En: "collecting what is due"}, Run: s.collect},
		{Name: StepRoll, Text: fault.Text{Zh: "切换营业日", En: "moving the business date"}, Mandatory: true, Run: s.roll},
		{Name: StepAccrue, Text: fault.Text{Zh: "计提、到期、罚息与逾期", En: "accruing, billing, penalty and ageing"}, Mandatory: true, Run: s.accrue},
		{Name: StepReset, Text: fault.Text{Zh: "利率重定价", En: "resetting rates"}, Mandatory: true, Run: s.resetRates},
		{Name: StepPost, Text: fault.Text{Zh: "总账过账", En: "posting to the general ledger"}, Mandatory: true, Run: s.post},
	}
}

// Register adds a step at start, before any day runs. A wrong step is a programming error and panics.
func (s *Service) Register(w Work) {
	beside := w.Before + w.After
	at := slices.IndexFunc(s.works, func(x Work) bool { return x.Name == beside })
	if w.Name == "" || w.Name == StepDone || w.Run == nil || w.Text.Zh == "" || w.Text.En == "" || at < 0 || s.find(w.Name) != nil || strings.Contains(string(w.Name), ",") {
		panic("eod: incomplete or repeated step " + string(w.Name))
	}
	if w.After != "" {
		at++
	}
	s.works = slices.Insert(s.works, at, w)
}

func (s *Service) find(name Step) *Work {
	for i := range s.works {
		if s.works[i].Name == name {
			return &s.works[i]
		}
	}
	return nil
}

// Plan is an order of steps.
type Plan []Step

func (p Plan) text() string {
	parts := make([]string, len(p))
	for i, step := range p {
		parts[i] = string(step)
	}
	return strings.Join(parts, ",")
}

func parsePlan(text string) (p Plan) {
	for part := range strings.SplitSeq(text, ",") {
		if part != "" {
			p = append(p, Step(part))
		}
	}
	return p
}

// standard is the plan of an institution that has not chosen one.
func (s *Service) standard() Plan {
	p := make(Plan, len(s.works))
	for i, w := range s.works {
		p[i] = w.Name
	}
	return p
}

// check refuses unknown and repeated steps, missing mandatory ones, and mandatory ones out of order; money is collected
// before the date moves, or the payments would bear the wrong value date.
func (s *Service) check(p Plan) error {
	seen := map[Step]int{}
	for i, step := range p {
		if s.find(step) == nil {
			return planFault(step, "没有这个步骤", "is not known")
		}
		if _, twice := seen[step]; twice {
			return planFault(step, "重复", "stands twice")
		}
		seen[step] = i
	}
	last := -1
	for _, w := range s.works {
		at, there := seen[w.Name]
		if !there && w.Mandatory {
			return planFault(w.Name, "是必需步骤", "is mandatory")
		}
		if !w.Mandatory {
			continue
		}
		if at < last {
			return planFault(w.Name, "必需步骤的先后不可更改", "is out of the order of the mandatory steps")
		}
		last = at
	}
	if at, there := seen[StepCollect]; there && (at > seen[StepRoll] || at < seen[StepCatchUp]) {
		return planFault(StepCollect, "须在补处理之后、切换营业日之前", "must stand between catching up and moving the date")
	}
	return nil
}

// next is the step after one in a run's plan.
func (p Plan) next(step Step) Step {
	if at := slices.Index(p, step); at >= 0 && at+1 < len(p) {
		return p[at+1]
	}
	return StepDone
}
