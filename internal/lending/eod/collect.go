package eod

import (
	"context"
	"errors"

	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/mandate"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// collect debits everything due under its mandate, lets the dispatcher talk to the bank, and tries again what was refused as
// often as the policy allows. It goes on without late answers: they keep their value date. Loans that may not be debited are
// counted, and each says why.
func (s *Service) collect(ctx context.Context, d *Day) error {
	var policy mandate.Policy
	err := d.View(ctx, func(tx *db.Tx) (err error) {
		policy, err = mandate.PolicyOf(ctx, tx)
		return err
	})
	if err != nil {
		return err
	}
	for range policy.AttemptsPerDay {
		started, err := s.collectOnce(ctx, d)
		if err != nil {
			return err
		}
		if err := s.answers(ctx, d.Principal, d.Run); err != nil {
			return err
		}
		if started == 0 {
			break
		}
	}
	err = d.View(ctx, func(tx *db.Tx) (err error) {
		d.Run.Uncollected, err = loan.CountRefrained(ctx, tx, d.Run.ClosingDate)
		return err
	})
	if err != nil {
		return err
	}
	return s.point(PointCollected)
}

// collectOnce goes once over the loans that owe something.
func (s *Service) collectOnce(ctx context.Context, d *Day) (started int64, err error) {
	after, seen := "", int64(0)
	for {
		var ids []string
		err := d.View(ctx, func(tx *db.Tx) (err error) {
			ids, err = loan.Collectable(ctx, tx, after, chunk)
			return err
		})
		if err != nil {
			return started, err
		}
		n, err := s.collectAll(ctx, d, ids)
		if err != nil {
			return started, err
		}
		if len(ids) == 0 {
			return started, nil
		}
		after = ids[len(ids)-1]
		started += n
		d.Run.Collections += n
		seen += int64(len(ids))
		if err := errors.Join(d.Progress(seen, 0), s.point(PointChunk)); err != nil {
			return started, err
		}
	}
}

// collectAll starts the collections of a chunk in one transaction, or, when one of the loans refuses, each in its own: that
// loan is listed and the others are collected.
func (s *Service) collectAll(ctx context.Context, d *Day, ids []string) (started int64, err error) {
	err = d.Update(ctx, func(tx *db.Tx) error {
		started = 0
		for _, id := range ids {
			became, err := s.loans.CollectDue(ctx, tx, id, d.Run.ClosingDate)
			if err != nil {
				return err
			}
			if became == loan.Ordered {
				started++
			}
		}
		return nil
	})
	if err == nil || ctx.Err() != nil || db.IsUnavailable(err) {
		return started, err
	}
	if len(ids) == 1 {
		cause := err
		return 0, d.Update(ctx, func(tx *db.Tx) error {
			return putFailure(ctx, tx, Failure{ClosingDate: d.Run.ClosingDate, LoanID: ids[0], Step: StepCollect, To: d.Run.NextDate, Code: codeOf(cause), Reason: reasonOf(cause)})
		})
	}
	started = 0
	for i := range ids {
		n, err := s.collectAll(ctx, d, ids[i:i+1])
		if err != nil {
			return started, err
		}
		started += n
	}
	return started, nil
}
