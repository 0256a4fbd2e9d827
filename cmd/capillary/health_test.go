package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestHealthSaysWhatReadinessSays(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/readyz", r.URL.Path)
		w.WriteHeader(status)
		_, _ = w.Write([]byte("{\"database\":\"ok\"}\n"))
	}))
	defer srv.Close()
	listen := "listen=" + srv.Listener.Addr().String()

	code, out, _ := called(t, "health", "--set", listen)
	require.Equal(t, 0, code)
	require.Equal(t, "{\"database\":\"ok\"}\n", out)

	status = http.StatusServiceUnavailable
	code, _, errs := called(t, "health", "--set", listen)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "503")

	srv.Close()
	code, _, _ = called(t, "health", "--set", listen)
	require.Equal(t, 1, code)
}
