// Package history records what concurrent clients asked and were told, and has porcupine judge whether some
// order of single steps explains it. An operation whose outcome nobody knows (a lost connection) may have
// happened at any later time, or never.
package history

import (
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// Recorder records one history.
type Recorder struct {
	began time.Time
	mu    sync.Mutex
	ops   []porcupine.Operation
}

// New begins a history.
func New() *Recorder { return &Recorder{began: time.Now()} }

// Do records one operation of a client: in, and what call gives. When known is false the outcome is not known.
func (r *Recorder) Do(client int, in any, call func() (out any, known bool)) {
	began := time.Since(r.began).Nanoseconds()
	out, known := call()
	ended := time.Since(r.began).Nanoseconds()
	if !known {
		out, ended = Unknown{}, 1<<62
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = append(r.ops, porcupine.Operation{ClientId: client, Input: in, Call: began, Output: out, Return: ended})
}

// Unknown is the output of an operation whose outcome is not known. A model must allow both.
type Unknown struct{}

// Len is the number of operations recorded.
func (r *Recorder) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ops)
}

// Spec is a sequential specification of one object: its state before an input, and the states after it that are
// possible with an output (none: the output is wrong). With Unknown, all that may have happened.
type Spec[S comparable] struct {
	Init S
	// Object names the object of an input; objects are judged one by one.
	Object func(in any) string
	Next   func(s S, in, out any) []S
}

func (s Spec[S]) model() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{s.Init} },
		Step: func(state, in, out any) []any {
			var next []any
			for _, x := range s.Next(state.(S), in, out) {
				next = append(next, x)
			}
			return next
		},
		Equal: func(a, b any) bool { return a == b },
	}
	out := m.ToModel()
	out.Partition = func(ops []porcupine.Operation) [][]porcupine.Operation {
		by := map[string][]porcupine.Operation{}
		for _, o := range ops {
			by[s.Object(o.Input)] = append(by[s.Object(o.Input)], o)
		}
		parts := make([][]porcupine.Operation, 0, len(by))
		for _, p := range by {
			parts = append(parts, p)
		}
		return parts
	}
	return out
}

// Linearizable judges the history.
func Linearizable[S comparable](r *Recorder, s Spec[S]) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return porcupine.CheckOperationsTimeout(s.model(), r.ops, time.Minute) == porcupine.Ok
}

// Must is Linearizable in a test.
func Must[S comparable](t testing.TB, r *Recorder, s Spec[S]) {
	t.Helper()
	if !Linearizable(r, s) {
		t.Errorf("no order of single steps explains this history of %d operations (or none was found in a minute)", r.Len())
	}
}
