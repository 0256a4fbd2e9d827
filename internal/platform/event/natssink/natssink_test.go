package natssink_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/event/natssink"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a real nats-server in a process of its own.
type server struct {
	dir  string
	port int
	cmd  *exec.Cmd
}

func (s *server) url() string { return "nats://127.0.0.1:" + strconv.Itoa(s.port) }

func newServer(t *testing.T) *server {
	t.Helper()
	if _, err := exec.LookPath("nats-server"); err != nil {
		t.Skip("nats-server is not on PATH: the NATS part is skipped (apt-get install nats-server)")
	}
	s := &server{dir: t.TempDir()}
	s.start(t)
	t.Cleanup(func() { s.kill() })
	return s
}

// start runs the server, on the port it had before, and waits until it is ready.
func (s *server) start(t *testing.T) {
	t.Helper()
	args := []string{"-js", "-sd", filepath.Join(s.dir, "store"), "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", s.dir}
	if s.port != 0 {
		args[6] = strconv.Itoa(s.port)
	}
	s.cmd = exec.Command("nats-server", args...) //nolint:gosec,noctx // a test's own server, killed by the test
	require.NoError(t, s.cmd.Start())
	ports := filepath.Join(s.dir, fmt.Sprintf("nats-server_%d.ports", s.cmd.Process.Pid))
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(ports)
		if err != nil {
			return false
		}
		var got struct {
			Nats []string `json:"nats"`
		}
		if json.Unmarshal(text, &got) != nil || len(got.Nats) == 0 {
			return false
		}
		_, p, err := net.SplitHostPort(got.Nats[0][len("nats://"):])
		require.NoError(t, err)
		s.port, err = strconv.Atoi(p)
		require.NoError(t, err)
		return true
	}, 20*time.Second, 10*time.Millisecond, "nats-server did not start")
}

func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		_ = s.cmd.Wait()
		s.cmd = nil
	}
}

var fast = event.Config{Poll: 10 * time.Millisecond, Lease: 300 * time.Millisecond}

func emit(t *testing.T, d *db.DB, sc db.Scope, n int) {
	t.Helper()
	require.NoError(t, d.Update(t.Context(), sc, func(tx *db.Tx) error {
		for i := range n {
			if err := event.Append(t.Context(), tx, event.Draft{Type: "test.counted", Aggregate: "c", AggregateID: "1", Payload: map[string]int{"n": i}}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// published reads the whole stream and reports whether it is positions 1..n.
func published(t *testing.T, url string, n int) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := nats.Connect(url)
	if err != nil {
		return false
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	st, err := js.Stream(ctx, "CAPILLARY")
	if err != nil {
		return false
	}
	info, err := st.Info(ctx)
	if err != nil || info.State.Msgs != uint64(n) || info.State.LastSeq != uint64(n) {
		return false
	}
	for seq := 1; seq <= n; seq++ {
		m, err := st.GetMsg(ctx, uint64(seq))
		require.NoError(t, err)
		var body natssink.Message
		require.NoError(t, json.Unmarshal(m.Data, &body))
		require.EqualValues(t, seq, body.Position)
		require.Equal(t, body.ID, m.Header.Get("Nats-Msg-Id"))
		require.Equal(t, "capillary.event."+body.Institution+".test.counted", m.Subject)
	}
	return true
}

func TestEveryEventArrivesOnceThroughKillsAndWipes(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		srv := newServer(t)
		s := dbtest.Institution(t, d)
		sink, err := natssink.New(natssink.Config{URL: srv.url()})
		require.NoError(t, err)
		t.Cleanup(sink.Close)
		r := event.NewRelay(d, fast)
		r.AddSink(sink)
		require.NoError(t, r.Start(t.Context()))
		t.Cleanup(func() { require.NoError(t, r.Stop(context.Background())) })
		all := func(n int) {
			t.Helper()
			require.Eventually(t, func() bool { return published(t, srv.url(), n) }, 30*time.Second, 50*time.Millisecond, "%d events", n)
		}
		emit(t, d, s.System.Scope(), 300)
		all(300)

		srv.kill() // SIGKILL; events go on being written meanwhile
		emit(t, d, s.System.Scope(), 50)
		srv.start(t)
		all(350)

		srv.kill() // and now its disk is lost
		require.NoError(t, os.RemoveAll(filepath.Join(srv.dir, "store")))
		srv.start(t)
		emit(t, d, s.System.Scope(), 1)
		all(351)
	})
}

func TestAGapIsFoundAndTheStreamMadeAnew(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	srv := newServer(t)
	s := dbtest.Institution(t, d)
	sink, err := natssink.New(natssink.Config{URL: srv.url()})
	require.NoError(t, err)
	t.Cleanup(sink.Close)
	start := func() *event.Relay {
		r := event.NewRelay(d, fast)
		r.AddSink(sink)
		require.NoError(t, r.Start(t.Context()))
		return r
	}
	r := start()
	emit(t, d, s.System.Scope(), 20)
	require.Eventually(t, func() bool { return published(t, srv.url(), 20) }, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, r.Stop(t.Context()))

	conn, err := nats.Connect(srv.url())
	require.NoError(t, err)
	defer conn.Close()
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	st, err := js.Stream(t.Context(), "CAPILLARY")
	require.NoError(t, err)
	require.NoError(t, st.DeleteMsg(t.Context(), 7))
	careful, err := natssink.New(natssink.Config{URL: srv.url(), KeepOnGap: true})
	require.NoError(t, err)
	t.Cleanup(careful.Close)
	_, err = careful.Position(t.Context())
	require.ErrorIs(t, err, natssink.ErrGap)

	r = start()
	require.Eventually(t, func() bool { return published(t, srv.url(), 20) }, 20*time.Second, 20*time.Millisecond)
	require.NoError(t, r.Stop(t.Context()))
}
