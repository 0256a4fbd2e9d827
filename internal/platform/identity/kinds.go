package identity

import (
	"context"
	"encoding/json"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// Kinds of sensitive change that the door itself has.
const (
	KindGrant           = "user.grant"
	KindRole            = "role.change"
	KindAuthority       = "authority.grant"
	KindAuthorityRevoke = "authority.revoke"
)

func registerKinds(s *proposal.Service) {
	s.Register(proposal.Kind{
		Name: KindGrant, Zh: "用户角色与网点", En: "Roles and branch of a user", Propose: auth.PermUserManage, Review: auth.PermUserReview,
		Describe: describeGrant,
		Apply: func(ctx context.Context, tx *db.Tx, _ auth.Principal, d proposal.Description, body json.RawMessage) error {
			var g auth.Grant
			if err := decode(body, &g); err != nil {
				return err
			}
			_, err := auth.ApplyGrant(ctx, tx, g, d.BaseVersion)
			return err
		},
	})
	s.Register(proposal.Kind{
		Name: KindRole, Zh: "自定义角色", En: "A role of the institution's own", Propose: auth.PermRoleManage, Review: auth.PermRoleReview,
		Describe: describeRole,
		Apply: func(ctx context.Context, tx *db.Tx, _ auth.Principal, d proposal.Description, body json.RawMessage) error {
			var c auth.RoleChange
			if err := decode(body, &c); err != nil {
				return err
			}
			return auth.ApplyRole(ctx, tx, c, d.BaseVersion)
		},
	})
	s.Register(proposal.Kind{
		Name: KindAuthority, Zh: "授权额度", En: "An authority limit", Propose: auth.PermAuthorityManage, Review: auth.PermAuthorityReview,
		Describe: describeAuthority,
		Apply: func(ctx context.Context, tx *db.Tx, _ auth.Principal, _ proposal.Description, body json.RawMessage) error {
			var d auth.AuthorityDraft
			if err := decode(body, &d); err != nil {
				return err
			}
			_, err := auth.GrantAuthority(ctx, tx, d)
			return err
		},
	})
	s.Register(proposal.Kind{
		Name: KindAuthorityRevoke, Zh: "撤销授权额度", En: "The end of an authority limit", Propose: auth.PermAuthorityManage, Review: auth.PermAuthorityReview,
		Describe: func(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (proposal.Description, error) {
			var in struct {
				ID string `json:"id"`
			}
			if err := decode(body, &in); err != nil {
				return proposal.Description{}, err
			}
			a, err := auth.FindAuthority(ctx, tx, in.ID)
			if err == nil && a.RevokedAt != nil {
				err = fault.New(fault.ReasonConflict, "object", "authority", "problem", "it is already revoked", "problem_zh", "已撤销")
			}
			return proposal.Description{Object: "authority", ObjectID: in.ID, BaseVersion: a.Version, Before: a}, err
		},
		Apply: func(ctx context.Context, tx *db.Tx, _ auth.Principal, d proposal.Description, _ json.RawMessage) error {
			return auth.RevokeAuthority(ctx, tx, d.ObjectID)
		},
	})
}

func decode(body json.RawMessage, v any) error { return proposal.Decode(body, v) }

// concerned refuses who would gain: neither proposing nor approving one's own rights is anybody's.
func concerned(p auth.Principal, userID string) error {
	if p.UserID == userID {
		return fault.New(proposal.ReasonOwn)
	}
	return nil
}

func describeGrant(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (proposal.Description, error) {
	var g auth.Grant
	if err := decode(body, &g); err != nil {
		return proposal.Description{}, err
	}
	u, err := auth.FindUser(ctx, tx, g.UserID)
	if err == nil && (u.ID != g.UserID || !p.Sees(u.BranchPath)) {
		err = fault.NotFoundError("user", g.UserID)
	}
	if err == nil {
		err = concerned(p, u.ID)
	}
	if err == nil {
		err = auth.CheckGrant(ctx, tx, g)
	}
	if err != nil {
		return proposal.Description{}, err
	}
	branch, err := auth.FindBranch(ctx, tx, g.BranchID)
	if err == nil && branch.ID != g.BranchID {
		err = fault.NotFoundError("branch", g.BranchID)
	}
	if err == nil && !p.Sees(branch.Path) {
		err = fault.NotFoundError("branch", g.BranchID)
	}
	type shown struct {
		Login  string   `json:"login"`
		Roles  []string `json:"roles"`
		Branch string   `json:"branch"`
	}
	return proposal.Description{
		Object: "user", ObjectID: u.ID, BaseVersion: u.Version,
		Before: shown{u.Login, u.Roles, u.BranchPath}, After: shown{u.Login, g.Roles, branch.Path},
	}, err
}

func describeRole(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (proposal.Description, error) {
	var c auth.RoleChange
	err := decode(body, &c)
	if err == nil {
		err = auth.CheckRole(c)
	}
	if err != nil {
		return proposal.Description{}, err
	}
	d := proposal.Description{Object: "role", ObjectID: c.Code}
	if !c.Remove {
		d.After = c
	}
	r, err := auth.FindRole(ctx, tx, c.Code)
	switch {
	case err == nil:
		d.Before, d.BaseVersion = r, r.Version
		return d, nil
	case fault.Is(err, fault.ReasonNotFound) && !c.Remove:
		return d, nil
	}
	return d, err
}

func describeAuthority(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (proposal.Description, error) {
	var d auth.AuthorityDraft
	err := decode(body, &d)
	if err == nil {
		err = auth.CheckAuthority(ctx, tx, d)
	}
	if err == nil && d.Subject == "user:"+p.UserID {
		err = fault.New(proposal.ReasonOwn)
	}
	return proposal.Description{Object: "authority", ObjectID: d.Kind + " " + d.Subject + " " + d.Currency, After: d}, err
}
