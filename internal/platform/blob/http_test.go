package blob_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestUploadAndDownloadOverHTTP(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, mine, other := newStore(t), dbtest.Institution(t, d), dbtest.Institution(t, d)
		people := map[string]auth.Principal{"manager": mine.Manager, "risk": mine.Risk, "other": other.Manager}
		a := api.New(d, "test", func(hc huma.Context) (auth.Principal, error) { return people[hc.Header("X-As")], nil }, api.WithLogger(slog.New(slog.DiscardHandler)))
		blob.Routes(a, s, 1000)
		require.Empty(t, api.Audit(a))
		do := func(as string, r *http.Request) *httptest.ResponseRecorder {
			r.Header.Set("X-As", as)
			w := httptest.NewRecorder()
			a.Handler().ServeHTTP(w, r.WithContext(t.Context()))
			return w
		}
		post := func(field, content string) *httptest.ResponseRecorder {
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			require.NoError(t, form.WriteField("note", "x"))
			part, err := form.CreateFormFile(field, "../../发票.html")
			require.NoError(t, err)
			_, err = part.Write([]byte(content))
			require.NoError(t, err)
			require.NoError(t, form.Close())
			r := httptest.NewRequest(http.MethodPost, "/api/v1/uploads", &body)
			r.Header.Set("Content-Type", form.FormDataContentType())
			return do("manager", r)
		}
		require.Contains(t, post("wrong", "x").Body.String(), "FIELD_REQUIRED")
		require.Equal(t, 413, post("file", strings.Repeat("x", 1001)).Code)
		require.Equal(t, 413, post("file", strings.Repeat("x", 3<<20)).Code)
		w := post("file", "<script>")
		require.Equal(t, 201, w.Code, w.Body.String())
		var up blob.Upload
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &up))
		require.Equal(t, "发票.html", up.Name)
		require.EqualValues(t, 8, up.Size)

		get := func(as, hash string) *httptest.ResponseRecorder {
			return do(as, httptest.NewRequest(http.MethodGet, "/api/v1/blobs/"+hash, nil))
		}
		got := get("manager", up.Hash)
		require.Equal(t, "<script>", got.Body.String())
		require.Equal(t, "application/octet-stream", got.Header().Get("Content-Type"), "a page must not run here")
		require.Contains(t, got.Header().Get("Content-Disposition"), "attachment")
		require.Equal(t, 404, get("risk", up.Hash).Code)
		require.Equal(t, 404, get("other", up.Hash).Code)
		require.Equal(t, 404, get("manager", strings.Repeat("0", 64)).Code)
		require.Equal(t, 404, get("manager", "..%2f..%2fetc%2fpasswd").Code)

		broken := httptest.NewRequest(http.MethodPost, "/api/v1/uploads", strings.NewReader("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhalf"))
		broken.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		require.Equal(t, 400, do("manager", broken).Code)
		require.Equal(t, 400, do("manager", httptest.NewRequest(http.MethodPost, "/api/v1/uploads", strings.NewReader("{}"))).Code)
	})
}
