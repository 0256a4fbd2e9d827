// Package failpoint names the instants at which a test may break the program off: between a claim and its
// effect, between an answer and its record. A point that nobody armed costs one atomic load; only code can
// arm one, no setting and no variable of the environment.
package failpoint

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
)

// Point is one named instant.
type Point struct{ name string }

// Handler decides what happens at a point: an error breaks off there as a failure would, a handler that
// kills the process breaks off as a crash.
type Handler func(ctx context.Context, name string) error

var (
	armed  atomic.Bool // true once anything was armed in this process
	global atomic.Pointer[Handler]

	declared struct {
		sync.Mutex
		names []string
	}
)

// Declare names a point, at package level, once.
func Declare(name string) *Point {
	declared.Lock()
	defer declared.Unlock()
	if slices.Contains(declared.names, name) {
		panic("failpoint: declared twice: " + name)
	}
	declared.names = append(declared.names, name)
	return &Point{name: name}
}

// Names lists the points of the packages linked into the program, sorted.
func Names() []string {
	declared.Lock()
	defer declared.Unlock()
	out := slices.Clone(declared.names)
	slices.Sort(out)
	return out
}

// Name is the point's name.
func (p *Point) Name() string { return p.name }

// Hit is called where the point lies. In production it does nothing.
func (p *Point) Hit(ctx context.Context) error {
	if !armed.Load() {
		return nil
	}
	return p.slow(ctx)
}

func (p *Point) slow(ctx context.Context) error {
	if h, ok := ctx.Value(key{}).(Handler); ok {
		return h(ctx, p.name)
	}
	if h := global.Load(); h != nil {
		return (*h)(ctx, p.name)
	}
	return nil
}

type key struct{}

// With arms every point for the calls that carry the context, so that tests run side by side.
func With(ctx context.Context, h Handler) context.Context {
	armed.Store(true)
	return context.WithValue(ctx, key{}, h)
}

// Arm arms every point of the process, for child processes that are about to die. It gives the way back.
func Arm(h Handler) (disarm func()) {
	armed.Store(true)
	global.Store(&h)
	return func() { global.Store(nil) }
}
