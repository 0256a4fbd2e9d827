// Package crash kills processes: a child, the test binary started again, works on a database and prints what
// it has been acknowledged; the parent kills it -9 at a random instant, at a word or at a failpoint, and then
// looks at what is left. Whatever was acknowledged must be there, and nothing may be there by halves.
package crash

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// Variables a parent hands to its child.
const (
	childVariable = "CRASH_CHILD"
	pathVariable  = "CRASH_SQLITE"
	dsnVariable   = "CRASH_POSTGRES"
	dieVariable   = "CRASH_DIE_AT"
	setPrefix     = "CRASH_SET_"
)

// Life is one life of a child process.
type Life struct{}

// Children are the works a test binary can be started for, by name.
type Children map[string]func(ctx context.Context, l Life) error

// Child runs the child when this process is one, and reports whether it was; call it first in TestMain.
// A child that fails ends the process with status 3.
func Child(children Children) bool {
	name := os.Getenv(childVariable)
	if name == "" {
		return false
	}
	run := children[name]
	if run == nil {
		fmt.Fprintln(os.Stderr, "crash: no child", name)
		os.Exit(2)
	}
	if at := os.Getenv(dieVariable); at != "" {
		armDeath(at)
	}
	if err := run(context.Background(), Life{}); err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(3)
	}
	return true
}

// armDeath makes the process kill itself the nth time it comes to a failpoint ("name#n").
func armDeath(at string) {
	name, count, _ := strings.Cut(at, "#")
	left, _ := strconv.Atoi(count)
	var mu sync.Mutex
	failpoint.Arm(func(_ context.Context, here string) error {
		mu.Lock()
		defer mu.Unlock()
		if here == name {
			if left--; left <= 0 {
				Die()
			}
		}
		return nil
	})
}

// Die ends this process as a crash does: nothing is flushed, no defer runs.
func Die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// Get reads what the parent set.
func (Life) Get(name string) string { return os.Getenv(setPrefix + name) }

// Path is the parent's SQLite file, empty on PostgreSQL.
func (Life) Path() string { return os.Getenv(pathVariable) }

// DSN names the parent's PostgreSQL database, empty on SQLite.
func (Life) DSN() string { return os.Getenv(dsnVariable) }

// Open opens the parent's database.
func (Life) Open(ctx context.Context) (*db.DB, error) {
	return db.Open(ctx, db.Config{Path: os.Getenv(pathVariable), PostgresDSN: os.Getenv(dsnVariable)})
}

// Ack says something that is now promised. It leaves the process in one write before Ack returns.
func (Life) Ack(words ...any) { _, _ = os.Stdout.WriteString(fmt.Sprintln(words...)) }

// Harness starts and kills children on one database.
type Harness struct {
	// Quiet drops what children say about their errors, where they must have some.
	Quiet bool

	t     testing.TB
	child string
	env   []string
}

// New makes a harness for a child on the fixture's database; set is what the child can Get.
func New(t testing.TB, d *db.DB, child string, set map[string]string) *Harness {
	t.Helper()
	h := &Harness{t: t, child: child, env: []string{childVariable + "=" + child}}
	if d.Dialect() == db.Postgres {
		h.env = append(h.env, dsnVariable+"="+dbtest.DSNOf(t, d))
	} else {
		h.env = append(h.env, pathVariable+"="+d.Path())
	}
	for k, v := range set {
		h.env = append(h.env, setPrefix+k+"="+v)
	}
	return h
}

// OnPath lets children work on another copy of the SQLite file.
func (h *Harness) OnPath(path string) { h.Env(pathVariable + "=" + path) }

// Env adds variables of the environment ("TZ=UTC").
func (h *Harness) Env(set ...string) { h.env = append(h.env, set...) }

func (h *Harness) start(extra ...string) (*exec.Cmd, *bufio.Scanner) {
	h.t.Helper()
	exe, err := os.Executable()
	require.NoError(h.t, err)
	child := exec.CommandContext(h.t.Context(), exe)
	child.Env = append(append(os.Environ(), h.env...), extra...)
	if !h.Quiet {
		child.Stderr = os.Stderr
	}
	out, err := child.StdoutPipe()
	require.NoError(h.t, err)
	require.NoError(h.t, child.Start())
	return child, bufio.NewScanner(out)
}

// KillAt kills a child once it has said a word (the first of a line) n times. It gives every line it said,
// those between the word and the death included.
func (h *Harness) KillAt(word string, n int) []string {
	h.t.Helper()
	child, lines := h.start()
	var said []string
	for n > 0 && lines.Scan() {
		said = append(said, lines.Text())
		if first, _, _ := strings.Cut(lines.Text(), " "); first == word {
			n--
		}
	}
	require.NoError(h.t, child.Process.Kill()) // SIGKILL
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	_ = child.Wait()
	require.Zero(h.t, n, "the child never came to %s", word)
	return said
}

// KillAfter kills a child a time after its first line. It gives what it said, and whether it was still alive.
func (h *Harness) KillAfter(pause time.Duration) (said []string, killed bool) {
	h.t.Helper()
	child, lines := h.start()
	if lines.Scan() {
		said = append(said, lines.Text())
	}
	timer := time.AfterFunc(pause, func() { _ = child.Process.Kill() })
	defer timer.Stop()
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	return said, h.died(child)
}

// CutAfter takes something away from a child (its disk, its network) a time after its first line, and then kills
// it. Everything it said was said before, or by something that did not need what was taken. How it ended does not
// matter: it may have died of the loss.
func (h *Harness) CutAfter(pause time.Duration, cut func()) (said []string) {
	h.t.Helper()
	child, lines := h.start()
	if lines.Scan() {
		said = append(said, lines.Text())
	}
	timer := time.AfterFunc(pause, func() { cut(); _ = child.Process.Kill() })
	defer timer.Stop()
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	_ = child.Wait()
	return said
}

// DieAt lets a child run until it comes to a failpoint for the nth time, where it dies. It gives what it
// said, and whether it came there.
func (h *Harness) DieAt(point string, n int) (said []string, died bool) {
	h.t.Helper()
	child, lines := h.start(dieVariable + "=" + point + "#" + strconv.Itoa(n))
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	return said, h.died(child)
}

// Finish lets a child live to its end, which must be a good one, and gives what it said.
func (h *Harness) Finish() (said []string) {
	h.t.Helper()
	child, lines := h.start()
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	require.NoError(h.t, child.Wait(), "%s: %v", h.child, said)
	return said
}

// died waits for a child: it was killed, or it ended well.
func (h *Harness) died(child *exec.Cmd) bool {
	h.t.Helper()
	err := child.Wait()
	if st, ok := child.ProcessState.Sys().(syscall.WaitStatus); ok && st.Signaled() && st.Signal() == syscall.SIGKILL {
		return true
	}
	require.NoError(h.t, err, "%s failed by itself", h.child)
	return false
}

// Acked picks the lines that begin with a word and gives what follows it.
func Acked(said []string, word string) (out []string) {
	for _, line := range said {
		if rest, ok := strings.CutPrefix(line, word); ok && (rest == "" || rest[0] == ' ') {
			out = append(out, strings.TrimSpace(rest))
		}
	}
	return out
}
