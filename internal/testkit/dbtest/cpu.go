package dbtest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// CPU is the processor time so far of this process and, on PostgreSQL, of the server's processes that work for d or for
// everybody: on a machine that others use as well, time spent says more than time passed.
func CPU(t testing.TB, d *db.DB) time.Duration {
	t.Helper()
	return OwnCPU() + ServerCPU(t, d)
}

// OwnCPU is the part of this process.
func OwnCPU() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// ServerCPU is the part of the PostgreSQL server, when it runs on this machine.
func ServerCPU(t testing.TB, d *db.DB) (sum time.Duration) {
	t.Helper()
	if d.Dialect() != db.Postgres {
		return 0
	}
	rows, err := d.Owner().QueryContext(t.Context(), "select pid from pg_stat_activity where datname = current_database() or datname is null")
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		var pid int
		require.NoError(t, rows.Scan(&pid))
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue // on another machine, or gone
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		if f := strings.Fields(rest); len(f) > 12 {
			for _, ticks := range f[11:13] { // user and system time, in hundredths of a second
				n, _ := strconv.ParseInt(ticks, 10, 64)
				sum += time.Duration(n) * 10 * time.Millisecond
			}
		}
	}
	require.NoError(t, rows.Err())
	return sum
}
