// Command bench measures the program from outside: whole processes with the operating system's own
// accounting, and HTTP as a client sees it. scripts/bench.sh calls it; it prints Markdown rows.
//
//	bench floor DIR                      plain streaming read of the invoice files of DIR (what assess is compared with)
//	bench assess BINARY DIR RUNS         assess and floor in turn; wall, peak memory, ratio
//	bench decisions URL CLIENTS SECONDS  decisions over HTTP: p50, p99, rate
//	bench start BINARY DATA              time from start to ready, memory after ten idle seconds, binary size
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "floor":
		return floor(args[1])
	case len(args) == 4 && args[0] == "assess":
		return assess(args[1], args[2], args[3])
	case len(args) == 4 && args[0] == "decisions":
		return decisions(args[1], args[2], args[3])
	case len(args) == 3 && args[0] == "start":
		return start(args[1], args[2])
	}
	return errors.New("usage: see the package comment")
}

// floor unpacks and splits every invoice row of a folder and forgets it: the least work that any reader does.
func floor(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.csv.gz"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no *.csv.gz in %s", dir)
	}
	for _, name := range files {
		f, err := os.Open(name) //nolint:gosec // the operator names the folder
		if err != nil {
			return err
		}
		gz, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		r := csv.NewReader(gz)
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

// process runs a command and gives its wall time and largest resident size.
func process(name string, args ...string) (time.Duration, int64, error) {
	cmd := exec.Command(name, args...) //nolint:gosec,noctx // the operator names it
	var errs bytes.Buffer
	cmd.Stderr = &errs
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, 0, fmt.Errorf("%s: %w: %s", name, err, errs.String())
	}
	wall := time.Since(begin)
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return wall, 0, nil
	}
	return wall, usage.Maxrss * 1024, nil
}

func assess(binary, dir, runs string) error {
	n, err := strconv.Atoi(runs)
	if err != nil || n < 1 || n > 100 {
		return errors.New("RUNS must be 1 to 100")
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	out, err := os.MkdirTemp("", "capillary-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(out) //nolint:errcheck // temporary
	var walls, floors, ratios []float64
	var peak int64
	for i := range n + 1 { // the first pair warms the page cache and is not counted
		a, mem, err := process(binary, "assess", dir, "--budget", "100000000", "--out", filepath.Join(out, "report.xlsx"))
		if err != nil {
			return err
		}
		b, _, err := process(self, "floor", dir)
		if err != nil {
			return err
		}
		if i == 0 {
			continue
		}
		walls, floors, ratios = append(walls, a.Seconds()), append(floors, b.Seconds()), append(ratios, a.Seconds()/b.Seconds())
		peak = max(peak, mem)
	}
	fmt.Fprintf(os.Stdout, "| assess, 373,431 invoices, cold process | %s s |\n| floor: gunzip and split the same rows | %s s |\n| ratio, pair by pair | %s |\n| peak memory of assess | %d MiB |\n",
		spread(walls), spread(floors), spread(ratios), peak>>20)
	return nil
}

// spread is min / median / max.
func spread(v []float64) string {
	slices.Sort(v)
	return fmt.Sprintf("%.3f / %.3f / %.3f", v[0], v[len(v)/2], v[len(v)-1])
}

type client struct {
	http *http.Client
	base string
}

func (c client) call(method, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(context.Background(), method, c.base+path, bytes.NewReader(b))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", strconv.FormatInt(time.Now().UnixNano(), 36)+fmt.Sprintf("%p", into))
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // read below
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	return json.Unmarshal(text, into)
}

func signIn(base string) (client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return client{}, err
	}
	c := client{&http.Client{Jar: jar, Timeout: 30 * time.Second}, base + "/api/v1"}
	var me map[string]any
	return c, c.call(http.MethodPost, "/session", map[string]string{"institution": "demo", "login": "chen.rm", "password": "Demo-2026-capillary"}, &me)
}

func decisions(base, clients, seconds string) error {
	n, err1 := strconv.Atoi(clients)
	sec, err2 := strconv.Atoi(seconds)
	if err := errors.Join(err1, err2); err != nil || n < 1 || n > 64 || sec < 1 || sec > 60 {
		return errors.New("CLIENTS 1 to 64, SECONDS 1 to 60")
	}
	c, err := signIn(base)
	if err != nil {
		return err
	}
	var firms struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	if err := c.call(http.MethodGet, "/firms?limit=100", nil, &firms); err != nil {
		return err
	}
	var mu sync.Mutex
	var took []float64
	var failed error
	var wg sync.WaitGroup
	begin, end := time.Now(), time.Now().Add(time.Duration(sec)*time.Second)
	for k := range n {
		wg.Go(func() {
			for i := k; time.Now().Before(end); i++ {
				at := time.Now()
				var d map[string]any
				err := c.call(http.MethodPost, "/decisions", map[string]any{
					"firm_id": firms.Items[i%len(firms.Items)].ID, "product_id": "invoice-credit", "amount_minor": 20_000_000, "currency": "CNY", "tenor_months": 12,
					"method": "equal_instalment", "purpose": "stock", "other_debt_minor": 0,
				}, &d)
				mu.Lock()
				took, failed = append(took, time.Since(at).Seconds()*1000), errors.Join(failed, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	rate := float64(len(took)) / time.Since(begin).Seconds()
	slices.Sort(took)
	fmt.Fprintf(os.Stdout, "| decisions over HTTP, %d client(s) | p50 %.1f ms, p99 %.1f ms, %.0f per second |\n", n, took[len(took)/2], took[len(took)*99/100], rate)
	return nil
}

func start(binary, data string) error {
	st, err := os.Stat(binary)
	if err != nil {
		return err
	}
	const addr = "127.0.0.1:18931"
	cmd := exec.Command(binary, "serve", "--data", data, "--listen", addr, "--set", "log.level=error") //nolint:gosec,noctx // the operator names it
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	ready := time.Duration(0)
	for time.Since(begin) < 30*time.Second {
		res, err := http.Get("http://" + addr + "/readyz") //nolint:noctx // a probe
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				ready = time.Since(begin)
				break
			}
		}
		time.Sleep(5 * time.Millisecond) //nolint:forbidigo // polling a process from outside
	}
	time.Sleep(10 * time.Second) //nolint:forbidigo // memory is read after ten idle seconds
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
	if err != nil {
		return err
	}
	rss := ""
	for line := range strings.SplitSeq(string(status), "\n") {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			rss = strings.TrimSpace(v)
		}
	}
	if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()); err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "| server: start to ready | %.0f ms |\n| memory after ten idle seconds | %s |\n| binary, console inside | %.1f MiB |\n", ready.Seconds()*1000, rss, float64(st.Size())/(1<<20))
	return nil
}
