package demo

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Institution is the code of the demonstration institution, Password that of all its people. It only
// ever opens a demonstration: the institution is marked as one.
const (
	Institution = "demo"
	Password    = "Demo-2026-capillary"
)

// Person is somebody to sign in as.
type Person struct {
	Login, Name, Branch, Role string
	Does                      fault.Text
}

// People are the demonstration's staff, one per role at least.
var People = []Person{
	{"chen.rm", "陈晓梅", "east", auth.RoleRelationshipManager, fault.Text{Zh: "客户经理（城东支行）", En: "relationship manager, East branch"}},
	{"lin.rm", "林志强", "west", auth.RoleRelationshipManager, fault.Text{Zh: "客户经理（城西支行）", En: "relationship manager, West branch"}},
	{"huang.approver", "黄国平", "hq", auth.RoleApprover, fault.Text{Zh: "审批人", En: "approver"}},
	{"zhang.ops", "张丽华", "hq", auth.RoleOperations, fault.Text{Zh: "运营", En: "operations"}},
	{"li.risk", "李建国", "hq", auth.RoleRisk, fault.Text{Zh: "风险管理", En: "risk"}},
	{"wang.risk", "王永康", "hq", auth.RoleRisk, fault.Text{Zh: "风险管理（复核）", En: "risk, second person"}},
	{"wu.compliance", "吴秀英", "hq", auth.RoleCompliance, fault.Text{Zh: "合规", En: "compliance"}},
	{"admin", "系统管理员", "hq", auth.RoleAdmin, fault.Text{Zh: "管理员", En: "administrator"}},
}

// found makes the institution with its branches and people, or finds the one that exists.
func found(ctx context.Context, a *app.App, day calendar.Date) (inst auth.Institution, existed bool, err error) {
	all, err := a.Auth.Institutions(ctx, Institution)
	if err != nil {
		return inst, false, err
	}
	if len(all) == 1 {
		return all[0], true, nil
	}
	inst, err = a.Auth.CreateInstitution(ctx, auth.CreateInstitutionInput{
		Code: Institution, Name: "微脉演示银行", NameEn: "Capillary Demonstration Bank", Currency: "CNY", Timezone: "Asia/Shanghai", BusinessDate: day, Demo: true,
		Branches: []auth.BranchDraft{
			{Code: "hq", Name: "总行（演示）", NameEn: "Head office (demo)"},
			{Code: "east", Parent: "hq", Name: "城东支行（演示）", NameEn: "East branch (demo)"},
			{Code: "west", Parent: "hq", Name: "城西支行（演示）", NameEn: "West branch (demo)"},
		},
	})
	if err != nil {
		return inst, false, fmt.Errorf("demonstration institution: %w", err)
	}
	sys := auth.SystemPrincipal(inst.ID, "demo")
	for _, p := range People {
		_, err := a.Auth.CreateUser(ctx, sys, auth.CreateUserInput{Login: p.Login, Name: p.Name, Branch: p.Branch, Password: Password, Roles: []string{p.Role}, KeepPassword: true})
		if err != nil {
			return inst, false, fmt.Errorf("demonstration user %s: %w", p.Login, err)
		}
	}
	return inst, false, nil
}

// signIn gives the principals of the demonstration's people, as their passwords would.
func signIn(ctx context.Context, a *app.App) (map[string]auth.Principal, error) {
	out := map[string]auth.Principal{}
	for _, p := range People {
		in, err := a.Auth.SignIn(ctx, auth.SignInInput{Institution: Institution, Login: p.Login, Password: Password, Agent: "capillary demo"})
		if err != nil {
			return nil, fmt.Errorf("demonstration user %s: %w", p.Login, err)
		}
		out[p.Login] = in.Principal
	}
	return out, nil
}
