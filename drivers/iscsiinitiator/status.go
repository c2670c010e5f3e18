package iscsiinitiator

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// Notes tells of sessions that are taken over as they are, and of those that no manifest tells.
func (Driver) Notes(want, have State) []reconcile.Note {
	var out []reconcile.Note
	for k := range have.Machines {
		m := &have.Machines[k]
		for _, s := range m.Sessions {
			at := slices.IndexFunc(want.Initiators, func(i Initiator) bool { return i.Target == s.Target && i.on(m.Name) })
			if at < 0 {
				if want.Owner != "" {
					out = append(out, reconcile.Note{Kind: reconcile.NoteUnmanaged, Object: onNode(m.Name, s.Target), Text: "is a session at " + s.Portal.String() + " that no manifest tells; it is left alone"})
				}
				continue
			}
			i := &want.Initiators[at]
			if _, ours := m.Records[i.Name]; !ours {
				out = append(out, reconcile.Note{Kind: reconcile.NoteAdopts, Object: Ref(i.Name), Source: i.source(""),
					Text: m.Name + ": the session at " + s.Portal.String() + " was not made by hactl; it stays as it is"})
			}
		}
	}
	return out
}

// Status tells of each set of sessions, problems first.
func (Driver) Status(have State) []reconcile.Health {
	var out []reconcile.Health
	told := map[string]bool{}
	for _, i := range have.Initiators {
		for _, n := range i.Nodes {
			m := have.machine(n.Name)
			if m == nil || m.Unobserved != "" {
				continue
			}
			told[m.Name+" "+i.Target] = true
			h := reconcile.Health{Object: onNode(m.Name, i.Name)}
			var parts []string
			for _, p := range i.Portals {
				if s := m.session(i.Target, p); s == nil {
					h.Level, parts = reconcile.Failed, append(parts, "not logged in to "+i.Target+" at "+p.String())
				} else {
					level, text := s.health()
					h.Level, parts = max(h.Level, level), append(parts, text)
				}
			}
			h.Text = strings.Join(parts, "; ")
			out = append(out, h)
		}
	}
	for k := range have.Machines {
		m := &have.Machines[k]
		for _, s := range m.Sessions {
			if !told[m.Name+" "+s.Target] {
				h := reconcile.Health{Object: onNode(m.Name, s.Target)}
				h.Level, h.Text = s.health()
				out = append(out, h)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b reconcile.Health) int { return int(b.Level) - int(a.Level) })
	return out
}

func (s *Session) health() (reconcile.Level, string) {
	level, text := reconcile.OK, "logged in at "+s.Portal.String()
	if s.State != "LOGGED_IN" {
		level, text = reconcile.Failed, s.Portal.String()+": the session is "+s.State+"; open-iscsi tries to log in again"
	}
	for _, d := range s.Disks {
		text += fmt.Sprintf(", LUN %d %s %s", d.LUN, d.Path, block.FormatSize(d.Size))
	}
	return level, text
}
