package console

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

const script = "console.log('capillary')"

func pack(t *testing.T, text string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	w := gzip.NewWriter(&buffer)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buffer.Bytes()
}

func console(t *testing.T) http.Handler {
	t.Helper()
	return New(fstest.MapFS{
		"index.html":               {Data: []byte("<!doctype html>console")},
		"assets/main-abc123.js.gz": {Data: pack(t, script)},
	})
}

func do(h http.Handler, method, target string, headers map[string]string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

var page = map[string]string{"Accept": "text/html,application/xhtml+xml"}

func TestConsole_WhatIsServed(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, method, target string
		headers              map[string]string
		status               int
		cache                string
	}{
		{"index", "GET", "/", page, 200, "no-cache"},
		{"page of the console", "GET", "/firms/firm_1?tab=score", page, 200, "no-cache"},
		{"hashed asset", "GET", "/assets/main-abc123.js", nil, 200, "public, max-age=31536000, immutable"},
		{"missing asset is not a page", "GET", "/assets/gone.js", page, 404, ""},
		{"unknown API path is not a page", "GET", "/api/v1/nothing", page, 404, ""},
		{"a script asking for a page path", "GET", "/firms", map[string]string{"Accept": "application/json"}, 404, ""},
		{"no writing", "POST", "/", page, 405, ""},
		{"no way out of the folder", "GET", "/../../etc/passwd", nil, 404, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := do(console(t), c.method, c.target, c.headers)
			require.Equal(t, c.status, w.Code)
			require.Equal(t, c.cache, w.Header().Get("Cache-Control"))
			if c.status == 200 {
				require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'self'")
				require.NotContains(t, w.Header().Get("Content-Security-Policy"), "script-src 'unsafe")
				require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
			}
		})
	}
}

func TestConsole_CompressionAndRevalidation(t *testing.T) {
	t.Parallel()
	h := console(t)
	plain := do(h, "GET", "/assets/main-abc123.js", map[string]string{"Accept-Encoding": "gzip;q=0, br"})
	require.Equal(t, script, plain.Body.String(), "a client without gzip gets the text")
	require.Empty(t, plain.Header().Get("Content-Encoding"))

	packed := do(h, "GET", "/assets/main-abc123.js", map[string]string{"Accept-Encoding": "br, gzip"})
	require.Equal(t, "gzip", packed.Header().Get("Content-Encoding"))
	require.Equal(t, pack(t, script), packed.Body.Bytes())
	require.Equal(t, "text/javascript; charset=utf-8", packed.Header().Get("Content-Type"))

	again := do(h, "GET", "/assets/main-abc123.js", map[string]string{"If-None-Match": packed.Header().Get("ETag")})
	require.Equal(t, http.StatusNotModified, again.Code)
	require.Zero(t, again.Body.Len())

	head := do(h, "HEAD", "/", page)
	require.Equal(t, 200, head.Code)
	require.Zero(t, head.Body.Len())
}

func TestConsole_NotBuilt(t *testing.T) {
	t.Parallel()
	for _, h := range []http.Handler{New(nil), New(fstest.MapFS{"other.txt": {Data: []byte("x")}})} {
		w := do(h, "GET", "/", page)
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Contains(t, w.Body.String(), "make web")
		require.Contains(t, w.Body.String(), "没有包含控制台")
		require.Equal(t, http.StatusNotFound, do(New(nil), "GET", "/", map[string]string{"Accept": "*/*"}).Code)
	}
}

// The build of the console must leave what the embedding looks for; a machine without Node has nothing to check.
func TestConsole_TheBuildIsRecognised(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("dist/assets"); err != nil {
		t.Skip("the console is not built here; `make web` builds it")
	}
	require.True(t, Built(), "dist/ has assets but no index.html")
	w := do(Handler(), "GET", "/", page)
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), `<div id="root">`)
}
