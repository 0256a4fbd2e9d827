package webhook_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/webhook"
	"github.com/capillary-finance/capillary/internal/testkit/callkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestWebhooksOverHTTP(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, webhook.SenderConfig{})
		x := newTarget(t)
		srv := callkit.New(t, d, r.s, func(a *api.API) { webhook.Routes(a, r.svc) })
		const path = "/api/v1/webhooks"
		in := map[string]any{"url": x.URL, "event_types": []string{"loan.*"}}
		srv.Need(403, "operations", "POST", path, in)
		refused := srv.Need(422, "admin", "POST", path, map[string]any{"url": "https://169.254.169.254/", "event_types": []string{"loan.*"}})
		require.Equal(t, "WEBHOOK_TARGET_REFUSED", refused["code"])
		made := srv.Need(200, "admin", "POST", path, in)
		require.NotContains(t, made, "secret")
		id := made["id"].(string)
		require.Contains(t, srv.Need(200, "admin", "GET", path+"/"+id+"/secret", nil)["secret"], "whsec_")
		srv.Need(403, "operations", "GET", path+"/"+id+"/secret", nil)
		r.emit(t, r.s.System.Scope(), "loan.disbursed")
		eventually(t, "delivered", func() bool { return len(r.deliveries(t, id, webhook.Delivered)) == 1 })
		log := srv.Need(200, "operations", "GET", path+"/"+id+"/deliveries?state=delivered", nil)
		require.EqualValues(t, 1, log["total"])
		delivery := log["items"].([]any)[0].(map[string]any)["id"].(string)
		srv.Need(404, "admin", "POST", path+"/whk_other/deliveries/"+delivery+"/redeliver", nil)
		srv.Need(200, "admin", "POST", path+"/"+id+"/deliveries/"+delivery+"/redeliver", nil)
		eventually(t, "delivered again", func() bool { return len(x.received()) == 2 })
		srv.Need(204, "admin", "POST", path+"/"+id+"/rotate-secret", nil)
		in["paused"], in["version"] = true, 1
		srv.Need(412, "admin", "PUT", path+"/"+id, in)
		in["version"] = 2
		require.Equal(t, "paused", srv.Need(200, "admin", "PUT", path+"/"+id, in)["state"])
		require.Equal(t, "paused", srv.Need(200, "operations", "GET", path+"/"+id, nil)["state"])
		require.EqualValues(t, 1, srv.Need(200, "admin", "GET", path, nil)["total"])
		srv.Need(204, "admin", "DELETE", path+"/"+id, nil)
		srv.Need(404, "admin", "GET", path+"/"+id, nil)
	})
}
