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

// Key is an API key. What it may do is its scopes cut with what its user may do at the moment of use.
type Key struct {
	ID        string     `json:"id"`
	UserID    string     `json:"user_id"`
	Login     string     `json:"login"`
	Name      string     `json:"name"`
	Prefix    string     `json:"prefix" doc:"the first characters, to recognise it by"`
	Scopes    []string   `json:"scopes"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"`
	ExpiresAt time.Time  `json:"expires_at"`
	UsedAt    *time.Time `json:"used_at,omitempty"`
	RevokedAt *time.Time `json:"revoked_at,omitempty"`
}

// CreateKeyInput describes a key: for oneself, or, by an administrator, for a service account.
type CreateKeyInput struct {
	UserID    string // empty: the caller
	Name      string
	Scopes    []string
	ExpiresAt time.Time
}

const (
	keyPrefix  = "cpk_"
	keyLifeMax = 366 * 24 * time.Hour
	keysMax    = 50
)

const keyColumns = `k.id, k.user_id, u.login, k.name, k.prefix, k.scopes, k.created_at, k.created_by, k.expires_at, k.used_at, k.revoked_at`

var (
	insertKey = db.Q(`insert into api_key (institution_id, id, user_id, name, prefix, secret_hash, scopes, created_at, created_by, expires_at, used_at, revoked_at)
	values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,0,0)`)
	countKeys = db.Q(`select count(*) from api_key where institution_id = $1 and user_id = $2 and revoked_at = 0 and expires_at > $3`)
	listKeys  = db.Q(`select ` + keyColumns + ` from api_key k join user_account u on u.institution_id = k.institution_id and u.id = k.user_id
	where k.institution_id = $1 and ($2 = '' or k.user_id = $2) and ($3 = '' or k.id < $3) order by k.id desc limit $4`)
	countList = db.Q(`select count(*) from api_key where institution_id = $1 and ($2 = '' or user_id = $2)`)
	selectKey = db.Q(`select ` + keyColumns + ` from api_key k join user_account u on u.institution_id = k.institution_id and u.id = k.user_id
	where k.institution_id = $1 and k.id = $2`)
	useKey = db.Q(`select k.secret_hash, k.scopes, k.expires_at, k.revoked_at, k.used_at, u.id, u.login, u.name, u.branch_id, coalesce(b.path, '/'), u.lang, u.status
	from api_key k join user_account u on u.institution_id = k.institution_id and u.id = k.user_id
	left join branch b on b.institution_id = u.institution_id and b.id = u.branch_id
	where k.institution_id = $1 and k.id = $2`)
	madeKeyOf = db.Q(`select count(*) from api_key where institution_id = $1 and user_id = $2 and created_by = $3`)
	touchKey  = db.Q(`update api_key set used_at = $3 where institution_id = $1 and id = $2`)
	revokeKey = db.Q(`update api_key set revoked_at = $3 where institution_id = $1 and id = $2 and revoked_at = 0`)
)

func scanKey(row scanner) (Key, error) {
	var k Key
	var scopes string
	var created, expires, used, revoked int64
	if err := row.Scan(&k.ID, &k.UserID, &k.Login, &k.Name, &k.Prefix, &scopes, &created, &k.CreatedBy, &expires, &used, &revoked); err != nil {
		return k, err
	}
	k.CreatedAt, k.ExpiresAt, k.UsedAt, k.RevokedAt = db.Time(created), db.Time(expires), optional(used), optional(revoked)
	return k, json.Unmarshal([]byte(scopes), &k.Scopes)
}

func optional(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := db.Time(micros)
	return &t
}

// CreateKey makes a key and gives its secret, which is shown this once. Nobody gives a scope that the
// key's user does not hold.
func (s *Service) CreateKey(ctx context.Context, p Principal, in CreateKeyInput) (Key, string, error) {
	if err := checkText("name", in.Name, 60); err != nil {
		return Key{}, "", err
	}
	var out Key
	secret := crypto.NewToken()
	var token string
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		owner, err := keyOwner(ctx, tx, p, in.UserID)
		if err != nil {
			return err
		}
		if len(in.Scopes) == 0 {
			return fault.Required("scopes")
		}
		for _, sc := range in.Scopes {
			if !owner.Can(sc) {
				return fault.New(ReasonScope, "permission", sc).WithField("scopes")
			}
		}
		if !in.ExpiresAt.After(tx.Now) || in.ExpiresAt.Sub(tx.Now) > keyLifeMax {
			return fault.Field("expires_at", "应在现在之后、一年之内", "must lie in the future, within a year")
		}
		var n int
		if err := tx.QueryRow(ctx, countKeys, tx.Institution, owner.UserID, db.Micros(tx.Now)).Scan(&n); err != nil {
			return err
		}
		if n >= keysMax {
			return fault.New(fault.ReasonTooLarge, "what", "api keys", "what_zh", "接口密钥数", "limit", keysMax)
		}
		scopes := slices.Compact(slices.Sorted(slices.Values(in.Scopes)))
		text, err := json.Marshal(scopes)
		if err != nil {
			return err
		}
		id := tx.NewID("key")
		// The institution and the key's id ride in the token, so that one indexed row is looked up.
		token = keyPrefix + strings.TrimPrefix(tx.Institution, "ins_") + "_" + strings.TrimPrefix(id, "key_") + "_" + secret
		out = Key{
			ID: id, UserID: owner.UserID, Login: owner.Login, Name: in.Name, Prefix: keyPrefix + "…" + id[len(id)-6:], Scopes: scopes,
			CreatedAt: tx.Now, CreatedBy: p.UserID, ExpiresAt: in.ExpiresAt.UTC(),
		}
		if _, err := tx.Exec(ctx, insertKey, tx.Institution, id, out.UserID, out.Name, out.Prefix, crypto.HashToken(secret), string(text), db.Micros(tx.Now), p.UserID, db.Micros(in.ExpiresAt)); err != nil {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "api_key.create", Object: "api_key", ObjectID: id, After: out}); err != nil {
			return err
		}
		return emit(ctx, tx, "api_key.created", "api_key", id, out)
	})
	return out, token, err
}

// MadeKeyOf reports that a person made a key, revoked or not, of a service account: what the account does
// may be his own doing.
func MadeKeyOf(ctx context.Context, tx *db.Tx, personID, serviceID string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, madeKeyOf, tx.Institution, serviceID, personID).Scan(&n)
	return n > 0, err
}

// keyOwner decides for whom the caller may make a key: himself from a session, or a service account
// if he manages keys. A key cannot make keys: a leaked one must die with its revocation.
func keyOwner(ctx context.Context, tx *db.Tx, p Principal, userID string) (Principal, error) {
	if p.Via == "key" {
		return p, fault.New(fault.ReasonForbidden, "permission", "(session)")
	}
	if userID == "" || userID == p.UserID {
		return p, nil
	}
	if err := p.Require(PermKeyManage); err != nil {
		return p, err
	}
	u, err := FindUser(ctx, tx, userID)
	if err == nil && (u.Kind != KindService || !p.Sees(u.BranchPath)) {
		err = fault.Field("user_id", "只能为系统账户创建密钥；个人须自行创建", "keys are made for service accounts; a person makes his own")
	}
	if err != nil {
		return p, err
	}
	return PrincipalOf(ctx, tx, u.ID)
}

// AuthenticateKey gives the principal of an API key.
func (s *Service) AuthenticateKey(ctx context.Context, token string) (Principal, error) {
	parts := strings.Split(strings.TrimPrefix(token, keyPrefix), "_")
	if !strings.HasPrefix(token, keyPrefix) || len(parts) != 3 || parts[0] == "" || parts[1] == "" {
		return Principal{}, fault.New(fault.ReasonUnauthenticated)
	}
	institution, id := "ins_"+parts[0], "key_"+parts[1]
	scope := db.Scope{Institution: institution, Actor: "system:auth"}
	var p Principal
	var touch bool
	err := s.db.View(ctx, scope, func(tx *db.Tx) error {
		var hash, text, status string
		var expires, revoked, used int64
		q := Principal{InstitutionID: institution, Via: "key"}
		err := tx.QueryRow(ctx, useKey, institution, id).
			Scan(&hash, &text, &expires, &revoked, &used, &q.UserID, &q.Login, &q.Name, &q.BranchID, &q.BranchPath, &q.Lang, &status)
		if db.IsNoRows(err) {
			return fault.New(fault.ReasonUnauthenticated)
		}
		if err != nil {
			return err
		}
		if !crypto.SameToken(parts[2], hash) || revoked != 0 || !tx.Now.Before(db.Time(expires)) || status != UserActive {
			return fault.New(fault.ReasonUnauthenticated)
		}
		touch = tx.Now.Sub(db.Time(used)) >= seenEvery
		full, err := withRoles(ctx, tx, q, false)
		if err != nil {
			return err
		}
		var scopes []string
		if err := json.Unmarshal([]byte(text), &scopes); err != nil {
			return err
		}
		p = NewPrincipal(full, slices.DeleteFunc(scopes, func(sc string) bool { return !full.Can(sc) }))
		return nil
	})
	if err == nil && touch {
		err = s.db.Update(ctx, scope, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, touchKey, institution, id, db.Micros(tx.Now))
			return err
		})
	}
	return p, err
}

// Keys lists the caller's own keys, or everybody's for who manages them; newest first, one more than the limit.
func (s *Service) Keys(ctx context.Context, p Principal, after string, limit int) ([]Key, int64, error) {
	owner := p.UserID
	if p.Can(PermKeyManage) {
		owner = ""
	}
	var out []Key
	var total int64
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countList, tx.Institution, owner).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, listKeys, tx.Institution, owner, after, limit+1)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			k, err := scanKey(rows)
			if err != nil {
				return err
			}
			out = append(out, k)
		}
		return rows.Err()
	})
	return out, total, err
}

// RevokeKey ends a key at once; revoking it again changes nothing.
func (s *Service) RevokeKey(ctx context.Context, p Principal, id string) error {
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		k, err := scanKey(tx.QueryRow(ctx, selectKey, tx.Institution, id))
		if db.IsNoRows(err) || (err == nil && k.UserID != p.UserID && !p.Can(PermKeyManage)) {
			return fault.NotFoundError("api key", id)
		}
		if err != nil {
			return err
		}
		done, err := tx.ExecOne(ctx, revokeKey, tx.Institution, id, db.Micros(tx.Now))
		if err != nil || !done {
			return err
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "api_key.revoke", Object: "api_key", ObjectID: id, Before: k}); err != nil {
			return err
		}
		return emit(ctx, tx, "api_key.revoked", "api_key", id, map[string]string{"user_id": k.UserID})
	})
}
