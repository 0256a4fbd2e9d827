package contract

import (
	"context"
	_ "embed"
	"encoding/json"
	"html/template"
	"net/http"
	"regexp"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

//go:embed verify.html
var verifyText string

var verifyPage = template.Must(template.New("verify").Parse(verifyText))

var hashPattern = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Verified is what the public page says of a file: enough to recognise the
// contract for whoever holds the file, with the borrower's name masked.
type Verified struct {
	Hash      string
	Known     bool
	Malformed bool
	Number    string
	LenderZh  string
	LenderEn  string
	Borrower  string
	Limit     string
	SignedOn  calendar.Date
	Digest    string
	Demo      bool
}

// VerifyFile looks a file's hash up over every institution.
func (s *Service) VerifyFile(ctx context.Context, hash string) (v Verified, err error) {
	v.Hash = strings.ToLower(hash)
	if !hashPattern.MatchString(v.Hash) {
		v.Malformed = true
		return v, nil
	}
	err = s.db.View(ctx, db.System("verify-contract"), func(tx *db.Tx) error {
		var text string
		err := tx.QueryRow(ctx, selectByHash, v.Hash).Scan(&text, &v.Digest, &v.SignedOn, &v.LenderZh, &v.LenderEn, &v.Demo)
		if db.IsNoRows(err) {
			return nil
		}
		if err != nil {
			return err
		}
		var t Terms
		if err := json.Unmarshal([]byte(text), &t); err != nil {
			return err
		}
		v.Known, v.Number, v.Borrower = true, t.Number, masked(t.Borrower)
		v.Limit = money.Of(t.LimitMinor, t.Currency).Format("zh")
		return nil
	})
	return v, err
}

// masked keeps the first two and the last two characters of a name.
func masked(name string) string {
	r := []rune(name)
	if len(r) <= 4 {
		return string(r[:min(1, len(r))]) + "***"
	}
	return string(r[:2]) + strings.Repeat("*", len(r)-4) + string(r[len(r)-2:])
}

func (s *Service) serveVerification(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
	v, err := s.VerifyFile(r.Context(), r.PathValue("hash"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	h.Set("X-Robots-Tag", "noindex")
	if !v.Known {
		w.WriteHeader(http.StatusNotFound)
	}
	return verifyPage.Execute(w, v)
}
