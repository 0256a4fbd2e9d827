package application

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Service is the use cases on applications.
type Service struct {
	db       *db.DB
	engine   *decision.Engine
	schedule Schedule
	onRefer  func(ctx context.Context, tx *db.Tx, a Application, d decision.Decision) error
	onLeave  func(ctx context.Context, tx *db.Tx, a Application) error
}

// NewService makes the service; schedule is lending's arithmetic for the offer's preview.
func NewService(d *db.DB, e *decision.Engine, schedule Schedule) *Service {
	return &Service{db: d, engine: e, schedule: schedule}
}

// OnRefer sets who is told, in the same transaction, that a case needs a person, and that it no
// longer does because the application was withdrawn.
func (s *Service) OnRefer(refer func(ctx context.Context, tx *db.Tx, a Application, d decision.Decision) error, leave func(ctx context.Context, tx *db.Tx, a Application) error) {
	s.onRefer, s.onLeave = refer, leave
}

// Input is what a person fills in.
type Input struct {
	FirmID         string `json:"firm_id"`
	ProductID      string `json:"product_id"`
	AmountMinor    int64  `json:"amount_minor"`
	Currency       string `json:"currency"`
	TenorMonths    int    `json:"tenor_months"`
	Method         string `json:"method"`
	Purpose        string `json:"purpose"`
	PurposeNote    string `json:"purpose_note"`
	OtherDebtMinor int64  `json:"other_debt_minor"`
}

func (in Input) ask(applicationID string) decision.Ask {
	return decision.Ask{FirmID: in.FirmID, ProductID: in.ProductID, AmountMinor: in.AmountMinor, Currency: in.Currency, TenorMonths: in.TenorMonths, Method: in.Method,
		Purpose: in.Purpose, OtherDebtMinor: in.OtherDebtMinor, ApplicationID: applicationID}
}

func (a *Application) input() Input {
	return Input{FirmID: a.FirmID, ProductID: a.ProductID, AmountMinor: a.AmountMinor, Currency: a.Currency, TenorMonths: a.TenorMonths, Method: a.Method, Purpose: a.Purpose,
		PurposeNote: a.PurposeNote, OtherDebtMinor: a.OtherDebtMinor}
}

func (in Input) check(ctx context.Context, tx *db.Tx) (*product.Compiled, error) {
	c, err := decision.Check(ctx, tx, in.ask(""))
	if utf8.RuneCountInString(in.PurposeNote) > purposeNoteMax {
		err = fault.Join(err, fault.Field("purpose_note", "最多 500 字", "at most 500 characters"))
	}
	return c, err
}

// Create stores a draft. A firm has one open application per product.
func (s *Service) Create(ctx context.Context, p auth.Principal, in Input) (a Application, err error) {
	if err := p.Require(permissionWrite); err != nil {
		return a, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		a, err = s.create(ctx, tx, p, in)
		return err
	})
	return a, err
}

func (s *Service) create(ctx context.Context, tx *db.Tx, p auth.Principal, in Input) (Application, error) {
	c, err := in.check(ctx, tx)
	if err != nil {
		return Application{}, err
	}
	firm, err := s.engine.Firm(ctx, tx, in.FirmID)
	if err != nil {
		return Application{}, err
	}
	if !p.Sees(firm.BranchPath) {
		return Application{}, fault.NotFoundError("firm", in.FirmID)
	}
	if err := tx.Lock(ctx, "application:"+firm.ID+":"+c.ID); err != nil {
		return Application{}, err
	}
	var open string
	err = tx.QueryRow(ctx, selectOpen, tx.Institution, firm.ID, c.ID).Scan(&open)
	if err == nil {
		return Application{}, fault.New(ReasonDuplicate, "id", open)
	}
	if !db.IsNoRows(err) {
		return Application{}, err
	}
	a := Application{ID: tx.NewID("app"), FirmID: firm.ID, FirmName: firm.Name, ProductID: c.ID, ProductVersion: c.Version, BranchID: firm.BranchID, BranchPath: firm.BranchPath,
		ManagerID: firm.ManagerID, State: Draft, StateName: Draft.Name(), AmountMinor: in.AmountMinor, Currency: in.Currency, TenorMonths: in.TenorMonths, Method: in.Method,
		Purpose: in.Purpose, PurposeNote: in.PurposeNote, OtherDebtMinor: in.OtherDebtMinor, Reasons: []decision.Reason{},
		CreatedBy: tx.Actor, CreatedAt: tx.Now, UpdatedAt: tx.Now, Version: 1}
	if a.ManagerID == "" && p.HasRole(auth.RoleRelationshipManager) {
		a.ManagerID = p.UserID
	}
	if err := insert(ctx, tx, a); err != nil {
		return Application{}, err
	}
	if err := pointCreated.Hit(ctx); err != nil {
		return a, err
	}
	return a, record(ctx, tx, ActCreate, "", nil, a, "", nil)
}

// Edit changes a draft.
func (s *Service) Edit(ctx context.Context, p auth.Principal, id string, version int64, in Input) (Application, error) {
	return s.step(ctx, p, id, version, permissionWrite, func(tx *db.Tx, a Application) (Application, error) {
		in.FirmID, in.ProductID = a.FirmID, a.ProductID
		c, err := in.check(ctx, tx)
		if err != nil {
			return a, err
		}
		before := a
		a.ProductVersion, a.AmountMinor, a.Currency, a.TenorMonths, a.Method = c.Version, in.AmountMinor, in.Currency, in.TenorMonths, in.Method
		a.Purpose, a.PurposeNote, a.OtherDebtMinor = in.Purpose, in.PurposeNote, in.OtherDebtMinor
		return move(ctx, tx, before, a, ActEdit, "", nil)
	})
}

// Submit asks for the decision and carries the application to approved, referred or declined in the
// same transaction.
func (s *Service) Submit(ctx context.Context, p auth.Principal, id string, version int64) (Application, error) {
	return s.step(ctx, p, id, version, permissionWrite, func(tx *db.Tx, a Application) (Application, error) {
		before := a
		a.SubmittedBy = tx.Actor
		a, err := move(ctx, tx, before, a, ActSubmit, "", nil)
		if err != nil {
			return a, err
		}
		d, err := s.engine.Decide(ctx, tx, a.input().ask(a.ID))
		if err != nil {
			return a, err
		}
		if err := pointDecided.Hit(ctx); err != nil {
			return a, err
		}
		return s.decided(ctx, tx, a, d)
	})
}

func (s *Service) decided(ctx context.Context, tx *db.Tx, a Application, d decision.Decision) (Application, error) {
	before := a
	out := d.Outcome
	a.DecisionID, a.Reasons, a.Rate, a.ProductVersion = d.ID, out.Reasons, out.Rate, d.Inputs.RecipeVersion
	data := map[string]any{"decision_id": d.ID, "result": out.Result, "limit_minor": out.LimitMinor, "amount_minor": out.AmountMinor, "rate": out.Rate}
	switch out.Result {
	case decision.Approved:
		a.ApprovedMinor, a.ExpiresOn = out.AmountMinor, out.ValidUntil
		return move(ctx, tx, before, a, ActApprove, "", data)
	case decision.Referred:
		a, err := move(ctx, tx, before, a, ActRefer, "", data)
		if err != nil || s.onRefer == nil {
			return a, err
		}
		return a, s.onRefer(ctx, tx, a, d)
	case decision.Declined:
		return move(ctx, tx, before, a, ActDecline, "", data)
	}
	return a, fault.New(fault.ReasonInternal)
}

// Ruling is what an authorised person decides on a referred application.
type Ruling struct {
	Action      Action // ActApprove, ActDecline or ActReturn
	AmountMinor int64
	Rate        rate.Rate
	Reason      *decision.Reason
	Note        string
}

// Rule applies a person's ruling; who may rule is the approval package's rule.
func (s *Service) Rule(ctx context.Context, tx *db.Tx, id string, r Ruling) (Application, error) {
	a, err := read(ctx, tx, selectForUpdate, id)
	if err != nil {
		return a, err
	}
	before := a
	switch r.Action {
	case ActApprove:
		day, err := tx.BusinessDate(ctx)
		if err != nil {
			return a, err
		}
		c, err := product.Active(ctx, tx, a.ProductID)
		if err != nil {
			return a, err
		}
		a.ApprovedMinor, a.Rate, a.ExpiresOn = r.AmountMinor, r.Rate, day.AddDays(c.Decision.ValidDays)
	case ActDecline, ActReturn:
		a.ApprovedMinor = 0
		if r.Reason != nil {
			a.Reasons = append([]decision.Reason{*r.Reason}, a.Reasons...)
		}
	default:
		return a, fault.Field("action", "须为批准、拒绝或退回", "must be approve, decline or return")
	}
	return move(ctx, tx, before, a, r.Action, r.Note, map[string]any{"amount_minor": a.ApprovedMinor, "rate": a.Rate})
}

// Withdraw ends an application before the contract.
func (s *Service) Withdraw(ctx context.Context, p auth.Principal, id string, version int64, note string) (Application, error) {
	return s.leave(ctx, p, id, version, ActWithdraw, note)
}

// Reject records that the firm turned the offer down.
func (s *Service) Reject(ctx context.Context, p auth.Principal, id string, version int64, note string) (Application, error) {
	return s.leave(ctx, p, id, version, ActReject, note)
}

func (s *Service) leave(ctx context.Context, p auth.Principal, id string, version int64, act Action, note string) (Application, error) {
	return s.step(ctx, p, id, version, permissionWrite, func(tx *db.Tx, a Application) (Application, error) {
		if strings.TrimSpace(note) == "" {
			return a, fault.Required("note")
		}
		before := a
		if before.State == Referred && s.onLeave != nil {
			if err := s.onLeave(ctx, tx, a); err != nil {
				return a, err
			}
		}
		return move(ctx, tx, before, a, act, note, nil)
	})
}

// step opens the transaction of a person's action: permission, branch, version.
func (s *Service) step(ctx context.Context, p auth.Principal, id string, version int64, permission string, fn func(tx *db.Tx, a Application) (Application, error)) (a Application, err error) {
	if err := p.Require(permission); err != nil {
		return a, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		a, err = read(ctx, tx, selectForUpdate, id)
		if err != nil {
			return err
		}
		if !p.Sees(a.BranchPath) {
			return fault.NotFoundError("application", id)
		}
		if version != 0 && version != a.Version {
			return fault.New(fault.ReasonStale, "version", a.Version)
		}
		a, err = fn(tx, a)
		return err
	})
	return a, err
}

// move makes one transition: the row, the step, the audit record and the event.
func move(ctx context.Context, tx *db.Tx, before, after Application, act Action, note string, data any) (Application, error) {
	t, err := next(before.State, act)
	if err != nil {
		return before, err
	}
	if utf8.RuneCountInString(note) > stepNoteMax {
		return before, fault.Field("note", "最多 1000 字", "at most 1000 characters")
	}
	after.State = t.To
	if err := update(ctx, tx, &after); err != nil {
		return before, err
	}
	if err := pointMoved.Hit(ctx); err != nil {
		return before, err
	}
	return after, record(ctx, tx, act, before.State, before, after, note, data)
}

func record(ctx context.Context, tx *db.Tx, act Action, from State, before any, after Application, note string, data any) error {
	text := ""
	if data != nil {
		b, err := json.Marshal(data)
		if err != nil {
			return err
		}
		text = string(b)
	}
	if _, err := tx.Exec(ctx, insertStep, tx.Institution, after.ID, tx.NewID("stp"), string(act), string(from), string(after.State), tx.Actor, db.Micros(tx.Now), note, text); err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "application." + string(act), Object: "application", ObjectID: after.ID, Before: before, After: after, Note: note}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "application." + string(after.State), Aggregate: "application", AggregateID: after.ID, Payload: map[string]any{
		"application_id": after.ID, "firm_id": after.FirmID, "product_id": after.ProductID, "action": act, "from": from, "state": after.State,
		"amount_minor": after.AmountMinor, "approved_minor": after.ApprovedMinor, "currency": after.Currency, "branch_path": after.BranchPath,
	}})
}

// Instants at which a test may break off.
var (
	pointMoved   = failpoint.Declare("application.moved")
	pointDecided = failpoint.Declare("application.decided")
	pointCreated = failpoint.Declare("application.created")
)
