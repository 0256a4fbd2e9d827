package application

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Filter narrows a list; Query matches the firm's name or the application's id.
type Filter struct {
	State     string
	FirmID    string
	ProductID string
	ManagerID string
	Query     string
}

// Detail is an application with its history and what may happen next.
type Detail struct {
	Application
	Steps    []Step       `json:"steps"`
	Possible []Transition `json:"possible"`
	Progress []Milestone  `json:"progress" doc:"the five stages the firm sees"`
}

// Milestone is one of the five stages shown to the firm: the staff's timeline, shortened.
type Milestone struct {
	Stage string     `json:"stage"`
	Name  fault.Text `json:"name"`
	Done  bool       `json:"done"`
	At    *string    `json:"at,omitempty" doc:"RFC 3339"`
}

var stages = []struct {
	stage string
	name  fault.Text
	done  []State
}{
	{"submitted", fault.Text{Zh: "提交申请", En: "submitted"}, []State{Submitted}},
	{"decided", fault.Text{Zh: "审批结论", En: "decided"}, []State{Approved, Declined}},
	{"offered", fault.Text{Zh: "报价", En: "offered"}, []State{Offered}},
	{"contracted", fault.Text{Zh: "签约", En: "contract signed"}, []State{Contracted}},
	{"drawn", fault.Text{Zh: "放款", En: "money paid out"}, []State{Drawn}},
}

func progress(steps []Step) []Milestone {
	out := make([]Milestone, 0, len(stages))
	for _, g := range stages {
		m := Milestone{Stage: g.stage, Name: g.name}
		for _, s := range steps {
			for _, d := range g.done {
				if s.To == d {
					at := s.At.Format("2006-01-02T15:04:05Z07:00")
					m.Done, m.At = true, &at
				}
			}
		}
		out = append(out, m)
	}
	return out
}

func visible(ctx context.Context, tx *db.Tx, p auth.Principal, id string) (Application, error) {
	a, err := ByID(ctx, tx, id)
	if err == nil && !p.Sees(a.BranchPath) {
		return Application{}, fault.NotFoundError("application", id)
	}
	return a, err
}

// Get reads an application within the caller's branch.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (d Detail, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		a, err := visible(ctx, tx, p, id)
		if err != nil {
			return err
		}
		steps, err := Steps(ctx, tx, id)
		d = Detail{Application: a, Steps: steps, Possible: Possible(a.State), Progress: progress(steps)}
		return err
	})
	return d, err
}

// List gives one page, newest first.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter, after string, limit int) (items []Application, total int64, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		items, total, err = list(ctx, tx, p.BranchPattern(), f, after, limit)
		return err
	})
	return items, total, err
}

// Board counts applications per state within the caller's branch.
func (s *Service) Board(ctx context.Context, p auth.Principal) (out []Count, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error { out, err = board(ctx, tx, p.BranchPattern()); return err })
	return out, err
}
