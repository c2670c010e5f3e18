package corosync

import (
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

var totemKey = regexp.MustCompile(`(?m)^[ \t]*key[ \t]*:[ \t]*(.*)$`)

// maskKey makes the value of totem.key, the key in the open file, a secret.
func maskKey(text string) reconcile.Text {
	var parts []reconcile.Text
	last := 0
	for _, m := range totemKey.FindAllStringSubmatchIndex(text, -1) {
		if m[3] > m[2] {
			parts = append(parts, reconcile.Plain(text[last:m[2]]), reconcile.Secret(text[m[2]:m[3]]))
			last = m[3]
		}
	}
	if parts == nil {
		return reconcile.Plain(text)
	}
	return reconcile.Join(append(parts, reconcile.Plain(text[last:]))...)
}

// units reads both ActiveStates; a unit that systemd does not know is inactive.
func units(s string) (corosync, pacemaker string) {
	f := append(strings.Fields(s), "inactive", "inactive")
	return f[0], f[1]
}

var attr = regexp.MustCompile(`(admin_epoch|epoch|cib-last-written)="([^"]*)"`)

// storedCIB tells what lies in Pacemaker's folder. A seed that Pacemaker never ran with is nothing: it has no signature beside it, and
// Pacemaker signs what it writes.
func storedCIB(sec map[string]string) *StoredCIB {
	names := strings.Fields(sec["cib"])
	if len(names) == 0 {
		return nil
	}
	if len(names) == 1 && names[0] == "cib.xml" && strings.Contains(sec["cibname"], SeedID) {
		return nil
	}
	c := &StoredCIB{}
	var admin, epoch string
	for _, m := range attr.FindAllStringSubmatch(sec["cibhead"], -1) {
		switch m[1] {
		case "admin_epoch":
			admin = m[2]
		case "epoch":
			epoch = m[2]
		default:
			c.Written = m[2]
		}
	}
	if epoch != "" {
		c.Epoch = admin + "." + epoch
	}
	if _, v, ok := strings.Cut(sec["cibname"], `value="`); ok {
		c.Cluster, _, _ = strings.Cut(v, `"`)
	}
	return c
}

// running reads corosync-cmapctl, corosync-quorumtool -s and corosync-cfgtool -n.
func running(sec map[string]string) (*Running, error) {
	cmap := sec["cmap"]
	if !strings.Contains(cmap, "hactl-ok") {
		return nil, fmt.Errorf("corosync runs and does not answer: corosync-cmapctl: %s", strings.TrimSpace(cmap))
	}
	r := &Running{Config: parseCmap(cmap)}
	for k, v := range cmapValues(cmap) {
		if id, ok := strings.CutPrefix(k, "runtime.members."); ok && strings.HasSuffix(id, ".status") && v == "joined" {
			if n, err := strconv.Atoi(strings.TrimSuffix(id, ".status")); err == nil {
				r.Members = append(r.Members, n)
			}
		}
	}
	sort.Ints(r.Members)
	var total, expected string
	for _, l := range strings.Split(sec["quorum"], "\n") {
		k, v, _ := strings.Cut(l, ":")
		v = strings.TrimSpace(v)
		switch k {
		case "Quorate":
			r.Quorate = v == "Yes"
		case "Expected votes":
			expected = v
		case "Total votes":
			total = v
		case "Flags":
			for _, f := range strings.Fields(v) {
				if f != "Quorate" {
					r.Flags = append(r.Flags, f)
				}
			}
		}
	}
	if total == "" {
		return nil, fmt.Errorf("corosync runs and its quorum is not known: corosync-quorumtool: %s", strings.TrimSpace(sec["quorum"]))
	}
	r.Votes = total + "/" + expected
	node := ""
	for _, l := range strings.Split(sec["links"], "\n") {
		if v, ok := strings.CutPrefix(l, "nodeid: "); ok {
			node = strings.Fields(v)[0]
		}
		if t := strings.TrimSpace(l); strings.HasPrefix(t, "LINK:") && !strings.Contains(t, "enabled connected") {
			r.Links = append(r.Links, "to node "+node+": "+t)
		}
	}
	return r, nil
}

// cmapValues reads lines "key (type) = value".
func cmapValues(s string) map[string]string {
	m := map[string]string{}
	for _, l := range strings.Split(s, "\n") {
		k, v, ok := strings.Cut(l, ") = ")
		if !ok {
			continue
		}
		if i := strings.LastIndex(k, " ("); i > 0 {
			m[k[:i]] = v
		}
	}
	return m
}

// parseCmap gives the configuration in cmap by the paths that the file has: interfaces by number, nodes by id, subsystems by name. totem.key
// is left out.
func parseCmap(s string) map[string]string {
	all := cmapValues(s)
	out := map[string]string{}
	for k, v := range all {
		p := strings.Split(k, ".")
		if k == "totem.key" || len(p) < 2 {
			continue
		}
		switch {
		case p[0] == "totem" && p[1] == "interface" && len(p) == 4:
			out["totem.interface["+p[2]+"]."+p[3]] = v
		case p[0] == "nodelist" && p[1] == "node" && len(p) == 4:
			if id := all["nodelist.node."+p[2]+".nodeid"]; id != "" {
				out["nodelist.node["+id+"]."+p[3]] = v
			}
		case p[0] == "logging" && p[1] == "logger_subsys" && len(p) == 4:
			out["logging.logger_subsys["+p[2]+"]."+p[3]] = v
		case p[0] == "totem" || p[0] == "quorum" || p[0] == "logging" || p[0] == "system":
			out[k] = v
		}
	}
	return out
}
