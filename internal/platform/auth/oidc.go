package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// SignOnConfig names the OpenID provider of the house.
type SignOnConfig struct {
	Issuer, ClientID, ClientSecret string
	RedirectURL                    string // <base url>/api/v1/session/sign-on/callback
}

// SignOn signs people in by the house's own OpenID provider: authorization code with PKCE and nonce.
// What must survive between the two halves travels in a sealed cookie, so that any server may finish.
type SignOn struct {
	cfg    SignOnConfig
	keys   *crypto.Keyring
	client *http.Client
	clock  func() time.Time

	mu       sync.Mutex
	provider *oidc.Provider // asked for at first use: the provider may start after us
}

// NewSignOn makes the client side; the provider is contacted at the first sign-in.
func NewSignOn(cfg SignOnConfig, keys *crypto.Keyring, clock func() time.Time) *SignOn {
	return &SignOn{cfg: cfg, keys: keys, clock: clock, client: &http.Client{Timeout: 10 * time.Second}}
}

// Identity is who the provider says somebody is.
type Identity struct {
	Issuer, Subject, Email string
	EmailVerified          bool
}

type pending struct {
	State, Nonce, Verifier, ReturnTo string
	Expires                          time.Time
}

const (
	signOnContext = "sign-on"
	signOnLife    = 10 * time.Minute
)

func (o *SignOn) discover(ctx context.Context) (*oidc.Provider, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.provider != nil {
		return o.provider, nil
	}
	// The provider keeps this context for fetching keys later: it must outlive the request.
	p, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), o.client), o.cfg.Issuer)
	if err != nil {
		return nil, fault.New(fault.ReasonUnavailable, "what", "single sign-on", "what_zh", "单点登录").Wrap(err)
	}
	o.provider = p
	return p, nil
}

func (o *SignOn) oauth(p *oidc.Provider) *oauth2.Config {
	return &oauth2.Config{
		ClientID: o.cfg.ClientID, ClientSecret: o.cfg.ClientSecret, Endpoint: p.Endpoint(), RedirectURL: o.cfg.RedirectURL,
		Scopes: []string{oidc.ScopeOpenID, "email", "profile"},
	}
}

// Start gives the provider's address to go to, and the cookie to come back with.
func (o *SignOn) Start(ctx context.Context, returnTo string) (string, string, error) {
	p, err := o.discover(ctx)
	if err != nil {
		return "", "", err
	}
	// Only a path of this site: an absolute or scheme-relative address would lead elsewhere.
	if !strings.HasPrefix(returnTo, "/") || strings.HasPrefix(returnTo, "//") || strings.ContainsAny(returnTo, "\\\r\n") {
		returnTo = "/"
	}
	one := pending{State: crypto.NewToken(), Nonce: crypto.NewToken(), Verifier: oauth2.GenerateVerifier(), ReturnTo: returnTo, Expires: o.clock().Add(signOnLife)}
	text, err := json.Marshal(one)
	if err != nil {
		return "", "", err
	}
	cookie, err := o.keys.Encrypt(signOnContext, text)
	if err != nil {
		return "", "", err
	}
	return o.oauth(p).AuthCodeURL(one.State, oidc.Nonce(one.Nonce), oauth2.S256ChallengeOption(one.Verifier)), cookie, nil
}

func refused(zh, en string) *fault.Error {
	return fault.New(ReasonSignOn, "problem", en, "problem_zh", zh)
}

// Finish exchanges the code and gives who it is and where to go on.
func (o *SignOn) Finish(ctx context.Context, code, state, cookie string) (Identity, string, error) {
	var one pending
	text, err := o.keys.Decrypt(signOnContext, cookie)
	if err == nil {
		err = json.Unmarshal(text, &one)
	}
	if err != nil {
		return Identity{}, "", refused("登录状态缺失", "the sign-in was not started here").Wrap(err)
	}
	if one.State == "" || one.State != state || o.clock().After(one.Expires) {
		return Identity{}, "", refused("登录状态不符或已过期", "its state does not match or is too old")
	}
	p, err := o.discover(ctx)
	if err != nil {
		return Identity{}, "", err
	}
	ctx = oidc.ClientContext(ctx, o.client)
	token, err := o.oauth(p).Exchange(ctx, code, oauth2.VerifierOption(one.Verifier))
	if err != nil {
		return Identity{}, "", refused("授权码无法兑换", "the code was not accepted").Wrap(err)
	}
	rawID, ok := token.Extra("id_token").(string)
	if !ok {
		return Identity{}, "", refused("缺少身份令牌", "there is no identity token")
	}
	idToken, err := p.Verifier(&oidc.Config{ClientID: o.cfg.ClientID, Now: o.clock}).Verify(ctx, rawID)
	if err != nil {
		return Identity{}, "", refused("身份令牌无效", "the identity token is not valid").Wrap(err)
	}
	if idToken.Nonce != one.Nonce {
		return Identity{}, "", refused("随机数不符", "the nonce does not match")
	}
	var claims struct {
		Email         string `json:"email"`
		EmailVerified bool   `json:"email_verified"`
	}
	if err := idToken.Claims(&claims); err != nil {
		return Identity{}, "", refused("身份令牌无法读取", "the identity token cannot be read").Wrap(err)
	}
	return Identity{Issuer: idToken.Issuer, Subject: idToken.Subject, Email: claims.Email, EmailVerified: claims.EmailVerified}, one.ReturnTo, nil
}

var (
	selectSubject = db.Q(`select institution_id, id from user_account where oidc_subject = $1 and oidc_issuer = $2 and status = 'active' and kind = 'person' limit 2`)
	selectEmail   = db.Q(`select institution_id, id from user_account where email = $1 and oidc_subject = '' and status = 'active' and kind = 'person' limit 2`)
	bindSubject   = db.Q(`update user_account set oidc_issuer = $3, oidc_subject = $4, version = version + 1 where institution_id = $1 and id = $2 and oidc_subject = ''`)
)

// SignInIdentity opens a session for the user bound to an identity. The first time, an identity with a
// verified e-mail address is bound to the one user who has that address; nobody is created by it.
func (s *Service) SignInIdentity(ctx context.Context, id Identity, address, agent string) (SignedIn, error) {
	unknown := refused("没有与该身份对应的用户", "no user belongs to this identity")
	institution, user, bind := "", "", false
	err := s.db.View(ctx, db.System("auth"), func(tx *db.Tx) error {
		found, err := pairs(ctx, tx, selectSubject, id.Subject, id.Issuer)
		if err == nil && len(found) == 0 && id.EmailVerified && id.Email != "" {
			bind = true
			found, err = pairs(ctx, tx, selectEmail, id.Email)
		}
		if err == nil && len(found) != 1 {
			return unknown
		}
		if err == nil {
			institution, user = found[0][0], found[0][1]
		}
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	var out SignedIn
	err = s.db.Update(ctx, db.Scope{Institution: institution, Actor: user}, func(tx *db.Tx) error {
		if bind {
			done, err := tx.ExecOne(ctx, bindSubject, institution, user, id.Issuer, id.Subject)
			if err == nil && !done {
				return unknown
			}
			if err != nil {
				return err
			}
			if err := audit.Record(ctx, tx, audit.Entry{Action: "user.sign_on.bind", Object: "user", ObjectID: user, After: map[string]string{"issuer": id.Issuer}}); err != nil {
				return err
			}
		}
		var err error
		out, err = s.enter(ctx, tx, user, "sign-on", address, agent)
		return err
	})
	return out, err
}

func pairs(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) ([][2]string, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out [][2]string
	for rows.Next() {
		var one [2]string
		if err := rows.Scan(&one[0], &one[1]); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, rows.Err()
}
