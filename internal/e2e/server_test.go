package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// readyTimeout covers the first run of the demonstration: it makes a bank and walks the main job.
const readyTimeout = 4 * time.Minute

// The demonstration's people and password, as `capillary demo` prints them.
const (
	password          = "Demo-2026-capillary"
	relationshipLogin = "chen.rm"
	approverLogin     = "huang.approver"
	operationsLogin   = "zhang.ops"
	riskLogin         = "li.risk"
	complianceLogin   = "wu.compliance"
	adminLogin        = "admin"
)

// base is the address of the server that all stories share; empty when the tests do not run.
var base string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv("CAPILLARY_E2E") == "" {
		return m.Run() // every test skips itself
	}
	if given := os.Getenv("CAPILLARY_E2E_BASE"); given != "" {
		base = given // a server that runs already, while the tests are being written
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "capillary-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	stop, err := start(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer stop()
	return m.Run()
}

// start runs `capillary demo` on a fresh data folder and waits until it is ready.
func start(dir string) (func(), error) {
	binary := os.Getenv("CAPILLARY_BIN")
	if binary == "" {
		return nil, errors.New("CAPILLARY_BIN must name the built binary; use `make test-e2e`")
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	output := &tail{}
	server := exec.Command(binary, "demo", "--data", filepath.Join(dir, "data"), "--port", fmt.Sprint(port)) //nolint:gosec // the binary under test
	server.Stdout, server.Stderr = output, output
	if err := server.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	stop := func() {
		_ = server.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = server.Process.Kill()
		}
	}
	base = fmt.Sprintf("http://127.0.0.1:%d", port)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(readyTimeout)
	for {
		select {
		case err := <-ended:
			return nil, fmt.Errorf("the server ended (%w): %s", err, output)
		case <-deadline:
			stop()
			return nil, fmt.Errorf("not ready after %s: %s", readyTimeout, output)
		case <-tick.C:
			if ready() {
				return stop, nil
			}
		}
	}
}

func ready() bool {
	answer, err := http.Get(base + "/readyz") //nolint:noctx // the loop around it has a deadline
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // local and immediate
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// tail keeps the last of what the server said, for the failure message.
type tail struct {
	mu   sync.Mutex
	data bytes.Buffer
}

const tailBytes = 8 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data.Write(p)
	if extra := t.data.Len() - tailBytes; extra > 0 {
		t.data.Next(extra)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.data.String()
}

// need skips a story when the browser tests were not asked for.
func need(t *testing.T) {
	t.Helper()
	if base == "" {
		t.Skip("browser tests run with `make test-e2e`")
	}
}
