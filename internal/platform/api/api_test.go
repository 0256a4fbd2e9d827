package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var thingWrite = auth.DeclarePermission("test.thing.write", "写", "Write a thing", auth.RoleOperations)

var countThings = db.Q("select count(*) from audit_record where institution_id = $1 and action = 'thing.create'")

type thingInput struct {
	Body struct {
		Name        string   `json:"name" minLength:"2"`
		AmountMinor int64    `json:"amount_minor" minimum:"1"`
		Tags        []string `json:"tags,omitempty"`

		On    calendar.Date `json:"on,omitzero"`
		Steps []struct {
			Rate rate.Rate `json:"rate"`
		} `json:"steps,omitempty"`
	}
}

type thingOutput struct {
	api.Tagged
	Body struct {
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}
}

type bundle struct {
	d       *db.DB
	staff   dbtest.Staff
	api     *api.API
	handler http.Handler
	hook    func(context.Context) // runs inside the handler, before the effect
	after   func() error          // runs after the effect was committed
}

// setup makes an API with one change, one read and one raw operation; X-As names the role that calls.
func setup(t *testing.T, d *db.DB, opts ...api.Option) *bundle {
	t.Helper()
	b := &bundle{d: d, staff: dbtest.Institution(t, d), hook: func(context.Context) {}, after: func() error { return nil }}
	opts = append([]api.Option{api.WithLogger(slog.New(slog.DiscardHandler))}, opts...)
	b.api = api.New(d, "test", func(hc huma.Context) (auth.Principal, error) {
		switch hc.Header("X-As") {
		case "operations":
			return b.staff.Operations, nil
		case "risk":
			return b.staff.Risk, nil
		}
		return auth.Principal{}, fault.New(fault.ReasonUnauthenticated)
	}, opts...)
	api.Handle(b.api, api.Op{ID: "create-thing", Method: "POST", Path: "/api/v1/things", Tag: "test", Zh: "建", En: "Create", Policy: api.Need(thingWrite)},
		func(ctx context.Context, p auth.Principal, in *thingInput) (*thingOutput, error) {
			b.hook(ctx)
			if in.Body.Name == "panic" {
				panic("boom")
			}
			if in.Body.Name == "refused" {
				return nil, fault.Field("name", "不可", "is not allowed")
			}
			err := d.Update(ctx, p.Scope(), func(tx *db.Tx) error {
				return audit.Record(ctx, tx, audit.Entry{Action: "thing.create", Object: "thing", ObjectID: in.Body.Name})
			})
			if err == nil {
				err = b.after()
			}
			out := &thingOutput{Tagged: api.Tagged{ETag: api.ETag(7)}}
			out.Body.Name = in.Body.Name
			return out, err
		})
	api.Handle(b.api, api.Op{ID: "get-thing", Method: "GET", Path: "/api/v1/things/{id}", Tag: "test", Zh: "看", En: "Get", Policy: api.Session()},
		func(context.Context, auth.Principal, *struct {
			ID string `path:"id"`
		}) (*thingOutput, error) {
			return nil, errors.New("disk on fire")
		})
	b.api.Raw(api.Op{ID: "echo", Method: "POST", Path: "/api/v1/echo/{name}", Tag: "test", Zh: "回", En: "Echo", Policy: api.Session(), MaxBodyBytes: 10},
		func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
			text, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			_, err = io.WriteString(w, p.Login+" "+r.PathValue("name")+" "+string(text))
			return err
		})
	b.handler = b.api.Handler()
	return b
}

type answer struct {
	status  int
	header  http.Header
	text    string
	problem api.Problem
}

func (b *bundle) call(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("X-As", "operations")
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), text: w.Body.String()}
	if strings.Contains(w.Header().Get("Content-Type"), "problem") {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a.problem), a.text)
		require.Equal(t, w.Code, a.problem.Status)
	}
	return a
}

func (b *bundle) count(t *testing.T) (n int) {
	t.Helper()
	require.NoError(t, b.d.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), countThings, b.staff.InstitutionID).Scan(&n)
	}))
	return n
}

const good = `{"name":"ab","amount_minor":1}`

func TestPoliciesDecideBeforeAnythingIsDecoded(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	require.Equal(t, 401, b.call(t, "POST", "/api/v1/things", "nonsense", "X-As", "nobody").status)
	a := b.call(t, "POST", "/api/v1/things", "nonsense", "X-As", "risk")
	require.Equal(t, "FORBIDDEN", a.problem.Code)
	require.Equal(t, 403, a.status)
	a = b.call(t, "GET", "/api/v1/nothing", "")
	require.Equal(t, "UNKNOWN_ROUTE", a.problem.Code)
	a = b.call(t, "DELETE", "/api/v1/things", "")
	require.Equal(t, 405, a.status)
	require.Equal(t, "POST", a.header.Get("Allow"))
	require.Empty(t, api.Audit(b.api))
}

// PostgreSQL keeps neither NUL nor bytes that are not UTF-8: they are the caller's mistake, on every route.
func TestWhatIsNotTextIsRefusedBeforeTheDatabaseSeesIt(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	for _, path := range []string{"/api/v1/things/a%00b", "/api/v1/things/%ff%fe", "/api/v1/things/x?q=a%00b", "/api/v1/things/x?q=%ff", "/api/v1/things/x?q=%zz"} {
		a := b.call(t, "GET", path, "", "Accept-Language", "zh")
		require.Equal(t, 400, a.status, path)
		require.Equal(t, "MALFORMED_REQUEST", a.problem.Code, path)
		require.Contains(t, a.problem.Title, "非文本字符")
	}
	for _, body := range []string{`{"name":"a\u0000b","amount_minor":1}`, `{"name":"ab","amount_minor":1,"tags":["\u0000"]}`, `{"na\u0000me":"ab","amount_minor":1}`} {
		a := b.call(t, "POST", "/api/v1/things", body, "Idempotency-Key", "nul", "Accept-Language", "zh")
		require.Equal(t, 400, a.status, body)
		require.Contains(t, a.problem.Title, "NUL", body)
	}
	require.Zero(t, b.count(t))
	for _, bad := range []string{"a\x00", "\xff"} {
		_, err := api.DecodeCursor(api.EncodeCursor(bad+"\x00"), 1)
		require.Error(t, err)
	}
}

func TestADatabaseThatIsAwayIsUnavailableAndNotAMistake(t *testing.T) {
	t.Parallel()
	p := api.ProblemOf(fmt.Errorf("begin: %w", &net.OpError{Op: "dial", Err: errors.New("connection refused")}), "en")
	require.Equal(t, 503, p.Status)
	require.Equal(t, "UNAVAILABLE", p.Code)
	b := setup(t, dbtest.SQLite(t))
	a := b.call(t, "POST", "/api/v1/things", good, "Idempotency-Key", "form", "Content-Type", "text/plain")
	require.Equal(t, "UNSUPPORTED_MEDIA_TYPE", a.problem.Code, "a form of another site can send nothing else")
}

func TestARouteWithoutAPolicyRefusesEverybodyAndIsListed(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	api.Handle(b.api, api.Op{ID: "open", Method: "GET", Path: "/api/v1/open"},
		func(context.Context, auth.Principal, *struct{}) (*struct{}, error) { return nil, nil }) //nolint:nilnil // a test
	require.Equal(t, 403, b.call(t, "GET", "/api/v1/open", "").status)
	require.Len(t, api.Audit(b.api), 2)
	require.Contains(t, api.Audit(b.api)[0], "GET /api/v1/open: has no policy")
}

func TestProblemsOfValidationNameFieldAndSpeakTheReadersLanguage(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	cases := []struct {
		name, body, code, field, zh string
		status                      int
	}{
		{"missing", `{"name":"ab"}`, "FIELD_REQUIRED", "amount_minor", "缺少必填字段 amount_minor", 422},
		{"unknown", `{"name":"ab","amount_minor":1,"x":2}`, "INVALID_FIELD", "x", "字段 x 无效：未知的字段", 422},
		{"case variant", `{"Name":"ab","amount_minor":1,"name":"cd"}`, "INVALID_FIELD", "Name", "字段 Name 无效：未知的字段", 422},
		{"too small", `{"name":"ab","amount_minor":0}`, "INVALID_FIELD", "amount_minor", "字段 amount_minor 无效：不得小于 1", 422},
		{"fraction", `{"name":"ab","amount_minor":1.5}`, "INVALID_FIELD", "amount_minor", "字段 amount_minor 无效：应为整数", 422},
		{"short", `{"name":"a","amount_minor":1}`, "INVALID_FIELD", "name", "字段 name 无效：至少 2 个字符", 422},
		{"beyond int64", `{"name":"ab","amount_minor":9223372036854775808}`, "INVALID_FIELD", "amount_minor", "字段 amount_minor 无效：数值超出范围，或不是整数写法", 422},
		{"exponent", `{"name":"ab","amount_minor":1e2}`, "INVALID_FIELD", "amount_minor", "字段 amount_minor 无效：数值超出范围，或不是整数写法", 422},
		{"no such day", `{"name":"ab","amount_minor":1,"on":"2026-02-30"}`, "INVALID_FIELD", "on", "字段 on 无效：应为实际存在的日期，写作 2026-01-31", 422},
		{"within a list", `{"name":"ab","amount_minor":1,"steps":[{"rate":"0.1"},{"rate":"x"}]}`, "INVALID_FIELD", "steps[1].rate", "字段 steps[1].rate 无效：应为小数，如 0.0435", 422},
		{"duplicate", `{"name":"ab","name":"cd","amount_minor":1}`, "MALFORMED_REQUEST", "", "请求无法解析：键 “name” 出现了两次", 400},
		{"trailing", good + `{}`, "MALFORMED_REQUEST", "", "请求无法解析：JSON 值之后还有多余内容", 400},
		{"not utf-8", "{\"name\":\"a\xff\",\"amount_minor\":1}", "MALFORMED_REQUEST", "", "请求无法解析：文本不是有效的 UTF-8", 400},
		{"cut", `{"name":"ab"`, "MALFORMED_REQUEST", "", "请求无法解析：JSON 不完整", 400},
		{"deep", strings.Repeat("[", 70), "MALFORMED_REQUEST", "", "请求无法解析：嵌套超过 64 层", 400},
		{"own", `{"name":"refused","amount_minor":1}`, "INVALID_FIELD", "name", "字段 name 无效：不可", 422},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := b.call(t, "POST", "/api/v1/things", c.body, "Idempotency-Key", "k-"+strings.ReplaceAll(c.name, " ", ""), "Accept-Language", "zh-CN,zh;q=0.9")
			require.Equal(t, c.status, a.status, a.text)
			require.Equal(t, c.code, a.problem.Code)
			require.Equal(t, c.zh, a.problem.Title)
			require.NotEmpty(t, a.problem.Remedy)
			require.NotEmpty(t, a.problem.RequestID)
			if c.field != "" {
				require.Equal(t, c.field, a.problem.Errors[0].Field)
			}
		})
	}
	require.Zero(t, b.count(t))
}

// A filter under a misspelt name must not be left out in silence: the answer would be taken for another.
func TestUnknownQueryParametersAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	a := b.call(t, "GET", "/api/v1/things/1?date=2026-01-01", "", "Accept-Language", "zh")
	require.Equal(t, 422, a.status, a.text)
	require.Equal(t, "date", a.problem.Errors[0].Field)
	require.Equal(t, "字段 date 无效：未知的查询参数", a.problem.Title)
	require.Equal(t, "limit", b.call(t, "GET", "/api/v1/things/1?limit=1&limit=2", "").problem.Errors[0].Field)
	require.Equal(t, 500, b.call(t, "GET", "/api/v1/things/1?limit=1", "").status, "pages may be asked for on any list")
}

func TestInternalErrorsAndPanicsTellNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	a := b.call(t, "GET", "/api/v1/things/1", "", "X-Request-Id", "abc-1")
	require.Equal(t, 500, a.status)
	require.Equal(t, "abc-1", a.problem.RequestID)
	require.NotContains(t, a.text, "fire")
	a = b.call(t, "POST", "/api/v1/things", `{"name":"panic","amount_minor":1}`, "Idempotency-Key", "p1")
	require.Equal(t, 500, a.status)
	require.NotContains(t, a.text, "boom")
	a = b.call(t, "POST", "/api/v1/things", good, "Idempotency-Key", "p1")
	require.Equal(t, 200, a.status, "a request that panicked before its effect gives its key back: %s", a.text)
}

func TestBodiesAreLimited(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	a := b.call(t, "POST", "/api/v1/things", `{"name":"`+strings.Repeat("a", 1<<20)+`"}`, "Idempotency-Key", "k")
	require.Equal(t, 413, a.status)
	require.Equal(t, "TOO_LARGE", a.problem.Code)
	require.Equal(t, 413, b.call(t, "POST", "/api/v1/echo/x", strings.Repeat("a", 11)).status)
	a = b.call(t, "POST", "/api/v1/echo/x", "0123456789")
	require.Equal(t, "operations x 0123456789", a.text)
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		post := func(key, body string) answer {
			return b.call(t, "POST", "/api/v1/things", body, "Idempotency-Key", key)
		}

		require.Equal(t, "IDEMPOTENCY_KEY_REQUIRED", b.call(t, "POST", "/api/v1/things", good).problem.Code)
		require.Equal(t, "IDEMPOTENCY_KEY_REQUIRED", post("a b", good).problem.Code)
		require.Equal(t, "IDEMPOTENCY_KEY_REQUIRED", post(strings.Repeat("k", 129), good).problem.Code)

		first := post("k1", good)
		require.Equal(t, 200, first.status, first.text)
		require.JSONEq(t, `{"name":"ab","tags":[]}`, first.text, "lists are never null")
		again := post("k1", good)
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		require.Equal(t, first.text, again.text)
		require.Equal(t, `"7"`, again.header.Get("ETag"))
		require.Equal(t, 1, b.count(t), "a replay runs nothing")

		require.Equal(t, "IDEMPOTENCY_KEY_REUSED", post("k1", `{"name":"cd","amount_minor":1}`).problem.Code)
		require.Equal(t, "IDEMPOTENCY_KEY_REUSED", b.call(t, "POST", "/api/v1/things?x=1", good, "Idempotency-Key", "k1").problem.Code)

		require.Equal(t, 422, post("k2", `{"name":"refused","amount_minor":1}`).status)
		require.Equal(t, 200, post("k2", good).status, "a refused request gives its key back")

		b.after = func() error { return fault.New(fault.ReasonUnavailable, "what", "bank") }
		require.Equal(t, 503, post("k3", good).status)
		n := b.count(t)
		b.after = func() error { return nil }
		lost := post("k3", good)
		require.Equal(t, 409, lost.status, "an effect was committed: it is not run again, and \"try later\" is not said for ever")
		require.Equal(t, "REQUEST_EXECUTED", lost.problem.Code)
		require.Equal(t, n, b.count(t))
	})
}

func TestConcurrentDoubleClicksRunOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		var mu sync.Mutex
		seen := map[int]int{}
		var wg sync.WaitGroup
		for range 12 {
			wg.Go(func() {
				a := b.call(t, "POST", "/api/v1/things", good, "Idempotency-Key", "double")
				mu.Lock()
				defer mu.Unlock()
				seen[a.status]++
			})
		}
		wg.Wait()
		require.Equal(t, 1, b.count(t))
		require.Equal(t, 12, seen[200]+seen[409], "%v", seen)
		require.Positive(t, seen[200])
	})
}

func TestACrashBetweenEffectAndAnswerIsNeverRunAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		crash := func(key string, committed bool) { // what a killed server leaves behind
			require.NoError(t, d.Update(t.Context(), b.staff.Operations.Scope(), func(tx *db.Tx) error {
				_, err := tx.Exec(t.Context(), plantClaim, b.staff.InstitutionID, b.staff.Operations.UserID, key, planted(committed),
					db.Micros(tx.Now.Add(-time.Hour)), db.Micros(tx.Now.Add(time.Hour)), fingerprintOfGood)
				return err
			}))
		}
		crash("lost", true)
		require.Equal(t, "REQUEST_EXECUTED", b.call(t, "POST", "/api/v1/things", good, "Idempotency-Key", "lost").problem.Code)
		require.Zero(t, b.count(t))
		crash("free", false)
		require.Equal(t, 200, b.call(t, "POST", "/api/v1/things", good, "Idempotency-Key", "free").status)
		require.Equal(t, 1, b.count(t))
	})
}

func TestCrossSiteChangesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	for _, h := range [][2]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
		a := b.call(t, "POST", "/api/v1/things", good, "Idempotency-Key", "k", h[0], h[1])
		require.Equal(t, "CROSS_ORIGIN", a.problem.Code)
	}
	require.Equal(t, 200, b.call(t, "POST", "/api/v1/things", good, "Idempotency-Key", "k", "Sec-Fetch-Site", "same-origin").status)
	require.Equal(t, "nosniff", b.call(t, "GET", "/api/v1/things/1", "").header.Get("X-Content-Type-Options"))
}

func TestRatesAreLimitedPerCaller(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t, dbtest.WithClock(func() time.Time { return time.Unix(1_800_000_000, 0) })), api.WithLimits(api.Limits{PerPrincipal: 1}))
	for range 5 {
		require.Equal(t, 500, b.call(t, "GET", "/api/v1/things/1", "").status)
	}
	a := b.call(t, "GET", "/api/v1/things/1", "")
	require.Equal(t, 429, a.status)
	require.Equal(t, "1", a.header.Get("Retry-After"))
	require.Equal(t, 500, b.call(t, "GET", "/api/v1/things/1", "", "X-As", "risk").status, "another caller is not held up")
}

func TestOpenAPIListsPoliciesAndDocsAskNoOtherHost(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	a := b.call(t, "GET", "/openapi.json", "")
	require.Equal(t, 200, a.status)
	var doc map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.text), &doc))
	require.Equal(t, "3.1.0", doc["openapi"])
	require.Contains(t, a.text, `"x-policy":"test.thing.write"`)
	require.Contains(t, a.text, "Idempotency-Key")
	require.Contains(t, a.text, "/api/v1/echo/{name}")
	require.Equal(t, 200, b.call(t, "GET", "/openapi.yaml", "").status)
	for lang, word := range map[string]string{"zh": "错误代码", "en": "Error codes"} {
		page := b.call(t, "GET", "/docs?lang="+lang, "")
		require.Equal(t, 200, page.status)
		require.Contains(t, page.text, word)
		require.Contains(t, page.text, "/api/v1/things/{id}")
		require.Contains(t, page.text, "amount_minor")
		require.NotRegexp(t, `(src|href)="(https?:)?//`, page.text, "nothing comes from another host")
		require.Contains(t, page.header.Get("Content-Security-Policy"), "default-src 'self'")
	}
	require.Equal(t, "text/javascript; charset=utf-8", b.call(t, "GET", "/docs/docs.js", "").header.Get("Content-Type"))
	require.Equal(t, 200, b.call(t, "GET", "/docs/docs.css", "").status)
}

func TestIfMatch(t *testing.T) {
	t.Parallel()
	require.NoError(t, api.IfMatch{IfMatch: `"1", W/"3"`}.Check(3))
	require.NoError(t, api.IfMatch{}.Check(3))
	require.True(t, fault.Is(api.IfMatch{IfMatch: `"2"`}.Check(3), fault.ReasonStale))
	require.True(t, fault.Is(api.IfMatch{}.Required(3), fault.ReasonRequired))
}

func FuzzCheckJSON(f *testing.F) {
	for _, s := range []string{good, `{"a":{"a":1},"b":[{"a":1},{"a":"a"}]}`, `[]`, `"x"`, `{"a":1,"a":2}`, "\xff", `1 2`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if api.CheckJSON(data) == nil && !json.Valid(bytes.TrimSpace(data)) {
			t.Fatalf("accepted what is not JSON: %q", data)
		}
	})
}

// An address of IPv6 comes with a whole network: limits that counted addresses would limit nobody.
func TestTheNetworkOfAnIPv6AddressIsLimitedAsOne(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t, dbtest.WithClock(func() time.Time { return time.Unix(1_800_000_000, 0) })), api.WithLimits(api.Limits{PerAddress: 1}))
	from := func(address string) int {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/nothing", nil)
		r.RemoteAddr = address
		w := httptest.NewRecorder()
		b.handler.ServeHTTP(w, r)
		return w.Code
	}
	for i := range 4 { // the burst
		require.Equal(t, 404, from(fmt.Sprintf("[2001:db8:1:2::%d]:1", i+1)))
	}
	require.Equal(t, 429, from("[2001:db8:1:2:ffff::9]:1"))
	require.Equal(t, 404, from("[2001:db8:1:3::1]:1"))
	require.Equal(t, 404, from("192.0.2.1:1"))
}
