package dbtest

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Staff is a small institution ready for stories: branches /hq/, /hq/east/ and /hq/west/, and one
// stored user per built-in role, without passwords.
type Staff struct {
	InstitutionID string
	Code          string
	System        auth.Principal
	Manager       auth.Principal // relationship manager of the east branch
	Approver      auth.Principal
	Operations    auth.Principal
	Risk          auth.Principal
	Compliance    auth.Principal
	Admin         auth.Principal
	Integrator    auth.Principal // a service account
}

// All lists the people, by role.
func (s Staff) All() map[string]auth.Principal {
	return map[string]auth.Principal{
		auth.RoleRelationshipManager: s.Manager, auth.RoleApprover: s.Approver, auth.RoleOperations: s.Operations, auth.RoleRisk: s.Risk,
		auth.RoleCompliance: s.Compliance, auth.RoleAdmin: s.Admin, auth.RoleIntegrator: s.Integrator,
	}
}

// The fixture writes its rows directly, so that a test starts with an empty audit log and outbox.
var (
	insertInstitution = db.Q(`insert into institution (institution_id, code, name, name_en, currency, timezone, business_date, demo, created_at, version)
	values ($1,$2,'测试银行','Test Bank','CNY','Asia/Shanghai','2026-01-05',false,$3,1)`)
	insertBranch = db.Q(`insert into branch (institution_id, id, parent_id, path, code, name, name_en, created_at, version) values ($1,$2,$3,$4,$5,$6,$7,$8,1)`)
	insertUser   = db.Q(`insert into user_account (institution_id, id, login, kind, name, email, branch_id, lang, status, password_hash, password_at, must_change,
	totp_secret, totp_on, totp_step, oidc_issuer, oidc_subject, signed_in_at, created_at, version)
	values ($1,$2,$3,$4,$5,'',$6,'en','active','',0,false,'',false,0,'','',0,$7,1)`)
	insertRole = db.Q(`insert into user_role (institution_id, user_id, role, granted_at, granted_by) values ($1,$2,$3,$4,'system:test')`)
)

// Institution creates an institution with business date 2026-01-05 and gives its people.
func Institution(t testing.TB, d *db.DB) Staff {
	t.Helper()
	ctx := t.Context()
	var s Staff
	err := d.Update(ctx, db.System("test"), func(tx *db.Tx) error {
		s = Staff{Code: "t" + token(), InstitutionID: tx.NewID("ins")}
		s.System = auth.SystemPrincipal(s.InstitutionID, "test")
		_, err := tx.Exec(ctx, insertInstitution, s.InstitutionID, s.Code, db.Micros(tx.Now))
		return err
	})
	require.NoError(t, err)
	err = d.Update(ctx, s.System.Scope(), func(tx *db.Tx) error {
		branch := map[string]string{"hq": tx.NewID("br"), "east": tx.NewID("br"), "west": tx.NewID("br")}
		for _, b := range [][5]string{{"hq", "", "/hq/", "总行", "Head office"}, {"east", "hq", "/hq/east/", "城东支行", "East branch"}, {"west", "hq", "/hq/west/", "城西支行", "West branch"}} {
			if _, err := tx.Exec(ctx, insertBranch, s.InstitutionID, branch[b[0]], branch[b[1]], b[2], b[0], b[3], b[4], db.Micros(tx.Now)); err != nil {
				return err
			}
		}
		person := func(role, at string, slot *auth.Principal) error {
			kind, id := auth.KindPerson, tx.NewID("usr")
			if role == auth.RoleIntegrator {
				kind = auth.KindService
			}
			login := strings.ReplaceAll(role, "_", "-")
			if _, err := tx.Exec(ctx, insertUser, s.InstitutionID, id, login, kind, role, branch[at], db.Micros(tx.Now)); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, insertRole, s.InstitutionID, id, role, db.Micros(tx.Now)); err != nil {
				return err
			}
			p, err := auth.PrincipalOf(ctx, tx, id)
			p.Via = "session"
			*slot = p
			return err
		}
		return errors.Join(
			person(auth.RoleRelationshipManager, "east", &s.Manager), person(auth.RoleApprover, "hq", &s.Approver), person(auth.RoleOperations, "hq", &s.Operations),
			person(auth.RoleRisk, "hq", &s.Risk), person(auth.RoleCompliance, "hq", &s.Compliance), person(auth.RoleAdmin, "hq", &s.Admin), person(auth.RoleIntegrator, "hq", &s.Integrator),
		)
	})
	require.NoError(t, err)
	return s
}
