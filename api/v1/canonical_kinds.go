package v1

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// canonical folds a single rule that says no more than a score and an expression into the short form.
func (l *Location) canonical() {
	drop(&l.ResourceDiscovery, "always")
	if len(l.Rules) != 1 {
		return
	}
	if r := l.Rules[0]; r.Expression != "" && r.Score != "" && r.Role == "" && r.ID == "" {
		l.Score, l.Expression, l.Rules = r.Score, r.Expression, nil
	}
}

// canonical follows get_ordering_type and get_ordering_symmetry in Pacemaker's lib/pacemaker/pcmk_sched_ordering.c.
func (r *Order) canonical() {
	if r.Score != "" {
		if r.Score == "0" {
			r.Kind = "Optional"
		}
		r.Score = ""
	}
	drop(&r.Kind, "Mandatory")
	drop(&r.RequireAll, "true")
	if r.Kind == "Serialize" {
		r.Symmetrical = "" // it is always false
	}
	drop(&r.Symmetrical, "true")
	drop(&r.ThenAction, cmp.Or(r.FirstAction, "start"))
	drop(&r.FirstAction, "start")
}

// canonical follows pe__unpack_bundle in Pacemaker's lib/pengine/bundle.c.
func (b *BundleSpec) canonical() {
	for _, c := range []*Container{b.Docker, b.Podman, b.Rkt} {
		if c == nil {
			continue
		}
		drop(&c.ReplicasPerHost, "1")
		drop(&c.PromotedMax, "0")
		drop(&c.Replicas, cmp.Or(c.PromotedMax, "1"))
	}
	n := b.Network
	if n == nil {
		return
	}
	drop(&n.AddHost, "true")
	drop(&n.HostNetmask, "32")
	if n.IPRangeStart != "" {
		drop(&n.ControlPort, "3121")
	}
	if n.IPRangeStart+n.ControlPort+n.HostInterface+n.HostNetmask+n.AddHost == "" && len(n.Ports) == 0 {
		b.Network = nil
	}
}

func (f *FencingTopologySpec) canonical() {
	t := FencingTopology{Spec: *f}
	for i := range f.Levels {
		index := t.LevelIndex(i)
		byDefault := FencingTopology{Spec: *f}
		byDefault.Spec.Levels = []FencingLevel{{Index: index}}
		f.Levels[i].Index = index
		drop(&f.Levels[i].ID, byDefault.LevelID(0))
	}
	slices.SortStableFunc(f.Levels, func(a, b FencingLevel) int { return a.Index - b.Index })
}

// canonical drops a select that selects nothing, which Pacemaker takes for none (unpack_alert_filter).
func (a *AlertSpec) canonical(name string) {
	for i := range a.Recipients {
		r := &a.Recipients[i]
		if r.ID == "" {
			continue
		}
		suffix := ""
		if i > 0 {
			suffix = "-" + strconv.Itoa(i)
		}
		drop(&r.ID, name+"-recipient"+suffix)
	}
	if s := a.Select; s != nil && !s.Nodes && !s.Fencing && !s.Resources && s.Attributes == nil {
		a.Select = nil
	}
	if a.Script != nil {
		drop(&a.Script.Mode, "0755")
	}
}

// foldTargets makes targets of pcmk_host_list ("a,b") and targetPlugs of pcmk_host_map ("a:1;b:2"), where they name nodes and nothing else.
func (f *FenceDeviceSpec) foldTargets() {
	if list, ok := f.Params["pcmk_host_list"]; ok && len(f.Targets) == 0 {
		if nodes := splitTargets(list.Text); isNodes(nodes) {
			f.Targets = nodes
			delete(f.Params, "pcmk_host_list")
		}
	}
	if text, ok := f.Params["pcmk_host_map"]; ok && len(f.TargetPlugs) == 0 {
		plugs := map[string]string{}
		var nodes []string
		for _, entry := range strings.FieldsFunc(text.Text, func(r rune) bool { return strings.ContainsRune("; \t\r\n", r) }) {
			node, plug, ok := strings.Cut(entry, ":")
			if !ok || plug == "" {
				return
			}
			nodes, plugs[node] = append(nodes, node), plug
		}
		if isNodes(nodes) {
			f.TargetPlugs = plugs
			delete(f.Params, "pcmk_host_map")
		}
	}
	if len(f.Params) == 0 {
		f.Params = nil
	}
}

// splitTargets reads pcmk_host_list as stonith_ng does: separated by commas, semicolons or white space.
func splitTargets(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) })
}

// isNodes tells that a list holds at least one name of a node and none twice.
func isNodes(names []string) bool {
	seen := map[string]bool{}
	for _, n := range names {
		if checkHostName(n) != "" || seen[n] {
			return false
		}
		seen[n] = true
	}
	return len(names) > 0
}
