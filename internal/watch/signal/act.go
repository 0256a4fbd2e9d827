package signal

import (
	"context"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
)

// TaskKind and ReviewKind are the kinds of the tasks this package opens.
const (
	TaskKind   = "signal.review"
	ReviewKind = "signal.red_review"
)

// raise stores a signal, does its action, opens the task and tells; false when it was raised before
// or is being worked on.
func raise(ctx context.Context, tx *db.Tx, s *Signal, reduceToMinor int64) (bool, error) {
	if err := tx.Lock(ctx, "signal:"+s.FirmID); err != nil {
		return false, err
	}
	hushed, err := quiet(ctx, tx, s.FirmID, s.FacilityID, s.Code, s.AsOf)
	if err != nil || hushed {
		return false, err
	}
	s.ID, s.RaisedAt = tx.NewID("sig"), tx.Now
	currency, err := act(ctx, tx, s, reduceToMinor)
	if err != nil {
		return false, err
	}
	stored, err := insert(ctx, tx, *s)
	if err != nil {
		return false, err
	}
	if !stored {
		return false, fmt.Errorf("signal %s of %s on %s was raised by another transaction", s.Code, s.FirmID, s.AsOf)
	}
	if err := openTask(ctx, tx, *s, currency); err != nil {
		return false, err
	}
	return true, record(ctx, tx, "signal.raised", nil, *s)
}

// act does at once what the rule says, on the facility as it is now, whose currency it returns.
func act(ctx context.Context, tx *db.Tx, s *Signal, reduceToMinor int64) (money.Currency, error) {
	f, err := facility.ByID(ctx, tx, s.FacilityID)
	if err != nil {
		return "", err
	}
	return money.Currency(f.Currency), change(ctx, tx, s, f, reduceToMinor)
}

func change(ctx context.Context, tx *db.Tx, s *Signal, f facility.Facility, reduceToMinor int64) error {
	s.LimitBeforeMinor, s.LimitAfterMinor = f.LimitMinor, f.LimitMinor
	reason := fault.Text{Zh: "预警：" + s.Name.Zh + "。" + s.Reason.Zh, En: "Warning: " + s.Name.En + ". " + s.Reason.En}
	switch s.Action {
	case product.ActionReduce:
		// Never below what is in use: a reduction stops new draws, it does not call money back.
		to := max(reduceToMinor, f.UtilisedMinor)
		if to >= f.LimitMinor {
			s.Action = product.ActionTask // nothing left to cut: the task remains
			return nil
		}
		s.LimitAfterMinor = to
		return facility.SetLimit(ctx, tx, f.ID, to, reason)
	case product.ActionFreeze:
		return facility.Freeze(ctx, tx, f.ID, reason)
	case product.ActionTask:
	}
	return nil
}

func (s Signal) taskKey() string { return "signal:" + s.ID }

func openTask(ctx context.Context, tx *db.Tx, s Signal, currency money.Currency) error {
	why := fault.Text{Zh: s.Reason.Zh, En: s.Reason.En}
	switch s.Action {
	case product.ActionReduce:
		cut := func(lang string) string {
			return money.Of(s.LimitBeforeMinor, currency).Format(lang) + " → " + money.Of(s.LimitAfterMinor, currency).Format(lang)
		}
		why.Zh += "。已调低额度：" + cut("zh")
		why.En += ". The limit was lowered: " + cut("en")
	case product.ActionFreeze:
		why.Zh += "。已冻结额度"
		why.En += ". The facility was frozen"
	case product.ActionTask:
	}
	why.Zh += "。建议：" + s.Advice.Zh
	why.En += ". Advice: " + s.Advice.En
	_, err := inbox.OpenTask(ctx, tx, inbox.TaskDraft{Kind: TaskKind, Key: s.taskKey(), Object: "signal", ObjectID: s.ID,
		TitleZh: levelName[s.Level].Zh + "预警：" + s.FirmName + " · " + s.Name.Zh, TitleEn: levelName[s.Level].En + " signal: " + s.FirmName + ", " + s.Name.En,
		ReasonZh: why.Zh, ReasonEn: why.En, AssigneeID: s.ManagerID, Role: auth.RoleRelationshipManager, BranchPath: s.BranchPath,
		DueAt: due(s.Level, s.AsOf).In(time.UTC).Add(10 * time.Hour)})
	return err
}

var levelName = map[string]fault.Text{"yellow": {Zh: "黄色", En: "Yellow"}, "orange": {Zh: "橙色", En: "Orange"}, "red": {Zh: "红色", En: "Red"}}

// review opens a review by the risk department when a facility had two orange signals in thirty days
// (the early-warning catalogue, internal/watch/signal/data).
func (c judged) review(ctx context.Context, tx *db.Tx) error {
	n, err := count(ctx, tx, countOrange, c.facility.ID, c.day.AddDays(-orangeDays))
	if err != nil || n < orangeMany {
		return err
	}
	_, err = inbox.OpenTask(ctx, tx, inbox.TaskDraft{Kind: ReviewKind, Key: "signal-review:" + c.facility.ID + ":" + c.day.MonthStart().String(), Object: "facility", ObjectID: c.facility.ID,
		TitleZh: "复核：" + c.firm.Name + " 30天内多个橙色预警", TitleEn: "Review: " + c.firm.Name + ", several orange signals within 30 days",
		ReasonZh: fmt.Sprintf("30天内 %d 个橙色预警，按红色级别复核分类与额度", n), ReasonEn: fmt.Sprintf("%d orange signals within 30 days: review class and limit as if red", n),
		Role: auth.RoleRisk, BranchPath: c.facility.BranchPath, DueAt: due("red", c.day).In(time.UTC).Add(10 * time.Hour)})
	return err
}

func record(ctx context.Context, tx *db.Tx, action string, before any, s Signal) error {
	if err := audit.Record(ctx, tx, audit.Entry{Action: action, Object: "signal", ObjectID: s.ID, Before: before, After: s, Note: s.Reason.Zh}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: action, Aggregate: "signal", AggregateID: s.ID, Payload: map[string]any{
		"signal_id": s.ID, "firm_id": s.FirmID, "facility_id": s.FacilityID, "code": s.Code, "level": s.Level, "action": s.Action, "state": s.State, "reason": s.Reason,
		"limit_before_minor": s.LimitBeforeMinor, "limit_after_minor": s.LimitAfterMinor, "as_of": s.AsOf, "outcome": s.Outcome,
	}})
}
