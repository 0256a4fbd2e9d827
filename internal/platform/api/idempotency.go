package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const (
	idempotencyHeader = "Idempotency-Key"
	replayedHeader    = "Idempotency-Replayed"
	idempotencyKeyMax = 128
	idempotencyKeeps  = 24 * time.Hour
	storedBodyMax     = 1 << 20
	// A claim older than this belongs to a server that died: no request lives longer than timeoutDefault.
	claimStale = 3 * timeoutDefault
)

// A key passes through three states. claimed: somebody runs the request. executed: its effect is
// committed, written by a hook in the very transaction of the effect. done: its answer is stored. A
// crash in claimed leaves no effect, so the key may be claimed again; a crash in executed leaves an
// effect without an answer, and the retry is told so instead of running twice.
const (
	stateClaimed  = "claimed"
	stateExecuted = "executed"
	stateDone     = "done"
)

var (
	selectKey = db.Q(`select fingerprint, state, status, content_type, etag, location, body, claimed_at, expires_at
	from idempotency_key where institution_id = $1 and actor = $2 and key = $3 /*for update*/`)
	claimKey = db.Q(`insert into idempotency_key (institution_id, actor, key, fingerprint, claim, state, status, content_type, etag, location, body, claimed_at, expires_at)
	values ($1,$2,$3,$4,$5,'claimed',0,'','','','',$6,$7)
	on conflict (institution_id, actor, key) do nothing`)
	reclaimKey = db.Q(`update idempotency_key set fingerprint = $4, claim = $5, state = 'claimed', status = 0, body = '', claimed_at = $6, expires_at = $7
	where institution_id = $1 and actor = $2 and key = $3`)
	markExecuted = db.Q(`update idempotency_key set state = 'executed' where institution_id = $1 and actor = $2 and key = $3 and claim = $4 and state in ('claimed', 'executed')`)
	storeAnswer  = db.Q(`update idempotency_key set state = 'done', status = $5, content_type = $6, etag = $7, location = $8, body = $9
	where institution_id = $1 and actor = $2 and key = $3 and claim = $4`)
	releaseKey = db.Q(`delete from idempotency_key where institution_id = $1 and actor = $2 and key = $3 and claim = $4 and state = 'claimed'`)
	purgeKeys  = db.Q(`delete from idempotency_key where expires_at < $1`)
)

// PurgeIdempotency forgets keys older than 24 hours; run it about once an hour.
func PurgeIdempotency(ctx context.Context, d *db.DB) (int64, error) {
	var n int64
	err := d.Update(ctx, db.System("idempotency"), func(tx *db.Tx) error {
		res, err := tx.Exec(ctx, purgeKeys, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		n, err = res.RowsAffected()
		return err
	})
	return n, err
}

// claim is the right to run one keyed request.
type claim struct {
	p              auth.Principal
	key, id, print string
}

// errFenced rolls back an effect whose claim another server has taken over.
var errFenced = fault.New(ReasonInFlight)

// once runs next under the key of the request, or replays the answer it gave before.
func (a *API) once(hc huma.Context, op Op, p auth.Principal, next func(huma.Context)) error {
	r, w := humago.Unwrap(hc)
	key := r.Header.Get(idempotencyHeader)
	if !validKey(key) {
		return fault.New(ReasonKeyRequired)
	}
	body, err := readBody(w, r, op)
	if err != nil {
		return err
	}
	c := &claim{p: p, key: key, id: rand.Text(), print: fingerprint(r, body)}
	stored, err := a.claim(hc.Context(), c)
	if err != nil {
		return err
	}
	if stored != nil {
		stored.replay(w)
		return nil
	}
	if err := pointClaimed.Hit(hc.Context()); err != nil {
		return err
	}
	rec := &recorder{ResponseWriter: w, status: http.StatusOK}
	r.Body = io.NopCloser(bytes.NewReader(body))
	ctx := db.WithBeforeCommit(hc.Context(), c.mark)
	finished := false
	defer func() {
		if !finished { // a panic: the recovery above answers, the key is settled here
			a.settle(hc.Context(), op, c, &recorder{status: http.StatusInternalServerError})
		}
	}()
	next(huma.WithContext(humago.NewContext(hc.Operation(), r, rec), ctx))
	finished = true
	a.settle(hc.Context(), op, c, rec)
	return nil
}

// mark is the hook that runs in the transaction of the effect.
func (c *claim) mark(ctx context.Context, tx *db.Tx) error {
	if canary.On("key_not_marked") {
		return nil
	}
	if err := pointExecuted.Hit(ctx); err != nil {
		return err
	}
	ok, err := tx.ExecOne(ctx, markExecuted, c.p.InstitutionID, c.p.UserID, c.key, c.id)
	if err == nil && !ok {
		return errFenced
	}
	return err
}

type storedAnswer struct {
	print, state, contentType, etag, location, body string
	status                                          int
	claimedAt, expiresAt                            int64
}

// claim takes the key, or gives the answer to replay, or says why neither is possible.
func (a *API) claim(ctx context.Context, c *claim) (*storedAnswer, error) {
	var replay *storedAnswer
	err := a.DB.Update(ctx, c.p.Scope(), func(tx *db.Tx) error {
		replay = nil
		args := []any{c.p.InstitutionID, c.p.UserID, c.key, c.print, c.id, db.Micros(tx.Now), db.Micros(tx.Now.Add(idempotencyKeeps))}
		mine, err := tx.ExecOne(ctx, claimKey, args...)
		if err != nil || mine {
			return err
		}
		var s storedAnswer
		err = tx.QueryRow(ctx, selectKey, c.p.InstitutionID, c.p.UserID, c.key).
			Scan(&s.print, &s.state, &s.status, &s.contentType, &s.etag, &s.location, &s.body, &s.claimedAt, &s.expiresAt)
		if db.IsNoRows(err) { // released between the two statements
			return errFenced
		}
		if err != nil {
			return err
		}
		stale := tx.Now.Sub(db.Time(s.claimedAt)) > claimStale
		switch {
		case db.Micros(tx.Now) >= s.expiresAt, s.state == stateClaimed && stale && s.print == c.print:
			_, err = tx.Exec(ctx, reclaimKey, args...)
			return err
		case s.print != c.print:
			return fault.New(ReasonKeyReused)
		case s.state == stateDone && s.status > 0:
			replay = &s
			return nil
		case s.state == stateDone, stale:
			return fault.New(ReasonAnswerLost)
		}
		return fault.New(ReasonInFlight)
	})
	return replay, err
}

// settle stores the answer of an executed or successful request; a request that changed nothing
// gives its key back, so that the corrected form may be sent with it.
func (a *API) settle(ctx context.Context, op Op, c *claim, rec *recorder) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err := a.DB.Update(ctx, c.p.Scope(), func(tx *db.Tx) error {
		if err := pointSettling.Hit(ctx); err != nil {
			return err
		}
		// The row, not our memory, knows whether the effect was committed: a commit may fail after the hook.
		if rec.status >= http.StatusBadRequest {
			released, err := tx.ExecOne(ctx, releaseKey, c.p.InstitutionID, c.p.UserID, c.key, c.id)
			if err != nil || released {
				return err
			}
		}
		status, body := rec.status, rec.body.String()
		if op.Secret || rec.overflow || status >= http.StatusInternalServerError && !canary.On("replayed_failure") {
			// Status 0: done, but there is no answer to show again. A failure of ours after the commit is none either:
			// "try again later", replayed to whoever tries again, would never end.
			status, body = 0, ""
		}
		h := http.Header{}
		if rec.ResponseWriter != nil {
			h = rec.Header()
		}
		_, err := tx.Exec(ctx, storeAnswer, c.p.InstitutionID, c.p.UserID, c.key, c.id, status, h.Get("Content-Type"), h.Get("ETag"), h.Get("Location"), body)
		return err
	})
	if err != nil {
		a.log.ErrorContext(ctx, "idempotency key not settled", "operation", op.ID, "request_id", RequestID(ctx), "error", err)
	}
}

func (s *storedAnswer) replay(w http.ResponseWriter) {
	for k, v := range map[string]string{"Content-Type": s.contentType, "ETag": s.etag, "Location": s.location, replayedHeader: "true"} {
		if v != "" {
			w.Header().Set(k, v)
		}
	}
	w.WriteHeader(s.status)
	_, _ = io.WriteString(w, s.body) // the caller has gone if this fails
}

// recorder passes the answer on and keeps a copy.
type recorder struct {
	http.ResponseWriter

	status   int
	body     bytes.Buffer
	overflow bool
}

func (r *recorder) WriteHeader(code int) {
	r.status = code
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.body.Len()+len(b) > storedBodyMax {
		r.overflow = true
	} else {
		r.body.Write(b)
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach flush and deadlines.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func validKey(key string) bool {
	if key == "" || len(key) > idempotencyKeyMax {
		return false
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] > '~' {
			return false
		}
	}
	return true
}

func readBody(w http.ResponseWriter, r *http.Request, op Op) ([]byte, error) {
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(30 * time.Second)) // not every writer has deadlines
	defer rc.SetReadDeadline(time.Time{})                    //nolint:errcheck // as above
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, op.MaxBodyBytes))
	var tooBig *http.MaxBytesError
	if err != nil && !errors.As(err, &tooBig) {
		return nil, fault.New(ReasonMalformed, "problem", "the body ended early", "problem_zh", "请求体中断").Wrap(err)
	}
	return body, err
}

// fingerprint tells two requests apart by everything that decides their effect.
func fingerprint(r *http.Request, body []byte) string {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%s\n%s\n%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery, r.Header.Get("If-Match"))
	_, _ = h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// Instants at which a test may break off.
var (
	pointSettling = failpoint.Declare("api.settling")
	pointExecuted = failpoint.Declare("api.executed")
	pointClaimed  = failpoint.Declare("api.claimed")
)
