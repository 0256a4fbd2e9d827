package blob

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Upload is a file that was received and belongs to its uploader until something else claims it.
type Upload struct {
	ID string `json:"id"`
	Info
}

// formOverhead is what a multipart form adds around its file.
const formOverhead = 1 << 20

// Routes registers upload and download. An upload is idempotent by nature: the same content is one file.
func Routes(a *api.API, s *Store, maxBytes int64) {
	a.Raw(api.Op{
		ID: "upload-file", Method: http.MethodPost, Path: "/api/v1/uploads", Tag: "files", Policy: api.Session(), MaxBodyBytes: maxBytes + formOverhead,
		Zh: "上传文件（multipart/form-data 的 file 字段，流式）", En: "Upload a file: the field \"file\" of multipart/form-data, streamed",
	}, func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
		info, err := s.receive(r, p, maxBytes)
		if err != nil {
			return err
		}
		up := Upload{Info: info}
		err = a.DB.Update(r.Context(), p.Scope(), func(tx *db.Tx) error {
			up.ID = tx.NewID("upl")
			up.CreatedAt, up.CreatedBy = tx.Now, p.UserID
			return Attach(r.Context(), tx, info, Link{Object: "upload", ObjectID: up.ID})
		})
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		return json.NewEncoder(w).Encode(up)
	})
	a.Raw(api.Op{
		ID: "download-file", Method: http.MethodGet, Path: "/api/v1/blobs/{hash}", Tag: "files", Policy: api.Session(),
		Zh: "下载文件：本人上传的，或有权查看其所属对象的", En: "Download a file one uploaded, or of an object one may read",
	}, func(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
		return s.Serve(w, r, a.DB, p, r.PathValue("hash"))
	})
}

// receive streams the form's file to disk without holding it in memory.
func (s *Store) receive(r *http.Request, p auth.Principal, limit int64) (Info, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return Info{}, fault.New(api.ReasonMediaType).Wrap(err)
	}
	for range 20 { // a bound on the fields before the file
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Info{}, broken(err)
		}
		if part.FormName() != "file" || part.FileName() == "" {
			continue
		}
		info, err := s.Put(r.Context(), p.InstitutionID, part.FileName(), mediaType(part.Header.Get("Content-Type")), part, limit)
		if err != nil && len(fault.All(err)) == 0 {
			return Info{}, broken(err)
		}
		return info, err
	}
	return Info{}, fault.Required("file")
}

// broken tells a form that ended early from a disk that failed.
func broken(err error) error {
	var tooBig *http.MaxBytesError
	if errors.As(err, &tooBig) {
		return fault.New(fault.ReasonTooLarge, "what", "upload", "what_zh", "上传文件", "limit", fmt.Sprintf("%d bytes", tooBig.Limit-formOverhead)).WithField("file").Wrap(err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "multipart:") {
		return fault.New(api.ReasonMalformed, "problem", "the upload ended early", "problem_zh", "上传中断").Wrap(err)
	}
	return err
}

func mediaType(header string) string {
	t, _, err := mime.ParseMediaType(header)
	if err != nil || len(t) > 100 {
		return "application/octet-stream"
	}
	return t
}

// inline are the types a browser may show itself; anything else is only saved, so that a file cannot
// act as a page of this site.
var inline = map[string]bool{"application/pdf": true, "image/png": true, "image/jpeg": true}

// Serve answers with a file that the caller may read, checked against its hash first.
func (s *Store) Serve(w http.ResponseWriter, r *http.Request, d *db.DB, p auth.Principal, hash string) error {
	var info Info
	err := d.View(r.Context(), p.Scope(), func(tx *db.Tx) (err error) {
		info, err = Readable(r.Context(), tx, p, hash)
		return err
	})
	if err != nil {
		return err
	}
	f, err := s.Open(r.Context(), p.InstitutionID, hash)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	kind, disposition := "application/octet-stream", "attachment"
	if inline[info.MediaType] {
		kind, disposition = info.MediaType, "inline"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": info.Name}))
	w.Header().Set("ETag", `"`+hash+`"`)
	http.ServeContent(w, r, "", info.CreatedAt, f)
	return nil
}
