package system

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/marked"
	"github.com/hactl/hactl/reconcile"
)

// finding is something that would make a cluster fail later. It refuses the plan (fatal) on a machine that is to become a member, and is
// only told of a member that runs: what works is not stopped for the sake of a rule.
type finding struct {
	machine string
	text    string
	fatal   bool
}

// Clock differences between machines, in seconds. Corosync and Pacemaker work with any; logs, time rules, TLS and the age of failures do
// not.
const (
	skewWarn  = 1
	skewFatal = 30
)

func preflight(want, have State) []finding {
	var fs []finding
	for _, w := range want.Machines {
		h := have.machine(w.Name)
		if h == nil || h.Facts == nil {
			continue
		}
		f := h.Facts
		add := func(fatal bool, format string, args ...any) {
			fs = append(fs, finding{w.Name, w.Name + ": " + fmt.Sprintf(format, args...), fatal && !f.Running})
		}
		if d := f.ClockOffset; d >= skewWarn || d <= -skewWarn {
			word := "ahead of"
			if d < 0 {
				word, d = "behind", -d
			}
			add(d > skewFatal && w.Time == nil && w.Member,
				"its clock is %d s %s the others'; let all follow one time server (spec.prepare.time), or set it", d, word)
		}
		for _, p := range f.Full {
			add(true, "the file system of %s is full; make room before anything is changed there", p)
		}
		if !w.Member {
			continue
		}
		if f.HostName != w.Name {
			short, _, _ := strings.Cut(f.HostName, ".")
			add(short != w.Name, "uname -n says %q, the manifest calls the node %q; run `hostnamectl set-hostname %s` there, or use the machine's own name in the manifest",
				f.HostName, w.Name, w.Name)
		}
		for i, a := range w.Addresses {
			if _, ok := f.interfaceOf(a); ok || slices.Contains(h.Unlooked, "addresses."+a) {
				continue
			}
			if _, err := netip.ParseAddr(a); err == nil {
				add(true, "its address %s of link %d is on none of its interfaces; configure it, or correct the manifest", a, i)
			} else if r := f.Resolved[a]; len(r) == 0 {
				add(true, "%q of link %d does not resolve on it; add it to /etc/hosts (spec.prepare.hostsFile), or use an address", a, i)
			} else {
				add(true, "%q of link %d resolves to %s, which is on none of its interfaces; look at /etc/hosts there", a, i, strings.Join(r, ", "))
			}
		}
	}
	return append(fs, mtus(want, have)...)
}

func (f *Facts) interfaceOf(a string) (Interface, bool) {
	for _, x := range append([]string{a}, f.Resolved[a]...) {
		p, err := netip.ParseAddr(x)
		if err != nil || p.IsLoopback() {
			continue
		}
		if i, ok := f.Interfaces[p.String()]; ok {
			return i, true
		}
	}
	return Interface{}, false
}

// mtus compares each link's MTU with the first member's.
func mtus(want, have State) []finding {
	var fs []finding
	first := map[int]string{}
	mtu := map[int]int{}
	for _, w := range want.Machines {
		h := have.machine(w.Name)
		if h == nil || h.Facts == nil || !w.Member {
			continue
		}
		for l, a := range w.Addresses {
			i, ok := h.Facts.interfaceOf(a)
			switch {
			case !ok:
			case first[l] == "":
				first[l], mtu[l] = w.Name, i.MTU
			case i.MTU != mtu[l]:
				fs = append(fs, finding{machine: w.Name, text: fmt.Sprintf("%s: link %d runs over %s with MTU %d, on %s it is %d; large packets may be lost between them",
					w.Name, l, i.Name, i.MTU, first[l], mtu[l])})
			}
		}
	}
	return fs
}

// Notes tells the preflight's findings that refuse nothing, and the lines of /etc/hosts that say something else than the manifest.
func (Driver) Notes(want, have State) []reconcile.Note {
	var notes []reconcile.Note
	warn := func(machine, path, text string) {
		notes = append(notes, reconcile.Note{Kind: reconcile.NoteWarning, Object: Machine(machine), Path: path, Text: text})
	}
	for _, f := range preflight(want, have) {
		if !f.fatal {
			warn(f.machine, "", f.text)
		}
	}
	for _, w := range want.Machines {
		h := have.machine(w.Name)
		if h == nil {
			continue
		}
		for _, n := range sortedKeys(w.Units) {
			if s := h.Units[n].State; w.Units[n].State == "disabled" && (s == "enabled-runtime" || s == "generated") {
				warn(w.Name, "units."+strings.TrimSuffix(n, ".service"), "a generator decides whether this unit starts at boot (systemd calls it "+s+
					"); disable what wants it ('systemctl list-dependencies --reverse "+n+"')")
			}
		}
	}
	for _, w := range want.Machines {
		h := have.machine(w.Name)
		if h == nil || h.Facts == nil {
			continue
		}
		if h.Facts.Family == "redhat" && w.Packages != nil && len((&planner{w: w, h: *h}).missing()) > 0 {
			warn(w.Name, "packages", w.Name+": installation by dnf was never proved by hactl's own tests")
		}
		if w.Hosts != nil && h.Hosts != nil && h.Hosts.File != nil {
			for _, t := range contradictions(h.Hosts.File.Content.Reveal(), want.Cluster, w.Hosts.Entries) {
				warn(w.Name, "hostsFile", w.Name+": "+t)
			}
		}
		for _, p := range sortedKeys(w.Files) {
			if notCompared(w.Files[p], *h, p) {
				warn(w.Name, "files."+p, "its content is not compared: the snapshot leaves out what only some may read")
			}
		}
		for _, n := range sortedKeys(w.Units) {
			if h.Units[n].Missing && w.Units[n].State == "disabled" && len((&planner{w: w, h: *h}).missing()) == 0 {
				warn(w.Name, "units."+n, fmt.Sprintf("%s: systemd knows no unit %s, so there is nothing to disable", w.Name, n))
			}
		}
	}
	return notes
}

// contradictions finds lines outside the block that give one of the names another address. The first line that has a name wins
// (hosts(5)), so such a line makes the block useless.
func contradictions(text, cluster string, entries []Entry) []string {
	want := map[string]string{}
	for _, e := range entries {
		want[e.Name] = e.Address
	}
	start, end, err := marked.Find(text, cluster)
	if err != nil {
		return nil
	}
	var out []string
	pos := 0
	for n, l := range strings.SplitAfter(text, "\n") {
		inside := start >= 0 && pos >= start && pos < end
		pos += len(l)
		if inside {
			continue
		}
		line, _, _ := strings.Cut(l, "#")
		f := strings.Fields(line)
		for i := 1; i < len(f); i++ {
			if a, ok := want[f[i]]; ok && a != f[0] {
				out = append(out, fmt.Sprintf("line %d of %s says that %s is %s, the manifest says %s; remove the name from that line", n+1, hostsPath, f[i], f[0], a))
			}
		}
	}
	return out
}
