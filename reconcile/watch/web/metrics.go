package web

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch"
)

// collector makes metrics of what the loop knows when it is asked, and counts what the loop counts.
type collector struct {
	loop *watch.Loop
	info prometheus.Gauge
}

func newCollector(loop *watch.Loop, version string) *collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "hactl_build_info", Help: "The version of hactl.", ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	return &collector{loop: loop, info: info}
}

func metric(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("hactl_"+name, help, labels, nil)
}

// The metrics, by what they are of.
var (
	sourceUp       = metric("source_up", "1 if the source could be read at the last try.")
	sourceRefused  = metric("source_refused", "1 if the newest revision is not in force, because it is broken or not signed as asked for.")
	sourceSeen     = metric("source_last_read_timestamp_seconds", "When the source was last read.")
	sourceBroken   = metric("source_broken_folders", "How many folders of the revision in force are broken; their clusters stay as they are, or are not looked after at all.")
	sourceRevision = metric("source_revision_info", "The revision in force.", "revision", "name")

	phase       = metric("cluster_phase", "1 for the phase in which a cluster is.", "cluster", "phase")
	desired     = metric("cluster_desired_revision_info", "The revision that a cluster is to be as.", "cluster", "revision")
	observed    = metric("cluster_observed_revision_info", "The newest revision that a cluster was seen to be as.", "cluster", "revision")
	drifted     = metric("cluster_drifted_objects", "How many objects are not as the manifests say.", "cluster")
	broken      = metric("cluster_manifests_broken", "1 if the cluster's part of the newest revision is broken and not in force.", "cluster")
	failed      = metric("cluster_apply_failed", "1 if the manifests of a cluster could not be applied, and it is not as they say. A roll-out may have stopped for it.", "cluster")
	lastSuccess = metric("cluster_last_success_timestamp_seconds", "When a cluster was last seen as its manifests say.", "cluster")
	lastLook    = metric("cluster_last_look_timestamp_seconds", "When a cluster was last looked at without trouble.", "cluster")
	lookSeconds = metric("cluster_look_seconds", "How long the last look at a cluster took.", "cluster")
	unreachable = metric("cluster_unreachable_machines", "How many machines of a cluster could not be reached at the last look.", "cluster")
	health      = metric("cluster_health", "How many things of a cluster are in each state.", "cluster", "level")
	streams     = metric("cluster_stream", "1 if changes of the cluster are heard of at once, not only by looking.", "cluster")

	looks    = metric("looks_total", "Looks at a cluster, by result.", "cluster", "result")
	away     = metric("ssh_errors_total", "How often a machine could not be reached when it was looked at.", "cluster", "machine")
	applies  = metric("applies_total", "Changes of a cluster, by result.", "cluster", "result")
	seconds  = metric("apply_seconds_total", "The time that changes of a cluster took.", "cluster")
	steps    = metric("steps_total", "Steps of changes of a cluster, by result.", "cluster", "result")
	happened = metric("events_total", "Events, by type.", "type")
)

// Describe says nothing: which series there are changes with the clusters.
func (c *collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	s := c.loop.State()
	ch <- c.info
	gauge(sourceUp, truth(s.Source.Err == "" && !s.Source.Seen.IsZero()))
	gauge(sourceRefused, truth(s.Source.Refused != ""))
	gauge(sourceSeen, unix(s.Source.Seen))
	gauge(sourceBroken, float64(len(s.Source.Broken)))
	if r := s.Source.Revision; r.ID != "" {
		gauge(sourceRevision, 1, r.ID, r.Name)
	}
	for _, cl := range s.Clusters {
		gauge(phase, 1, cl.Name, string(cl.Phase))
		if cl.Desired.ID != "" {
			gauge(desired, 1, cl.Name, cl.Desired.ID)
		}
		if cl.Observed.ID != "" {
			gauge(observed, 1, cl.Name, cl.Observed.ID)
		}
		gauge(drifted, float64(cl.Drift()), cl.Name)
		gauge(broken, truth(cl.Broken != ""), cl.Name)
		gauge(failed, truth(cl.Failed != ""), cl.Name)
		gauge(lastSuccess, unix(cl.Synced), cl.Name)
		gauge(lastLook, unix(cl.Looked), cl.Name)
		gauge(lookSeconds, cl.Took.Seconds(), cl.Name)
		gauge(streams, truth(cl.Streams), cl.Name)
		if cl.Plan != nil {
			gauge(unreachable, float64(len(cl.Plan.Unreachable)), cl.Name)
		}
		levels := map[reconcile.Level]int{}
		for _, h := range cl.Health {
			levels[h.Level]++
		}
		for l := reconcile.OK; l <= reconcile.Failed; l++ {
			gauge(health, float64(levels[l]), cl.Name, l.String())
		}
	}
	n := c.loop.Counts()
	for d, counts := range map[*prometheus.Desc]map[watch.Count]int{looks: n.Looks, away: n.Away, applies: n.Applies, steps: n.Steps} {
		for k, v := range counts {
			counter(d, float64(v), k.Cluster, k.What)
		}
	}
	for k, v := range n.Applying {
		counter(seconds, v.Seconds(), k)
	}
	for k, v := range n.Events {
		counter(happened, float64(v), string(k))
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// unix is 0 for "never".
func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
