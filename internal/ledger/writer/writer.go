// Package writer posts for other systems, many requests in one commit. One goroutine per institution takes
// what waits in its queue, without a timer, and answers it in one transaction: with one client a request
// commits alone, with many the commits are shared, and the disk is asked once for all of them.
//
// It chains in the same journal as every business posting, under the same lock of the journal's head, so
// that several servers and the lending side stay correct together.
package writer

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Reasons of the writer.
var (
	ReasonQueueFull = fault.Declare("POSTING_QUEUE_FULL", fault.Unavailable,
		"记账队列已满（{waiting} 笔等待）", "The posting queue is full ({waiting} postings are waiting)",
		"稍后以相同的 reference 重发；不会重复入账", "Send it again later under the same reference; it will not be posted twice")
	ReasonStopped = fault.Declare("POSTING_STOPPED", fault.Unavailable,
		"服务正在停止，未入账", "The server is stopping; nothing was posted",
		"以相同的 reference 向其他服务器或稍后重发", "Send it to another server, or again later, under the same reference")
	ReasonUnknown = fault.Declare("POSTING_OUTCOME_UNKNOWN", fault.Unavailable,
		"请求已在处理，结果未知", "The request was being posted when you stopped waiting; its outcome is not known",
		"以相同的 reference 重发即可得知结果", "Send it again under the same reference to learn the outcome")
)

// Limits of a writer.
const (
	batchMax    = 512  // postings in one commit; an atomic request larger than this commits alone
	queueMax    = 8192 // postings waiting in one institution
	commitLimit = 30 * time.Second
)

// Config sets a writer up; zero values mean the defaults.
type Config struct {
	QueueMax int
	BatchMax int
	Log      *slog.Logger
}

// Writer is the group-commit writer of one server.
type Writer struct {
	db  *db.DB
	cfg Config

	mu      sync.Mutex
	shards  map[string]*shard
	stopped bool
	running sync.WaitGroup

	batches  atomic.Int64
	postings atomic.Int64
}

// New makes a writer; Stop ends it.
func New(d *db.DB, c Config) *Writer {
	if c.QueueMax <= 0 {
		c.QueueMax = queueMax
	}
	if c.BatchMax <= 0 {
		c.BatchMax = batchMax
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return &Writer{db: d, cfg: c, shards: map[string]*shard{}}
}

// states of a ticket: whoever moves it from waiting decides what becomes of it.
const (
	waiting int32 = iota
	taken
	abandoned
)

// ticket is a caller's requests, which are answered together.
type ticket struct {
	requests []journal.Request
	size     int
	state    atomic.Int32
	done     chan struct{}
	results  []journal.Result
	err      error
}

type shard struct {
	institution string
	queue       chan *ticket
	waiting     atomic.Int64 // postings
	memory      journal.Memory
}

// Submit has requests answered in order and gives one result each. An error means that none of them was
// carried out, except ReasonUnknown, which says that it is not known.
func (w *Writer) Submit(ctx context.Context, institution string, requests []journal.Request) ([]journal.Result, error) {
	t := &ticket{requests: requests, done: make(chan struct{})}
	for _, r := range requests {
		t.size += r.Size()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := w.enqueue(institution, t); err != nil {
		return nil, err
	}
	select {
	case <-t.done:
		return t.results, t.err
	case <-ctx.Done():
	}
	if t.state.CompareAndSwap(waiting, abandoned) {
		return nil, ctx.Err() // it still waits in the queue and will be passed over
	}
	select { // it is in the transaction that is being committed: a moment more tells the outcome
	case <-t.done:
		return t.results, t.err
	case <-time.After(time.Second):
		return nil, fault.New(ReasonUnknown)
	}
}

func (w *Writer) enqueue(institution string, t *ticket) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return fault.New(ReasonStopped)
	}
	s := w.shards[institution]
	if s == nil {
		s = &shard{institution: institution, queue: make(chan *ticket, w.cfg.QueueMax)}
		w.shards[institution] = s
		w.running.Add(1)
		go w.run(s)
	}
	if n := s.waiting.Load(); n > 0 && n+int64(t.size) > int64(w.cfg.QueueMax) {
		return fault.New(ReasonQueueFull, "waiting", n)
	}
	s.waiting.Add(int64(t.size))
	s.queue <- t // has room: every ticket counts at least one of QueueMax
	return nil
}

// Stop takes no more requests, answers what waits, and returns when all is committed or ctx ends.
func (w *Writer) Stop(ctx context.Context) error {
	w.mu.Lock()
	if !w.stopped {
		w.stopped = true
		for _, s := range w.shards {
			close(s.queue)
		}
	}
	w.mu.Unlock()
	done := make(chan struct{})
	go func() { w.running.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run is the one writer of an institution on this server.
func (w *Writer) run(s *shard) {
	defer w.running.Done()
	var next *ticket // taken from the queue, but too large for the last batch
	for {
		first := next
		next = nil
		if first == nil {
			t, ok := <-s.queue
			if !ok {
				return
			}
			if first = s.take(t); first == nil {
				continue
			}
		}
		batch, size := []*ticket{first}, first.size
	drain:
		for size < w.cfg.BatchMax {
			select {
			case t, ok := <-s.queue:
				if !ok {
					break drain // the next round finds the closed queue again and ends
				}
				if t = s.take(t); t == nil {
					continue
				}
				if size+t.size > w.cfg.BatchMax {
					next = t
					break drain
				}
				batch, size = append(batch, t), size+t.size
			default:
				break drain
			}
		}
		w.commit(s, batch)
		w.batches.Add(1)
		w.postings.Add(int64(size))
	}
}

// take accepts a ticket for a batch, unless its caller has gone.
func (s *shard) take(t *ticket) *ticket {
	s.waiting.Add(-int64(t.size))
	if !t.state.CompareAndSwap(waiting, taken) {
		return nil
	}
	return t
}

// commit answers tickets in one transaction. When the batch as a whole fails for a reason that lies in what
// was asked, it is halved until the culprit stands alone; when the database is away, everybody hears so.
func (w *Writer) commit(s *shard, batch []*ticket) {
	results, err := w.try(s, batch)
	if db.IsPassedOver(err) { // the memory was wrong: once more, by what is stored
		w.cfg.Log.Warn("a remembered balance is not the stored one", "institution", s.institution, "error", err)
		results, err = w.try(s, batch)
	}
	if err != nil && len(batch) > 1 && !db.IsUnavailable(err) {
		w.cfg.Log.Warn("a batch of postings failed and is halved", "institution", s.institution, "tickets", len(batch), "error", err)
		w.commit(s, batch[:len(batch)/2])
		w.commit(s, batch[len(batch)/2:])
		return
	}
	for _, t := range batch {
		if err != nil {
			t.err = err
		} else {
			t.results, results = results[:len(t.requests):len(t.requests)], results[len(t.requests):]
		}
		close(t.done)
	}
}

func (w *Writer) try(s *shard, batch []*ticket) (results []journal.Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.cfg.Log.Error("posting panicked", "institution", s.institution, "panic", p, "stack", string(debug.Stack()))
			results, err = nil, fault.New(fault.ReasonInternal).Wrap(fmt.Errorf("%v", p))
		}
	}()
	var all []journal.Request
	for _, t := range batch {
		all = append(all, t.requests...)
	}
	// Of nobody's request: one caller who goes away must not undo what others share with him.
	ctx, cancel := context.WithTimeout(context.Background(), commitLimit)
	defer cancel()
	err = w.db.Update(ctx, db.Scope{Institution: s.institution, Actor: "system:ledger"}, func(tx *db.Tx) (err error) {
		results, err = journal.RunBatch(ctx, tx, &s.memory, all)
		return err
	})
	if err != nil {
		s.memory.Forget()
	}
	return results, err
}

// Stats tells how many commits carried how many postings since the start.
func (w *Writer) Stats() (batches, postings int64) { return w.batches.Load(), w.postings.Load() }
