package inbox

import (
	"context"
	"database/sql"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const taskColumns = `id, kind, title_zh, title_en, reason_zh, reason_en, object, object_id, state, assignee_id, assignee_name, role, branch_path, due_at,
	opened_at, opened_by, claimed_at, done_at, done_by, outcome, note, version`

// A task is in a caller's view ($2 user, $3 ",role,role,", $4 branch pattern, $5 view):
// mine: assigned to them; queue: open to a role of theirs; all: both, and what their subtree's
// others hold, for who may reassign.
const inView = ` and (
	($5 in ('mine', 'all') and assignee_id = $2)
	or ($5 in ('queue', 'all') and assignee_id = '' and replace($3, ',' || role || ',', '') <> $3 and (branch_path = '' or branch_path like $4))
	or ($5 = 'branch' and (branch_path = '' or branch_path like $4)))`

const taskFilter = ` and ($6 = '' or state = $6) and ($6 <> '' or state <> 'done') and ($7 = '' or kind = $7) and ($8 = '' or object = $8) and ($9 = '' or object_id = $9)`

var (
	insertTask = db.Q(`insert into task (institution_id, id, task_key, kind, title_zh, title_en, reason_zh, reason_en, object, object_id, state,
		assignee_id, assignee_name, role, branch_path, due_at, opened_at, opened_by, claimed_at, done_at, done_by, outcome, note, version)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,'open',$11,'',$12,$13,$14,$15,$16,0,0,'','','',1) on conflict (institution_id, task_key) do nothing`)
	taskIDByKey = db.Q(`select id from task where institution_id = $1 and task_key = $2`)
	selectTask  = db.Q(`select ` + taskColumns + ` from task where institution_id = $1 and id = $2`)
	listTasks   = db.Q(`select ` + taskColumns + ` from task where institution_id = $1` + inView + taskFilter +
		` and (cast($10 as bigint) = 0 or due_at < $10) and (due_at > $11 or (due_at = $11 and id > $12)) order by due_at, id limit $13`)
	countTasks = db.Q(`select count(*), coalesce(sum(case when due_at < $11 and state <> 'done' then 1 else 0 end), 0) from task
		where institution_id = $1` + inView + taskFilter + ` and (cast($10 as bigint) = 0 or due_at < $10)`)

	claimTask = db.Q(`update task set state = 'claimed', assignee_id = $3, assignee_name = $4, claimed_at = $5, version = version + 1
		where institution_id = $1 and id = $2 and state = 'open' and (assignee_id = '' or assignee_id = $3)`)
	releaseTask = db.Q(`update task set state = 'open', assignee_id = '', assignee_name = '', claimed_at = 0, version = version + 1
		where institution_id = $1 and id = $2 and state = 'claimed' and assignee_id = $3 and role <> ''`)
	assignTask = db.Q(`update task set state = 'open', assignee_id = $3, assignee_name = $4, claimed_at = 0, version = version + 1
		where institution_id = $1 and id = $2 and state <> 'done'`)
	finishTask = db.Q(`update task set state = 'done', done_at = $3, done_by = $4, outcome = $5, note = $6, version = version + 1
		where institution_id = $1 and id = $2 and state <> 'done'`)

	insertNotification = db.Q(`insert into notification (institution_id, user_id, id, zh, en, link, at, read_at) values ($1,$2,$3,$4,$5,$6,$7,0)`)
	listNotifications  = db.Q(`select id, zh, en, link, at, read_at from notification where institution_id = $1 and user_id = $2
		and ($3 = '' or id < $3) and (cast($4 as bigint) = 0 or read_at = 0) order by id desc limit $5`)
	countNotifications = db.Q(`select count(*) from notification where institution_id = $1 and user_id = $2 and (cast($3 as bigint) = 0 or read_at = 0)`)
	countUnread        = db.Q(`select count(*) from notification where institution_id = $1 and user_id = $2 and read_at = 0`)
	readOne            = db.Q(`update notification set read_at = case when read_at = 0 then $4 else read_at end where institution_id = $1 and user_id = $2 and id = $3`)
	readAll            = db.Q(`update notification set read_at = $3 where institution_id = $1 and user_id = $2 and read_at = 0`)
	pruneNotifications = db.Q(`delete from notification where read_at <> 0 and read_at < $1`)
)

func scanTask(s interface{ Scan(dest ...any) error }, now time.Time) (Task, error) {
	var t Task
	var due, opened, claimed, done int64
	err := s.Scan(&t.ID, &t.Kind, &t.TitleZh, &t.TitleEn, &t.ReasonZh, &t.ReasonEn, &t.Object, &t.ObjectID, &t.State, &t.AssigneeID, &t.AssigneeName,
		&t.Role, &t.BranchPath, &due, &opened, &t.OpenedBy, &claimed, &done, &t.DoneBy, &t.Outcome, &t.Note, &t.Version)
	if err != nil {
		return t, err
	}
	if due != noDue {
		at := db.Time(due)
		t.DueAt, t.Overdue = &at, t.State != Done && at.Before(now)
	}
	t.OpenedAt, t.ClaimedAt, t.DoneAt = db.Time(opened), optional(claimed), optional(done)
	return t, nil
}

func optional(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := db.Time(micros)
	return &t
}

func taskByID(ctx context.Context, tx *db.Tx, id string) (Task, error) {
	t, err := scanTask(tx.QueryRow(ctx, selectTask, tx.Institution, id), tx.Now)
	if db.IsNoRows(err) {
		return t, fault.NotFoundError("task", id)
	}
	return t, err
}

func collectTasks(rows *sql.Rows, now time.Time) ([]Task, error) {
	defer rows.Close() //nolint:errcheck // read to its end below
	out := []Task{}
	for rows.Next() {
		t, err := scanTask(rows, now)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// pageSize is the bound of a page: 20 when not said, at most 200.
func pageSize(limit int) int {
	if limit <= 0 {
		return 20
	}
	return min(limit, 200)
}
