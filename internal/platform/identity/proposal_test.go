package identity_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// bypass is one way around the second person; it gets a pending proposal and must leave it without effect.
type bypass struct {
	name string
	try  func(t *testing.T, b *bundle, admin, compliance *browser, p proposed)
}

type proposed struct{ id, hash, approve string }

func decide(hash string) map[string]string { return map[string]string{"body_hash": hash, "note": "ok"} }

var bypasses = []bypass{
	{"the maker approves", func(t *testing.T, _ *bundle, admin, _ *browser, p proposed) {
		require.Equal(t, "OWN_PROPOSAL", admin.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"the maker approves by an API key", func(t *testing.T, b *bundle, admin, _ *browser, p proposed) {
		made := admin.call(t, "POST", "/api/v1/api-keys", map[string]any{"name": "k", "scopes": []string{auth.PermUserReview}, "expires_at": b.clock.Now().Add(time.Hour)})
		key := b.browser(t)
		key.bearer = made.str("secret")
		require.Equal(t, "OWN_PROPOSAL", key.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"a program of the reviewer approves", func(t *testing.T, b *bundle, _, compliance *browser, p proposed) {
		made := compliance.call(t, "POST", "/api/v1/api-keys", map[string]any{"name": "k", "scopes": []string{auth.PermUserReview}, "expires_at": b.clock.Now().Add(time.Hour)})
		key := b.browser(t)
		key.bearer = made.str("secret")
		require.Equal(t, "FORBIDDEN", key.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"somebody without the permission approves", func(t *testing.T, b *bundle, _, _ *browser, p proposed) {
		require.Equal(t, "FORBIDDEN", b.as(t, b.staff.Manager).call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"another institution's reviewer approves", func(t *testing.T, b *bundle, _, _ *browser, p proposed) {
		other := dbtest.Institution(t, b.d)
		require.Equal(t, 404, b.signedIn(t, other, other.Compliance).call(t, "POST", p.approve, decide(p.hash)).status)
	}},
	{"the reviewer saw another text", func(t *testing.T, _ *bundle, _, compliance *browser, p proposed) {
		require.Equal(t, "PROPOSAL_BODY_DIFFERS", compliance.call(t, "POST", p.approve, decide(crypto.HashToken("other"))).code())
	}},
	{"the text is changed in the database", func(t *testing.T, b *bundle, _, compliance *browser, p proposed) {
		b.exec(t, `update proposal set body = replace(body, 'risk', 'admin') where id = $1`, p.id)
		require.Equal(t, "PROPOSAL_BODY_DIFFERS", compliance.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"it has expired", func(t *testing.T, b *bundle, _, _ *browser, p proposed) {
		b.clock.Advance(8 * 24 * time.Hour)
		again := b.as(t, b.staff.Compliance)
		require.Equal(t, "PROPOSAL_EXPIRED", again.call(t, "POST", p.approve, decide(p.hash)).code())
		n, err := b.proposals.ExpireDue(t.Context(), b.staff.InstitutionID)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, "PROPOSAL_DECIDED", again.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"it was rejected", func(t *testing.T, _ *bundle, _, compliance *browser, p proposed) {
		require.Equal(t, 422, compliance.call(t, "POST", "/api/v1/proposals/"+p.id+"/reject", map[string]string{"body_hash": p.hash}).status, "a refusal says why")
		require.Equal(t, 200, compliance.call(t, "POST", "/api/v1/proposals/"+p.id+"/reject", decide(p.hash)).status)
		require.Equal(t, "PROPOSAL_DECIDED", compliance.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"it was withdrawn", func(t *testing.T, _ *bundle, admin, compliance *browser, p proposed) {
		require.Equal(t, 404, compliance.call(t, "POST", "/api/v1/proposals/"+p.id+"/cancel", nil).status, "only its maker withdraws it")
		require.Equal(t, 200, admin.call(t, "POST", "/api/v1/proposals/"+p.id+"/cancel", nil).status)
		require.Equal(t, "PROPOSAL_DECIDED", compliance.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"the user has changed since", func(t *testing.T, b *bundle, admin, compliance *browser, p proposed) {
		require.Equal(t, 200, admin.call(t, "PUT", "/api/v1/users/"+b.staff.Operations.UserID, map[string]string{"name": "new", "lang": "zh", "status": "active"}).status)
		require.Equal(t, "PROPOSAL_OUTDATED", compliance.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"the maker has a second login with his address", func(t *testing.T, b *bundle, _, compliance *browser, p proposed) {
		b.exec(t, `update user_account set email = 'Same@example.com' where id = $1`, b.staff.Admin.UserID)
		b.exec(t, `update user_account set email = 'same@example.com' where id = $1`, b.staff.Compliance.UserID)
		require.Equal(t, "OWN_PROPOSAL", compliance.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"the maker sets the reviewer's password and signs in as him", func(t *testing.T, b *bundle, admin, _ *browser, p proposed) {
		require.Less(t, admin.call(t, "POST", "/api/v1/users/"+b.staff.Compliance.UserID+"/password", map[string]string{"password": "words of the maker"}).status, 300)
		taken := b.as(t, b.staff.Compliance)
		require.Equal(t, "PROPOSAL_MAKER_HELD_KEYS", taken.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"the maker turns the reviewer's address to himself", func(t *testing.T, b *bundle, admin, compliance *browser, p proposed) {
		require.Equal(t, 200, admin.call(t, "PUT", "/api/v1/users/"+b.staff.Compliance.UserID, map[string]string{"name": "c", "email": "maker@example.com", "lang": "zh", "status": "active"}).status)
		require.Equal(t, "PROPOSAL_MAKER_HELD_KEYS", compliance.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"the maker was disabled since", func(t *testing.T, b *bundle, _, compliance *browser, p proposed) {
		b.exec(t, `update user_account set status = 'disabled' where id = $1`, b.staff.Admin.UserID)
		require.Equal(t, "PROPOSAL_MAKER_GONE", compliance.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"the maker lost the right to propose it", func(t *testing.T, b *bundle, _, compliance *browser, p proposed) {
		b.exec(t, `delete from user_role where user_id = $1`, b.staff.Admin.UserID)
		require.Equal(t, "PROPOSAL_MAKER_GONE", compliance.call(t, "POST", p.approve, decide(p.hash)).code())
		require.Equal(t, 200, compliance.call(t, "POST", "/api/v1/proposals/"+p.id+"/reject", decide(p.hash)).status, "it may still be refused")
	}},
	{"the maker is a program whose key the reviewer made", func(t *testing.T, b *bundle, _, compliance *browser, p proposed) {
		var service string
		require.NoError(t, b.d.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			u, err := auth.CreateUser(t.Context(), tx, b.staff.System, auth.CreateUserInput{Login: "robot", Kind: auth.KindService, Name: "robot", Branch: "hq", Roles: []string{auth.RoleAdmin}})
			service = u.ID
			return err
		}))
		b.exec(t, `insert into api_key (institution_id, id, user_id, name, prefix, secret_hash, scopes, created_at, created_by, expires_at, used_at, revoked_at) values ($1,'key_x',$2,'k','p','h','[]',0,$3,1,0,1)`,
			b.staff.InstitutionID, service, b.staff.Compliance.UserID)
		b.exec(t, `update proposal set made_by = $2 where id = $1`, p.id, service)
		require.Equal(t, "OWN_PROPOSAL", compliance.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"who would gain approves", func(t *testing.T, b *bundle, _, _ *browser, p proposed) {
		b.exec(t, `insert into user_role (institution_id, user_id, role, granted_at, granted_by) values ($1,$2,'compliance',0,'test')`, b.staff.InstitutionID, b.staff.Operations.UserID)
		gainer := b.signedInKeepingVersion(t, b.staff.Operations)
		require.Equal(t, "OWN_PROPOSAL", gainer.call(t, "POST", p.approve, decide(p.hash)).code())
	}},
	{"the system approves", func(t *testing.T, b *bundle, _, _ *browser, p proposed) {
		_, err := b.proposals.Approve(t.Context(), b.staff.System, proposal.Decision{ID: p.id, BodyHash: p.hash})
		require.ErrorContains(t, err, "FORBIDDEN")
	}},
	{"a cross-site form approves", func(t *testing.T, _ *bundle, _, compliance *browser, p proposed) {
		require.Equal(t, "CROSS_ORIGIN", compliance.call(t, "POST", p.approve, decide(p.hash), "Sec-Fetch-Site", "cross-site").code())
	}},
}

func (b *bundle) exec(t *testing.T, q string, args ...any) {
	t.Helper()
	require.NoError(t, b.d.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
		_, err := tx.SQL().ExecContext(t.Context(), q, args...)
		return err
	}))
}

// signedInKeepingVersion opens a session without touching the user's version, as setting a password does.
func (b *bundle) signedInKeepingVersion(t *testing.T, p auth.Principal) *browser {
	t.Helper()
	var version int64
	at := func(fn func(tx *db.Tx) error) {
		require.NoError(t, b.d.Update(t.Context(), b.staff.System.Scope(), fn))
	}
	at(func(tx *db.Tx) error {
		u, err := auth.FindUser(t.Context(), tx, p.UserID)
		version = u.Version
		return err
	})
	w := b.as(t, p)
	b.exec(t, `update user_account set version = $2 where id = $1`, p.UserID, version)
	return w
}

func TestTheSecondPersonCannotBeBypassed(t *testing.T) {
	t.Parallel()
	for _, c := range bypasses {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, b *bundle) {
				admin, compliance := b.as(t, b.staff.Admin), b.as(t, b.staff.Compliance)
				p := b.propose(t, admin)
				c.try(t, b, admin, compliance, p)
				require.NotContains(t, b.roles(t), "risk", "the change must not have been applied")
			})
		})
	}
}

func (b *bundle) propose(t *testing.T, admin *browser) proposed {
	t.Helper()
	r := admin.call(t, "POST", "/api/v1/users/"+b.staff.Operations.UserID+"/grant", map[string]any{"roles": []string{"operations", "risk"}, "branch_id": b.staff.Operations.BranchID})
	require.Equal(t, 202, r.status, r.text)
	return proposed{r.str("id"), r.str("body_hash"), "/api/v1/proposals/" + r.str("id") + "/approve"}
}

func (b *bundle) roles(t *testing.T) []string {
	t.Helper()
	var u auth.User
	require.NoError(t, b.d.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) (err error) {
		u, err = auth.FindUser(t.Context(), tx, b.staff.Operations.UserID)
		return err
	}))
	return u.Roles
}

func TestConcurrentApprovalsApplyOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		admin := b.as(t, b.staff.Admin)
		p := b.propose(t, admin)
		compliance := b.as(t, b.staff.Compliance)
		var mu sync.Mutex
		seen := map[int]int{}
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				r := compliance.call(t, "POST", p.approve, decide(p.hash))
				mu.Lock()
				defer mu.Unlock()
				seen[r.status]++
			})
		}
		wg.Wait()
		require.Equal(t, map[int]int{200: 1, 409: 7}, seen)
		require.Equal(t, []string{"operations", "risk"}, b.roles(t))
		require.Equal(t, "PROPOSAL_DECIDED", compliance.call(t, "POST", p.approve, decide(p.hash)).code(), "an approval is not replayed")
		got := compliance.call(t, "GET", "/api/v1/proposals/"+p.id, nil)
		require.Equal(t, "approved", got.str("state"))
		require.Equal(t, false, got.json["can_decide"])
	})
}

func TestProposalsAreSeenByThoseConcerned(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		admin := b.as(t, b.staff.Admin)
		p := b.propose(t, admin)
		for who, want := range map[*browser]float64{admin: 1, b.as(t, b.staff.Compliance): 1, b.as(t, b.staff.Manager): 0} {
			r := who.call(t, "GET", "/api/v1/proposals?state=pending", nil)
			require.Equal(t, want, r.json["total"])
		}
		require.Equal(t, 404, b.as(t, b.staff.Manager).call(t, "GET", "/api/v1/proposals/"+p.id, nil).status)
		// The general route takes a body strictly.
		bad := map[string]any{"kind": "user.grant", "body": map[string]any{"user_id": b.staff.Risk.UserID, "roles": []string{}, "branch_id": b.staff.Risk.BranchID, "hidden": 1}}
		require.Equal(t, 422, admin.call(t, "POST", "/api/v1/proposals", bad).status)
		self := map[string]any{"kind": "user.grant", "body": map[string]any{"user_id": b.staff.Admin.UserID, "roles": []string{"admin", "risk"}, "branch_id": b.staff.Admin.BranchID}}
		require.Equal(t, "OWN_PROPOSAL", admin.call(t, "POST", "/api/v1/proposals", self).code(), "nobody proposes rights for himself")
		require.Equal(t, 403, b.as(t, b.staff.Risk).call(t, "POST", "/api/v1/proposals", self).status)
		require.Equal(t, 422, admin.call(t, "POST", "/api/v1/proposals", map[string]any{"kind": "nonsense", "body": map[string]any{}}).status)
	})
}
