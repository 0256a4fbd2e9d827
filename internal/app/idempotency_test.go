package app_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/config"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/apitest"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// probe is an API with every changing operation of the program as it is declared (method, path, policy, secrecy),
// and in place of its handler one that leaves a mark under a business key and then does as it is told.
type probe struct {
	d      *db.DB
	a      *api.API
	people []auth.Principal // of two institutions
	ran    atomic.Int64
	micros atomic.Int64
}

type probeInput struct {
	Body struct {
		Do       string `json:"do"`
		Business string `json:"business"`
	}
}

type probeOutput struct {
	Body struct {
		Business string `json:"business"`
	}
}

var (
	leaveMark = db.Q(`insert into notification (institution_id, user_id, id, zh, en, link, at, read_at) values ($1,$2,$3,'z','e','probe',1,0) on conflict do nothing`)
	marks     = db.Q(`select count(*) from notification where link = 'probe' and id = $1`)
)

func newProbe(t *testing.T, d *db.DB, ops []api.Op, p *probe) *probe {
	t.Helper()
	p.d = d
	p.a = api.New(d, "test", func(hc huma.Context) (auth.Principal, error) {
		for _, x := range p.people {
			if x.UserID == hc.Header("X-As") {
				return x, nil
			}
		}
		return auth.Principal{}, fault.New(fault.ReasonUnauthenticated)
	}, api.WithLogger(slog.New(slog.DiscardHandler)), api.WithLimits(api.Limits{PerPrincipal: -1, PerAddress: -1, PerSignIn: -1}))
	for _, op := range ops {
		api.Handle(p.a, op, p.handle)
	}
	return p
}

func (p *probe) handle(ctx context.Context, who auth.Principal, in *probeInput) (*probeOutput, error) {
	p.ran.Add(1)
	switch in.Body.Do {
	case "refuse":
		return nil, fault.Field("do", "不可", "is refused")
	case "fail before":
		return nil, fault.New(fault.ReasonUnavailable, "what", "x")
	}
	err := p.d.Update(ctx, who.Scope(), func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, leaveMark, tx.Institution, who.UserID, in.Body.Business)
		return err
	})
	if err == nil && in.Body.Do == "fail after" {
		err = errors.New("the answer was lost")
	}
	out := &probeOutput{}
	out.Body.Business = in.Body.Business
	return out, err
}

// may finds people of the first institution who may call an operation, and one of the second.
func (p *probe) may(op api.Op) (mine []auth.Principal, other auth.Principal) {
	for _, x := range p.people {
		switch {
		case op.Policy.Permission() != "" && !x.Can(op.Policy.Permission()):
		case x.InstitutionID == p.people[0].InstitutionID:
			mine = append(mine, x)
		default:
			other = x
		}
	}
	return mine, other
}

func (p *probe) count(t *testing.T, business string) (n int) {
	t.Helper()
	require.NoError(t, p.d.View(t.Context(), db.System("test"), func(tx *db.Tx) error { return tx.QueryRow(t.Context(), marks, business).Scan(&n) }))
	return n
}

// call sends one request; without a key when it is "-".
func (p *probe) call(t *testing.T, op api.Op, as auth.Principal, key, do, business string) apitest.Answer {
	t.Helper()
	path := strings.NewReplacer("{", "x", "}", "x").Replace(op.Path)
	headers := []string{"X-As", as.UserID}
	if key != "-" {
		headers = append(headers, "Idempotency-Key", key)
	}
	return apitest.Call(t, p.a.Handler(), apitest.Caller{}, op.Method, path, map[string]any{"do": do, "business": business}, headers...)
}

// Bar 3: the ten cases of repeated requests, on every changing operation of the program, on both stores.
func TestTenCasesOfRepeatedRequests(t *testing.T) {
	t.Parallel()
	if raceDetector && os.Getenv("CAPILLARY_LONG") == "" {
		t.Skip("thousands of requests: scripts/test.sh runs it without the race detector")
	}
	c := config.Default()
	c.DataDir = t.TempDir()
	a, err := app.Open(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	var ops []api.Op
	for _, op := range a.API.Operations() {
		if op.Idempotent() {
			ops = append(ops, op)
		}
	}
	require.NoError(t, a.Close())
	require.Greater(t, len(ops), 40)
	for name, open := range map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &probe{}
			p.micros.Store(time.Date(2026, 1, 5, 1, 0, 0, 0, time.UTC).UnixMicro())
			d := open(t, dbtest.WithClock(func() time.Time { return time.UnixMicro(p.micros.Load()) }))
			for range 2 {
				s := dbtest.Institution(t, d)
				p.people = append(p.people, s.Manager, s.Approver, s.Operations, s.Risk, s.Compliance, s.Admin, s.Integrator)
			}
			newProbe(t, d, ops, p)
			for i, op := range ops {
				if name == "postgres" && i%4 != 0 && os.Getenv("CAPILLARY_LONG") == "" {
					continue // the boundary is the same; the nightly campaign asks all
				}
				p.tenCases(t, op)
			}
			t.Logf("%d operations, %d runs of handlers", len(ops), p.ran.Load())
		})
	}
}

func (p *probe) tenCases(t *testing.T, op api.Op) {
	t.Helper()
	mine, other := p.may(op)
	require.NotEmpty(t, mine, op.ID)
	me := mine[0]
	key := func(n string) string { return op.ID + "." + n }
	say := func(n string) []any { return []any{"%s %s, case %s", op.Method, op.Path, n} }
	ok := func(a apitest.Answer) bool { return a.Status < 300 }

	first := p.call(t, op, me, key("1"), "ok", key("1"))
	require.True(t, ok(first), "%s %s: %d %s", op.ID, op.Path, first.Status, first.Body)
	again := p.call(t, op, me, key("1"), "ok", key("1"))
	if op.Secret {
		require.Equal(t, api.ReasonAnswerLost.Code, again.Code, say("1: a secret is shown once")...)
	} else {
		require.Equal(t, first, again, say("1: the same request again")...)
	}
	require.Equal(t, api.ReasonKeyReused.Code, p.call(t, op, me, key("1"), "ok", key("1b")).Code, say("2: another request under the key")...)
	require.Equal(t, []int{1, 0}, []int{p.count(t, key("1")), p.count(t, key("1b"))}, say("1, 2")...)

	p.twins(t, op, me, key("3"))

	require.Equal(t, http.StatusUnprocessableEntity, p.call(t, op, me, key("4"), "refuse", key("4")).Status, say("4: refused")...)
	require.True(t, ok(p.call(t, op, me, key("4"), "ok", key("4"))), say("4: a refused request gives its key back")...)

	before := p.ran.Load()
	p.micros.Add((25 * time.Hour).Microseconds())
	require.True(t, ok(p.call(t, op, me, key("1"), "ok", key("1"))), say("5: an expired key")...)
	require.Equal(t, before+1, p.ran.Load(), say("5: it runs again")...)
	require.Equal(t, 1, p.count(t, key("1")), say("5: and the business key blocks it")...)

	people := []auth.Principal{me, other}
	if len(mine) > 1 {
		people = append(people, mine[1])
	}
	for _, x := range people {
		if x.UserID != "" {
			require.True(t, ok(p.call(t, op, x, key("6"), "ok", key("6")+x.UserID)), say("6: one key, several people")...)
			require.Equal(t, 1, p.count(t, key("6")+x.UserID), say("6")...)
		}
	}

	for _, bad := range []string{"-", strings.Repeat("k", 129), "a b", "键"} {
		require.Equal(t, api.ReasonKeyRequired.Code, p.call(t, op, me, bad, "ok", key("7")).Code, say("7, 8: no key, or no good one")...)
	}
	require.Zero(t, p.count(t, key("7")), say("7, 8")...)

	done := p.call(t, op, me, key("9"), "ok", key("9"))
	restarted := newProbe(t, p.d, []api.Op{op}, &probe{people: p.people})
	again = restarted.call(t, op, me, key("9"), "ok", key("9"))
	if !op.Secret {
		require.Equal(t, done, again, say("9: after a restart")...)
	}
	require.Zero(t, restarted.ran.Load(), say("9")...)

	require.Equal(t, http.StatusServiceUnavailable, p.call(t, op, me, key("10"), "fail before", key("10")).Status, say("10")...)
	require.True(t, ok(p.call(t, op, me, key("10"), "ok", key("10"))), say("10: a failure before the effect")...)
	require.Equal(t, http.StatusInternalServerError, p.call(t, op, me, key("10b"), "fail after", key("10b")).Status, say("10")...)
	require.Equal(t, api.ReasonAnswerLost.Code, p.call(t, op, me, key("10b"), "fail after", key("10b")).Code, say("10: a failure after the effect")...)
	require.Equal(t, []int{1, 1}, []int{p.count(t, key("10")), p.count(t, key("10b"))}, say("10")...)
}

// twins sends one request four times at once: one runs, the others get its answer or are asked to wait.
func (p *probe) twins(t *testing.T, op api.Op, me auth.Principal, key string) {
	t.Helper()
	before := p.ran.Load()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			a := p.call(t, op, me, key, "ok", key)
			if a.Status >= 300 && a.Code != api.ReasonInFlight.Code && (!op.Secret || a.Code != api.ReasonAnswerLost.Code) {
				t.Errorf("%s, case 3: %d %s", op.ID, a.Status, a.Code)
			}
		})
	}
	all.Wait()
	require.Equal(t, before+1, p.ran.Load(), "%s, case 3: twins", op.ID)
	require.Equal(t, 1, p.count(t, key), "%s, case 3: twins", op.ID)
}
