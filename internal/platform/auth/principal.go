// Package auth knows who acts: institutions, branches, users, roles, sessions and keys, and what
// each may do. A Principal is the verified caller; services take it as an argument and ask it.
package auth

import (
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Built-in roles. An institution may add its own.
const (
	RoleRelationshipManager = "relationship_manager"
	RoleApprover            = "approver"
	RoleOperations          = "operations"
	RoleRisk                = "risk"
	RoleCompliance          = "compliance"
	RoleAdmin               = "admin"
	RoleIntegrator          = "integrator"
)

// Principal is a verified caller.
type Principal struct {
	InstitutionID string
	UserID        string
	Login         string
	Name          string
	BranchID      string
	BranchPath    string // "/hq/east/": the subtree whose data the caller sees
	Lang          string // "zh" or "en"
	Roles         []string
	Via           string // "session", "key", "cli", "system"

	permissions map[string]bool
	all         bool
}

// NewPrincipal grants the union of permissions given (those of the caller's roles or key scopes).
func NewPrincipal(p Principal, permissions []string) Principal {
	p.permissions = make(map[string]bool, len(permissions))
	for _, x := range permissions {
		p.permissions[x] = true
	}
	return p
}

// SystemPrincipal acts for the program itself (end of day, command line) and may do everything
// within one institution; its name stands in the audit record.
func SystemPrincipal(institutionID, name string) Principal {
	return Principal{InstitutionID: institutionID, UserID: "system:" + name, Login: name, Name: name, BranchPath: "/", Lang: "zh", Via: "system", all: true}
}

// Scope is the database scope of the caller.
func (p Principal) Scope() db.Scope { return db.Scope{Institution: p.InstitutionID, Actor: p.UserID} }

// Can reports whether the caller holds a permission.
func (p Principal) Can(permission string) bool { return p.all || p.permissions[permission] }

// Require is Can as an error (FORBIDDEN).
func (p Principal) Require(permission string) error {
	if p.Can(permission) {
		return nil
	}
	return fault.New(fault.ReasonForbidden, "permission", permission)
}

// HasRole reports a role.
func (p Principal) HasRole(role string) bool { return slices.Contains(p.Roles, role) }

// Sees reports whether data of a branch lies within the caller's subtree.
func (p Principal) Sees(branchPath string) bool { return strings.HasPrefix(branchPath, p.BranchPath) }

// BranchPattern is the SQL LIKE pattern of the caller's subtree.
func (p Principal) BranchPattern() string { return p.BranchPath + "%" }

// Permissions lists what the caller holds, sorted.
func (p Principal) Permissions() []string {
	if p.all {
		return PermissionCodes()
	}
	out := make([]string, 0, len(p.permissions))
	for k := range p.permissions {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

// Permission is something a role may be allowed to do.
type Permission struct {
	Code  string   `json:"code"`
	Zh    string   `json:"zh"`
	En    string   `json:"en"`
	Roles []string `json:"roles"` // built-in roles that hold it
}

var registry = struct {
	sync.Mutex
	m map[string]Permission
}{m: map[string]Permission{}}

// DeclarePermission registers a permission with its names and the built-in roles that hold it; the
// administrator holds none by that fact alone: who manages users does not move money.
func DeclarePermission(code, zh, en string, roles ...string) string {
	registry.Lock()
	defer registry.Unlock()
	if _, dup := registry.m[code]; dup {
		panic("auth: permission declared twice: " + code)
	}
	registry.m[code] = Permission{Code: code, Zh: zh, En: en, Roles: roles}
	return code
}

// AllPermissions lists the registry ordered by code.
func AllPermissions() []Permission {
	registry.Lock()
	defer registry.Unlock()
	out := make([]Permission, 0, len(registry.m))
	for _, p := range registry.m {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Code < out[j].Code })
	return out
}

// PermissionCodes lists the codes in order.
func PermissionCodes() []string {
	var out []string
	for _, p := range AllPermissions() {
		out = append(out, p.Code)
	}
	return out
}

// BuiltinPermissions lists what the built-in roles given may do.
func BuiltinPermissions(roles ...string) []string {
	var out []string
	for _, p := range AllPermissions() {
		for _, r := range roles {
			if slices.Contains(p.Roles, r) {
				out = append(out, p.Code)
				break
			}
		}
	}
	return out
}
