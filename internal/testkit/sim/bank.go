package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/capillary-finance/capillary/internal/lending/payment"
)

// BankFaults are the ways in which the bank in process misbehaves, in permille of requests. Whether a
// request is hit depends on the seed, its key and how often it was asked, never on time or order.
type BankFaults struct {
	LostBefore int // not executed, and no answer
	LostAfter  int // executed, and no answer
	LostQuery  int // a question without an answer
	Reject     int // refused for good (by key)
}

// ErrNoAnswer is what a client sees when the bank's answer is lost.
var ErrNoAnswer = errors.New("sim: no answer")

// Moved is money the bank has moved.
type Moved struct {
	Key, From, To string
	AmountMinor   int64
	Times         int // how often it was executed: more than once is the bug that is looked for
}

// Bank is a bank in process: it executes a key once, as real ones do, and counts.
type Bank struct {
	mu     sync.Mutex
	seed   uint64
	faults BankFaults
	asked  map[string]int
	done   map[string]payment.Outcome
	moved  map[string]*Moved
}

// NewBank makes a bank.
func NewBank(seed uint64, f BankFaults) *Bank {
	return &Bank{seed: seed, faults: f, asked: map[string]int{}, done: map[string]payment.Outcome{}, moved: map[string]*Moved{}}
}

// SetFaults changes how it misbehaves from now on.
func (b *Bank) SetFaults(f BankFaults) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = f
}

func (b *Bank) hit(salt, key string, n, permille int) bool {
	if permille <= 0 {
		return false
	}
	h := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s\x00%d", b.seed, salt, key, n))
	return binary.BigEndian.Uint64(h[:8])%1000 < uint64(permille)
}

// Submit executes an order once.
func (b *Bank) Submit(_ context.Context, key string, o payment.Order) (payment.Outcome, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked[key]++
	n := b.asked[key]
	if b.hit("before", key, n, b.faults.LostBefore) {
		return payment.Outcome{}, ErrNoAnswer
	}
	out, known := b.done[key]
	if !known {
		out = payment.Outcome{Found: true, Executed: true, Reference: fmt.Sprintf("SIM%06d", len(b.done)+1)}
		if b.hit("reject", key, 0, b.faults.Reject) {
			out.Executed, out.Reason = false, "REFUSED"
		}
		b.done[key] = out
		if out.Executed {
			b.moved[key] = &Moved{Key: key, From: o.FromAccount, To: o.ToAccount, AmountMinor: o.AmountMinor, Times: 1}
		}
	} else if m := b.moved[key]; m != nil && (m.AmountMinor != o.AmountMinor || m.To != o.ToAccount) {
		m.Times++ // one key for two payments
	}
	if b.hit("after", key, n, b.faults.LostAfter) {
		return payment.Outcome{}, ErrNoAnswer
	}
	return out, nil
}

// Query tells what became of a key.
func (b *Bank) Query(_ context.Context, key string) (payment.Outcome, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked["?"+key]++
	if b.hit("query", key, b.asked["?"+key], b.faults.LostQuery) {
		return payment.Outcome{}, ErrNoAnswer
	}
	return b.done[key], nil
}

// Moves lists everything the bank executed.
func (b *Bank) Moves() []Moved {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Moved, 0, len(b.moved))
	for _, m := range b.moved {
		out = append(out, *m)
	}
	return out
}

// Executed tells whether and for how much a key was executed.
func (b *Bank) Executed(key string) (Moved, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m := b.moved[key]; m != nil {
		return *m, true
	}
	return Moved{}, false
}
