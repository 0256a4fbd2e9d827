// Package console serves the built web console from the binary itself. Assets carry a hash in their
// name and are cached for good; index.html is asked for again on every visit; any other address that a
// browser opens as a page gets index.html, because the console's own router knows what it means.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// Everything comes from this server: no other host is ever asked. The one exception to a strict policy
// is style-src: antd writes its theme into <style> elements at run time (css-in-js), which a page served
// as a fixed file cannot mark with a nonce of its own. Scripts stay strict, which is what stops injection.
const contentSecurityPolicy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; " +
	"object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// asset is one file of the console, kept as it is sent.
type asset struct {
	data        []byte // gzipped when packed
	packed      bool
	contentType string
	etag        string
	immutable   bool
}

// Handler serves the console built into this binary, or a page that says how to build it.
func Handler() http.Handler { return New(files()) }

// Built reports whether this binary carries the console.
func Built() bool { return files() != nil }

// New serves the console found in dir; a nil dir serves the page that says how to build it.
func New(dir fs.FS) http.Handler {
	if dir == nil {
		return http.HandlerFunc(serveMissing)
	}
	assets, err := load(dir)
	if err != nil || assets["index.html"] == nil {
		return http.HandlerFunc(serveMissing)
	}
	return &handler{assets: assets}
}

type handler struct{ assets map[string]*asset }

// load reads every file once: a console is a few hundred kilobytes, and embedded files are in memory anyway.
func load(dir fs.FS) (map[string]*asset, error) {
	assets := map[string]*asset{}
	err := fs.WalkDir(dir, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		plain, packed := strings.CutSuffix(name, ".gz")
		sum := sha256.Sum256(data)
		assets[plain] = &asset{
			data: data, packed: packed, contentType: contentTypeOf(plain),
			etag: `"` + hex.EncodeToString(sum[:12]) + `"`, immutable: strings.HasPrefix(plain, "assets/"),
		}
		return nil
	})
	return assets, err
}

// contentTypeOf does not ask the machine's mime table alone: a bare container has none.
func contentTypeOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

// ServeHTTP sends a file, or index.html for a page of the console.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean("/"+r.URL.Path), "/")
	found := h.assets[name]
	if found == nil {
		// Only a browser that opens a page is given the console. A missing script or API path stays a 404:
		// answering it with HTML would hide the mistake.
		if name != "" && !strings.Contains(r.Header.Get("Accept"), "text/html") || strings.HasPrefix(name, "assets/") || strings.HasPrefix(name, "api/") {
			http.NotFound(w, r)
			return
		}
		found = h.assets["index.html"]
	}
	send(w, r, found)
}

func send(w http.ResponseWriter, r *http.Request, a *asset) {
	head := w.Header()
	secure(head)
	head.Set("Content-Type", a.contentType)
	head.Set("ETag", a.etag)
	head.Set("Cache-Control", "no-cache")
	if a.immutable {
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if a.packed {
		head.Set("Vary", "Accept-Encoding")
	}
	if strings.Contains(r.Header.Get("If-None-Match"), a.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	body := a.data
	switch {
	case a.packed && acceptsGzip(r.Header.Get("Accept-Encoding")):
		head.Set("Content-Encoding", "gzip")
	case a.packed:
		unpacked, err := unpack(a.data)
		if err != nil {
			http.Error(w, "asset is damaged", http.StatusInternalServerError)
			return
		}
		body = unpacked
	}
	head.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // a client that went away is no concern of the server
	}
}

func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(coding) == "gzip" || strings.TrimSpace(coding) == "*" {
			return strings.ReplaceAll(weight, " ", "") != "q=0"
		}
	}
	return false
}

func unpack(data []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(reader)
}

func secure(head http.Header) {
	head.Set("Content-Security-Policy", contentSecurityPolicy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	head.Set("Cross-Origin-Opener-Policy", "same-origin")
	head.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

const missingPage = `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Capillary 微脉</title><body style="font-family:sans-serif;max-width:40em;margin:10vh auto;padding:0 1em;line-height:1.6">
<h1>微脉 · Capillary</h1>
<p>服务正在运行，但这个程序编译时没有包含控制台。请在源码目录执行 <code>make web build</code> 后重新启动。</p>
<p lang="en">The server is running, but this binary was built without the console. Run <code>make web build</code> in the source tree and start it again.</p>
<p><a href="/docs">API</a> · <a href="/openapi.json">OpenAPI</a></p></body></html>
`

// serveMissing answers a browser when the binary has no console; the API is not concerned.
func serveMissing(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.NotFound(w, r)
		return
	}
	secure(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, missingPage)
}
