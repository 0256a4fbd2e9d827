package approval

import (
	"context"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
)

// TaskKind is the kind of the tasks this package opens.
const TaskKind = "application.approve"

// Service is the approvers' desk.
type Service struct {
	db   *db.DB
	apps *application.Service
}

// NewService makes the service and takes the referrals of the application pipeline.
func NewService(d *db.DB, apps *application.Service) *Service {
	s := &Service{db: d, apps: apps}
	apps.OnRefer(s.refer, s.leave)
	return s
}

func taskKey(decisionID string) string { return "approval:" + decisionID }

// refer opens the case and its task in the transaction of the referral.
func (s *Service) refer(ctx context.Context, tx *db.Tx, a application.Application, d decision.Decision) error {
	c, err := product.Active(ctx, tx, a.ProductID)
	if err != nil {
		return err
	}
	day, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	k := Case{ID: tx.NewID("apv"), ApplicationID: a.ID, DecisionID: d.ID, FirmID: a.FirmID, FirmName: a.FirmName, ProductID: a.ProductID, BranchPath: a.BranchPath,
		AmountMinor: d.Outcome.AmountMinor, LimitMinor: d.Outcome.LimitMinor, Currency: a.Currency, Rate: d.Outcome.Rate, Grade: d.Inputs.Grade, Roles: d.Outcome.Authority,
		SubmitterID: a.SubmittedBy, CreatorID: a.CreatedBy, State: Open, OpenedAt: tx.Now, DueOn: dueOn(day, c.Decision.ReferDays), Version: 1}
	if err := insert(ctx, tx, k); err != nil {
		return fmt.Errorf("open approval: %w", err)
	}
	if err := openTask(ctx, tx, k, a, c); err != nil {
		return err
	}
	return record(ctx, tx, "approval.opened", nil, k, "")
}

func openTask(ctx context.Context, tx *db.Tx, k Case, a application.Application, c *product.Compiled) error {
	why := fault.Text{}
	for _, r := range a.Reasons {
		if r.Kind == product.Refer {
			why.Zh += r.Text.Zh + "；"
			why.En += r.Text.En + "; "
		}
	}
	amount := money.Of(k.AmountMinor, money.Currency(k.Currency))
	_, err := inbox.OpenTask(ctx, tx, inbox.TaskDraft{Kind: TaskKind, Object: "approval", ObjectID: k.ID, Key: taskKey(k.DecisionID), Role: k.Roles[0],
		TitleZh: fmt.Sprintf("审批：%s %s %s", k.FirmName, c.Name.Zh, amount.Format("zh")), TitleEn: fmt.Sprintf("Approve: %s, %s, %s", k.FirmName, c.Name.En, amount.Format("en")),
		ReasonZh: why.Zh, ReasonEn: why.En, BranchPath: k.BranchPath, DueAt: k.DueOn.In(time.UTC).Add(16 * time.Hour)})
	return err
}

// leave closes the case of a withdrawn application.
func (s *Service) leave(ctx context.Context, tx *db.Tx, a application.Application) error {
	k, err := read(ctx, tx, selectOpenOf, a.ID)
	if fault.Is(err, fault.ReasonNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.close(ctx, tx, k, Withdrawn, Ruling{Note: "withdrawn"})
}

func (s *Service) close(ctx context.Context, tx *db.Tx, k Case, to State, r Ruling) error {
	done, err := tx.ExecOne(ctx, decideCase, tx.Institution, k.ID, string(to), tx.Actor, db.Micros(tx.Now), r.AmountMinor, int64(r.Rate), r.Note)
	if err != nil {
		return err
	}
	if !done {
		return fault.New(ReasonDecided, "state", k.State)
	}
	if err := inbox.CloseTask(ctx, tx, taskKey(k.DecisionID), string(to)); err != nil {
		return err
	}
	before := k
	k.State, k.DecidedBy, k.DecidedAt, k.ApprovedMinor, k.ApprovedRate, k.Note, k.Version = to, tx.Actor, tx.Now, r.AmountMinor, r.Rate, r.Note, k.Version+1
	return record(ctx, tx, "approval."+string(to), before, k, r.Note)
}

func record(ctx context.Context, tx *db.Tx, action string, before any, k Case, note string) error {
	if err := audit.Record(ctx, tx, audit.Entry{Action: action, Object: "approval", ObjectID: k.ID, Before: before, After: k, Note: note}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: action, Aggregate: "approval", AggregateID: k.ID, Payload: k})
}

// Approve lends within the rules: the case's amount and rate, or less, or dearer.
func (s *Service) Approve(ctx context.Context, p auth.Principal, id string, r Ruling) (Case, error) {
	return s.rule(ctx, p, id, func(tx *db.Tx, k Case) error {
		c, err := product.Active(ctx, tx, k.ProductID)
		if err != nil {
			return err
		}
		floor, err := decision.RateFloor(ctx, tx, c)
		if err != nil {
			return err
		}
		r, err := k.bounds(r, c, min(floor, k.Rate))
		if err == nil {
			err = within(ctx, tx, p, k, r.AmountMinor)
		}
		if err != nil {
			return err
		}
		if _, err := s.apps.Rule(ctx, tx, k.ApplicationID, application.Ruling{Action: application.ActApprove, AmountMinor: r.AmountMinor, Rate: r.Rate, Note: r.Note}); err != nil {
			return err
		}
		return s.close(ctx, tx, k, Approved, r)
	})
}

// within holds an approver to the authority that the institution has granted or a colleague delegated, if it has
// granted any: the recipe says which roles may decide, the authority how much this person may.
func within(ctx context.Context, tx *db.Tx, p auth.Principal, k Case, amountMinor int64) error {
	limit, bounded, err := auth.Ceiling(ctx, tx, p, auth.KindCreditApprove, k.Currency)
	if err != nil || !bounded || amountMinor <= limit || p.Via == "system" {
		return err
	}
	show := func(minor int64) string { return money.Of(minor, money.Currency(k.Currency)).Format(p.Lang) }
	return fault.New(ReasonCeiling, "amount", show(amountMinor), "limit", show(limit)).WithField("amount_minor")
}

// Decline refuses; the note becomes a reason that the firm reads.
func (s *Service) Decline(ctx context.Context, p auth.Principal, id string, note string) (Case, error) {
	return s.rule(ctx, p, id, func(tx *db.Tx, k Case) error {
		if err := noted(note); err != nil {
			return err
		}
		day, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		reason := decision.Reason{Code: "DECLINED_BY_PERSON", Kind: product.KnockOut, RetryOn: day.AddDays(90),
			Text:   fault.Text{Zh: "审批人意见：" + note, En: "Approver's note: " + note},
			Remedy: fault.Text{Zh: "联系客户经理了解需补充的材料", En: "Ask the relationship manager what would help"}}
		if _, err := s.apps.Rule(ctx, tx, k.ApplicationID, application.Ruling{Action: application.ActDecline, Note: note, Reason: &reason}); err != nil {
			return err
		}
		return s.close(ctx, tx, k, Declined, Ruling{Note: note})
	})
}

// Return sends the application back to draft for completion.
func (s *Service) Return(ctx context.Context, p auth.Principal, id string, note string) (Case, error) {
	return s.rule(ctx, p, id, func(tx *db.Tx, k Case) error {
		if err := noted(note); err != nil {
			return err
		}
		a, err := s.apps.Rule(ctx, tx, k.ApplicationID, application.Ruling{Action: application.ActReturn, Note: note})
		if err != nil {
			return err
		}
		if a.ManagerID != "" {
			if err := inbox.Notify(ctx, tx, a.ManagerID, "申请被退回补充："+k.FirmName+"："+note, "Application returned for completion: "+k.FirmName+": "+note, "/applications/"+a.ID); err != nil {
				return err
			}
		}
		return s.close(ctx, tx, k, Returned, Ruling{Note: note})
	})
}

func (s *Service) rule(ctx context.Context, p auth.Principal, id string, fn func(tx *db.Tx, k Case) error) (k Case, err error) {
	if err := p.Require(permissionDecide); err != nil {
		return k, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		k, err = read(ctx, tx, selectForUpdate, id)
		if err == nil && !p.Sees(k.BranchPath) {
			err = fault.NotFoundError("approval", id)
		}
		if err != nil {
			return err
		}
		if err := k.open(); err != nil {
			return err
		}
		if err := k.may(p); err != nil {
			return err
		}
		if err := fn(tx, k); err != nil {
			return err
		}
		k, err = read(ctx, tx, selectByID, id)
		return err
	})
	return k, err
}

// Filter narrows a list.
type Filter struct {
	State  string
	FirmID string
}

// List gives one page of cases, newest first, within the caller's branch.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter, after string, limit int) (items []Case, total int64, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		items, total, err = list(ctx, tx, p.BranchPattern(), f, after, limit)
		return err
	})
	return items, total, err
}

// Get reads a case.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (k Case, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		k, err = read(ctx, tx, selectByID, id)
		if err == nil && !p.Sees(k.BranchPath) {
			err = fault.NotFoundError("approval", id)
		}
		return err
	})
	return k, err
}
