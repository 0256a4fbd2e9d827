package assess

import (
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/testkit/cumcm"
)

// childVariable makes the test binary run one measured job and exit, so that every run is a cold
// process.
const childVariable = "CAPILLARY_ASSESS_CHILD"

func TestMain(m *testing.M) {
	job := os.Getenv(childVariable)
	if job == "" {
		os.Exit(m.Run())
	}
	if err := child(job, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func child(job string, args []string) error {
	switch job {
	case "assess":
		cmd := Command("zh")
		cmd.SetArgs(args)
		return cmd.ExecuteContext(context.Background())
	case "floor":
		return floor(args)
	}
	return errors.New("no such job: " + job)
}

// floor is a plain streaming read with the standard library: unpack, cut into fields, discard.
func floor(paths []string) error {
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		r := csv.NewReader(z)
		r.ReuseRecord = true
		for {
			if _, err := r.Read(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return err
			}
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return nil
}

type measure struct {
	wall time.Duration
	rss  int64 // bytes
}

func measureChild(b *testing.B, job string, args ...string) measure {
	b.Helper()
	cmd := exec.Command(os.Args[0], args...) //nolint:gosec // the test binary itself
	cmd.Env = append(os.Environ(), childVariable+"="+job)
	cmd.Stderr = os.Stderr
	started := time.Now()
	require.NoError(b, cmd.Run())
	wall := time.Since(started)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	require.True(b, ok)
	return measure{wall, usage.Maxrss * 1024}
}

// The bars of the project.
const (
	maxRatio = 3.0
	maxRSS   = 500 << 20
)

// BenchmarkAssessCold runs the whole assessment of the contest's 373,431 invoices, with all three
// reports, as a cold process, beside the plain read of the same files, turn by turn:
//
//	CAPILLARY_TEST_DATA=... go test ./internal/assess -run '^$' -bench AssessCold -benchtime 9x
func BenchmarkAssessCold(b *testing.B) {
	dir := cumcm.Dir(b)
	files, err := filepath.Glob(filepath.Join(dir, "附件1_*发票信息.csv.gz"))
	require.NoError(b, err)
	require.Len(b, files, 2)
	out := b.TempDir()
	var floors, runs []measure
	for b.Loop() {
		floors = append(floors, measureChild(b, "floor", files...))
		runs = append(runs, measureChild(b, "assess", dir, "--quiet", "--out", filepath.Join(out, "report.xlsx")))
	}
	base, run := median(floors), median(runs)
	peak := slices.MaxFunc(runs, func(x, y measure) int { return int(x.rss - y.rss) }).rss
	ratio := float64(run) / float64(base)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(base.Milliseconds()), "floor-ms")
	b.ReportMetric(float64(run.Milliseconds()), "assess-ms")
	b.ReportMetric(ratio, "x-floor")
	b.ReportMetric(float64(peak>>20), "peak-MiB")
	if len(runs) >= 3 {
		require.LessOrEqual(b, ratio, maxRatio, "assess took %v, the floor %v", run, base)
		require.Less(b, peak, int64(maxRSS))
	}
}

func median(all []measure) time.Duration {
	walls := make([]time.Duration, len(all))
	for i, m := range all {
		walls[i] = m.wall
	}
	slices.Sort(walls)
	return walls[len(walls)/2]
}

// BenchmarkFloorBySystem reads the same files with gzip and wc, for whoever doubts the floor.
func BenchmarkFloorBySystem(b *testing.B) {
	dir := cumcm.Dir(b)
	for b.Loop() {
		out, err := exec.Command("sh", "-c", "cat \"$0\"/附件1_*发票信息.csv.gz | gzip -dc | wc -l", dir).Output() //nolint:gosec // a folder of the test
		require.NoError(b, err)
		require.Equal(b, "373433", strings.TrimSpace(string(out)))
	}
}
