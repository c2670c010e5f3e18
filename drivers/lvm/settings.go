package lvm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hactl/hactl/drivers/marked"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// setting is an option of lvm.conf(5) that a group needs.
type setting struct{ name, value, text string }

// wantedSettings are those of the groups of a machine.
func (s State) wantedSettings(node string) (found []setting, source *Group, err error) {
	lockd := false
	for i := range s.Groups {
		g := &s.Groups[i]
		if !slices.Contains(g.Nodes, node) {
			continue
		}
		if g.SystemIDSource != "" {
			if source != nil && source.SystemIDSource != g.SystemIDSource {
				return nil, nil, fmt.Errorf("%s: systemIDSource is %s here and %s for %s, and %s has one for all groups; write the same", g.Sources["systemIDSource"], g.SystemIDSource,
					source.SystemIDSource, source.Name, node)
			}
			source = g
		}
		lockd = lockd || g.LockType != ""
	}
	if source != nil {
		found = append(found, setting{"global/system_id_source", source.SystemIDSource, `"` + source.SystemIDSource + `"`})
	}
	if lockd {
		found = append(found, setting{"global/use_lvmlockd", "1", "1"})
	}
	return found, source, nil
}

// is tells LVM's value of a setting.
func (m *Machine) is(s setting) bool {
	if s.name == "global/use_lvmlockd" {
		return m.Lockd
	}
	return m.SystemIDSource == s.value
}

// settingsSteps plan hactl's block in lvmlocal.conf, which LVM reads after lvm.conf, on each machine.
func settingsSteps(want, have State) (steps []reconcile.Step, err error) {
	var errs []error
	for i := range have.Machines {
		m := &have.Machines[i]
		if m.Unobserved != "" || !m.Installed && len(want.Groups) == 0 {
			continue
		}
		s, err := m.settings(want)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", m.Name, err))
		} else if s != nil {
			steps = append(steps, *s)
		}
	}
	return steps, errors.Join(errs...)
}

func (m *Machine) settings(want State) (*reconcile.Step, error) {
	wanted, source, err := want.wantedSettings(m.Name)
	if err != nil {
		return nil, err
	}
	var lines []string
	differs := false
	for _, s := range wanted {
		lines = append(lines, s.name+" = "+s.text)
		differs = differs || !m.is(s)
	}
	c := reconcile.Change{Object: Settings(m.Name), Action: reconcile.Update, Path: confPath, Want: strings.Join(lines, ", ")}
	step := reconcile.Step{ID: "lvm " + m.Name + " settings", Host: m.Name, Needs: []reconcile.Ref{system.Machine(m.Name)}}
	if source != nil {
		c.Source = source.Sources["systemIDSource"]
	}
	if !m.Installed {
		step.Changes, step.Pending = []reconcile.Change{c}, "known after lvm2 is installed"
		if len(wanted) == 0 {
			return nil, nil
		}
		return &step, nil
	}
	file := reconcile.File{Mode: 0o644, Owner: "root:root"}
	if m.Conf != nil {
		file = *m.Conf
	}
	text := file.Content.Reveal()
	mine := marked.Lines(text, want.Cluster)
	next, err := marked.Set(text, want.Cluster, lines)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", confPath, err)
	}
	switch {
	case mine == nil && !differs: // as somebody else set it
		next = text
	case len(lines) == 0 && slices.ContainsFunc(m.Groups, func(g FoundGroup) bool { return g.SystemID != "" }): // no machine may lose its groups
		next = text
	case next == text && differs:
		return nil, fmt.Errorf("%s says %s, and LVM does not follow; look for the same setting behind it (lvmconfig --type current)", confPath, strings.Join(lines, ", "))
	}
	c.Have = strings.Join(mine, ", ")
	if owned := m.owned(); source != nil && m.SystemID != "" && m.SystemIDSource != source.SystemIDSource && owned != "" {
		c.Risk, c.Why = reconcile.Outage, fmt.Sprintf("%s belong to the system ID %s, and could not be used any more", owned, m.SystemID)
	}
	if next != text {
		file.Content = reconcile.Plain(next)
		if m.Initramfs {
			step.Ops = append(step.Ops, reconcile.Write{Path: owedPath, File: reconcile.File{Content: reconcile.Plain(""), Mode: 0o600}})
		}
		step.Ops = append(step.Ops, reconcile.Write{Path: confPath, File: file})
	}
	if m.Initramfs && (next != text || m.Owed) {
		if next == text {
			c.Path, c.Have, c.Want = "initramfs", "older than "+confPath, "as "+confPath
		}
		step.Ops = append(step.Ops, reconcile.Command{Argv: []string{"update-initramfs", "-u"}, Limit: 15 * time.Minute}, reconcile.Command{Argv: []string{"rm", "-f", owedPath}})
	}
	if len(step.Ops) == 0 {
		return nil, nil
	}
	step.Changes = []reconcile.Change{c}
	return &step, nil
}

// owned are the groups that belong to a machine by its system ID.
func (m *Machine) owned() string {
	var names []string
	for _, g := range m.Groups {
		if g.SystemID != "" && g.SystemID == m.SystemID {
			names = append(names, g.Name)
		}
	}
	return strings.Join(names, ", ")
}
