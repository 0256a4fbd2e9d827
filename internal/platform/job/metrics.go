package job

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics exports finished runs by kind and outcome; its Observe goes into Config.
type Metrics struct{ finished *prometheus.HistogramVec }

// NewMetrics makes the measurements; they are a prometheus.Collector to register.
func NewMetrics() *Metrics {
	return &Metrics{finished: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "capillary_job_run_seconds", Help: "Duration of job runs by kind and outcome.",
		Buckets: []float64{.01, .1, 1, 5, 30, 60, 300, 1800, 7200},
	}, []string{"kind", "outcome"})}
}

// Observe notes a finished run.
func (m *Metrics) Observe(kind string, s State, took time.Duration) {
	m.finished.WithLabelValues(kind, string(s)).Observe(took.Seconds())
}

// Describe is of prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) { m.finished.Describe(ch) }

// Collect is of prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) { m.finished.Collect(ch) }

// Collector exports the number of live jobs by kind and state, read at every scrape.
func (x *Runner) Collector() prometheus.Collector {
	return &collector{x, prometheus.NewDesc("capillary_jobs_live", "Jobs queued, running or being cancelled.", []string{"kind", "state"}, nil)}
}

type collector struct {
	runner *Runner
	live   *prometheus.Desc
}

func (c *collector) Describe(ch chan<- *prometheus.Desc) { ch <- c.live }

const scrapeTimeout = 2 * time.Second

func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	err := c.runner.Counts(ctx, func(kind string, s State, n int64) {
		ch <- prometheus.MustNewConstMetric(c.live, prometheus.GaugeValue, float64(n), kind, string(s))
	})
	if err != nil {
		ch <- prometheus.NewInvalidMetric(c.live, err)
	}
}
