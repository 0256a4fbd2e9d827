package bank_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/simulator/bank"
)

const secret = "test-secret"

func start(t *testing.T, cfg bank.Config) (*bank.Server, *httptest.Server) {
	t.Helper()
	cfg.Secret = secret
	if cfg.Accounts == nil {
		cfg.Accounts = []bank.Account{{Number: "nostro", Name: "Test Bank", BalanceMinor: 1_000_000_00}}
	}
	s, err := bank.New(cfg)
	require.NoError(t, err)
	h := httptest.NewServer(s)
	t.Cleanup(func() { _ = s.Close(); h.Close() })
	return s, h
}

type reply struct {
	Simulator string       `json:"simulator"`
	Error     string       `json:"error"`
	Repeated  bool         `json:"repeated"`
	Payment   bank.Payment `json:"payment"`
	Account   bank.Account `json:"account"`
}

func call(ctx context.Context, h *httptest.Server, method, path string, body any) (int, reply, error) {
	var raw []byte
	if body != nil {
		raw, _ = json.Marshal(body)
	}
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	req, err := http.NewRequestWithContext(ctx, method, h.URL+path, bytes.NewReader(raw))
	if err != nil {
		return 0, reply{}, err
	}
	req.Header.Set(bank.HeaderTimestamp, stamp)
	req.Header.Set(bank.HeaderSignature, bank.Sign(secret, stamp, method, req.URL.EscapedPath(), raw))
	res, err := h.Client().Do(req)
	if err != nil {
		return 0, reply{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, reply{}, err
	}
	var r reply
	return res.StatusCode, r, json.Unmarshal(b, &r)
}

func order(key string, minor int64) bank.Order {
	return bank.Order{Key: key, FromAccount: "nostro", ToAccount: "firm-1", ToName: "小微企业", AmountMinor: minor, Currency: "CNY"}
}

func TestPaysOncePerKey(t *testing.T) {
	t.Parallel()
	s, h := start(t, bank.Config{})
	var wg sync.WaitGroup
	for range 50 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			_, _, _ = call(context.Background(), h, http.MethodPost, "/payments", order("k", 100))
		}()
	}
	wg.Wait()
	require.Len(t, s.Payments(), 1)
	status, r, err := call(t.Context(), h, http.MethodPost, "/payments", order("k", 100))
	require.NoError(t, err)
	require.Equal(t, 200, status)
	require.True(t, r.Repeated)
	require.Equal(t, bank.Notice, r.Simulator)
	_, r, err = call(t.Context(), h, http.MethodGet, "/accounts/firm-1", nil)
	require.NoError(t, err)
	require.Equal(t, int64(100), r.Account.BalanceMinor)
	status, r, err = call(t.Context(), h, http.MethodPost, "/payments", order("k", 101))
	require.NoError(t, err)
	require.Equal(t, []any{409, "KEY_REUSED"}, []any{status, r.Error})
}

func TestRejections(t *testing.T) {
	t.Parallel()
	_, h := start(t, bank.Config{})
	_, r, err := call(t.Context(), h, http.MethodPost, "/payments", order("big", 1_000_000_01))
	require.NoError(t, err)
	require.Equal(t, bank.RejectFunds, r.Payment.Reason)
	o := order("who", 1)
	o.FromAccount = "nobody"
	_, r, err = call(t.Context(), h, http.MethodPost, "/payments", o)
	require.NoError(t, err)
	require.Equal(t, bank.RejectAccount, r.Payment.Reason)
	status, r, err := call(t.Context(), h, http.MethodGet, "/payments/none", nil)
	require.NoError(t, err)
	require.Equal(t, []any{404, "PAYMENT_UNKNOWN"}, []any{status, r.Error})
	for _, bad := range []bank.Order{{}, order("", 1), order("x", 0), order("x", -1), {Key: "x", FromAccount: "a", ToAccount: "a", AmountMinor: 1, Currency: "CNY"}} {
		status, _, err := call(t.Context(), h, http.MethodPost, "/payments", bad)
		require.NoError(t, err)
		require.Equal(t, 400, status)
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	_, h := start(t, bank.Config{})
	for _, old := range []time.Duration{0, -10 * time.Minute} {
		stamp := strconv.FormatInt(time.Now().Add(old).Unix(), 10)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, h.URL+"/payments/k", http.NoBody)
		require.NoError(t, err)
		req.Header.Set(bank.HeaderTimestamp, stamp)
		req.Header.Set(bank.HeaderSignature, bank.Sign(map[bool]string{true: secret, false: "wrong"}[old != 0], stamp, http.MethodGet, "/payments/k", nil))
		res, err := h.Client().Do(req)
		require.NoError(t, err)
		require.NoError(t, res.Body.Close())
		require.Equal(t, 401, res.StatusCode)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s, h := start(t, bank.Config{Faults: bank.Faults{HangAfterPermille: 1000}})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, _, err := call(ctx, h, http.MethodPost, "/payments", order("hang", 5))
	require.Error(t, err, "executed, but nobody was told")
	status, r, err := call(t.Context(), h, http.MethodGet, "/payments/hang", nil)
	require.NoError(t, err)
	require.Equal(t, []any{200, bank.Executed}, []any{status, r.Payment.Status})

	s.SetFaults(bank.Faults{FailAfterPermille: 1000})
	status, _, err = call(t.Context(), h, http.MethodPost, "/payments", order("after", 5))
	require.NoError(t, err)
	require.Equal(t, 500, status)
	status, _, err = call(t.Context(), h, http.MethodGet, "/payments/after", nil)
	require.NoError(t, err)
	require.Equal(t, 200, status)

	s.SetFaults(bank.Faults{FailFirstPermille: 1000})
	status, _, err = call(t.Context(), h, http.MethodPost, "/payments", order("first", 5))
	require.NoError(t, err)
	require.Equal(t, 503, status)
	status, _, err = call(t.Context(), h, http.MethodGet, "/payments/first", nil)
	require.NoError(t, err)
	require.Equal(t, 404, status)

	status, _, err = call(t.Context(), h, http.MethodPut, "/faults", bank.Faults{Down: true})
	require.NoError(t, err)
	require.Equal(t, 200, status)
	status, _, err = call(t.Context(), h, http.MethodGet, "/payments/after", nil)
	require.NoError(t, err)
	require.Equal(t, 503, status)
}

func TestSurvivesRestartAndTornLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "bank.log")
	s, h := start(t, bank.Config{Path: path})
	for i := range 5 {
		status, _, err := call(t.Context(), h, http.MethodPost, "/payments", order(fmt.Sprint("k", i), 10))
		require.NoError(t, err)
		require.Equal(t, 200, status)
	}
	require.NoError(t, s.Close())
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"payment":{"key":"torn`)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	s2, h2 := start(t, bank.Config{Path: path})
	require.Len(t, s2.Payments(), 5)
	_, r, err := call(t.Context(), h2, http.MethodGet, "/accounts/nostro", nil)
	require.NoError(t, err)
	require.Equal(t, int64(1_000_000_00-50), r.Account.BalanceMinor)
}

func TestRunStopsWithItsContext(t *testing.T) {
	t.Parallel()
	s, err := bank.New(bank.Config{Addr: "127.0.0.1:0", Secret: secret})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	ready := make(chan string, 1)
	go func() { ended <- s.Run(ctx, func(addr string) { ready <- addr }) }()
	res, err := http.Get("http://" + <-ready + "/health") //nolint:noctx // a test
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	cancel()
	require.NoError(t, <-ended)
}

// Each currency has its own account at the bank and its own decimals on paper; accounts of two currencies do not pay
// each other, because this bank does not exchange money.
func TestCurrenciesHaveTheirOwnAccounts(t *testing.T) {
	t.Parallel()
	at := time.Now()
	s, h := start(t, bank.Config{SettlementMinor: 1_000_000, Clock: func() time.Time { return at }})
	require.NoError(t, s.Open(bank.Account{Number: "CN", BalanceMinor: 500}))
	require.Error(t, s.Open(bank.Account{Number: "XX", Currency: "XXX"}))
	pay := func(key, from, to, currency string) (int, bank.Payment) {
		status, r, err := call(t.Context(), h, http.MethodPost, "/payments", bank.Order{Key: key, FromAccount: from, ToAccount: to, ToName: "甲", AmountMinor: 1234, Currency: currency, ValueDate: "2026-01-05"})
		require.NoError(t, err)
		return status, r.Payment
	}
	_, paid := pay("1", "nostro:x:JPY", "JP", "JPY")
	require.Equal(t, bank.Executed, paid.Status)
	_, mixed := pay("2", "nostro:x:JPY", "CN", "JPY")
	require.Equal(t, bank.RejectCurrency, mixed.Reason)
	_, mixed = pay("3", "nostro:x:JPY", "JP", "USD")
	require.Equal(t, bank.RejectCurrency, mixed.Reason)
	status, _ := pay("4", "nostro:x:JPY", "JP", "XXX")
	require.Equal(t, http.StatusBadRequest, status)
	_, r, err := call(t.Context(), h, http.MethodGet, "/accounts/JP", nil)
	require.NoError(t, err)
	require.Equal(t, bank.Account{Number: "JP", Name: "甲", BalanceMinor: 1234, Currency: "JPY"}, r.Account)

	text := statement(t, s, at, "/iso20022/statements/nostro:x:JPY/2026-01-05/2026-01-05")
	for _, want := range []string{`<Ccy>JPY</Ccy>`, `<Amt Ccy="JPY">1234</Amt><CdtDbtInd>DBIT`, `<Amt Ccy="JPY">998766</Amt>`, `<Amt Ccy="JPY">1000000</Amt>`} {
		require.Contains(t, text, want)
	}
}

func statement(t *testing.T, s *bank.Server, at time.Time, path string) string {
	t.Helper()
	q := httptest.NewRequest(http.MethodGet, path, nil)
	stamp := strconv.FormatInt(at.Unix(), 10)
	q.Header.Set(bank.HeaderTimestamp, stamp)
	q.Header.Set(bank.HeaderSignature, bank.Sign(secret, stamp, http.MethodGet, q.URL.EscapedPath(), nil))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, q)
	return w.Body.String()
}
