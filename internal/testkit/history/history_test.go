package history_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/testkit/history"
)

// register is one number that is written (in > 0) and read (in 0).
var register = history.Spec[int]{Object: func(any) string { return "" }, Next: func(s int, in, out any) []int {
	if n := in.(int); n > 0 {
		if out == (history.Unknown{}) {
			return []int{s, n}
		}
		return []int{n}
	}
	if out == s {
		return []int{s}
	}
	return nil
}}

func say(out any) func() (any, bool) {
	return func() (any, bool) { time.Sleep(time.Microsecond); return out, true }
}

func TestALieIsFound(t *testing.T) {
	t.Parallel()
	r := history.New()
	r.Do(0, 7, say(nil))
	r.Do(1, 0, say(7))
	require.True(t, history.Linearizable(r, register))
	r.Do(1, 0, say(0))
	require.False(t, history.Linearizable(r, register), "what was written is gone")
}

func TestWhatNobodyKnowsMayHaveHappenedOrNot(t *testing.T) {
	t.Parallel()
	for _, after := range []int{0, 7} {
		r := history.New()
		r.Do(0, 7, func() (any, bool) { return nil, false })
		r.Do(1, 0, say(after))
		require.True(t, history.Linearizable(r, register), after)
	}
	r := history.New()
	r.Do(0, 7, func() (any, bool) { return nil, false })
	r.Do(1, 0, say(7))
	r.Do(1, 0, say(0))
	require.False(t, history.Linearizable(r, register), "it cannot happen and be undone")
}
