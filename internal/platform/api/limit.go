package api

import (
	"container/list"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// limiterKeysMax bounds the memory of a limiter; the least recently seen key is forgotten first.
const limiterKeysMax = 20_000

// Limiter limits the rate of each key.
type Limiter struct {
	perSecond float64
	burst     int

	mu    sync.Mutex
	order *list.List // front: most recent
	keys  map[string]*list.Element
}

type bucket struct {
	key   string
	limit *rate.Limiter
}

// NewLimiter allows perSecond requests of each key with bursts of burstSeconds' worth; a negative rate allows all.
func NewLimiter(perSecond, burstSeconds float64) *Limiter {
	return &Limiter{perSecond: perSecond, burst: int(math.Ceil(math.Abs(perSecond * burstSeconds))), order: list.New(), keys: map[string]*list.Element{}}
}

// Allow takes one request of key at now, or says in how many seconds to come back (TOO_MANY_REQUESTS).
func (l *Limiter) Allow(key string, now time.Time) error {
	if l.perSecond < 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.keys[key]
	if !ok {
		if l.order.Len() >= limiterKeysMax {
			oldest := l.order.Back()
			delete(l.keys, oldest.Value.(*bucket).key) //nolint:forcetypeassert // only buckets are put in
			l.order.Remove(oldest)
		}
		e = l.order.PushFront(&bucket{key: key, limit: rate.NewLimiter(rate.Limit(l.perSecond), l.burst)})
		l.keys[key] = e
	}
	l.order.MoveToFront(e)
	b := e.Value.(*bucket) //nolint:forcetypeassert // only buckets are put in
	if b.limit.AllowN(now, 1) {
		return nil
	}
	wait := math.Ceil((1 - b.limit.TokensAt(now)) / l.perSecond)
	return fault.New(fault.ReasonTooMany, "seconds", int(max(1, wait)))
}
