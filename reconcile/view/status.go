package view

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// StatusVersion is the version of a status' JSON form.
const StatusVersion = "hactl/status/v1"

// StatusJSON writes the status as indented JSON.
func StatusJSON(w io.Writer, cluster string, hs []reconcile.Health) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		Version string             `json:"version"`
		Cluster string             `json:"cluster"`
		Level   reconcile.Level    `json:"level"`
		Health  []reconcile.Health `json:"health"`
	}{StatusVersion, cluster, worst(hs), hs})
}

// StatusText writes the status for people on one screen: problems first, then everything in the layers' order.
func StatusText(w io.Writer, cluster string, hs []reconcile.Health, st Style) error {
	var b strings.Builder
	level := worst(hs)
	b.WriteString(st.bold(cluster) + ": " + paintLevel(st, level, level.String()) + "\n")
	sorted := slices.Clone(hs)
	slices.SortStableFunc(sorted, func(a, b reconcile.Health) int { return rank(b.Level) - rank(a.Level) })
	width := 0
	for _, h := range sorted {
		width = min(max(width, len(h.Object.String())), 32)
	}
	for _, h := range sorted {
		name := pad(cut(h.Object.String(), 32), width)
		line := strings.TrimSuffix(wrap("  "+mark(h.Level)+" "+name+"  ", strings.Repeat(" ", width+6), h.Text), "\n")
		b.WriteString(paintLevel(st, h.Level, line) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func rank(l reconcile.Level) int {
	if l < reconcile.Degraded {
		return 0
	}
	return int(l)
}

func worst(hs []reconcile.Health) reconcile.Level {
	w := reconcile.OK
	for _, h := range hs {
		w = max(w, h.Level)
	}
	if w == reconcile.Info {
		return reconcile.OK
	}
	return w
}

func mark(l reconcile.Level) string {
	return [...]string{" ", " ", "!", "x"}[l]
}

func paintLevel(st Style, l reconcile.Level, s string) string {
	switch l {
	case reconcile.Failed:
		return st.red(s)
	case reconcile.Degraded:
		return st.yellow(s)
	default:
		return s
	}
}
