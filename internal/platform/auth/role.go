package auth

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Role is a named set of permissions: built in, or the institution's own.
type Role struct {
	Code        string   `json:"code"`
	Name        string   `json:"name"`
	NameEn      string   `json:"name_en"`
	Builtin     bool     `json:"builtin"`
	Permissions []string `json:"permissions"`
	Version     int64    `json:"version" doc:"0 for built-in roles and for roles that do not exist yet"`
}

var builtin = []Role{
	{Code: RoleRelationshipManager, Name: "客户经理", NameEn: "Relationship manager"},
	{Code: RoleApprover, Name: "审批人", NameEn: "Approver"},
	{Code: RoleOperations, Name: "运营", NameEn: "Operations"},
	{Code: RoleRisk, Name: "风险", NameEn: "Risk"},
	{Code: RoleCompliance, Name: "合规", NameEn: "Compliance"},
	{Code: RoleAdmin, Name: "系统管理员", NameEn: "Administrator"},
	{Code: RoleIntegrator, Name: "系统对接", NameEn: "Integrator"},
}

// BuiltinRoles lists the built-in roles with what they may do.
func BuiltinRoles() []Role {
	out := slices.Clone(builtin)
	for i := range out {
		out[i].Builtin = true
		out[i].Permissions = nonNil(BuiltinPermissions(out[i].Code))
	}
	return out
}

func builtinCodes() string {
	codes := make([]string, len(builtin))
	for i, r := range builtin {
		codes[i] = r.Code
	}
	return strings.Join(codes, ", ")
}

func nonNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

var (
	selectRoles = db.Q(`select code, name, name_en, permissions, version from role where institution_id = $1 and ($2 = '' or code = $2) order by code limit 200`)
	writeRole   = db.Q(`insert into role (institution_id, code, name, name_en, permissions, version) values ($1,$2,$3,$4,$5,1)
	on conflict (institution_id, code) do update set name = $3, name_en = $4, permissions = $5, version = role.version + 1 where role.version = $6`)
	deleteRole = db.Q(`delete from role where institution_id = $1 and code = $2 and version = $3`)
	roleInUse  = db.Q(`select count(*) from user_role where institution_id = $1 and role = $2`)
)

// Roles lists the built-in roles and the institution's own.
func (s *Service) Roles(ctx context.Context, p Principal) ([]Role, error) {
	out := BuiltinRoles()
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		own, err := ownRoles(ctx, tx, "")
		out = append(out, own...)
		return err
	})
	return out, err
}

func ownRoles(ctx context.Context, tx *db.Tx, code string) ([]Role, error) {
	rows, err := tx.Query(ctx, selectRoles, tx.Institution, code)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []Role
	for rows.Next() {
		var r Role
		var permissions string
		if err := rows.Scan(&r.Code, &r.Name, &r.NameEn, &permissions, &r.Version); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(permissions), &r.Permissions); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// FindRole finds a role by code.
func FindRole(ctx context.Context, tx *db.Tx, code string) (Role, error) {
	for _, r := range BuiltinRoles() {
		if r.Code == code {
			return r, nil
		}
	}
	own, err := ownRoles(ctx, tx, code)
	if err == nil && (len(own) == 0 || code == "") {
		err = fault.NotFoundError("role", code)
	}
	if err != nil {
		return Role{}, err
	}
	return own[0], nil
}

// RoleChange writes or removes one of the institution's own roles.
type RoleChange struct {
	Code        string   `json:"code"`
	Name        string   `json:"name"`
	NameEn      string   `json:"name_en"`
	Permissions []string `json:"permissions"`
	Remove      bool     `json:"remove,omitempty"`
}

// CheckRole says what is wrong with a change before it is proposed.
func CheckRole(c RoleChange) error {
	for _, b := range builtin {
		if b.Code == c.Code {
			return fault.Field("code", "内置角色不可更改", "names a built-in role, which cannot be changed")
		}
	}
	var code error
	if !rolePattern.MatchString(c.Code) {
		code = fault.Field("code", "应为 1 至 40 个小写字母、数字或 _", "must be 1 to 40 lower-case letters, digits or _")
	}
	if c.Remove || code != nil {
		return code
	}
	known := PermissionCodes()
	var unknown error
	for _, p := range c.Permissions {
		if !slices.Contains(known, p) {
			unknown = fault.Field("permissions", "没有权限 "+p, "there is no permission "+p)
		}
	}
	return fault.Join(checkText("name", c.Name, 60), checkText("name_en", c.NameEn, 60), unknown)
}

// ApplyRole writes or removes a role that is still at version (0: does not exist yet). It is called by
// an approved proposal, or by the operator.
func ApplyRole(ctx context.Context, tx *db.Tx, c RoleChange, version int64) error {
	if err := CheckRole(c); err != nil {
		return err
	}
	var before any
	if own, err := ownRoles(ctx, tx, c.Code); err != nil {
		return err
	} else if len(own) == 1 {
		before = own[0]
	}
	if c.Remove {
		return removeRole(ctx, tx, c.Code, before, version)
	}
	permissions := slices.Compact(slices.Sorted(slices.Values(c.Permissions)))
	text, err := json.Marshal(nonNil(permissions))
	if err != nil {
		return err
	}
	done, err := tx.ExecOne(ctx, writeRole, tx.Institution, c.Code, c.Name, c.NameEn, string(text), version)
	if err == nil && !done {
		err = fault.New(fault.ReasonStale, "version", version+1)
	}
	if err != nil {
		return err
	}
	after := Role{Code: c.Code, Name: c.Name, NameEn: c.NameEn, Permissions: permissions, Version: version + 1}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "role.write", Object: "role", ObjectID: c.Code, Before: before, After: after}); err != nil {
		return err
	}
	return emit(ctx, tx, "role.changed", "role", c.Code, after)
}

func removeRole(ctx context.Context, tx *db.Tx, code string, before any, version int64) error {
	var users int
	if err := tx.QueryRow(ctx, roleInUse, tx.Institution, code).Scan(&users); err != nil {
		return err
	}
	if users > 0 {
		return fault.New(fault.ReasonConflict, "object", "role "+code, "problem", "users still hold it", "problem_zh", "仍有用户持有该角色")
	}
	done, err := tx.ExecOne(ctx, deleteRole, tx.Institution, code, version)
	if err == nil && !done {
		err = fault.New(fault.ReasonStale, "version", version+1)
	}
	if err != nil {
		return err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "role.remove", Object: "role", ObjectID: code, Before: before}); err != nil {
		return err
	}
	return emit(ctx, tx, "role.removed", "role", code, map[string]string{"code": code})
}
