package identity

import (
	"context"
	"net/http"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

type userOutput struct {
	api.Tagged
	Body auth.User
}

func userAnswer(u auth.User, err error) (*userOutput, error) {
	if err != nil {
		return nil, err
	}
	return &userOutput{api.Tagged{ETag: api.ETag(u.Version)}, u}, nil
}

type proposalOutput struct{ Body proposal.Proposal }

// propose is the answer of every route that makes a proposal instead of a change: 202, not yet done.
func (c Config) propose(ctx context.Context, p auth.Principal, kind string, body any, note string) (*proposalOutput, error) {
	var out proposal.Proposal
	err := c.DB.Update(ctx, p.Scope(), func(tx *db.Tx) (err error) {
		out, err = c.Proposals.Propose(ctx, tx, p, kind, body, note)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &proposalOutput{out}, nil
}

type userListInput struct {
	api.PageQuery
	Status string `query:"status" enum:"active,disabled"`
	Query  string `query:"q" maxLength:"60" doc:"part of login or name"`
	Role   string `query:"role" maxLength:"60"`
}

type createUserInput struct {
	Body struct {
		Login    string   `json:"login" minLength:"2" maxLength:"64"`
		Kind     string   `json:"kind,omitempty" enum:"person,service" default:"person"`
		Name     string   `json:"name" minLength:"1" maxLength:"100"`
		Email    string   `json:"email,omitempty" maxLength:"200"`
		BranchID string   `json:"branch_id" minLength:"1" maxLength:"80" doc:"id or code"`
		Lang     string   `json:"lang,omitempty" enum:"zh,en" default:"zh"`
		Password string   `json:"password,omitempty" maxLength:"256" doc:"first password, to be changed at the first sign-in"`
		Roles    []string `json:"roles,omitempty" maxItems:"20" doc:"proposed for review at once"`
	}
}

type createdUser struct {
	User     auth.User          `json:"user"`
	Proposal *proposal.Proposal `json:"proposal,omitempty" doc:"the grant of the roles, awaiting review"`
}

func (c Config) userRoutes(a *api.API) {
	const tag = "users"
	api.Handle(a, api.Op{ID: "list-users", Method: "GET", Path: "/api/v1/users", Tag: tag, Zh: "用户列表", En: "Users", Policy: api.Need(auth.PermUserRead)},
		func(ctx context.Context, p auth.Principal, in *userListInput) (*page[auth.User], error) {
			at, err := api.DecodeCursor(in.Cursor, 1)
			if err != nil {
				return nil, err
			}
			rows, total, err := c.Auth.Users(ctx, p, auth.UserFilter{Status: in.Status, Text: in.Query, Role: in.Role, After: at[0], Limit: in.Limit})
			if err != nil {
				return nil, err
			}
			return &page[auth.User]{api.Cut(rows, in.Limit, total, func(u auth.User) []string { return []string{u.Login} })}, nil
		})
	api.Handle(a, api.Op{ID: "list-colleagues", Method: "GET", Path: "/api/v1/colleagues", Tag: tag, Zh: "同事（姓名与网点，最多 50 人）", En: "Colleagues by name, at most 50", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, in *struct {
			Query string `query:"q" maxLength:"60" doc:"part of login or name"`
		},
		) (*list[auth.Colleague], error) {
			if err := person(p); err != nil {
				return nil, err
			}
			return items(c.Auth.Colleagues(ctx, p, in.Query))
		})
	api.Handle(a, api.Op{ID: "get-user", Method: "GET", Path: "/api/v1/users/{id}", Tag: tag, Zh: "查看用户", En: "See a user", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, in *IDInput) (*userOutput, error) {
			return userAnswer(c.Auth.User(ctx, p, in.ID))
		})
	api.Handle(a, api.Op{ID: "create-user", Method: "POST", Path: "/api/v1/users", Tag: tag, Zh: "新建用户；角色提交复核", En: "Create a user; roles are proposed for review", Policy: api.Need(auth.PermUserManage), Status: http.StatusCreated},
		c.createUser)
	api.Handle(a, api.Op{ID: "update-user", Method: "PUT", Path: "/api/v1/users/{id}", Tag: tag, Zh: "修改用户资料或停用", En: "Change a user's particulars, or disable him", Policy: api.Need(auth.PermUserManage)},
		func(ctx context.Context, p auth.Principal, in *struct {
			IDInput
			api.IfMatch
			Body struct {
				Name   string `json:"name" minLength:"1" maxLength:"100"`
				Email  string `json:"email,omitempty" maxLength:"200"`
				Lang   string `json:"lang" enum:"zh,en"`
				Status string `json:"status" enum:"active,disabled"`
			}
		},
		) (*userOutput, error) {
			return userAnswer(c.Auth.UpdateUser(ctx, p, in.ID, auth.UserChange{Name: in.Body.Name, Email: in.Body.Email, Lang: in.Body.Lang, Status: in.Body.Status}, in.Check))
		})
	api.Handle(a, api.Op{ID: "propose-grant", Method: "POST", Path: "/api/v1/users/{id}/grant", Tag: tag, Zh: "提出用户角色与网点变更", En: "Propose a user's roles and branch", Policy: api.Need(auth.PermUserManage), Status: http.StatusAccepted},
		func(ctx context.Context, p auth.Principal, in *struct {
			IDInput
			Body struct {
				Roles    []string `json:"roles" maxItems:"20" doc:"the whole set"`
				BranchID string   `json:"branch_id" maxLength:"80"`
				Note     string   `json:"note,omitempty" maxLength:"1000"`
			}
		},
		) (*proposalOutput, error) {
			return c.propose(ctx, p, KindGrant, auth.Grant{UserID: in.ID, Roles: in.Body.Roles, BranchID: in.Body.BranchID}, in.Body.Note)
		})
	api.Handle(a, api.Op{ID: "reset-password", Method: "POST", Path: "/api/v1/users/{id}/password", Tag: tag, Zh: "重置用户密码", En: "Reset a user's password", Policy: api.Need(auth.PermUserManage), NoIdempotency: true, Status: http.StatusNoContent},
		func(ctx context.Context, p auth.Principal, in *struct {
			IDInput
			Body struct {
				Password string `json:"password" minLength:"1" maxLength:"256" doc:"to be changed at the next sign-in"`
			}
		},
		) (*nothing, error) {
			return nil, c.Auth.ResetPassword(ctx, p, in.ID, in.Body.Password)
		})
	api.Handle(a, api.Op{ID: "reset-totp", Method: "POST", Path: "/api/v1/users/{id}/totp/reset", Tag: tag, Zh: "停用用户的动态验证码", En: "Turn a user's one-time codes off", Policy: api.Need(auth.PermUserManage), Status: http.StatusNoContent},
		func(ctx context.Context, p auth.Principal, in *IDInput) (*nothing, error) {
			return nil, c.Auth.ResetTOTP(ctx, p, in.ID)
		})
}

func (c Config) createUser(ctx context.Context, p auth.Principal, in *createUserInput) (*struct{ Body createdUser }, error) {
	b := in.Body
	out := &struct{ Body createdUser }{}
	var err error
	out.Body.User, err = c.Auth.CreateUser(ctx, p, auth.CreateUserInput{Login: b.Login, Kind: b.Kind, Name: b.Name, Email: b.Email, Branch: b.BranchID, Lang: b.Lang, Password: b.Password},
		func(tx *db.Tx, u auth.User) error {
			if len(b.Roles) == 0 {
				return nil
			}
			made, err := c.Proposals.Propose(ctx, tx, p, KindGrant, auth.Grant{UserID: u.ID, Roles: b.Roles, BranchID: u.BranchID}, "")
			out.Body.Proposal = &made
			return err
		})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c Config) roleRoutes(a *api.API) {
	const tag = "roles"
	api.Handle(a, api.Op{ID: "list-roles", Method: "GET", Path: "/api/v1/roles", Tag: tag, Zh: "角色与权限", En: "Roles and what they may do", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*list[auth.Role], error) {
			return items(c.Auth.Roles(ctx, p))
		})
	api.Handle(a, api.Op{ID: "list-permissions", Method: "GET", Path: "/api/v1/permissions", Tag: tag, Zh: "权限清单", En: "All permissions", Policy: api.Session()},
		func(context.Context, auth.Principal, *struct{}) (*list[auth.Permission], error) {
			return items(auth.AllPermissions(), nil)
		})
	api.Handle(a, api.Op{ID: "propose-role", Method: "POST", Path: "/api/v1/roles", Tag: tag, Zh: "提出自定义角色的新增、修改或删除", En: "Propose a role: new, changed or removed", Policy: api.Need(auth.PermRoleManage), Status: http.StatusAccepted},
		func(ctx context.Context, p auth.Principal, in *struct {
			Body struct {
				Code        string   `json:"code" minLength:"1" maxLength:"40"`
				Name        string   `json:"name,omitempty" maxLength:"60"`
				NameEn      string   `json:"name_en,omitempty" maxLength:"60"`
				Permissions []string `json:"permissions,omitempty" maxItems:"500"`
				Remove      bool     `json:"remove,omitempty"`
				Note        string   `json:"note,omitempty" maxLength:"1000"`
			}
		},
		) (*proposalOutput, error) {
			b := in.Body
			return c.propose(ctx, p, KindRole, auth.RoleChange{Code: b.Code, Name: b.Name, NameEn: b.NameEn, Permissions: b.Permissions, Remove: b.Remove}, b.Note)
		})
}

type branchOutput struct {
	api.Tagged
	Body auth.Branch
}

func branchAnswer(b auth.Branch, err error) (*branchOutput, error) {
	if err != nil {
		return nil, err
	}
	return &branchOutput{api.Tagged{ETag: api.ETag(b.Version)}, b}, nil
}

func (c Config) branchRoutes(a *api.API) {
	const tag = "institution"
	api.Handle(a, api.Op{ID: "get-institution", Method: "GET", Path: "/api/v1/institutions/current", Tag: tag, Zh: "本机构", En: "The institution", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*struct{ Body auth.Institution }, error) {
			i, err := c.Auth.Institution(ctx, p)
			return &struct{ Body auth.Institution }{i}, err
		})
	api.Handle(a, api.Op{ID: "list-branches", Method: "GET", Path: "/api/v1/branches", Tag: tag, Zh: "网点树（本人可见部分）", En: "The branch tree, as far as the caller sees it", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*list[auth.Branch], error) {
			return items(c.Auth.Branches(ctx, p))
		})
	api.Handle(a, api.Op{ID: "create-branch", Method: "POST", Path: "/api/v1/branches", Tag: tag, Zh: "新建网点", En: "Add a branch", Policy: api.Need(auth.PermBranchManage), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *struct {
			Body struct {
				Code   string `json:"code" minLength:"1" maxLength:"40"`
				Parent string `json:"parent" minLength:"1" maxLength:"80" doc:"id or code"`
				Name   string `json:"name" minLength:"1" maxLength:"100"`
				NameEn string `json:"name_en" minLength:"1" maxLength:"100"`
			}
		},
		) (*branchOutput, error) {
			b := in.Body
			return branchAnswer(c.Auth.CreateBranch(ctx, p, auth.BranchDraft{Code: b.Code, Parent: b.Parent, Name: b.Name, NameEn: b.NameEn}))
		})
	api.Handle(a, api.Op{ID: "rename-branch", Method: "PUT", Path: "/api/v1/branches/{id}", Tag: tag, Zh: "修改网点名称", En: "Rename a branch", Policy: api.Need(auth.PermBranchManage)},
		func(ctx context.Context, p auth.Principal, in *struct {
			IDInput
			api.IfMatch
			Body struct {
				Name   string `json:"name" minLength:"1" maxLength:"100"`
				NameEn string `json:"name_en" minLength:"1" maxLength:"100"`
			}
		},
		) (*branchOutput, error) {
			return branchAnswer(c.Auth.RenameBranch(ctx, p, in.ID, in.Body.Name, in.Body.NameEn, in.Check))
		})
}

func (c Config) keyRoutes(a *api.API) {
	const tag = "api-keys"
	type created struct {
		auth.Key
		Secret string `json:"secret" doc:"shown this once"`
	}
	api.Handle(a, api.Op{ID: "list-api-keys", Method: "GET", Path: "/api/v1/api-keys", Tag: tag, Zh: "接口密钥", En: "API keys: the caller's own, or all for who manages them", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, in *struct{ api.PageQuery }) (*page[auth.Key], error) {
			at, err := api.DecodeCursor(in.Cursor, 1)
			if err != nil {
				return nil, err
			}
			rows, total, err := c.Auth.Keys(ctx, p, at[0], in.Limit)
			if err != nil {
				return nil, err
			}
			return &page[auth.Key]{api.Cut(rows, in.Limit, total, func(k auth.Key) []string { return []string{k.ID} })}, nil
		})
	api.Handle(a, api.Op{ID: "create-api-key", Method: "POST", Path: "/api/v1/api-keys", Tag: tag, Zh: "新建接口密钥", En: "Create an API key", Policy: api.Session(), Secret: true, Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *struct {
			Body struct {
				UserID    string    `json:"user_id,omitempty" maxLength:"80" doc:"a service account; empty: the caller"`
				Name      string    `json:"name" minLength:"1" maxLength:"60"`
				Scopes    []string  `json:"scopes" minItems:"1" maxItems:"500" doc:"permission codes that the key's user holds"`
				ExpiresAt time.Time `json:"expires_at"`
			}
		},
		) (*struct{ Body created }, error) {
			b := in.Body
			k, secret, err := c.Auth.CreateKey(ctx, p, auth.CreateKeyInput{UserID: b.UserID, Name: b.Name, Scopes: b.Scopes, ExpiresAt: b.ExpiresAt})
			return &struct{ Body created }{created{k, secret}}, err
		})
	api.Handle(a, api.Op{ID: "revoke-api-key", Method: "DELETE", Path: "/api/v1/api-keys/{id}", Tag: tag, Zh: "吊销接口密钥", En: "Revoke an API key", Policy: api.Session(), Status: http.StatusNoContent},
		func(ctx context.Context, p auth.Principal, in *IDInput) (*nothing, error) {
			return nil, c.Auth.RevokeKey(ctx, p, in.ID)
		})
}

func (c Config) authorityRoutes(a *api.API) {
	const tag = "authority"
	type draft struct{ Body auth.AuthorityDraft }
	api.Handle(a, api.Op{ID: "list-authorities", Method: "GET", Path: "/api/v1/authorities", Tag: tag, Zh: "授权额度（本人相关或全部）", En: "Authority limits: the caller's own, or all for who may read them", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, in *struct {
			api.PageQuery
			Kind string `query:"kind" maxLength:"60"`
		},
		) (*page[auth.Authority], error) {
			at, err := api.DecodeCursor(in.Cursor, 1)
			if err != nil {
				return nil, err
			}
			rows, total, err := c.Auth.Authorities(ctx, p, in.Kind, at[0], in.Limit)
			if err != nil {
				return nil, err
			}
			return &page[auth.Authority]{api.Cut(rows, in.Limit, total, func(x auth.Authority) []string { return []string{x.ID} })}, nil
		})
	api.Handle(a, api.Op{ID: "propose-authority", Method: "POST", Path: "/api/v1/authorities", Tag: tag, Zh: "提出授权额度", En: "Propose an authority limit", Policy: api.Need(auth.PermAuthorityManage), Status: http.StatusAccepted},
		func(ctx context.Context, p auth.Principal, in *draft) (*proposalOutput, error) {
			return c.propose(ctx, p, KindAuthority, in.Body, in.Body.Note)
		})
	api.Handle(a, api.Op{ID: "propose-authority-end", Method: "POST", Path: "/api/v1/authorities/{id}/revoke", Tag: tag, Zh: "提出撤销授权额度", En: "Propose the end of an authority limit", Policy: api.Need(auth.PermAuthorityManage), Status: http.StatusAccepted},
		func(ctx context.Context, p auth.Principal, in *IDInput) (*proposalOutput, error) {
			return c.propose(ctx, p, KindAuthorityRevoke, map[string]string{"id": in.ID}, "")
		})
	api.Handle(a, api.Op{ID: "delegate-authority", Method: "POST", Path: "/api/v1/delegations", Tag: tag, Zh: "把本人授权额度转授给同事一段时间", En: "Delegate one's own authority to a colleague for a period", Policy: api.Session(), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *draft) (*struct{ Body auth.Authority }, error) {
			if err := person(p); err != nil {
				return nil, err
			}
			out, err := c.Auth.Delegate(ctx, p, in.Body)
			return &struct{ Body auth.Authority }{out}, err
		})
	api.Handle(a, api.Op{ID: "end-delegation", Method: "DELETE", Path: "/api/v1/delegations/{id}", Tag: tag, Zh: "收回转授权", En: "Take a delegation back", Policy: api.Session(), Status: http.StatusNoContent},
		func(ctx context.Context, p auth.Principal, in *IDInput) (*nothing, error) {
			return nil, c.Auth.EndDelegation(ctx, p, in.ID)
		})
}
