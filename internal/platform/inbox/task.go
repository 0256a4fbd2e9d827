// Package inbox is what waits for people: the work queue (tasks for a person or a role of a branch)
// and each user's notifications. Domains open and close tasks in the transaction of their change.
package inbox

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// State of a task.
type State string

// The states of a task.
const (
	Open    State = "open"
	Claimed State = "claimed"
	Done    State = "done"
)

// Limits of what a person is shown.
const (
	textRunesMax = 2000
	keyBytesMax  = 200
	noteRunesMax = 4000
)

// noDue is the stored due time of a task without one; it sorts last. The year 9999.
const noDue = 253_402_300_799_000_000

// TaskDraft asks for a task. Either AssigneeID or Role says whose it is.
type TaskDraft struct {
	Kind       string // "signal.review"
	TitleZh    string
	TitleEn    string
	ReasonZh   string // why it was opened
	ReasonEn   string
	Object     string // what it is about: "firm"
	ObjectID   string
	AssigneeID string // a user, when the person is known
	Role       string // otherwise who may claim it
	BranchPath string // whose subtree it belongs to; empty: the whole institution
	DueAt      time.Time
	Key        string // the same key opens once, ever; empty: always opens
}

// Task is a task as people see it.
type Task struct {
	ID           string     `json:"id"`
	Kind         string     `json:"kind"`
	TitleZh      string     `json:"title_zh"`
	TitleEn      string     `json:"title_en"`
	ReasonZh     string     `json:"reason_zh"`
	ReasonEn     string     `json:"reason_en"`
	Object       string     `json:"object"`
	ObjectID     string     `json:"object_id"`
	State        State      `json:"state" enum:"open,claimed,done"`
	AssigneeID   string     `json:"assignee_id"`
	AssigneeName string     `json:"assignee_name"`
	Role         string     `json:"role"`
	BranchPath   string     `json:"branch_path"`
	DueAt        *time.Time `json:"due_at,omitempty"`
	Overdue      bool       `json:"overdue"`
	OpenedAt     time.Time  `json:"opened_at"`
	OpenedBy     string     `json:"opened_by"`
	ClaimedAt    *time.Time `json:"claimed_at,omitempty"`
	DoneAt       *time.Time `json:"done_at,omitempty"`
	DoneBy       string     `json:"done_by,omitempty"`
	Outcome      string     `json:"outcome,omitempty"`
	Note         string     `json:"note,omitempty"`
	Version      int64      `json:"version"`
}

func (d TaskDraft) validate() error {
	var errs []error
	for _, f := range []struct{ name, value string }{{"kind", d.Kind}, {"title_zh", d.TitleZh}, {"title_en", d.TitleEn}} {
		if f.value == "" {
			errs = append(errs, fault.Required(f.name))
		}
	}
	if d.AssigneeID == "" && d.Role == "" {
		errs = append(errs, fault.Field("role", "任务须有经办人或角色", "a task needs an assignee or a role"))
	}
	if len(d.Key) > keyBytesMax {
		errs = append(errs, fault.New(fault.ReasonTooLarge, "what", "task key", "limit", keyBytesMax))
	}
	return fault.Join(errs...)
}

// cut keeps texts made from other people's data within the limit.
func cut(s string) string {
	r := []rune(strings.TrimSpace(s))
	if len(r) > textRunesMax {
		return string(r[:textRunesMax-1]) + "…"
	}
	return string(r)
}

// OpenTask opens a task in the caller's transaction and gives its id; a key that was used before
// gives the task it opened then, whatever became of it.
func OpenTask(ctx context.Context, tx *db.Tx, d TaskDraft) (string, error) {
	if err := d.validate(); err != nil {
		return "", err
	}
	id := tx.NewID("tsk")
	key := d.Key
	if key == "" {
		key = id
	}
	due := db.Micros(d.DueAt)
	if due == 0 {
		due = noDue
	}
	opened, err := tx.ExecOne(ctx, insertTask, tx.Institution, id, key, d.Kind, cut(d.TitleZh), cut(d.TitleEn), cut(d.ReasonZh), cut(d.ReasonEn),
		d.Object, d.ObjectID, d.AssigneeID, d.Role, d.BranchPath, due, db.Micros(tx.Now), tx.Actor)
	if err != nil {
		return "", fmt.Errorf("open task %s: %w", d.Kind, err)
	}
	if !opened {
		var existing string
		if err := tx.QueryRow(ctx, taskIDByKey, tx.Institution, key).Scan(&existing); err != nil {
			return "", fmt.Errorf("open task %s: %w", d.Kind, err)
		}
		return existing, nil
	}
	if err := pointOpened.Hit(ctx); err != nil {
		return "", err
	}
	if d.AssigneeID != "" {
		if err := Notify(ctx, tx, d.AssigneeID, d.TitleZh, d.TitleEn, "/tasks/"+id); err != nil {
			return "", err
		}
	}
	return id, change(ctx, tx, "task.opened", id, map[string]any{"kind": d.Kind, "object": d.Object, "object_id": d.ObjectID, "assignee_id": d.AssigneeID, "role": d.Role})
}

// CloseTask closes the task of a key from outside (what it asked for has happened). A task that is
// done or never was opened is left alone.
func CloseTask(ctx context.Context, tx *db.Tx, key, outcome string) error {
	var id string
	err := tx.QueryRow(ctx, taskIDByKey, tx.Institution, key).Scan(&id)
	if db.IsNoRows(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("close task %s: %w", key, err)
	}
	closed, err := tx.ExecOne(ctx, finishTask, tx.Institution, id, db.Micros(tx.Now), tx.Actor, outcome, "")
	if err != nil || !closed {
		return err
	}
	return change(ctx, tx, "task.done", id, map[string]any{"outcome": outcome})
}

// change writes the audit record and the event of a change to a task.
func change(ctx context.Context, tx *db.Tx, what, id string, after map[string]any) error {
	if err := audit.Record(ctx, tx, audit.Entry{Action: what, Object: "task", ObjectID: id, After: after}); err != nil {
		return err
	}
	after["task_id"] = id
	return event.Append(ctx, tx, event.Draft{Type: what, Aggregate: "task", AggregateID: id, Payload: after})
}

// mayWork reports that the task is p's: assigned to p, or open to a role p holds in p's subtree.
func (t Task) mayWork(p auth.Principal) bool {
	if t.AssigneeID != "" {
		return t.AssigneeID == p.UserID
	}
	return p.HasRole(t.Role) && (t.BranchPath == "" || p.Sees(t.BranchPath))
}

// maySee reports that p may look at the task.
func (t Task) maySee(p auth.Principal) bool {
	return t.mayWork(p) || t.AssigneeID == p.UserID || t.OpenedBy == p.UserID ||
		((p.HasRole(t.Role) || p.Can(PermissionReassign)) && (t.BranchPath == "" || p.Sees(t.BranchPath)))
}

// Instants at which a test may break off.
var (
	pointOpened = failpoint.Declare("task.opened")
)
