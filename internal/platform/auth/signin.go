package auth

import (
	"context"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// SignInInput is what a person types, and where from.
type SignInInput struct {
	Institution string // code or id; may be empty when the login exists only once
	Login       string
	Password    string
	TOTP        string // a one-time code, or a recovery code
	Address     string
	Agent       string
}

// SignedIn is an opened session.
type SignedIn struct {
	Token      string
	Principal  Principal
	MustChange bool
}

var (
	selectForSignIn = db.Q(`select u.institution_id, u.id, u.password_hash, u.totp_on, u.must_change from user_account u join institution i on i.institution_id = u.institution_id
	where u.login = $1 and ($2 = '' or i.code = $2 or i.institution_id = $2) and u.status = 'active' and u.kind = 'person' order by u.institution_id limit 2`)
	markSignedIn = db.Q(`update user_account set signed_in_at = $3 where institution_id = $1 and id = $2`)

	selectAttempt = db.Q(`select failures, blocked_until from sign_in_attempt where login_hash = $1 /*for update*/`)
	writeAttempt  = db.Q(`insert into sign_in_attempt (login_hash, failures, blocked_until, updated_at) values ($1,$2,$3,$4)
	on conflict (login_hash) do update set failures = $2, blocked_until = $3, updated_at = $4`)
	uncount      = db.Q(`update sign_in_attempt set failures = failures - 1, blocked_until = 0 where login_hash = $1 and failures > 0`)
	clearAttempt = db.Q(`delete from sign_in_attempt where login_hash = $1`)
)

// A login may fail this often before it has to wait; each further failure doubles the wait.
const (
	failuresFree = 5
	blockFirst   = 15 * time.Second
	blockMax     = 15 * time.Minute
)

// candidate is the user a login may belong to.
type candidate struct {
	institution, id, hash string
	totpOn, mustChange    bool
}

// SignIn proves an identity by password, and one-time code where one is set up, and opens a session.
// Unknown logins, wrong passwords and disabled users get the same answer after the same work; too many
// failures of one login block it for a while, whether or not it exists.
func (s *Service) SignIn(ctx context.Context, in SignInInput) (SignedIn, error) {
	in.Login, in.Institution = strings.ToLower(strings.TrimSpace(in.Login)), strings.TrimSpace(in.Institution)
	if len(in.Password) > passwordMaxBytes || len(in.Login) > 64 || len(in.Institution) > 64 {
		return SignedIn{}, fault.New(ReasonCredentials)
	}
	c, err := s.candidate(ctx, in)
	if err != nil {
		return SignedIn{}, err
	}
	attempt := in.Institution + "\x00" + in.Login
	if c.id != "" {
		attempt = c.institution + "\x00" + in.Login // the same counter however the institution was named
	}
	if err := s.reserveAttempt(ctx, attempt); err != nil {
		return SignedIn{}, err
	}
	ok, err := s.hasher.verify(ctx, in.Password, c.hash)
	if err != nil {
		return SignedIn{}, err
	}
	if !ok || c.id == "" {
		return SignedIn{}, fault.New(ReasonCredentials)
	}
	if c.totpOn && strings.TrimSpace(in.TOTP) == "" {
		// The password was right: this half of a sign-in is not a failure. It is uncounted, not cleared,
		// or asking for the code would buy fresh guesses at the code.
		return SignedIn{}, fault.Join(fault.New(ReasonCodeRequired), s.uncountAttempt(ctx, attempt))
	}
	var out SignedIn
	scope := db.Scope{Institution: c.institution, Actor: c.id}
	err = s.db.Update(ctx, scope, func(tx *db.Tx) error {
		if c.totpOn {
			if err := s.useCode(ctx, tx, c.id, in.TOTP); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, clearAttempt, crypto.HashToken(attempt)); err != nil {
			return err
		}
		out, err = s.enter(ctx, tx, c.id, "password", in.Address, in.Agent)
		return err
	})
	out.MustChange = c.mustChange
	return out, err
}

// enter opens a session in tx for a proved user.
func (s *Service) enter(ctx context.Context, tx *db.Tx, userID, via, address, agent string) (SignedIn, error) {
	token, err := s.openSession(ctx, tx, userID, checkVia(via), address, agent)
	if err != nil {
		return SignedIn{}, err
	}
	if _, err := tx.Exec(ctx, markSignedIn, tx.Institution, userID, db.Micros(tx.Now)); err != nil {
		return SignedIn{}, err
	}
	p, err := PrincipalOf(ctx, tx, userID)
	p.Via = "session"
	return SignedIn{Token: token, Principal: p}, err
}

// candidate finds the one user a login names; none and several look alike.
func (s *Service) candidate(ctx context.Context, in SignInInput) (candidate, error) {
	var found []candidate
	err := s.db.View(ctx, db.System("auth"), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, selectForSignIn, in.Login, in.Institution)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var c candidate
			if err := rows.Scan(&c.institution, &c.id, &c.hash, &c.totpOn, &c.mustChange); err != nil {
				return err
			}
			found = append(found, c)
		}
		return rows.Err()
	})
	if err != nil || len(found) != 1 {
		return candidate{}, err
	}
	return found[0], nil
}

// reserveAttempt counts a try before it is judged, so that parallel guesses are counted too.
func (s *Service) reserveAttempt(ctx context.Context, attempt string) error {
	return s.db.Update(ctx, db.System("auth"), func(tx *db.Tx) error {
		key := crypto.HashToken(attempt)
		if err := tx.Lock(ctx, "attempt:"+key); err != nil {
			return err
		}
		var failures, blocked int64
		err := tx.QueryRow(ctx, selectAttempt, key).Scan(&failures, &blocked)
		if err != nil && !db.IsNoRows(err) {
			return err
		}
		if until := db.Time(blocked); tx.Now.Before(until) {
			return fault.New(fault.ReasonTooMany, "seconds", int(until.Sub(tx.Now)/time.Second)+1)
		}
		failures++
		var until time.Time
		if failures >= failuresFree {
			until = tx.Now.Add(min(blockMax, blockFirst<<min(failures-failuresFree, 10)))
		}
		_, err = tx.Exec(ctx, writeAttempt, key, failures, db.Micros(until), db.Micros(tx.Now))
		return err
	})
}

func (s *Service) clearAttempts(ctx context.Context, attempt string) error {
	return s.db.Update(ctx, db.System("auth"), func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, clearAttempt, crypto.HashToken(attempt))
		return err
	})
}

func (s *Service) uncountAttempt(ctx context.Context, attempt string) error {
	return s.db.Update(ctx, db.System("auth"), func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, uncount, crypto.HashToken(attempt))
		return err
	})
}
