package writer_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/ledger/writer"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/identity"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// integrator serves the operations as the program does and gives what sends a request with an API key over a kept connection.
func (h house) integrator(b *testing.B) func(path string, body any) error {
	b.Helper()
	keys := auth.NewService(h.db, crypto.NewKeyring())
	_, token, err := keys.CreateKey(b.Context(), h.staff.Admin, auth.CreateKeyInput{UserID: h.staff.Integrator.UserID, Name: "bench", Scopes: []string{writer.PermissionPost}, ExpiresAt: h.db.Now().AddDate(0, 1, 0)})
	require.NoError(b, err)
	a := api.New(h.db, "bench", identity.Authenticator(keys, false), api.WithLogger(slog.New(slog.DiscardHandler)), api.WithLimits(api.Limits{PerSignIn: -1, PerAddress: -1, PerPrincipal: -1}))
	writer.Routes(a, h.svc)
	server := httptest.NewUnstartedServer(nil)
	server.Config = a.Server("")
	server.Start()
	b.Cleanup(server.Close)
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	return func(path string, body any) error {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, server.URL+path, bytes.NewReader(text))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := client.Do(req)
		if err != nil {
			return err
		}
		defer res.Body.Close() //nolint:errcheck // it was read
		answer, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%d: %s", res.StatusCode, answer) //nolint:err113 // a benchmark
		}
		return err
	}
}

// BenchmarkPostingOverHTTP is what another system sees: JSON, an API key, the guards of every request; clients and server share the machine.
func BenchmarkPostingOverHTTP(b *testing.B) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		b.Run(engine, func(b *testing.B) {
			for range b.N {
				d := dbtest.SQLite
				if engine == "PostgreSQL" {
					d = dbtest.Postgres
				}
				h := open(b, d(b), writer.Config{})
				if engine == "PostgreSQL" {
					durable(b, h.db)
				}
				var seed []writer.Posting
				for i := range wallets {
					seed = append(seed, payIn("seed"+strconv.Itoa(i), "w"+strconv.Itoa(i), 1_000_000_000))
				}
				_, err := h.svc.PostAtomic(b.Context(), h.staff.Integrator, seed)
				require.NoError(b, err)
				send := h.integrator(b)
				for _, s := range []struct{ clients, size int }{{1, 1}, {8, 1}, {32, 1}, {1, 100}, {8, 100}} {
					h.overHTTP(b, engine, s.clients, s.size, send)
				}
				h.verify(b)
			}
		})
	}
}

func (h house) overHTTP(b *testing.B, engine string, clients, size int, send func(path string, body any) error) {
	b.Helper()
	what := "single"
	if size > 1 {
		what = fmt.Sprintf("bulk of %d", size)
	}
	var turns []cell
	for range seconds() {
		runs++
		run := runs
		turns = append(turns, drive(b, clients, size, func(client, n int) error {
			items := make([]writer.Posting, size)
			for i := range items {
				items[i] = random()
				items[i].Reference = fmt.Sprintf("h%d-%d-%d-%d", run, client, n, i)
			}
			if size == 1 {
				return send("/api/v1/postings", items[0])
			}
			return send("/api/v1/postings/bulk", map[string]any{"atomic": true, "items": items})
		}))
	}
	got := mean(turns)
	fmt.Fprintf(os.Stderr, "| %s over HTTP | %d | %s | %.0f | %.1f | %.1f |\n", engine, clients, what, got.rate, got.p50.Seconds()*1000, got.p99.Seconds()*1000) //nolint:forbidigo // the benchmark's report
}
