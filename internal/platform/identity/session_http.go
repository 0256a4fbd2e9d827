package identity

import (
	"context"
	"net/http"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// me is the signed-in caller as the console needs it.
type me struct {
	InstitutionID     string   `json:"institution_id"`
	InstitutionCode   string   `json:"institution_code"`
	InstitutionName   string   `json:"institution_name"`
	InstitutionNameEn string   `json:"institution_name_en"`
	Currency          string   `json:"currency"`
	Timezone          string   `json:"timezone"`
	UserID            string   `json:"user_id"`
	Login             string   `json:"login"`
	Name              string   `json:"name"`
	BranchID          string   `json:"branch_id"`
	BranchName        string   `json:"branch_name"`
	BranchPath        string   `json:"branch_path"`
	Lang              string   `json:"lang"`
	Roles             []string `json:"roles"`
	Permissions       []string `json:"permissions"`
	TOTPEnabled       bool     `json:"totp_enabled"`
	MustChange        bool     `json:"must_change" doc:"change the password first: nothing else is allowed"`
	Demo              bool     `json:"demo"`
	BusinessDate      string   `json:"business_date"`
	Via               string   `json:"via"`
}

type meOutput struct {
	SetCookie []http.Cookie `header:"Set-Cookie"`
	Body      me
}

func (c Config) me(ctx context.Context, p auth.Principal) (me, error) {
	ins, err := c.Auth.Institution(ctx, p)
	if err != nil {
		return me{}, err
	}
	u, err := c.Auth.User(ctx, p, p.UserID)
	if err != nil {
		return me{}, err
	}
	return me{
		InstitutionID: ins.ID, InstitutionCode: ins.Code, InstitutionName: ins.Name, InstitutionNameEn: ins.NameEn, Currency: ins.Currency, Timezone: ins.Timezone,
		UserID: u.ID, Login: u.Login, Name: u.Name, BranchID: u.BranchID, BranchName: u.BranchName, BranchPath: u.BranchPath, Lang: u.Lang,
		Roles: p.Roles, Permissions: p.Permissions(), TOTPEnabled: u.TOTPEnabled, MustChange: u.MustChange, Demo: ins.Demo,
		BusinessDate: ins.BusinessDate.String(), Via: p.Via,
	}, nil
}

type signInInput struct {
	Body struct {
		Institution string `json:"institution,omitempty" maxLength:"64" doc:"code of the institution; may be left out when the login exists once"`
		Login       string `json:"login" minLength:"1" maxLength:"64"`
		Password    string `json:"password" minLength:"1" maxLength:"256"`
		TOTP        string `json:"totp,omitempty" maxLength:"16" doc:"one-time code or recovery code, when asked for with TOTP_REQUIRED"`
	}
}

// sessionLife bounds the cookie; the server ends sessions by its own clock.
const sessionLife = 12 * time.Hour

func (c Config) sessionRoutes(a *api.API) {
	const tag = "session"
	api.Handle(a, api.Op{ID: "sign-in", Method: "POST", Path: "/api/v1/session", Tag: tag, Zh: "登录", En: "Sign in", Policy: api.Public(), NoIdempotency: true},
		func(ctx context.Context, _ auth.Principal, in *signInInput) (*meOutput, error) {
			from := api.ClientOf(ctx)
			got, err := c.Auth.SignIn(ctx, auth.SignInInput{
				Institution: in.Body.Institution, Login: in.Body.Login, Password: in.Body.Password, TOTP: in.Body.TOTP, Address: from.Address, Agent: from.Agent,
			})
			if err != nil {
				return nil, err
			}
			body, err := c.me(ctx, got.Principal)
			return &meOutput{SetCookie: []http.Cookie{c.cookie(got.Token, sessionLife)}, Body: body}, err
		})
	api.Handle(a, api.Op{ID: "get-session", Method: "GET", Path: "/api/v1/session", Tag: tag, Zh: "当前登录人", En: "Who is signed in", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*struct{ Body me }, error) {
			body, err := c.me(ctx, p)
			return &struct{ Body me }{body}, err
		})
	api.Handle(a, api.Op{ID: "sign-out", Method: "DELETE", Path: "/api/v1/session", Tag: tag, Zh: "退出", En: "Sign out", Policy: api.Session(), NoIdempotency: true, Status: http.StatusNoContent},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*struct {
			SetCookie http.Cookie `header:"Set-Cookie"`
		}, error) {
			err := c.Auth.SignOut(ctx, p, c.token(ctx))
			return &struct {
				SetCookie http.Cookie `header:"Set-Cookie"`
			}{c.cookie("", 0)}, err
		})
	api.Handle(a, api.Op{ID: "list-sessions", Method: "GET", Path: "/api/v1/sessions", Tag: tag, Zh: "我的会话", En: "My sessions", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*list[auth.Session], error) {
			return items(c.Auth.Sessions(ctx, p, c.token(ctx)))
		})
	api.Handle(a, api.Op{ID: "end-session", Method: "DELETE", Path: "/api/v1/sessions/{id}", Tag: tag, Zh: "结束我的一个会话", En: "End one of my sessions", Policy: api.Session(), Status: http.StatusNoContent},
		func(ctx context.Context, p auth.Principal, in *IDInput) (*nothing, error) {
			return nil, c.Auth.EndSession(ctx, p, in.ID)
		})
	api.Handle(a, api.Op{ID: "change-password", Method: "POST", Path: "/api/v1/session/password", Tag: tag, Zh: "修改我的密码", En: "Change my password", Policy: api.Session(), NoIdempotency: true, Status: http.StatusNoContent},
		func(ctx context.Context, p auth.Principal, in *struct {
			Body struct {
				Password    string `json:"password" minLength:"1" maxLength:"256" doc:"the present one"`
				NewPassword string `json:"new_password" minLength:"1" maxLength:"256" doc:"at least 12 characters"`
			}
		},
		) (*nothing, error) {
			if err := person(p); err != nil {
				return nil, err
			}
			return nil, c.Auth.ChangePassword(ctx, p, in.Body.Password, in.Body.NewPassword, c.token(ctx))
		})
}

// person refuses keys: what protects a person's account is changed by the person, not by a program.
func person(p auth.Principal) error {
	if p.Via != "session" {
		return fault.New(fault.ReasonForbidden, "permission", "(session)")
	}
	return nil
}

func (c Config) token(ctx context.Context) string {
	return api.ClientOf(ctx).Cookies(CookieName(c.HTTPS))
}

type codeInput struct {
	Body struct {
		Code string `json:"code" minLength:"6" maxLength:"16" doc:"one-time code"`
	}
}

func (c Config) totpRoutes(a *api.API) {
	const tag = "session"
	api.Handle(a, api.Op{ID: "enrol-totp", Method: "POST", Path: "/api/v1/session/totp", Tag: tag, Zh: "设置动态验证码", En: "Set up one-time codes", Policy: api.Session(), Secret: true},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*struct{ Body auth.Enrolment }, error) {
			if err := person(p); err != nil {
				return nil, err
			}
			e, err := c.Auth.EnrolTOTP(ctx, p)
			return &struct{ Body auth.Enrolment }{e}, err
		})
	api.Handle(a, api.Op{ID: "confirm-totp", Method: "POST", Path: "/api/v1/session/totp/confirm", Tag: tag, Zh: "确认动态验证码，得到恢复码", En: "Confirm one-time codes and get recovery codes", Policy: api.Session(), Secret: true},
		func(ctx context.Context, p auth.Principal, in *codeInput) (*struct {
			Body struct {
				RecoveryCodes []string `json:"recovery_codes"`
			}
		}, error,
		) {
			if err := person(p); err != nil {
				return nil, err
			}
			codes, err := c.Auth.ConfirmTOTP(ctx, p, in.Body.Code)
			out := &struct {
				Body struct {
					RecoveryCodes []string `json:"recovery_codes"`
				}
			}{}
			out.Body.RecoveryCodes = codes
			return out, err
		})
	api.Handle(a, api.Op{ID: "disable-totp", Method: "POST", Path: "/api/v1/session/totp/disable", Tag: tag, Zh: "停用动态验证码", En: "Turn one-time codes off", Policy: api.Session(), NoIdempotency: true, Status: http.StatusNoContent},
		func(ctx context.Context, p auth.Principal, in *codeInput) (*nothing, error) {
			if err := person(p); err != nil {
				return nil, err
			}
			return nil, c.Auth.DisableTOTP(ctx, p, in.Body.Code)
		})
}

func (c Config) signOnRoutes(a *api.API) {
	const tag = "session"
	api.Handle(a, api.Op{ID: "sign-in-options", Method: "GET", Path: "/api/v1/session/options", Tag: tag, Zh: "登录方式", En: "Ways to sign in", Policy: api.Public()},
		func(context.Context, auth.Principal, *struct{}) (*struct {
			Body struct {
				SignOn bool `json:"sign_on" doc:"whether single sign-on is set up"`
			}
		}, error,
		) {
			out := &struct {
				Body struct {
					SignOn bool `json:"sign_on" doc:"whether single sign-on is set up"`
				}
			}{}
			out.Body.SignOn = c.SignOn != nil
			return out, nil
		})
	if c.SignOn == nil {
		return
	}
	a.Raw(api.Op{ID: "start-sign-on", Method: "GET", Path: "/api/v1/session/sign-on", Tag: tag, Zh: "单点登录：前往身份提供方", En: "Single sign-on: go to the provider", Policy: api.Public()},
		func(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
			to, sealed, err := c.SignOn.Start(r.Context(), r.URL.Query().Get("next"))
			if err != nil {
				return err
			}
			http.SetCookie(w, &http.Cookie{Name: signOnCookie, Value: sealed, Path: "/api/v1/session/sign-on", MaxAge: 600, HttpOnly: true, Secure: c.HTTPS, SameSite: http.SameSiteLaxMode})
			http.Redirect(w, r, to, http.StatusSeeOther)
			return nil
		})
	a.Raw(api.Op{ID: "finish-sign-on", Method: "GET", Path: "/api/v1/session/sign-on/callback", Tag: tag, Zh: "单点登录：从身份提供方返回", En: "Single sign-on: back from the provider", Policy: api.Public()},
		func(w http.ResponseWriter, r *http.Request, _ auth.Principal) error {
			from := api.ClientOf(r.Context())
			q := r.URL.Query()
			id, next, err := c.SignOn.Finish(r.Context(), q.Get("code"), q.Get("state"), from.Cookies(signOnCookie))
			if err != nil {
				return err
			}
			got, err := c.Auth.SignInIdentity(r.Context(), id, from.Address, from.Agent)
			if err != nil {
				return err
			}
			cookie := c.cookie(got.Token, sessionLife)
			http.SetCookie(w, &cookie)
			http.SetCookie(w, &http.Cookie{Name: signOnCookie, Path: "/api/v1/session/sign-on", MaxAge: -1})
			http.Redirect(w, r, next, http.StatusSeeOther)
			return nil
		})
}
