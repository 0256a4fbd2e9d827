package eod

import (
	"context"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Current is how far the step of an unfinished run is, summed over every server that works on it.
type Current struct {
	ClosingDate calendar.Date `json:"closing_date"`
	Step        Step          `json:"step"`
	Text        fault.Text    `json:"text"`
	Tally
	Working    int64 `json:"working" doc:"parts that a worker holds now"`
	Rate       int64 `json:"loans_per_second"`
	ETASeconds int64 `json:"eta_seconds" doc:"-1 while unknown"`
}

// Part is one range of loans of a step.
type Part struct {
	Step       Step       `json:"step"`
	No         int        `json:"no"`
	Loans      int64      `json:"loans"`
	Done       int64      `json:"done"`
	Failed     int64      `json:"failed"`
	LoanDays   int64      `json:"loan_days"`
	Worker     string     `json:"worker,omitempty" doc:"who works on it, or did last"`
	State      string     `json:"state" enum:"waiting,working,finished"`
	UpdatedAt  time.Time  `json:"updated_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

const partsShown = 500

var (
	countWorking = db.Q(`select count(*) from eod_part where institution_id = $1 and closing_date = $2 and step = $3 and finished_at = 0 and lease_until >= $4`)
	selectParts  = db.Q(`select step, no, loans, done, failed, days, worker, lease_until, updated_at, finished_at from eod_part
		where institution_id = $1 and closing_date = $2 order by step, no limit $3`)
)

// current tells how far the unfinished run r is.
func (s *Service) current(ctx context.Context, tx *db.Tx, r Run) (*Current, error) {
	c := &Current{ClosingDate: r.ClosingDate, Step: r.Step, ETASeconds: -1}
	if w := s.find(r.Step); w != nil {
		c.Text = w.Text
	}
	key := []any{tx.Institution, r.ClosingDate.String(), string(r.Step)}
	var err error
	if c.Tally, _, err = tallyOf(ctx, tx, key); err != nil {
		return nil, err
	}
	if err := tx.QueryRow(ctx, countWorking, append(key, db.Micros(tx.Now))...).Scan(&c.Working); err != nil {
		return nil, err
	}
	c.pace()
	return c, nil
}

// pace is what the step has done over its whole time: parts of every server count, and a pause counts against it.
func (c *Current) pace() {
	if ms := c.UpdatedAt.Sub(c.StartedAt).Milliseconds(); ms > 0 {
		c.Rate = c.Done * 1000 / ms
	}
	if left := c.Loans - c.Done - c.Failed; c.Rate > 0 && left >= 0 {
		c.ETASeconds = (left + c.Rate - 1) / c.Rate
	}
}

// Parts lists the ranges of a day's steps, at most 500.
func (s *Service) Parts(ctx context.Context, p auth.Principal, closing calendar.Date) (out []Part, err error) {
	if !p.Can(PermissionRun) && !p.Can(loan.PermissionRead) {
		return nil, fault.New(fault.ReasonForbidden, "permission", PermissionRun)
	}
	out = []Part{}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, selectParts, tx.Institution, closing.String(), partsShown)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // its error is in rows.Err
		for rows.Next() {
			var x Part
			var lease, updated, finished int64
			if err := rows.Scan(&x.Step, &x.No, &x.Loans, &x.Done, &x.Failed, &x.LoanDays, &x.Worker, &lease, &updated, &finished); err != nil {
				return err
			}
			x.UpdatedAt, x.State = db.Time(updated), "waiting"
			switch {
			case finished > 0:
				at := db.Time(finished)
				x.FinishedAt, x.State = &at, "finished"
			case lease >= db.Micros(tx.Now):
				x.State = "working"
			}
			out = append(out, x)
		}
		return rows.Err()
	})
	return out, err
}

// Shares lists the loans behind an entry of summed interest.
func (s *Service) Shares(ctx context.Context, p auth.Principal, sumID string, limit int, cursor string) (page api.Page[loan.Share], err error) {
	if err := p.Require(loan.PermissionRead); err != nil {
		return page, err
	}
	parts, err := api.DecodeCursor(cursor, 1)
	if err != nil {
		return page, err
	}
	if limit <= 0 || limit > 200 {
		limit = 20
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if page.Items, err = loan.Shares(ctx, tx, sumID, p.BranchPattern(), parts[0], limit+1); err != nil {
			return err
		}
		page.Total, err = loan.CountShares(ctx, tx, sumID)
		return err
	})
	if page.Items == nil {
		page.Items = []loan.Share{}
	}
	if len(page.Items) > limit {
		page.Items = page.Items[:limit]
		page.NextCursor = api.EncodeCursor(page.Items[limit-1].LoanID)
	}
	return page, err
}
