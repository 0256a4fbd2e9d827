package auth

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Session is a signed-in browser.
type Session struct {
	ID        string    `json:"id"`
	Via       string    `json:"via" doc:"password or sign-on"`
	Address   string    `json:"address"`
	Agent     string    `json:"agent"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
	ExpiresAt time.Time `json:"expires_at"`
	Current   bool      `json:"current"`
}

var (
	insertSession = db.Q(`insert into session (institution_id, token_hash, id, user_id, via, address, agent, created_at, seen_at, expires_at) values ($1,$2,$3,$4,$5,$6,$7,$8,$8,$9)`)
	selectSession = db.Q(`select s.seen_at, s.expires_at, u.id, u.login, u.name, u.branch_id, coalesce(b.path, '/'), u.lang, u.status, u.must_change
	from session s join user_account u on u.institution_id = s.institution_id and u.id = s.user_id
	left join branch b on b.institution_id = u.institution_id and b.id = u.branch_id
	where s.institution_id = $1 and s.token_hash = $2`)
	grantedRoles = db.Q(`select r.role, coalesce(o.permissions, '') from user_role r left join role o on o.institution_id = r.institution_id and o.code = r.role
	where r.institution_id = $1 and r.user_id = $2 order by r.role`)
	touchSession = db.Q(`update session set seen_at = $3 where institution_id = $1 and token_hash = $2`)
	endSession   = db.Q(`delete from session where institution_id = $1 and token_hash = $2`)
	endByID      = db.Q(`delete from session where institution_id = $1 and user_id = $2 and id = $3`)
	listSessions = db.Q(`select token_hash, id, via, address, agent, created_at, seen_at, expires_at from session
	where institution_id = $1 and user_id = $2 and expires_at > $3 and seen_at > $4 order by created_at desc limit 100`)
	trimSessions = db.Q(`delete from session where institution_id = $1 and user_id = $2 and token_hash not in
	(select token_hash from session where institution_id = $1 and user_id = $2 order by created_at desc limit 19)`)
)

// A session token is "<institution>.<secret>": the institution routes the lookup, the secret is
// stored only as a hash.
func splitToken(token string) (string, string, bool) {
	institution, secret, ok := strings.Cut(token, ".")
	return institution, secret, ok && institution != "" && institution != db.AllInstitutions && len(secret) == 26
}

func keptHash(token string) string {
	_, secret, ok := splitToken(token)
	if !ok {
		return ""
	}
	return crypto.HashToken(secret)
}

// openSession makes a session for a user whose identity was proved, at most twenty at a time.
func (s *Service) openSession(ctx context.Context, tx *db.Tx, userID, via, address, agent string) (string, error) {
	secret := crypto.NewToken()
	agent = db.Text(agent, 200)
	if _, err := tx.Exec(ctx, trimSessions, tx.Institution, userID); err != nil {
		return "", err
	}
	id := tx.NewID("ses")
	_, err := tx.Exec(ctx, insertSession, tx.Institution, crypto.HashToken(secret), id, userID, via, address, agent, db.Micros(tx.Now), db.Micros(tx.Now.Add(s.absolute)))
	if err != nil {
		return "", err
	}
	err = audit.Record(ctx, tx, audit.Entry{Action: "session.open", Object: "user", ObjectID: userID, After: map[string]string{"session": id, "via": via, "address": address}})
	return tx.Institution + "." + secret, err
}

// seenEvery is how often the last use of a session is written down.
const seenEvery = time.Minute

// Authenticate gives the principal of a session token, as the user and his roles stand now.
func (s *Service) Authenticate(ctx context.Context, token string) (Principal, error) {
	institution, secret, ok := splitToken(token)
	if !ok {
		return Principal{}, fault.New(fault.ReasonUnauthenticated)
	}
	hash := crypto.HashToken(secret)
	var p Principal
	var touch bool
	scope := db.Scope{Institution: institution, Actor: "system:auth"}
	err := s.db.View(ctx, scope, func(tx *db.Tx) error {
		var seen, expires int64
		var status string
		var mustChange bool
		q := Principal{InstitutionID: institution, Via: "session"}
		err := tx.QueryRow(ctx, selectSession, institution, hash).
			Scan(&seen, &expires, &q.UserID, &q.Login, &q.Name, &q.BranchID, &q.BranchPath, &q.Lang, &status, &mustChange)
		if db.IsNoRows(err) {
			return fault.New(fault.ReasonUnauthenticated)
		}
		if err != nil {
			return err
		}
		if status != UserActive || !tx.Now.Before(db.Time(expires)) || tx.Now.Sub(db.Time(seen)) >= s.idle {
			return fault.New(fault.ReasonUnauthenticated)
		}
		touch = tx.Now.Sub(db.Time(seen)) >= seenEvery
		p, err = withRoles(ctx, tx, q, mustChange)
		return err
	})
	if err == nil && touch {
		err = s.db.Update(ctx, scope, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, touchSession, institution, hash, db.Micros(tx.Now))
			return err
		})
	}
	return p, err
}

// withRoles loads roles and permissions. Who must change his password first holds no permission.
func withRoles(ctx context.Context, tx *db.Tx, p Principal, mustChange bool) (Principal, error) {
	rows, err := tx.Query(ctx, grantedRoles, p.InstitutionID, p.UserID)
	if err != nil {
		return p, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var granted []string
	for rows.Next() {
		var role, own string
		if err := rows.Scan(&role, &own); err != nil {
			return p, err
		}
		p.Roles = append(p.Roles, role)
		if own == "" {
			continue
		}
		var list []string
		if err := json.Unmarshal([]byte(own), &list); err != nil {
			return p, err
		}
		granted = append(granted, list...)
	}
	if err := rows.Err(); err != nil {
		return p, err
	}
	if mustChange {
		return NewPrincipal(p, nil), nil
	}
	return NewPrincipal(p, append(granted, BuiltinPermissions(p.Roles...)...)), nil
}

// PrincipalOf gives the principal of a user as he stands now, for work done in his name (jobs).
func PrincipalOf(ctx context.Context, tx *db.Tx, userID string) (Principal, error) {
	u, err := FindUser(ctx, tx, userID)
	if err != nil {
		return Principal{}, err
	}
	if u.Status != UserActive {
		return Principal{}, fault.New(fault.ReasonUnauthenticated)
	}
	return withRoles(ctx, tx, Principal{
		InstitutionID: tx.Institution, UserID: u.ID, Login: u.Login, Name: u.Name, BranchID: u.BranchID, BranchPath: u.BranchPath, Lang: u.Lang, Via: "job",
	}, u.MustChange)
}

// SignOut ends the session of a token; a token that is not one is no error.
func (s *Service) SignOut(ctx context.Context, p Principal, token string) error {
	institution, secret, ok := splitToken(token)
	if !ok || institution != p.InstitutionID {
		return nil
	}
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		done, err := tx.ExecOne(ctx, endSession, institution, crypto.HashToken(secret))
		if err != nil || !done {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Action: "session.close", Object: "user", ObjectID: p.UserID})
	})
}

// Sessions lists the caller's own live sessions; token marks the present one.
func (s *Service) Sessions(ctx context.Context, p Principal, token string) ([]Session, error) {
	out := []Session{}
	current := keptHash(token)
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, listSessions, tx.Institution, p.UserID, db.Micros(tx.Now), db.Micros(tx.Now.Add(-s.idle)))
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var one Session
			var hash string
			var created, seen, expires int64
			if err := rows.Scan(&hash, &one.ID, &one.Via, &one.Address, &one.Agent, &created, &seen, &expires); err != nil {
				return err
			}
			one.CreatedAt, one.SeenAt, one.ExpiresAt = db.Time(created), db.Time(seen), db.Time(expires)
			one.Current = hash == current
			out = append(out, one)
		}
		return rows.Err()
	})
	return out, err
}

// EndSession ends one of the caller's own sessions.
func (s *Service) EndSession(ctx context.Context, p Principal, id string) error {
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		done, err := tx.ExecOne(ctx, endByID, tx.Institution, p.UserID, id)
		if err == nil && !done {
			err = fault.NotFoundError("session", id)
		}
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, audit.Entry{Action: "session.end", Object: "user", ObjectID: p.UserID, Note: id})
	})
}

// sessionVias are the ways a session was opened.
var sessionVias = []string{"password", "sign-on"}

func checkVia(via string) string {
	if slices.Contains(sessionVias, via) {
		return via
	}
	return "password"
}
