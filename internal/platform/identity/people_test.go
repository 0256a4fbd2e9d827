package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestAUserIsCreatedWithoutRolesUntilSomebodyElseGrantsThem(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		admin, compliance := b.as(t, b.staff.Admin), b.as(t, b.staff.Compliance)
		body := map[string]any{"login": "lin", "name": "林经理", "branch_id": "east", "password": "first words here", "roles": []string{"approver"}}
		r := admin.call(t, "POST", "/api/v1/users", body)
		require.Equal(t, 201, r.status, r.text)
		user, _ := r.json["user"].(map[string]any)
		prop, _ := r.json["proposal"].(map[string]any)
		require.Empty(t, user["roles"])
		require.Equal(t, "ALREADY_EXISTS", admin.call(t, "POST", "/api/v1/users", body).code())
		bad := map[string]any{"login": "wu", "name": "x", "branch_id": "east", "roles": []string{"emperor"}}
		require.Equal(t, 422, admin.call(t, "POST", "/api/v1/users", bad).status)
		bad["roles"] = []string{}
		require.Equal(t, 201, admin.call(t, "POST", "/api/v1/users", bad).status, "the refused creation left nothing behind")

		id, _ := user["id"].(string)
		approve := "/api/v1/proposals/" + prop["id"].(string) + "/approve"
		decision := map[string]any{"body_hash": prop["body_hash"]}
		require.Equal(t, "OWN_PROPOSAL", admin.call(t, "POST", approve, decision).code())
		done := compliance.call(t, "POST", approve, decision)
		require.Equal(t, 200, done.status, done.text)
		require.Equal(t, []any{"approver"}, admin.call(t, "GET", "/api/v1/users/"+id, nil).json["roles"])

		// Disabling ends sessions at once; the ETag guards against overwriting.
		w := b.browser(t)
		require.Equal(t, 200, w.call(t, "POST", "/api/v1/session", map[string]string{"institution": b.staff.Code, "login": "lin", "password": "first words here"}).status)
		change := map[string]string{"name": "林", "lang": "zh", "status": "disabled"}
		require.Equal(t, 412, admin.call(t, "PUT", "/api/v1/users/"+id, change, "If-Match", `"1"`).status)
		tag := admin.call(t, "GET", "/api/v1/users/"+id, nil).header.Get("ETag")
		require.Equal(t, 200, admin.call(t, "PUT", "/api/v1/users/"+id, change, "If-Match", tag).status)
		require.Equal(t, 401, w.call(t, "GET", "/api/v1/session", nil).status)
	})
}

func TestTheLastAdministratorStays(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		admin := b.as(t, b.staff.Admin)
		r := admin.call(t, "PUT", "/api/v1/users/"+b.staff.Admin.UserID, map[string]string{"name": "a", "lang": "zh", "status": "disabled"})
		require.Equal(t, "LAST_ADMIN", r.code())
		err := b.d.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			u, err := auth.FindUser(t.Context(), tx, b.staff.Admin.UserID)
			require.NoError(t, err)
			_, err = auth.ApplyGrant(t.Context(), tx, auth.Grant{UserID: u.ID, Roles: nil, BranchID: u.BranchID}, u.Version)
			return err
		})
		require.ErrorContains(t, err, "LAST_ADMIN")
	})
}

func TestRolesOfTheInstitutionsOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		admin, compliance := b.as(t, b.staff.Admin), b.as(t, b.staff.Compliance)
		propose := func(body map[string]any) reply { return admin.call(t, "POST", "/api/v1/roles", body) }
		require.Equal(t, 422, propose(map[string]any{"code": "admin", "name": "x", "name_en": "x"}).status, "built-in roles stay as they are")
		require.Equal(t, 422, propose(map[string]any{"code": "auditor", "name": "x", "name_en": "x", "permissions": []string{"no.such"}}).status)
		approve := func(r reply) reply {
			require.Equal(t, 202, r.status, r.text)
			return compliance.call(t, "POST", "/api/v1/proposals/"+r.str("id")+"/approve", map[string]string{"body_hash": r.str("body_hash")})
		}
		r := propose(map[string]any{"code": "auditor", "name": "审计员", "name_en": "Auditor", "permissions": []string{"audit.read"}})
		require.Equal(t, 200, approve(r).status)
		east := b.staff.Manager
		grant := admin.call(t, "POST", "/api/v1/users/"+east.UserID+"/grant", map[string]any{"roles": []string{"relationship_manager", "auditor"}, "branch_id": east.BranchID})
		manager := b.as(t, east)
		require.Equal(t, 403, manager.call(t, "GET", "/api/v1/audit-records", nil).status)
		stale := approve(grant)
		require.Equal(t, "PROPOSAL_OUTDATED", stale.code(), "the password was set since: the user has another version")
		grant = admin.call(t, "POST", "/api/v1/users/"+east.UserID+"/grant", map[string]any{"roles": []string{"relationship_manager", "auditor"}, "branch_id": east.BranchID})
		require.Equal(t, "PROPOSAL_PENDING", grant.code())
		open := admin.call(t, "GET", "/api/v1/proposals?state=pending&kind=user.grant", nil)
		first, _ := open.json["items"].([]any)[0].(map[string]any)
		require.Equal(t, 200, admin.call(t, "POST", "/api/v1/proposals/"+first["id"].(string)+"/cancel", nil).status)
		grant = admin.call(t, "POST", "/api/v1/users/"+east.UserID+"/grant", map[string]any{"roles": []string{"relationship_manager", "auditor"}, "branch_id": east.BranchID})
		require.Equal(t, 200, approve(grant).status)
		require.Equal(t, 200, manager.call(t, "GET", "/api/v1/audit-records", nil).status, "a new permission counts at once")

		removal := approve(propose(map[string]any{"code": "auditor", "remove": true}))
		require.Equal(t, 409, removal.status, "somebody still holds it")
	})
}

func TestBranchesBoundWhatIsSeen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		admin, manager := b.as(t, b.staff.Admin), b.as(t, b.staff.Manager)
		require.Len(t, admin.call(t, "GET", "/api/v1/branches", nil).json["items"], 3)
		require.Len(t, manager.call(t, "GET", "/api/v1/branches", nil).json["items"], 1)
		r := admin.call(t, "POST", "/api/v1/branches", map[string]string{"code": "dock", "parent": "east", "name": "码头", "name_en": "Dock"})
		require.Equal(t, "/hq/east/dock/", r.str("path"))
		require.Equal(t, 422, admin.call(t, "POST", "/api/v1/branches", map[string]string{"code": "a_b", "parent": "east", "name": "x", "name_en": "x"}).status, "an underscore is a wildcard in a path")
		require.Len(t, manager.call(t, "GET", "/api/v1/branches", nil).json["items"], 2)
		renamed := admin.call(t, "PUT", "/api/v1/branches/"+r.str("id"), map[string]string{"name": "新码头", "name_en": "New dock"}, "If-Match", r.header.Get("ETag"))
		require.Equal(t, "新码头", renamed.str("name"))
		require.Equal(t, 412, admin.call(t, "PUT", "/api/v1/branches/"+r.str("id"), map[string]string{"name": "x", "name_en": "x"}, "If-Match", r.header.Get("ETag")).status)
	})
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		compliance := b.as(t, b.staff.Compliance)
		make := func(w *browser, body map[string]any) reply { return w.call(t, "POST", "/api/v1/api-keys", body) }
		until := b.clock.Now().Add(24 * time.Hour)
		require.Equal(t, "SCOPE_NOT_HELD", make(compliance, map[string]any{"name": "k", "scopes": []string{"user.manage"}, "expires_at": until}).code())
		require.Equal(t, 422, make(compliance, map[string]any{"name": "k", "scopes": []string{"audit.read"}, "expires_at": until.AddDate(3, 0, 0)}).status)
		r := make(compliance, map[string]any{"name": "k", "scopes": []string{"audit.read"}, "expires_at": until})
		require.Equal(t, 201, r.status, r.text)
		key := b.browser(t)
		key.bearer = r.str("secret")
		require.Equal(t, 200, key.call(t, "GET", "/api/v1/audit-records", nil).status)
		require.Equal(t, 403, key.call(t, "GET", "/api/v1/users", nil).status, "its user may, the key may not")
		require.Equal(t, 403, make(key, map[string]any{"name": "k2", "scopes": []string{"audit.read"}, "expires_at": until}).status, "a key makes no keys")
		require.Equal(t, 403, key.call(t, "POST", "/api/v1/session/totp", nil).status)
		broken := b.browser(t)
		for _, token := range []string{"", "x", "cpk_a_b_c", key.bearer + "x", key.bearer[:len(key.bearer)-1] + "!"} {
			broken.bearer = token
			require.Equal(t, 401, broken.call(t, "GET", "/api/v1/session", nil).status, token)
		}
		require.NotContains(t, compliance.call(t, "GET", "/api/v1/api-keys", nil).text, key.bearer)
		b.clock.Advance(25 * time.Hour)
		require.Equal(t, 401, key.call(t, "GET", "/api/v1/session", nil).status, "expired")

		admin := b.as(t, b.staff.Admin)
		service := map[string]any{"user_id": b.staff.Integrator.UserID, "name": "erp", "scopes": b.staff.Integrator.Permissions(), "expires_at": b.clock.Now().Add(time.Hour)}
		if len(b.staff.Integrator.Permissions()) > 0 {
			made := make(admin, service)
			require.Equal(t, 201, made.status, made.text)
			key.bearer = made.str("secret")
			require.Equal(t, "integrator", key.call(t, "GET", "/api/v1/session", nil).str("login"))
			require.Equal(t, 204, admin.call(t, "DELETE", "/api/v1/api-keys/"+made.str("id"), nil).status)
			require.Equal(t, 401, key.call(t, "GET", "/api/v1/session", nil).status)
		}
		service["user_id"] = b.staff.Risk.UserID
		require.Equal(t, 422, make(admin, service).status, "nobody makes a key for another person")
	})
}

func TestAuthorityIsGrantedByTwoAndDelegatedWithinOnesOwn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		limit := func(p auth.Principal) (n int64, ok bool) {
			require.NoError(t, b.d.View(t.Context(), p.Scope(), func(tx *db.Tx) (err error) {
				n, ok, err = auth.LimitOf(t.Context(), tx, p, "credit.approve", "CNY")
				return err
			}))
			return n, ok
		}
		_, ok := limit(b.staff.Approver)
		require.False(t, ok)
		risk, compliance, approver := b.as(t, b.staff.Risk), b.as(t, b.staff.Compliance), b.as(t, b.staff.Approver)
		r := risk.call(t, "POST", "/api/v1/authorities", map[string]any{"kind": "credit.approve", "subject": "role:approver", "currency": "CNY", "limit_minor": 500_000_00})
		require.Equal(t, 202, r.status, r.text)
		approve := func(r reply) reply {
			return compliance.call(t, "POST", "/api/v1/proposals/"+r.str("id")+"/approve", map[string]string{"body_hash": r.str("body_hash")})
		}
		require.Equal(t, 200, approve(r).status)
		n, _ := limit(b.staff.Approver)
		require.EqualValues(t, 500_000_00, n)

		lend := map[string]any{"kind": "credit.approve", "subject": "user:" + b.staff.Manager.UserID, "currency": "CNY", "limit_minor": 600_000_00, "valid_until": b.clock.Now().Add(48 * time.Hour)}
		require.Equal(t, "AUTHORITY_EXCEEDED", approver.call(t, "POST", "/api/v1/delegations", lend).code())
		lend["limit_minor"] = 100_000_00
		d := approver.call(t, "POST", "/api/v1/delegations", lend)
		require.Equal(t, 201, d.status, d.text)
		n, _ = limit(b.staff.Manager)
		require.EqualValues(t, 100_000_00, n)
		manager := b.as(t, b.staff.Manager)
		lend["subject"] = "user:" + b.staff.Operations.UserID
		require.Equal(t, "AUTHORITY_EXCEEDED", manager.call(t, "POST", "/api/v1/delegations", lend).code(), "a delegation is not passed on")

		require.Equal(t, 404, manager.call(t, "DELETE", "/api/v1/delegations/"+d.str("id"), nil).status)
		require.Equal(t, 204, approver.call(t, "DELETE", "/api/v1/delegations/"+d.str("id"), nil).status)
		_, ok = limit(b.staff.Manager)
		require.False(t, ok)

		list := risk.call(t, "GET", "/api/v1/authorities", nil)
		items, _ := list.json["items"].([]any)
		require.Len(t, items, 2)
		lent, _ := items[0].(map[string]any)
		grant, _ := items[1].(map[string]any)
		if grant["delegated_by"] != nil {
			lent, grant = grant, lent
		}
		require.Equal(t, b.staff.Manager.Name, lent["subject_name"], "people are named, not numbered")
		require.Equal(t, b.staff.Approver.Name, lent["delegated_by_name"])
		people := approver.call(t, "GET", "/api/v1/colleagues", nil)
		require.Contains(t, people.text, b.staff.Manager.UserID, "an approver, who may not see users, finds whom to delegate to")
		require.NotContains(t, people.text, b.staff.Approver.UserID)
		require.Equal(t, 200, approve(risk.call(t, "POST", "/api/v1/authorities/"+grant["id"].(string)+"/revoke", nil)).status)
		_, ok = limit(b.staff.Approver)
		require.False(t, ok)
	})
}

func TestInstitutionsNeverMix(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		other := dbtest.Institution(t, b.d)
		mine, theirs := b.as(t, b.staff.Admin), b.signedIn(t, other, other.Admin)
		require.Equal(t, 404, theirs.call(t, "GET", "/api/v1/users/"+b.staff.Risk.UserID, nil).status)
		require.Equal(t, 404, theirs.call(t, "PUT", "/api/v1/users/"+b.staff.Risk.UserID, map[string]string{"name": "x", "lang": "zh", "status": "disabled"}).status)
		require.Equal(t, 404, theirs.call(t, "POST", "/api/v1/users/"+b.staff.Risk.UserID+"/password", map[string]string{"password": "stolen words here"}).status)
		require.Equal(t, 404, theirs.call(t, "POST", "/api/v1/users/"+b.staff.Risk.UserID+"/grant", map[string]any{"roles": []string{}, "branch_id": other.Admin.BranchID}).status)
		grant := mine.call(t, "POST", "/api/v1/users/"+b.staff.Risk.UserID+"/grant", map[string]any{"roles": []string{}, "branch_id": b.staff.Risk.BranchID})
		require.Equal(t, 202, grant.status, grant.text)
		compliance := b.signedIn(t, other, other.Compliance)
		require.Equal(t, 404, compliance.call(t, "GET", "/api/v1/proposals/"+grant.str("id"), nil).status)
		require.Equal(t, 404, compliance.call(t, "POST", "/api/v1/proposals/"+grant.str("id")+"/approve", map[string]string{"body_hash": grant.str("body_hash")}).status)
		users := theirs.call(t, "GET", "/api/v1/users?limit=200", nil)
		require.EqualValues(t, 7, users.json["total"])
		require.NotContains(t, users.text, b.staff.Risk.UserID)
		// A session of one institution with the other's name in front is nobody's.
		records := compliance.call(t, "GET", "/api/v1/audit-records?limit=200", nil)
		require.NotContains(t, records.text, b.staff.Risk.UserID)
		require.Equal(t, 200, records.status)
		whole := compliance.call(t, "GET", "/api/v1/audit-verification", nil)
		require.Empty(t, whole.json["findings"])
	})
}

func TestUsersComeInPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		admin := b.as(t, b.staff.Admin)
		seen := map[string]bool{}
		path := "/api/v1/users?limit=3"
		for range 10 {
			r := admin.call(t, "GET", path, nil)
			require.EqualValues(t, 7, r.json["total"])
			for _, one := range r.json["items"].([]any) {
				login := one.(map[string]any)["login"].(string)
				require.False(t, seen[login])
				seen[login] = true
			}
			if r.str("next_cursor") == "" {
				break
			}
			path = "/api/v1/users?limit=3&cursor=" + r.str("next_cursor")
		}
		require.Len(t, seen, 7)
		require.EqualValues(t, 1, admin.call(t, "GET", "/api/v1/users?q=compl", nil).json["total"])
		require.EqualValues(t, 1, admin.call(t, "GET", "/api/v1/users?role=risk", nil).json["total"])
		require.Equal(t, 422, admin.call(t, "GET", "/api/v1/users?cursor=nonsense", nil).status)
	})
}
