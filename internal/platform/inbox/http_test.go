package inbox_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
	"github.com/capillary-finance/capillary/internal/testkit/callkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestInboxOverHTTP(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		srv := callkit.New(t, d, s, func(a *api.API) { inbox.Routes(a, inbox.NewService(d, nil)) })
		id := open(t, d, s.System.Scope(), inbox.TaskDraft{Role: auth.RoleOperations, BranchPath: "/hq/", ReasonZh: "额度被冻结", ReasonEn: "the limit was frozen"})
		srv.Need(401, "", "GET", "/api/v1/tasks", nil)
		page := srv.Need(200, "operations", "GET", "/api/v1/tasks?view=queue", nil)
		require.EqualValues(t, 1, page["total"])
		require.EqualValues(t, 0, page["overdue"])
		require.Equal(t, "额度被冻结", page["items"].([]any)[0].(map[string]any)["reason_zh"])
		srv.Need(404, "risk", "POST", "/api/v1/tasks/tsk_none/claim", nil)
		require.Equal(t, "claimed", srv.Need(200, "operations", "POST", "/api/v1/tasks/"+id+"/claim", nil)["state"])
		require.Equal(t, "open", srv.Need(200, "operations", "POST", "/api/v1/tasks/"+id+"/release", nil)["state"])
		srv.Need(403, "relationship_manager", "POST", "/api/v1/tasks/"+id+"/reassign", map[string]any{"user_id": "usr_x"})
		srv.Need(422, "operations", "POST", "/api/v1/tasks/"+id+"/reassign", map[string]any{"user_id": ""})
		srv.Need(200, "operations", "POST", "/api/v1/tasks/"+id+"/reassign", map[string]any{"user_id": s.Risk.UserID})
		notes := srv.Need(200, "risk", "GET", "/api/v1/notifications?unread=true", nil)
		require.EqualValues(t, 1, notes["unread"])
		note := notes["items"].([]any)[0].(map[string]any)["id"].(string)
		srv.Need(204, "risk", "POST", "/api/v1/notifications/"+note+"/read", nil)
		srv.Need(404, "operations", "POST", "/api/v1/notifications/"+note+"/read", nil)
		require.EqualValues(t, 0, srv.Need(200, "risk", "POST", "/api/v1/notifications/read-all", nil)["read"])
		srv.Need(422, "risk", "POST", "/api/v1/tasks/"+id+"/complete", map[string]any{"outcome": ""})
		require.Equal(t, "done", srv.Need(200, "risk", "POST", "/api/v1/tasks/"+id+"/complete", map[string]any{"outcome": "confirmed", "note": "好"})["state"])
		require.Equal(t, "TASK_DONE", srv.Need(409, "risk", "POST", "/api/v1/tasks/"+id+"/claim", nil)["code"])
		require.Equal(t, "done", srv.Need(200, "risk", "GET", "/api/v1/tasks/"+id, nil)["state"])
		require.EqualValues(t, 1, srv.Need(200, "risk", "GET", "/api/v1/tasks?state=done", nil)["total"])
	})
}
