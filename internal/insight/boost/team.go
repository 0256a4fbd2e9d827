package boost

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// team shares out tasks that write to different places, so that who does which never shows.
type team struct{ workers int }

func newTeam(workers int) *team {
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return &team{workers: workers}
}

// width is how many columns one task takes when nodes are shared out with them.
func (t *team) width(nodes, columns int) int {
	if nodes == 0 {
		return 1
	}
	perNode := max(1, (2*t.workers+nodes-1)/nodes)
	if t.workers == 1 {
		perNode = 1
	}
	return max(1, (columns+perNode-1)/perNode)
}

// each runs tasks 0..n-1.
func (t *team) each(n int, do func(task int)) {
	if t.workers == 1 || n <= 1 {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(t.workers, n) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}
