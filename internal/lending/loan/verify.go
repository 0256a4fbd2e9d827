package loan

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const verifyChunk = 200

// VerifyReport is what Verify walked over.
type VerifyReport struct {
	Loans  int64 `json:"loans"`
	Events int64 `json:"events"`
}

// Verify replays every loan of the institution and compares chain, projection
// and booked totals with what is stored. It returns LOAN_BROKEN with the first
// difference.
func Verify(ctx context.Context, tx *db.Tx) (VerifyReport, error) {
	var r VerifyReport
	after := ""
	for {
		rows, err := tx.Query(ctx, selectAfter, tx.Institution, after, verifyChunk)
		if err != nil {
			return r, err
		}
		loans, err := collect(rows)
		if err != nil || len(loans) == 0 {
			return r, err
		}
		for _, l := range loans {
			n, err := verify(ctx, tx, l)
			if err != nil {
				return r, err
			}
			r.Loans++
			r.Events += n
			after = l.ID
		}
	}
}

func verify(ctx context.Context, tx *db.Tx, l Loan) (int64, error) {
	broken := func(problem string) error { return fault.New(ReasonBroken, "loan", l.ID, "problem", problem) }
	events, err := Events(ctx, tx, l.ID)
	if err != nil {
		return 0, err
	}
	hash := ""
	for i, e := range events {
		if e.Seq != int64(i+1) || e.PrevHash != hash || e.seal(tx.Institution, l.ID) != e.Hash {
			return 0, broken("event " + itoa(i+1) + " was changed, removed or moved")
		}
		hash = e.Hash
	}
	if l.eventSeq != int64(len(events)) || l.eventHash != hash {
		return 0, broken("the chain of events was cut")
	}
	s, err := Replay(l.Terms, plain(events), l.ProcessedTo)
	if err != nil {
		return 0, broken(err.Error())
	}
	if s.Totals != l.Posted {
		return 0, broken("the books differ from the replay")
	}
	derived := l
	derived.project(&s)
	if projection(derived) != projection(l) {
		return 0, broken("the stored state differs from the replay")
	}
	return int64(len(events)), nil
}

type projected struct {
	status                         Status
	processed, disbursed, due      calendar.Date
	nextMinor, outstanding, dueSum int64
	daysPastDue                    int
}

func projection(l Loan) projected {
	return projected{
		status: l.Status, processed: l.ProcessedTo, disbursed: l.DisbursedOn, due: l.NextDueOn,
		nextMinor: l.NextDueMinor, outstanding: l.OutstandingMinor, dueSum: l.DueMinor, daysPastDue: l.DaysPastDue,
	}
}
