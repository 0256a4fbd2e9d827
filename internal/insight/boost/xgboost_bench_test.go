package boost

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// BenchmarkAgainstXGBoost trains on the same codes with the same threads as XGBoost, turn by turn in one run, so that
// both meet the same weather. It prints Markdown rows, with ratios of minima. CAPILLARY_XGBOOST_PYTHON names a Python with xgboost (Debian's
// python3-xgboost: /usr/bin/python3).
func BenchmarkAgainstXGBoost(b *testing.B) {
	python := os.Getenv("CAPILLARY_XGBOOST_PYTHON")
	if python == "" {
		b.Skip("set CAPILLARY_XGBOOST_PYTHON to a Python that has xgboost")
	}
	ask := startXGBoost(b, python)
	tables := []struct {
		name string
		data *Data
	}{{"drawn, 21,000 x 23 x 32", drawn(21_000, 23, 32, 0, 1)}, {"drawn, 200,000 x 40 x 64", drawn(200_000, 40, 64, 0, 2)}}
	if os.Getenv("CAPILLARY_TEST_DATA") != "" {
		tables[0].name, tables[0].data = "card defaults, 21,000 x 23 x 32", readReference(b).train
	}
	for i, table := range tables {
		file := writeCodes(b, table.data)
		for _, shape := range [][2]int{{20, 5}, {50, 4}}[:2-i] {
			for _, threads := range []int{1, 2} {
				p := DefaultParams()
				p.Trees, p.Depth, p.Workers = shape[0], shape[1], threads
				var ours, theirs, oursCPU, theirsCPU []float64
				for range 7 {
					wall, cpu := ask(file, p.Trees, p.Depth, threads)
					theirs, theirsCPU = append(theirs, wall), append(theirsCPU, cpu)
					start, used := time.Now(), processorSeconds()
					if _, _, err := Train(context.Background(), table.data, nil, p); err != nil {
						b.Fatal(err)
					}
					ours, oursCPU = append(ours, time.Since(start).Seconds()), append(oursCPU, processorSeconds()-used)
				}
				fmt.Printf("| %s | %d x %d | %d | %s | %s | %.2f | %.2f |\n", table.name, p.Trees, p.Depth, threads, shown(ours, oursCPU), shown(theirs, theirsCPU),
					slices.Min(ours)/slices.Min(theirs), slices.Min(oursCPU)/slices.Min(theirsCPU))
			}
		}
	}
}

// startXGBoost starts the other side and gives the question to ask it.
func startXGBoost(b *testing.B, python string) func(file string, trees, depth, threads int) (wall, cpu float64) {
	b.Helper()
	cmd := exec.CommandContext(context.Background(), python, filepath.Join("testdata", "xgboost", "time.py"))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = in.Close(); _ = cmd.Wait() })
	answers := bufio.NewScanner(out)
	return func(file string, trees, depth, threads int) (wall, cpu float64) {
		fmt.Fprintln(in, file, trees, depth, threads)
		if !answers.Scan() {
			b.Fatal("XGBoost does not answer")
		}
		if _, err := fmt.Sscan(answers.Text(), &wall, &cpu); err != nil {
			b.Fatal(err)
		}
		return wall, cpu
	}
}

// shown gives minimum and median of the time that passed, and the minimum of the processors' time, which does not count
// what other processes took.
func shown(wall, cpu []float64) string {
	slices.Sort(wall)
	return fmt.Sprintf("%.0f / %.0f ms, %.0f ms of processor", wall[0]*1e3, wall[len(wall)/2]*1e3, slices.Min(cpu)*1e3)
}

func processorSeconds() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func writeCodes(b *testing.B, d *Data) string {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "codes.csv"))
	if err != nil {
		b.Fatal(err)
	}
	w := csv.NewWriter(f)
	record := make([]string, len(d.Columns)+1)
	for r, y := range d.Labels {
		for c := range d.Columns {
			record[c] = strconv.Itoa(int(d.Columns[c].Codes[r]))
		}
		record[len(d.Columns)] = strconv.Itoa(int(y))
		_ = w.Write(record)
	}
	w.Flush()
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return f.Name()
}
