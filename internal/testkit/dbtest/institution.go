package dbtest

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Staff is a small institution ready for stories: one principal per built-in role.
type Staff struct {
	InstitutionID string
	System        auth.Principal
	Manager       auth.Principal // relationship manager of the east branch
	Approver      auth.Principal
	Operations    auth.Principal
	Risk          auth.Principal
	Compliance    auth.Principal
	Admin         auth.Principal
}

var insertInstitution = db.Q(`insert into institution (institution_id, code, name, name_en, currency, timezone, business_date, demo, created_at, version)
	values ($1,$1,$2,$3,'CNY','Asia/Shanghai',$4,false,$5,1)`)

// Institution creates an institution with business date 2026-01-05 and gives its people.
func Institution(t testing.TB, d *db.DB) Staff {
	t.Helper()
	var s Staff
	err := d.Update(t.Context(), db.System("test"), func(tx *db.Tx) error {
		s.InstitutionID = tx.NewID("ins")
		return seed(t.Context(), tx, s.InstitutionID)
	})
	require.NoError(t, err)
	person := func(role, branch, path string) auth.Principal {
		return auth.NewPrincipal(auth.Principal{
			InstitutionID: s.InstitutionID, UserID: "usr_" + role, Login: role, Name: role, BranchID: branch, BranchPath: path,
			Lang: "en", Roles: []string{role}, Via: "session",
		}, auth.BuiltinPermissions(role))
	}
	s.System = auth.SystemPrincipal(s.InstitutionID, "test")
	s.Manager = person(auth.RoleRelationshipManager, "br_east", "/hq/east/")
	s.Approver = person(auth.RoleApprover, "br_hq", "/hq/")
	s.Operations = person(auth.RoleOperations, "br_hq", "/hq/")
	s.Risk = person(auth.RoleRisk, "br_hq", "/hq/")
	s.Compliance = person(auth.RoleCompliance, "br_hq", "/hq/")
	s.Admin = person(auth.RoleAdmin, "br_hq", "/hq/")
	return s
}

func seed(ctx context.Context, tx *db.Tx, institution string) error {
	_, err := tx.Exec(ctx, insertInstitution, institution, "测试银行", "Test Bank", "2026-01-05", db.Micros(tx.Now))
	return err
}
