package eod

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Failure is a loan that the end of a day could not work. It stops no other loan.
type Failure struct {
	ClosingDate calendar.Date `json:"closing_date"`
	LoanID      string        `json:"loan_id"`
	Step        Step          `json:"step"`
	To          calendar.Date `json:"to" doc:"the date it should have been worked up to"`
	Code        string        `json:"code"`
	Reason      fault.Text    `json:"reason"`
	Tries       int64         `json:"tries"`
	FirstAt     time.Time     `json:"first_at"`
	LastAt      time.Time     `json:"last_at"`
	ResolvedAt  *time.Time    `json:"resolved_at,omitempty"`
}

// Limits of failures.
const (
	retryMax = 200
	noteMax  = 400
)

// PermissionComplete lets a role complete a day although loans have failed.
var PermissionComplete = auth.DeclarePermission("eod.complete", "带失败贷款完成日终", "Complete a day with failed loans", auth.RoleOperations)

// Reasons of failures.
var (
	ReasonFailed = fault.Declare("EOD_LOANS_FAILED", fault.Conflict,
		"{count} 笔贷款未能完成日终处理，其余已处理", "{count} loans could not be worked; all others were",
		"在失败清单中查看原因并重试，或说明理由后完成该营业日", "See the reasons in the list and retry them, or complete the day and say why")
	ReasonNothingOpen = fault.Declare("EOD_NOTHING_OPEN", fault.Conflict,
		"营业日 {date} 没有待处理的失败贷款", "The day {date} has no failed loans waiting",
		"刷新状态后再试", "Look at the status and try again")
)

var (
	upsertFailure = db.Q(`insert into eod_failure (institution_id, closing_date, loan_id, step, to_date, code, reason_zh, reason_en, tries, first_at, last_at, resolved_at)
		values ($1,$2,$3,$4,$5,$6,$7,$8,1,$9,$9,0)
		on conflict (institution_id, closing_date, loan_id) do update set step = excluded.step, to_date = excluded.to_date, code = excluded.code, reason_zh = excluded.reason_zh,
			reason_en = excluded.reason_en, tries = eod_failure.tries + 1, last_at = excluded.last_at, resolved_at = 0`)
	// A failure is over when its loan is worked, however that came about, or no longer open.
	resolveFailures = db.Q(`update eod_failure set resolved_at = $2 where institution_id = $1 and resolved_at = 0 and exists (select 1 from loan_day d where d.institution_id = eod_failure.institution_id
		and d.loan_id = eod_failure.loan_id and (d.processed_to >= eod_failure.to_date or d.status not in ('active', 'overdue')))`)
	countFailures  = db.Q(`select count(*) from eod_failure where institution_id = $1 and resolved_at = 0 and closing_date = $2`)
	countAll       = db.Q(`select count(*) from eod_failure where institution_id = $1 and ($2 = '' or closing_date = $2) and ($3 = 0 or resolved_at = 0)`)
	selectFailures = db.Q(`select closing_date, loan_id, step, to_date, code, reason_zh, reason_en, tries, first_at, last_at, resolved_at from eod_failure
		where institution_id = $1 and ($2 = '' or closing_date = $2) and ($3 = 0 or resolved_at = 0) and (closing_date < $4 or (closing_date = $4 and loan_id > $5))
		order by closing_date desc, loan_id limit $6`)
	selectOpenFailures = db.Q(`select loan_id from eod_failure where institution_id = $1 and closing_date = $2 and resolved_at = 0 and loan_id > $3 order by loan_id limit $4`)
)

func putFailure(ctx context.Context, tx *db.Tx, f Failure) error {
	_, err := tx.Exec(ctx, upsertFailure, tx.Institution, f.ClosingDate.String(), f.LoanID, string(f.Step), f.To.String(), f.Code,
		db.Text(f.Reason.Zh, 600), db.Text(f.Reason.En, 600), db.Micros(tx.Now))
	return err
}

func resolve(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, resolveFailures, tx.Institution, max(1, db.Micros(tx.Now)))
	return err
}

func openFailures(ctx context.Context, tx *db.Tx, closing calendar.Date) (n int64, err error) {
	err = tx.QueryRow(ctx, countFailures, tx.Institution, closing.String()).Scan(&n)
	return n, err
}

// FailureFilter narrows the list of failures.
type FailureFilter struct {
	ClosingDate calendar.Date
	Open        bool
	Limit       int
	Cursor      string
}

// Failures pages through loans that could not be worked, newest day first.
func (s *Service) Failures(ctx context.Context, p auth.Principal, f FailureFilter) (page api.Page[Failure], err error) {
	if !p.Can(PermissionRun) && !p.Can(loan.PermissionRead) {
		return page, fault.New(fault.ReasonForbidden, "permission", PermissionRun)
	}
	parts, err := api.DecodeCursor(f.Cursor, 2)
	if err != nil {
		return page, err
	}
	if parts[0] == "" {
		parts[0] = "9999-12-31"
	}
	if f.Limit <= 0 || f.Limit > retryMax {
		f.Limit = 20
	}
	open := 0
	if f.Open {
		open = 1
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countAll, tx.Institution, f.ClosingDate.String(), open).Scan(&page.Total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectFailures, tx.Institution, f.ClosingDate.String(), open, parts[0], parts[1], f.Limit+1)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // its error is in rows.Err
		for rows.Next() {
			x, err := scanFailure(rows)
			if err != nil {
				return err
			}
			page.Items = append(page.Items, x)
		}
		return rows.Err()
	})
	if page.Items == nil {
		page.Items = []Failure{}
	}
	if len(page.Items) > f.Limit {
		page.Items = page.Items[:f.Limit]
		last := page.Items[f.Limit-1]
		page.NextCursor = api.EncodeCursor(last.ClosingDate.String(), last.LoanID)
	}
	return page, err
}

func scanFailure(row scanner) (f Failure, err error) {
	var first, last, resolved int64
	err = row.Scan(&f.ClosingDate, &f.LoanID, &f.Step, &f.To, &f.Code, &f.Reason.Zh, &f.Reason.En, &f.Tries, &first, &last, &resolved)
	f.FirstAt, f.LastAt = db.Time(first), db.Time(last)
	if resolved != 0 {
		at := db.Time(resolved)
		f.ResolvedAt = &at
	}
	return f, err
}

// Retried is what came of a retry.
type Retried struct {
	Worked int64 `json:"worked"`
	Failed int64 `json:"failed"`
}

// Retry works failed loans of a day again, each in a transaction of its own, up to the business date: those named, or up to 200
// that wait. What fails again says why in the list.
func (s *Service) Retry(ctx context.Context, p auth.Principal, closing calendar.Date, loanIDs []string) (out Retried, err error) {
	if err := p.Require(PermissionRun); err != nil {
		return out, err
	}
	if len(loanIDs) > retryMax {
		return out, fault.New(fault.ReasonTooLarge, "what", "loan_ids", "limit", retryMax)
	}
	var waiting []string
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		waiting, err = openIDs(ctx, tx, closing, loanIDs)
		return err
	})
	if err != nil {
		return out, err
	}
	for _, id := range waiting {
		cause := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
			if err := loan.CatchUpByID(ctx, tx, id); err != nil {
				return err
			}
			return resolve(ctx, tx)
		})
		if cause == nil {
			out.Worked++
			continue
		}
		if ctx.Err() != nil || db.IsUnavailable(cause) {
			return out, cause
		}
		out.Failed++
		if err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
			today, err := tx.BusinessDate(ctx)
			if err != nil {
				return err
			}
			return putFailure(ctx, tx, Failure{ClosingDate: closing, LoanID: id, Step: StepAccrue, To: today, Code: codeOf(cause), Reason: reasonOf(cause)})
		}); err != nil {
			return out, err
		}
	}
	return out, nil
}

// openIDs lists the first loans that wait, or those of the named that do.
func openIDs(ctx context.Context, tx *db.Tx, closing calendar.Date, named []string) (out []string, err error) {
	for after := ""; ; {
		ids, err := openAfter(ctx, tx, closing, after)
		if err != nil || len(named) == 0 {
			return ids, err
		}
		for _, id := range ids {
			if slices.Contains(named, id) {
				out = append(out, id)
			}
		}
		if len(ids) < retryMax {
			return out, nil
		}
		after = ids[len(ids)-1]
	}
}

func openAfter(ctx context.Context, tx *db.Tx, closing calendar.Date, after string) (out []string, err error) {
	rows, err := tx.Query(ctx, selectOpenFailures, tx.Institution, closing.String(), after, retryMax)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// Complete lets a day end although loans have failed. Who says so and why stands in the run and in the audit record; the loans
// stay in the list and are worked up when they can be, at the latest before anything is written to them.
func (s *Service) Complete(ctx context.Context, p auth.Principal, closing calendar.Date, note string) (r Run, err error) {
	if err := p.Require(PermissionComplete); err != nil {
		return r, err
	}
	if note = strings.TrimSpace(note); note == "" || len(note) > noteMax {
		return r, fault.Field("note", "须说明理由，至多400字节", "must say why, in at most 400 bytes")
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if r, err = find(ctx, tx, closing); db.IsNoRows(err) {
			return fault.NotFoundError("end of day", closing.String())
		} else if err != nil {
			return err
		}
		open, err := openFailures(ctx, tx, closing)
		if err != nil {
			return err
		}
		if open == 0 || r.Failed == 0 || r.Step != StepAccrue { // what has not failed yet cannot be accepted
			return fault.New(ReasonNothingOpen, "date", closing)
		}
		before := r
		r.Accepted, r.Failed, r.AcceptedFailed = tx.Actor+": "+note, open, open
		accepted, err := tx.ExecOne(ctx, acceptRun, tx.Institution, closing.String(), r.Accepted, open)
		if err != nil {
			return err
		}
		if !accepted {
			return fault.New(ReasonRunning)
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "eod.accept_failures", Object: "institution", ObjectID: tx.Institution, Before: before, After: r, Note: note}); err != nil {
			return err
		}
		if err := event.Append(ctx, tx, event.Draft{Type: "eod.failures_accepted", Aggregate: "institution", AggregateID: tx.Institution, Payload: r}); err != nil {
			return err
		}
		if s.enqueuer == nil || !p.Can(PermissionRun) { // then who may run it goes on with it
			return nil
		}
		_, err = s.resume(ctx, tx, p) // in the same commit: what is accepted goes on
		return err
	})
	return r, err
}
