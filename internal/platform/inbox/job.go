package inbox

import (
	"context"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
)

// JobConsumer tells people how the jobs they asked for ended; the program's own jobs tell nobody.
func JobConsumer() event.Consumer {
	return event.Consumer{Name: "inbox.job", Types: []string{"job.completed", "job.failed"}, FromNow: true, Handle: func(ctx context.Context, tx *db.Tx, e event.Event) error {
		var j struct {
			Actor  string `json:"actor"`
			KindZh string `json:"kind_zh"`
			KindEn string `json:"kind_en"`
		}
		if err := e.Decode(&j); err != nil {
			return err
		}
		if j.Actor == "" || strings.HasPrefix(j.Actor, "system:") {
			return nil
		}
		zh, en := "任务完成："+j.KindZh, "Job completed: "+j.KindEn
		if e.Type == "job.failed" {
			zh, en = "任务失败，可从断点继续："+j.KindZh, "Job failed, it can be resumed: "+j.KindEn
		}
		return Notify(ctx, tx, j.Actor, zh, en, "/jobs/"+e.AggregateID)
	}}
}
