package event

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Collector exports position, lag, waiting and dead events of each consumer, read at every scrape.
func (r *Relay) Collector() prometheus.Collector {
	label := []string{"consumer"}
	return &collector{
		relay:    r,
		position: prometheus.NewDesc("capillary_event_consumer_position", "Position up to which a consumer has handled events.", label, nil),
		lag:      prometheus.NewDesc("capillary_event_consumer_lag", "Events a consumer is behind.", label, nil),
		waiting:  prometheus.NewDesc("capillary_event_waiting", "Events put aside to be tried again, and those behind them.", label, nil),
		dead:     prometheus.NewDesc("capillary_event_dead_letters", "Events given up.", label, nil),
	}
}

type collector struct {
	relay                        *Relay
	position, lag, waiting, dead *prometheus.Desc
}

func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.position, c.lag, c.waiting, c.dead} {
		ch <- d
	}
}

const scrapeTimeout = 2 * time.Second

func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	all, err := c.relay.Consumers(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(c.lag, err)
		return
	}
	for _, s := range all {
		for d, v := range map[*prometheus.Desc]int64{c.position: s.Position, c.lag: s.Lag, c.waiting: s.Waiting, c.dead: s.Dead} {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), s.Name)
		}
	}
}

// Ready fails when a consumer is further behind than lagMax: readiness asks it. Sinks are not counted:
// the program works without them.
func (r *Relay) Ready(ctx context.Context, lagMax int64) error {
	all, err := r.Consumers(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		if x := r.find(s.Name); s.Lag > lagMax && x != nil && x.sink == nil {
			return fmt.Errorf("consumer %s is %d events behind: %s", s.Name, s.Lag, s.LastError)
		}
	}
	return nil
}
