package identity_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/identity"
	"github.com/capillary-finance/capillary/internal/testkit/apitest"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestRoleByRouteMatrix(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		n := apitest.Matrix(t, b.api, apitest.Staff(t, b.auth, identity.CookieName(false), b.staff))
		require.Greater(t, n, 150)
	})
}

func TestNothingIsReachedFromAnotherInstitution(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		admin, compliance := b.as(t, b.staff.Admin), b.as(t, b.staff.Compliance)
		prop := b.propose(t, admin)
		key := compliance.call(t, "POST", "/api/v1/api-keys", map[string]any{"name": "k", "scopes": []string{"audit.read"}, "expires_at": b.clock.Now().Add(time.Hour)})
		records := compliance.call(t, "GET", "/api/v1/audit-records", nil)
		record := records.json["items"].([]any)[0].(map[string]any)["id"].(string)
		other := dbtest.Institution(t, b.d)
		decision := map[string]string{"body_hash": prop.hash, "note": "x"}
		n := apitest.Foreign(t, b.api, apitest.Staff(t, b.auth, identity.CookieName(false), other), apitest.Objects{
			IDs: map[string]string{
				"/api/v1/users/": b.staff.Risk.UserID, "/api/v1/proposals/": prop.id, "/api/v1/api-keys/": key.str("id"), "/api/v1/audit-records/": record,
				"/api/v1/branches/": b.staff.Risk.BranchID,
			},
			Bodies: map[string]any{
				"approve-proposal": decision, "reject-proposal": decision, "rename-branch": map[string]string{"name": "x", "name_en": "x"},
				"update-user":    map[string]string{"name": "x", "lang": "zh", "status": "disabled"},
				"reset-password": map[string]string{"password": "a stolen password"},
				"propose-grant":  map[string]any{"roles": []string{}, "branch_id": other.Admin.BranchID},
			},
		})
		require.Greater(t, n, 60)
	})
}
