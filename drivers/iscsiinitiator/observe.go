package iscsiinitiator

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

// lookScript reads the sessions from sysfs in one process: iscsiadm would ask iscsid for each. Lines are PATH NUL VALUE.
const lookScript = `export LC_ALL=C
s() { printf '\n==hactl %s\n' "$1"; }
s tools; command -v iscsiadm
s dir; if [ -d /var/lib/iscsi ]; then echo /var/lib/iscsi; else echo /etc/iscsi; fi
s units; systemctl show --property=Id,LoadState,UnitFileState open-iscsi.service iscsi.service 2>/dev/null
s values; cd /sys/class/iscsi_session 2>/dev/null && { grep -sZH '' session*/targetname session*/state session*/device/target*/*/block/*/size
cd /sys/class/iscsi_connection && grep -sZH '' connection*/persistent_address connection*/persistent_port
s links; find /dev/disk/by-path /dev/disk/by-id -type l -printf '%p %l\n' 2>/dev/null; }
s end`

var globs = []string{nameFile, daemon, recordDir + "/*.json", "/etc/iscsi/nodes/*/*", "/etc/iscsi/nodes/*/*/*", "/var/lib/iscsi/nodes/*/*", "/var/lib/iscsi/nodes/*/*/*"}

// Observe asks the machines that are to log in, and all where there is something to prune: one process and one read of files on each. Zero
// want reads what all machines have.
func (Driver) Observe(ctx context.Context, hosts reconcile.Hosts, want State) (State, error) {
	have := State{Initiators: want.Initiators}
	asked := look.Hosts(hosts, want.Owner == "" || want.Prune, func(machine string) bool {
		return slices.ContainsFunc(want.Initiators, func(i Initiator) bool { return i.on(machine) })
	})
	var err error
	have.Machines, err = look.All(ctx, asked, observe, unknown)
	return have, err
}

func observe(ctx context.Context, h reconcile.Host) (Machine, error) {
	m := Machine{Name: h.Name()}
	out, files, err := look.Machine(ctx, h, reconcile.Cmd{Argv: []string{"sh", "-c", lookScript, "hactl-look-iscsiinitiator"}}, globs)
	if err != nil {
		return m, err
	}
	if err := m.parse(out); err != nil {
		return m, fmt.Errorf("%s: %w", h.Name(), err)
	}
	m.takeFiles(files)
	return m, nil
}

// parse fills in what the script said.
func (m *Machine) parse(out []byte) error {
	sections, err := look.Sections(out)
	if err != nil {
		return fmt.Errorf("iscsi sessions: %w", err)
	}
	m.Tools, m.Dir = strings.TrimSpace(sections["tools"]) != "", strings.TrimSpace(sections["dir"])
	m.Unit, m.Boot = look.Unit(sections["units"])
	m.sessions(sections["values"], links(sections["links"]))
	return nil
}

// links are the names below /dev/disk, by the kernel's name of the disk.
func links(text string) map[string][]string {
	out := map[string][]string{}
	for line := range strings.Lines(text) {
		if from, to, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			out[path.Base(to)] = append(out[path.Base(to)], from)
		}
	}
	return out
}

// sessions sorts the values of sysfs: session1/targetname, session1/device/target1:0:0/1:0:0:LUN/block/sde/size, connection1:0/….
func (m *Machine) sessions(text string, links map[string][]string) {
	found := map[string]*Session{}
	of := func(number string) *Session {
		if found[number] == nil {
			found[number] = &Session{}
		}
		return found[number]
	}
	for line := range strings.Lines(text) {
		p, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\x00")
		f := strings.Split(p, "/")
		if !ok || len(f) < 2 {
			continue
		}
		connection, _, _ := strings.Cut(strings.TrimPrefix(f[0], "connection"), ":")
		session := strings.TrimPrefix(f[0], "session")
		switch f[len(f)-1] {
		case "targetname":
			of(session).Target = v
		case "state":
			of(session).State = v
		case "size":
			sectors, err := strconv.ParseInt(v, 10, 64)
			lun, err2 := strconv.Atoi(f[3][strings.LastIndexByte(f[3], ':')+1:])
			if err == nil && err2 == nil {
				name := f[len(f)-2]
				of(session).Disks = append(of(session).Disks, Disk{LUN: lun, Path: "/dev/" + name, Size: sectors * 512, Links: slices.Sorted(slices.Values(links[name]))})
			}
		case "persistent_address":
			of(connection).Portal.Address = v
		case "persistent_port":
			of(connection).Portal.Port = v
		}
	}
	for _, s := range found {
		if s.Target != "" {
			slices.SortFunc(s.Disks, func(a, b Disk) int { return a.LUN - b.LUN })
			m.Sessions = append(m.Sessions, *s)
		}
	}
	slices.SortFunc(m.Sessions, func(a, b Session) int { return strings.Compare(a.Target+a.Portal.String(), b.Target+b.Portal.String()) })
}

// takeFiles sorts the files, and marks the passwords.
func (m *Machine) takeFiles(files map[string]reconcile.File) {
	m.Nodes = map[string]reconcile.File{}
	m.Records, m.Broken = look.Records[Record](files, recordDir)
	for p, f := range files {
		switch {
		case p == nameFile:
			m.NameFile = &f
		case p == daemon:
			for line := range strings.Lines(f.Content.Reveal()) {
				if line = strings.TrimSpace(line); strings.HasPrefix(line, "node.") {
					m.Defaults = append(m.Defaults, marked(line))
				}
			}
		case path.Dir(p) == recordDir:
		default:
			var lines []reconcile.Text
			for line := range strings.Lines(f.Content.Reveal()) {
				lines = append(lines, marked(line))
			}
			f.Content = reconcile.Join(lines...)
			m.Nodes[p] = f
		}
	}
}

// marked hides the value of a line that sets a password.
func marked(line string) reconcile.Text {
	if k, v, ok := strings.Cut(line, "="); ok && strings.Contains(k, ".auth.password") {
		end := ""
		if strings.HasSuffix(v, "\n") {
			end = "\n"
		}
		return reconcile.Join(reconcile.Plain(k+"= "), reconcile.Secret(strings.TrimSpace(v)), reconcile.Plain(end))
	}
	return reconcile.Plain(line)
}
