package system

import (
	"fmt"
	"strings"

	"github.com/hactl/hactl/drivers/marked"
	"github.com/hactl/hactl/reconcile"
)

// Render gives hactl's block of /etc/hosts and its file for chrony, both by Debian's paths where the machine was not asked.
func (Driver) Render(want, have State) ([]reconcile.Rendered, error) {
	var out []reconcile.Rendered
	for _, w := range want.Machines {
		redhat := false
		text := ""
		if h := have.machine(w.Name); h != nil && h.Facts != nil {
			redhat = h.Facts.Family == "redhat"
			if h.Hosts != nil && h.Hosts.File != nil {
				text = h.Hosts.File.Content.Reveal()
			}
		}
		if w.Hosts != nil {
			t, err := marked.Set(text, want.Cluster, hostLines(w.Hosts.Entries))
			if err != nil {
				return nil, err
			}
			out = append(out, reconcile.Rendered{Host: w.Name, Path: hostsPath, File: reconcile.File{Content: reconcile.Plain(t), Mode: 0o644, Owner: "root:root"}})
		}
		if w.Time != nil {
			path := debianTimePath
			if redhat {
				path = redhatTimePath
			}
			lines := make([]string, len(w.Time.Servers))
			for i, s := range w.Time.Servers {
				lines[i] = "server " + s + " iburst"
			}
			t, err := marked.Set("", want.Cluster, lines)
			if err != nil {
				return nil, err
			}
			out = append(out, reconcile.Rendered{Host: w.Name, Path: path, File: reconcile.File{Content: reconcile.Plain(t), Mode: 0o644, Owner: "root:root"}})
		}
		for _, path := range sortedKeys(w.Files) {
			if f := w.Files[path]; f.Copy == "" && !f.Empty {
				out = append(out, reconcile.Rendered{Host: w.Name, Path: path, File: f.File})
			}
		}
	}
	return out, nil
}

// Status tells each machine's worst finding.
func (Driver) Status(have State) []reconcile.Health {
	var out []reconcile.Health
	for _, m := range have.Machines {
		l := reconcile.Health{Object: Machine(m.Name)}
		switch {
		case m.Facts == nil: // the engine tells of machines that do not answer
			continue
		case len(m.Facts.Full) > 0:
			l.Level, l.Text = reconcile.Failed, "no room left in "+strings.Join(m.Facts.Full, ", ")
		case m.Facts.ClockOffset != 0:
			l.Level, l.Text = reconcile.Degraded, fmt.Sprintf("the clock is %+d s off", m.Facts.ClockOffset)
		default:
			continue
		}
		out = append(out, l)
	}
	return out
}
