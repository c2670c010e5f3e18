package web

import (
	"bytes"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/view"
	"github.com/hactl/hactl/reconcile/watch"
)

// shownEvents bounds the list at the end of a page.
const shownEvents = 25

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"stamp": stamp,
	"brief": func(d time.Duration) string { return d.Round(10 * time.Millisecond).String() },
	"worst": worst,
}).ParseFS(assets, "assets/*.html"))

// stamp is a time for people and programs: no zone but UTC is the same for all that look.
func stamp(t time.Time) template.HTML {
	if t.IsZero() {
		return "never"
	}
	t = t.UTC()
	return template.HTML(`<time datetime="` + t.Format(time.RFC3339) + `">` + t.Format("2006-01-02 15:04:05") + ` UTC</time>`) //nolint:gosec // digits and signs only
}

// worst is the worst state of what belongs to a cluster, "" if none is known.
func worst(c watch.Cluster) string {
	if len(c.Health) == 0 {
		return ""
	}
	level := reconcile.OK
	for _, h := range c.Health {
		if h.Level > level && h.Level != reconcile.Info {
			level = h.Level
		}
	}
	return level.String()
}

// shown is what the templates show.
type shown struct {
	Title  string
	Now    time.Time
	State  watch.State
	Events []watch.Event

	// All clusters, problems first.
	Clusters []watch.Cluster
	Counts   []count

	// One cluster. What is wrong with it, where its things are, and all else that is known of them.
	Cluster  watch.Cluster
	Plan     string
	Troubles []reconcile.Health
	Topology topology
	Rest     []reconcile.Health
}

// urgency is the order of the phases, first what somebody should look at.
var urgency = []watch.Phase{watch.Failing, watch.Pending, watch.Drifted, watch.Applying, watch.Unknown, watch.InSync}

type count struct {
	N     int
	Phase watch.Phase
}

func (s *server) page(w http.ResponseWriter, _ *http.Request) {
	st := s.loop.State()
	v := shown{Title: "hactl watch", Now: time.Now(), State: st, Clusters: st.Clusters, Events: s.recent("", false)}
	slices.SortStableFunc(v.Clusters, func(a, b watch.Cluster) int { return slices.Index(urgency, a.Phase) - slices.Index(urgency, b.Phase) })
	n := map[watch.Phase]int{}
	for _, c := range st.Clusters {
		n[c.Phase]++
	}
	for _, p := range urgency {
		if n[p] > 0 {
			v.Counts = append(v.Counts, count{n[p], p})
		}
	}
	if bad := n[watch.Failing] + n[watch.Drifted] + n[watch.Pending]; bad > 0 || st.Source.Err != "" || st.Source.Refused != "" || len(st.Source.Broken) > 0 {
		v.Title = "! " + v.Title
	}
	show(w, "page", v)
}

func (s *server) cluster(w http.ResponseWriter, r *http.Request) {
	st := s.loop.State()
	i := slices.IndexFunc(st.Clusters, func(c watch.Cluster) bool { return c.Name == r.PathValue("name") })
	if i < 0 {
		http.Error(w, "there is no such cluster in the source", http.StatusNotFound)
		return
	}
	c := st.Clusters[i]
	v := shown{Title: c.Name + " · hactl watch", Now: time.Now(), State: st, Cluster: c, Events: s.recent(c.Name, c.Phase == watch.Applying)}
	v.Troubles, v.Topology, v.Rest = arrange(c.Health)
	if c.Plan != nil {
		var b strings.Builder
		if err := view.PlanText(&b, c.Plan, view.Style{Now: v.Now}, false); err != nil {
			b.WriteString(err.Error())
		}
		v.Plan = b.String()
	}
	show(w, "cluster", v)
}

// show writes a page whole, or an error.
func show(w http.ResponseWriter, name string, v shown) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(bytes.ToValidUTF8(b.Bytes(), []byte("\uFFFD"))) // errors may hold what a program printed
}

// recent are the last events, newest first, of one cluster or of all (""). The steps of changes are many, and only told of one that runs.
func (s *server) recent(cluster string, steps bool) []watch.Event {
	past, _, end := s.loop.Events(0)
	end()
	var out []watch.Event
	for _, e := range slices.Backward(past) {
		if len(out) < shownEvents && (cluster == "" || e.Cluster == cluster) && (steps || e.Type != watch.ApplyStep) {
			out = append(out, e)
		}
	}
	return out
}
