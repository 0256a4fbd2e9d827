package eod

import (
	"context"
	"errors"

	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

const resetChunk = 100

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
		var last string
		var n int
		err := d.Update(ctx, func(tx *db.Tx) (err error) {
			last, n, err = loan.Reprice(ctx, tx, after, d.Run.NextDate, resetChunk)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
		after, done = last, done+int64(n)
		if err := errors.Join(d.Progress(done, total), s.point(PointChunk)); err != nil {
			return err
		}
	}
}
