package web_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/watchtest"
	"github.com/hactl/hactl/reconcile/watch/web"
)

// series reads metrics as Prometheus does: NAME{LABEL="VALUE",…} and the value.
func series(t *testing.T, text string) (values map[string]float64, counters map[string]bool) {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	values, counters = map[string]float64{}, map[string]bool{}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			key := name
			for _, l := range m.GetLabel() {
				key += " " + l.GetName() + "=" + l.GetValue()
			}
			values[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
			counters[key] = f.GetType() == dto.MetricType_COUNTER
		}
	}
	return values, counters
}

func TestMetrics(t *testing.T) {
	serve(t, web.Options{Version: "v1.2.3"}, func(s *site) {
		first, _ := series(t, s.get("/metrics"))
		if first["hactl_source_up"] != 0 || first["hactl_build_info version=v1.2.3"] != 1 {
			t.Errorf("before there is a revision: %v", first)
		}
		s.Refuse("away", errors.New("no machine answers"))
		s.Says("1", "db/c.yaml", watchtest.Cluster("db", "one"), "away/c.yaml", watchtest.Cluster("away", "one"))
		s.Phase("db", watch.Drifted)
		s.Phase("away", watch.Failing)
		text := s.get("/metrics")
		before, counters := series(t, text)
		for key, want := range map[string]float64{
			"hactl_source_up": 1, "hactl_source_refused": 0, "hactl_source_revision_info name=main@1 revision=1": 1,
			"hactl_cluster_phase cluster=db phase=drifted": 1, "hactl_cluster_phase cluster=away phase=failing": 1,
			"hactl_cluster_desired_revision_info cluster=db revision=1": 1, "hactl_cluster_last_success_timestamp_seconds cluster=db": 0,
			"hactl_looks_total cluster=db result=ok": 1, "hactl_events_total type=look-failed": 1,
		} {
			if got, ok := before[key]; !ok || got != want {
				t.Errorf("%s is %v, not %v", key, got, want)
			}
		}
		if before["hactl_cluster_drifted_objects cluster=db"] < 1 {
			t.Errorf("nothing drifted:\n%s", text)
		}
		problems, err := promlint.New(strings.NewReader(text)).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("promlint: %v %v", problems, err)
		}
		s.Fails(errors.New("no route to host"))
		s.Says("2", "db/c.yaml", watchtest.Cluster("db", "two"), "away/c.yaml", "not: [yaml")
		time.Sleep(10 * time.Minute)
		after, _ := series(t, s.get("/metrics"))
		for key, v := range before {
			if now, ok := after[key]; counters[key] && (!ok || now < v) {
				t.Errorf("the counter %s fell from %v to %v (there: %t)", key, v, now, ok)
			}
		}
		if body := s.page("/"); after["hactl_source_broken_folders"] != 1 || after["hactl_cluster_manifests_broken cluster=away"] != 1 ||
			!strings.Contains(body, "The folder away is broken: away/c.yaml") || !strings.Contains(body, "what was in force stays for away") {
			t.Errorf("a broken folder: %v\n%s", after, body)
		}
		// Revisions and errors come and go; the series of those that are gone must not stay.
		for i := range 20 {
			s.Says(strings.Repeat("x", i+3), "db/c.yaml", watchtest.Cluster("db", strings.Repeat("y", i+1)), "away/c.yaml", watchtest.Cluster("away", "one"))
			s.Fails(errors.New(strings.Repeat("error ", i)))
			time.Sleep(time.Minute)
		}
		last, _ := series(t, s.get("/metrics"))
		if len(last) > len(after)+5 {
			t.Errorf("%d series became %d with 20 revisions", len(after), len(last))
		}
		s.Says("end", "other/c.yaml", watchtest.Cluster("other", "one"))
		s.Phase("other", watch.Drifted)
		for key := range mustSeries(t, s) {
			if strings.Contains(key, "cluster=db") {
				t.Errorf("of a cluster that left the source there is still %s", key)
			}
		}
	})
}

func mustSeries(t *testing.T, s *site) map[string]float64 {
	t.Helper()
	values, _ := series(t, s.get("/metrics"))
	return values
}
