package eod

import (
	"context"
	"errors"

	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

const resetChunkMax = 100

// resetRates gives floating loans the rate of the resets that have come. It
// stands after the accrual, so that the new rate begins on the new business date.
func (s *Service) resetRates(ctx context.Context, d *Day) error {
	var total int64
	if err := d.View(ctx, func(tx *db.Tx) (err error) {
		total, err = loan.CountReprice(ctx, tx, d.Run.NextDate)
		return err
	}); err != nil {
		return err
	}
	after, done := "", int64(0)
	for {
		last, n, err := s.resetChunk(ctx, d, after, resetChunkMax)
		if err != nil || n == 0 {
			return err
		}
		after, done = last, done+int64(n)
		if err := errors.Join(d.Progress(done, total), s.point(PointChunk)); err != nil {
			return err
		}
	}
}

// resetChunk resets a chunk in one transaction, or, when one of the loans refuses,
// the first of them alone; if that is the one, it is listed and the others go on.
func (s *Service) resetChunk(ctx context.Context, d *Day, after string, limit int) (last string, n int, err error) {
	err = d.Update(ctx, func(tx *db.Tx) (err error) {
		last, n, err = loan.Reprice(ctx, tx, after, d.Run.NextDate, limit)
		return err
	})
	if err == nil || ctx.Err() != nil || db.IsUnavailable(err) {
		return last, n, err
	}
	if limit > 1 {
		return s.resetChunk(ctx, d, after, 1)
	}
	cause := err
	err = d.Update(ctx, func(tx *db.Tx) (err error) {
		if last, n, err = loan.NextReprice(ctx, tx, after, d.Run.NextDate); err != nil || n == 0 {
			return err
		}
		return putFailure(ctx, tx, Failure{ClosingDate: d.Run.ClosingDate, LoanID: last, Step: StepReset, To: d.Run.NextDate, Code: codeOf(cause), Reason: reasonOf(cause)})
	})
	return last, n, err
}
