package inbox

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// PermissionReassign lets a supervisor see and hand over the tasks of the subtree.
var PermissionReassign = auth.DeclarePermission("task.reassign", "改派任务", "Reassign tasks",
	auth.RoleApprover, auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance)

// UserLookup finds a user of the transaction's institution by id.
type UserLookup func(ctx context.Context, tx *db.Tx, userID string) (name string, found bool, err error)

// Service is the people's side of the inbox.
type Service struct {
	db    *db.DB
	users UserLookup
}

// NewService makes the service; users may be nil, then a task can be reassigned to any user id.
func NewService(d *db.DB, users UserLookup) *Service { return &Service{db: d, users: users} }

// Filter of Tasks; empty fields do not filter.
type Filter struct {
	View     string // "mine", "queue", "all" (both, default), "branch" (supervisors: everything of the subtree)
	State    State  // empty: what is not done
	Kind     string
	Object   string
	ObjectID string
	Overdue  bool
	Cursor   string
	Limit    int
}

// Tasks is a page of the work queue, the most urgent first.
type Tasks struct {
	Items      []Task
	NextCursor string
	Total      int64
	Overdue    int64 // of all that match
}

// Tasks lists what waits for the caller.
func (s *Service) Tasks(ctx context.Context, p auth.Principal, f Filter) (out Tasks, err error) {
	if f.View == "" {
		f.View = "all"
	}
	if f.View == "branch" {
		if err := p.Require(PermissionReassign); err != nil {
			return out, err
		}
	}
	f.Limit = pageSize(f.Limit)
	after, err := api.DecodeCursor(f.Cursor, 2)
	if err != nil {
		return out, err
	}
	var afterDue int64
	if after[0] != "" {
		if afterDue, err = strconv.ParseInt(after[0], 10, 64); err != nil {
			return out, fault.Field("cursor", "不是本列表给出的游标", "is not a cursor given by this list")
		}
	}
	roles := "," + strings.Join(p.Roles, ",") + ","
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		now, before := db.Micros(tx.Now), int64(0)
		if f.Overdue {
			before = now
		}
		args := []any{p.InstitutionID, p.UserID, roles, p.BranchPattern(), f.View, string(f.State), f.Kind, f.Object, f.ObjectID, before}
		if err := tx.QueryRow(ctx, countTasks, append(args[:10:10], now)...).Scan(&out.Total, &out.Overdue); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, listTasks, append(args[:10:10], afterDue, after[1], f.Limit+1)...)
		if err != nil {
			return err
		}
		out.Items, err = collectTasks(rows, tx.Now)
		return err
	})
	if err != nil {
		return out, fmt.Errorf("list tasks: %w", err)
	}
	if len(out.Items) > f.Limit {
		out.Items = out.Items[:f.Limit]
		last := out.Items[f.Limit-1]
		due := int64(noDue)
		if last.DueAt != nil {
			due = db.Micros(*last.DueAt)
		}
		out.NextCursor = api.EncodeCursor(strconv.FormatInt(due, 10), last.ID)
	}
	return out, nil
}

// Task gives one task that the caller may see.
func (s *Service) Task(ctx context.Context, p auth.Principal, id string) (t Task, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		t, err = visible(ctx, tx, p, id)
		return err
	})
	return t, err
}

func visible(ctx context.Context, tx *db.Tx, p auth.Principal, id string) (Task, error) {
	t, err := taskByID(ctx, tx, id)
	if err == nil && !t.maySee(p) {
		return Task{}, fault.NotFoundError("task", id)
	}
	return t, err
}

// act runs one change of a task and gives the task after it.
func (s *Service) act(ctx context.Context, p auth.Principal, id string, fn func(tx *db.Tx, t Task) error) (t Task, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		before, err := visible(ctx, tx, p, id)
		if err != nil {
			return err
		}
		if before.State == Done {
			return fault.New(ReasonDone)
		}
		if err := fn(tx, before); err != nil {
			return err
		}
		t, err = taskByID(ctx, tx, id)
		return err
	})
	return t, err
}

// Claim takes a task for the caller; of two who try at once one gets it.
func (s *Service) Claim(ctx context.Context, p auth.Principal, id string) (Task, error) {
	return s.act(ctx, p, id, func(tx *db.Tx, t Task) error {
		if t.State == Claimed && t.AssigneeID == p.UserID {
			return nil
		}
		if !t.mayWork(p) {
			return taken(t)
		}
		won, err := tx.ExecOne(ctx, claimTask, p.InstitutionID, id, p.UserID, p.Name, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		if !won {
			now, err := taskByID(ctx, tx, id)
			if err != nil {
				return err
			}
			return taken(now)
		}
		return change(ctx, tx, "task.claimed", id, map[string]any{"assignee_id": p.UserID})
	})
}

func taken(t Task) error {
	holder := t.AssigneeName
	if holder == "" {
		holder = t.AssigneeID
	}
	if holder == "" {
		holder = t.Role
	}
	return fault.New(ReasonTaken, "assignee", holder)
}

// Release gives a claimed task back to its role's queue.
func (s *Service) Release(ctx context.Context, p auth.Principal, id string) (Task, error) {
	return s.act(ctx, p, id, func(tx *db.Tx, t Task) error {
		done, err := tx.ExecOne(ctx, releaseTask, p.InstitutionID, id, p.UserID)
		if err != nil {
			return err
		}
		if !done {
			return fault.New(ReasonNotHeld)
		}
		return change(ctx, tx, "task.released", id, map[string]any{"assignee_id": p.UserID})
	})
}

// Complete closes a task that the caller holds (or may claim: then it is claimed by that).
func (s *Service) Complete(ctx context.Context, p auth.Principal, id, outcome, note string) (Task, error) {
	if outcome == "" {
		return Task{}, fault.Required("outcome")
	}
	if utf8.RuneCountInString(note) > noteRunesMax {
		return Task{}, fault.New(fault.ReasonTooLarge, "what", "note", "limit", noteRunesMax).WithField("note")
	}
	return s.act(ctx, p, id, func(tx *db.Tx, t Task) error {
		if !t.mayWork(p) {
			return taken(t)
		}
		if t.State == Open {
			won, err := tx.ExecOne(ctx, claimTask, p.InstitutionID, id, p.UserID, p.Name, db.Micros(tx.Now))
			if err != nil {
				return err
			}
			if !won {
				return fault.New(fault.ReasonConflict, "object", "task "+id, "problem", "somebody took it", "problem_zh", "已被他人领取")
			}
		}
		done, err := tx.ExecOne(ctx, finishTask, p.InstitutionID, id, db.Micros(tx.Now), p.UserID, outcome, note)
		if err != nil {
			return err
		}
		if !done {
			return fault.New(ReasonDone)
		}
		return change(ctx, tx, "task.done", id, map[string]any{"outcome": outcome, "note": note})
	})
}

// Reassign hands a task of the caller's subtree to a user, who is notified.
func (s *Service) Reassign(ctx context.Context, p auth.Principal, id, userID string) (Task, error) {
	if err := p.Require(PermissionReassign); err != nil {
		return Task{}, err
	}
	if userID == "" {
		return Task{}, fault.Required("user_id")
	}
	return s.act(ctx, p, id, func(tx *db.Tx, t Task) error {
		name := ""
		if s.users != nil {
			found := false
			var err error
			if name, found, err = s.users(ctx, tx, userID); err != nil {
				return err
			}
			if !found {
				return fault.NotFoundError("user", userID).WithField("user_id")
			}
		}
		done, err := tx.ExecOne(ctx, assignTask, p.InstitutionID, id, userID, name)
		if err != nil {
			return err
		}
		if !done {
			return fault.New(ReasonDone)
		}
		if err := Notify(ctx, tx, userID, "任务改派给您："+t.TitleZh, "A task was reassigned to you: "+t.TitleEn, "/tasks/"+id); err != nil {
			return err
		}
		return change(ctx, tx, "task.reassigned", id, map[string]any{"assignee_id": userID, "from": t.AssigneeID})
	})
}
