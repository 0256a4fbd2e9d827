package eod

import (
	"context"
	"errors"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// tickTime is how often the clock is looked at; a day that was started and did not end is started again after againTime.
const (
	tickTime  = 20 * time.Second
	againTime = 15 * time.Minute
)

// china is the zone of an institution whose own is not known to this machine; it has no summer time.
var china = time.FixedZone("UTC+8", 8*3600)

var selectScheduled = db.Q(`select s.institution_id, s.run_at, i.business_date, i.timezone from eod_setting s join institution i on i.institution_id = s.institution_id where s.run_at <> '' order by s.institution_id`)

// Clock starts the end of the day of every institution whose time of day has come, until ctx ends. Several servers may run it:
// the job has one key per institution, and a day is ended once. report hears errors.
func (s *Service) Clock(ctx context.Context, report func(error)) {
	t := time.NewTicker(tickTime)
	defer t.Stop()
	for {
		if err := s.Tick(ctx); err != nil && ctx.Err() == nil {
			report(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// started is the last start by this server's clock.
type started struct {
	today calendar.Date
	at    time.Time
}

type scheduled struct {
	institution, at, zone string
	today                 calendar.Date
}

// Tick looks at the clock once; one goroutine of a server does. A business date is ended when its own evening has come, or has passed: a server that was away
// over night, or over a holiday, makes up for every date it missed.
func (s *Service) Tick(ctx context.Context) error {
	var all []scheduled
	err := s.db.View(ctx, db.System("eod"), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, selectScheduled)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // its error is in rows.Err
		for rows.Next() {
			var x scheduled
			if err := rows.Scan(&x.institution, &x.at, &x.today, &x.zone); err != nil {
				return err
			}
			all = append(all, x)
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	for _, x := range all {
		to, due := x.due(s.db.Now())
		if last := s.clock[x.institution]; !due || last.today == x.today && s.db.Now().Sub(last.at) < againTime {
			continue
		}
		s.clock[x.institution] = started{x.today, s.db.Now()}
		_, e := s.Start(ctx, auth.SystemPrincipal(x.institution, "clock"), to)
		if !fault.Is(e, ReasonTarget) { // another server was faster
			err = errors.Join(err, e)
		}
	}
	return err
}

// due tells up to which date the days should have ended by now.
func (x scheduled) due(now time.Time) (to calendar.Date, due bool) {
	zone, err := time.LoadLocation(x.zone)
	if err != nil || x.zone == "" {
		zone = china
	}
	local := now.In(zone)
	to = calendar.FromTime(local, zone)
	if local.Format("15:04") >= x.at {
		to = to.AddDays(1)
	}
	if !to.After(x.today) {
		return to, false
	}
	if to.Sub(x.today) > daysMax {
		to = x.today.AddDays(daysMax)
	}
	return to, true
}
