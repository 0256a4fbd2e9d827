package eod

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Spreading the loans of a day. The open loans that are behind are cut into parts, ranges of ids kept as rows. Workers, of this
// server and of others, take a part by a conditional update with a lease and work it in chunks; each chunk moves the part's
// mark in the transaction that moves its loans, so that a loan's date has one effect whoever dies when. Nothing is locked
// between chunks: the lease of a worker that was killed runs out, and the next one goes on from the mark.

// Limits of spreading.
const (
	partLoansMax  = 5000
	chunkLoansMax = 1000
	leaseTime     = 30 * time.Second
	pollTime      = 100 * time.Millisecond
	roundsMax     = 3 // of loans that were opened or failed while the others were worked
	movedMax      = 20
	partDaysKept  = 60
)

// part is one range of a step of a day.
type part struct {
	no       int
	lastID   string
	doneTo   string
	worker   string
	sparse   bool
	finished bool
}

// Tally counts what a step has done.
type Tally struct {
	Parts     int64     `json:"parts"`
	Finished  int64     `json:"parts_finished"`
	Loans     int64     `json:"loans"`
	Done      int64     `json:"done"`
	Failed    int64     `json:"failed"`
	LoanDays  int64     `json:"loan_days" doc:"dates worked, over all loans"`
	StartedAt time.Time `json:"-"`
	UpdatedAt time.Time `json:"-"`
}

var (
	insertPart = db.Q(`insert into eod_part (institution_id, closing_date, step, no, last_id, done_to, loans, done, failed, days, worker, lease_until, started_at, updated_at, finished_at, sparse)
		values ($1,$2,$3,$4,$5,$6,$7,0,0,0,'',0,$8,$8,0,$9)`)
	tallyParts = db.Q(`select count(*), coalesce(sum(case when finished_at > 0 then 1 else 0 end), 0), coalesce(sum(loans), 0), coalesce(sum(done), 0), coalesce(sum(failed), 0), coalesce(sum(days), 0),
		coalesce(min(started_at), 0), coalesce(max(updated_at), 0), coalesce(max(no), 0) from eod_part where institution_id = $1 and closing_date = $2 and step = $3`)
	freePart = db.Q(`select no, last_id, done_to, sparse from eod_part where institution_id = $1 and closing_date = $2 and step = $3 and finished_at = 0 and lease_until < $4 order by no limit 1`)
	takePart = db.Q(`update eod_part set worker = $5, lease_until = $6 where institution_id = $1 and closing_date = $2 and step = $3 and no = $4 and finished_at = 0 and lease_until < $7`)
	movePart = db.Q(`update eod_part set done_to = $6, done = done + $7, failed = failed + $8, days = days + $9, lease_until = $10, updated_at = $11, finished_at = $12
		where institution_id = $1 and closing_date = $2 and step = $3 and no = $4 and worker = $5 and done_to = $13 and finished_at = 0`)
	freeLease  = db.Q(`update eod_part set lease_until = 0 where institution_id = $1 and closing_date = $2 and step = $3 and worker = $4 and finished_at = 0`)
	pruneParts = db.Q(`delete from eod_part where institution_id = $1 and closing_date < $2`)
)

// spreading is one step of one day on this server.
type spreading struct {
	*Service
	day *Day
	to  calendar.Date
	// mu guards what the workers report together.
	mu    sync.Mutex
	tally Tally
}

// spread works every open loan up to a date and reports what was done, by whichever server.
func (s *Service) spread(ctx context.Context, d *Day, to calendar.Date) (Tally, error) {
	x := &spreading{Service: s, day: d, to: to}
	for round := range roundsMax {
		more, err := x.cut(ctx, round > 0)
		if err != nil {
			return x.tally, err
		}
		if !more {
			break
		}
		if err := x.work(ctx); err != nil {
			return x.tally, err
		}
	}
	err := d.Update(ctx, func(tx *db.Tx) (err error) {
		if err := resolve(ctx, tx); err != nil {
			return err
		}
		if x.tally, _, err = x.count(ctx, tx); err != nil {
			return err
		}
		x.tally.Failed, err = openFailures(ctx, tx, d.Run.ClosingDate)
		return err
	})
	return x.tally, err
}

func (x *spreading) key(tx *db.Tx) []any {
	return []any{tx.Institution, x.day.Run.ClosingDate.String(), string(x.day.Run.Step)}
}

func (x *spreading) count(ctx context.Context, tx *db.Tx) (t Tally, last int, err error) {
	return tallyOf(ctx, tx, x.key(tx))
}

func tallyOf(ctx context.Context, tx *db.Tx, key []any) (t Tally, last int, err error) {
	var started, updated int64
	err = tx.QueryRow(ctx, tallyParts, key...).Scan(&t.Parts, &t.Finished, &t.Loans, &t.Done, &t.Failed, &t.LoanDays, &started, &updated, &last)
	t.StartedAt, t.UpdatedAt = db.Time(started), db.Time(updated)
	return t, last, err
}

// cut makes the parts of a step, once: a second server finds them. It cuts again for loans that are behind though every part
// is finished, opened meanwhile or failed; it reports whether there is anything to work.
func (x *spreading) cut(ctx context.Context, again bool) (more bool, err error) {
	err = x.day.Update(ctx, func(tx *db.Tx) error {
		if err := tx.Lock(ctx, "eod parts"); err != nil {
			return err
		}
		t, last, err := x.count(ctx, tx)
		if err != nil {
			return err
		}
		x.tally = t
		if more = t.Finished < t.Parts; more {
			return nil
		}
		if again || t.Parts > 0 {
			behind, err := loan.CountBehind(ctx, tx, x.to)
			if err != nil {
				return err
			}
			failed, err := openFailures(ctx, tx, x.day.Run.ClosingDate)
			if err != nil || behind <= failed && again {
				return err
			}
		}
		for after := ""; ; {
			r, err := loan.NextRange(ctx, tx, after, x.to, x.PartLoans)
			if err != nil {
				return err
			}
			if r.Loans == 0 {
				if int(x.tally.Parts-x.tally.Finished) > x.workers() {
					return x.askHelp(ctx, tx)
				}
				return nil
			}
			last++
			if _, err := tx.Exec(ctx, insertPart, append(x.key(tx), last, r.Last, after, r.Loans, db.Micros(tx.Now), again || t.Parts > 0)...); err != nil {
				return err
			}
			after, more = r.Last, true
			x.tally.Loans += r.Loans
			x.tally.Parts++
		}
	})
	return more, err
}

// workers is how many hands this server gives. On SQLite two: one reads and computes while the other writes; more only keep
// its log from being folded back, because somebody always reads.
func (s *Service) workers() int {
	if s.Workers > 0 {
		return s.Workers
	}
	if s.db.Dialect() == db.SQLite {
		return 2
	}
	return min(8, 2*runtime.GOMAXPROCS(0))
}

// work takes part after part with several workers until none is left, those of other servers included.
func (x *spreading) work(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	// More hands than parts would only ask for work that is not there.
	for range min(int64(x.workers()), max(1, x.tally.Parts-x.tally.Finished)) {
		g.Go(func() error { return x.worker(ctx, true) })
	}
	return g.Wait()
}

// worker works parts; with stay it waits for those that others hold, until all are finished.
func (x *spreading) worker(ctx context.Context, stay bool) (err error) {
	me, room := workerID(), &loan.Behind{}
	holding := false
	defer func() {
		if holding {
			err = errors.Join(err, x.release(ctx, me))
		}
	}()
	for {
		p, left, err := x.take(ctx, me)
		switch {
		case err != nil || !left:
			return err
		case p == nil && !stay:
			return nil
		case p == nil:
			if err := wait(ctx, pollTime); err != nil {
				return err
			}
		default:
			holding = true
			if err := x.part(ctx, p, room); err != nil {
				return err
			}
			holding = false
		}
	}
}

func workerID() string {
	var b [9]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// release gives back what a worker that ends before its part still holds.
func (x *spreading) release(ctx context.Context, me string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return x.day.Update(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, freeLease, append(x.key(tx), me)...)
		return err
	})
}

// take finds a part that nobody holds; left says whether any part is unfinished at all.
func (x *spreading) take(ctx context.Context, me string) (p *part, left bool, err error) {
	err = x.day.Update(ctx, func(tx *db.Tx) error {
		p, left = nil, true
		for {
			var f part
			err := tx.QueryRow(ctx, freePart, append(x.key(tx), db.Micros(leaseEnd(tx.Now)))...).Scan(&f.no, &f.lastID, &f.doneTo, &f.sparse)
			if db.IsNoRows(err) {
				t, _, err := x.count(ctx, tx)
				left = t.Finished < t.Parts
				return err
			}
			if err != nil {
				return err
			}
			mine, err := tx.ExecOne(ctx, takePart, append(x.key(tx), f.no, me, db.Micros(tx.Now.Add(x.Lease)), db.Micros(leaseEnd(tx.Now)))...)
			if err != nil {
				return err
			}
			if mine {
				f.worker = me
				p = &f
				return nil
			}
		}
	})
	return p, left, err
}

// errLost says that a part's lease ran out and another worker has gone on with it.
var errLost = errors.New("eod: the part was taken over")

// part works a part to its end, chunk by chunk. A chunk that the database refuses is tried again smaller, down to the one
// loan that is to blame; that loan is listed and the rest goes on.
func (x *spreading) part(ctx context.Context, p *part, room *loan.Behind) error {
	size := x.ChunkLoans
	for moved := 0; !p.finished; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := x.chunk(ctx, p, room, size)
		switch {
		case err == nil:
			moved, size = 0, min(x.ChunkLoans, size*10)
		case errors.Is(err, errLost):
			return nil
		case loan.Moved(err) && moved < movedMax:
			moved++
		case ctx.Err() != nil || db.IsUnavailable(err) || errors.Is(err, errStop):
			return err
		case size > 1:
			size = max(1, size/10)
		default:
			if err := x.blame(ctx, p, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// errStop marks what a failpoint or a listener of progress wants to end the run with.
var errStop = errors.New("eod: stopped")

type stopError struct{ cause error }

func (e stopError) Error() string        { return e.cause.Error() }
func (e stopError) Unwrap() error        { return e.cause }
func (e stopError) Is(target error) bool { return target == errStop } //nolint:errorlint // it is that marker

// chunk works up to size loans after the part's mark, in the room of the chunk before. They are read and computed outside the writing transaction: it finds out
// by the loans' versions when one of them was changed meanwhile.
func (x *spreading) chunk(ctx context.Context, p *part, b *loan.Behind, size int) error {
	err := x.day.View(ctx, func(tx *db.Tx) (err error) {
		b, err = b.Read(ctx, tx, p.doneTo, p.lastID, x.to, size)
		return err
	})
	if err != nil {
		return err
	}
	b.Sparse = p.sparse || size < x.ChunkLoans
	failed := b.Work()
	loans, days := b.Worked()
	last := b.Count < size
	err = x.day.Update(ctx, func(tx *db.Tx) error {
		if err := x.move(ctx, tx, p, b.Last, loans, int64(len(failed)), days, last); err != nil {
			return err
		}
		if err := x.fail(ctx, tx, failed); err != nil {
			return err
		}
		if err := b.Write(ctx, tx); err != nil {
			return err
		}
		return pointWorked.Hit(ctx)
	})
	if err == nil {
		err = pointChunked.Hit(ctx)
	}
	if err != nil {
		return err
	}
	p.doneTo, p.finished = b.Last, last
	return x.report(loans, int64(len(failed)))
}

// move advances a part's mark, if it is still this worker's.
func (x *spreading) move(ctx context.Context, tx *db.Tx, p *part, to string, done, failed, days int64, last bool) error {
	now, finished := db.Micros(tx.Now), int64(0)
	if last {
		finished = max(now, 1)
	}
	ours, err := tx.ExecOne(ctx, movePart, append(x.key(tx), p.no, p.worker, to, done, failed, days, db.Micros(tx.Now.Add(x.Lease)), now, finished, p.doneTo)...)
	if err == nil && !ours {
		err = errLost
	}
	return err
}

// blame lists the first loan after the mark as failed and goes past it.
func (x *spreading) blame(ctx context.Context, p *part, cause error) error {
	var r loan.Range
	err := x.day.Update(ctx, func(tx *db.Tx) (err error) {
		if r, err = loan.NextRange(ctx, tx, p.doneTo, x.to, 1); err != nil {
			return err
		}
		if r.Loans == 0 || r.First > p.lastID {
			return x.move(ctx, tx, p, p.doneTo, 0, 0, 0, true)
		}
		if err := x.move(ctx, tx, p, r.First, 0, 1, 0, false); err != nil {
			return err
		}
		return x.fail(ctx, tx, []loan.Failure{{LoanID: r.First, Err: cause}})
	})
	if errors.Is(err, errLost) {
		p.finished = true
		return nil
	}
	if err != nil {
		return err
	}
	if r.Loans == 0 || r.First > p.lastID {
		p.finished = true
		return nil
	}
	p.doneTo = r.First
	return x.report(0, 1)
}

// report tells the listener and the tests' failpoint; either may end the run.
func (x *spreading) report(done, failed int64) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tally.Done += done
	x.tally.Failed += failed
	if err := errors.Join(x.day.Progress(x.tally.Done+x.tally.Failed, x.tally.Loans), x.point(PointChunk)); err != nil {
		return stopError{err}
	}
	return nil
}

func (x *spreading) fail(ctx context.Context, tx *db.Tx, failed []loan.Failure) error {
	for _, f := range failed {
		if err := putFailure(ctx, tx, Failure{
			ClosingDate: x.day.Run.ClosingDate, LoanID: f.LoanID, Step: x.day.Run.Step, To: x.to,
			Code: codeOf(f.Err), Reason: reasonOf(f.Err),
		}); err != nil {
			return err
		}
	}
	return nil
}

func codeOf(err error) string {
	if f, ok := fault.As(err); ok {
		return f.Reason.Code
	}
	return fault.ReasonInternal.Code
}

// reasonOf is what a person in the back office reads: the reason in words, and the cause as the program saw it.
func reasonOf(err error) fault.Text {
	t := fault.Text{Zh: fault.ReasonInternal.Message.Zh, En: fault.ReasonInternal.Message.En}
	if f, ok := fault.As(err); ok {
		t = fault.Text{Zh: f.Text("zh"), En: f.Text("en")}
		if cause := f.Unwrap(); cause != nil {
			err = cause
		} else {
			return t
		}
	}
	cause := db.Text(err.Error(), 300)
	return fault.Text{Zh: t.Zh + "（" + cause + "）", En: t.En + " (" + cause + ")"}
}

// WorkUpTo works every open loan up to a date that is not after the business date, outside the end of a day: after a portfolio
// has been taken over, or when the loans of days long past are to be caught up before the next night.
func (s *Service) WorkUpTo(ctx context.Context, p auth.Principal, to calendar.Date) (t Tally, err error) {
	if err := p.Require(PermissionRun); err != nil {
		return t, err
	}
	var today calendar.Date
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		today, err = tx.BusinessDate(ctx)
		return err
	})
	if err != nil {
		return t, err
	}
	if to.After(today) {
		return t, fault.New(ReasonTarget, "to", to, "from", today, "max", 0)
	}
	d := &Day{Principal: p, Run: &Run{ClosingDate: to, Step: StepCatchUp}, service: s, progress: func(Step, int64, int64) error { return nil }}
	if t, err = s.spread(ctx, d, to); err != nil {
		return t, err
	}
	return t, s.post(ctx, d)
}

// leaseEnd is the moment before which a lease must have run out for its part to be free.
func leaseEnd(now time.Time) time.Time {
	if canary.On("stolen_lease") {
		return now.Add(time.Hour)
	}
	return now
}
