package lvm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

const (
	confPath = "/etc/lvm/lvmlocal.conf"
	owedPath = "/var/lib/hactl/lvm-initramfs"
)

// lookScript reads what LVM knows in one process. Its arguments are those of the report. A report that ends with an error is none.
const lookScript = `export LC_ALL=C
s() { printf '\n==hactl %s\n' "$1"; }
if ! command -v lvm >/dev/null; then s absent; s end; exit 0; fi
s config; lvm lvmconfig --type full global/system_id_source global/use_lvmlockd || exit
s systemid; lvm systemid
s daemons; for d in lvmlockd dlm_controld sanlock; do for f in /run/$d.pid /run/$d/$d.pid; do
[ -e "$f" ] && read -r p <"$f" && [ -d "/proc/$p" ] && echo "$d"; done; done
s initramfs; command -v update-initramfs
s report; r=$(lvm "$@") || exit; printf '%s\n' "$r"
s names; printf '%s\n' "$r" | sed -n 's/.*"pv_name":"\(\/[^"]*\)".*/\1/p' | while read -r p; do printf '%s %s\n' "$p" "$(readlink -f "$p")"; done
s end`

// Observe asks the machines that the wanted groups are on, all where everything is wanted. On each it takes two processes and one read of files.
func (Driver) Observe(ctx context.Context, hosts reconcile.Hosts, want State) (State, error) {
	have := State{Cluster: want.Cluster, Owner: want.Owner, Groups: want.Groups}
	all := want.Owner == ""
	asked := look.Hosts(hosts, all, func(machine string) bool {
		return want.Prune && slices.Contains(want.Members, machine) || slices.ContainsFunc(want.Groups, func(g Group) bool { return slices.Contains(g.Nodes, machine) })
	})
	var err error
	have.Machines, err = look.All(ctx, asked, func(ctx context.Context, h reconcile.Host) (Machine, error) { return observe(ctx, h, want, all) }, unknown)
	return have, err
}

func observe(ctx context.Context, h reconcile.Host, want State, all bool) (Machine, error) {
	m := Machine{Name: h.Name()}
	script := reconcile.Cmd{Argv: append([]string{"sh", "-c", lookScript, "hactl-lvm"}, reportArgv...)}
	out, read, err := look.Machine(ctx, h, script, []string{confPath, owedPath}, func(ctx context.Context) (err error) {
		if !all {
			m.Devices, err = block.Look(ctx, h, want.paths(h.Name()))
		}
		return look.Named(err, "look at block devices")
	})
	if err != nil {
		return m, look.Named(err, "look at LVM")
	}
	if err := m.found(out, read); err != nil {
		return m, fmt.Errorf("%s: %w", h.Name(), err)
	}
	if all { // only now it is known what there is
		var err error
		if m.Devices, err = block.Look(ctx, h, m.paths()); err != nil {
			return m, look.Named(err, "look at block devices")
		}
		for name, d := range maps.Clone(m.Devices) { // by the names that an import writes as well
			if s := stable(d, name); s != name {
				d.Path = s
				m.Devices[s] = d
			}
		}
	}
	return m, nil
}

// found takes in the answer of look.
func (m *Machine) found(out []byte, files map[string]reconcile.File) error {
	sec, err := look.Sections(out)
	if err != nil {
		return fmt.Errorf("LVM: %w", err)
	}
	if f, ok := files[confPath]; ok {
		m.Conf = &f
	}
	_, m.Owed = files[owedPath]
	if _, absent := sec["absent"]; absent {
		return nil
	}
	m.Installed = true
	for l := range strings.Lines(sec["config"]) {
		switch k, v, _ := strings.Cut(strings.TrimSpace(l), "="); k {
		case "system_id_source":
			m.SystemIDSource = strings.Trim(v, `"`)
		case "use_lvmlockd":
			m.Lockd = v == "1"
		}
	}
	m.SystemID = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(sec["systemid"]), "system ID:"))
	m.Daemons = strings.Fields(sec["daemons"])
	m.Initramfs = strings.TrimSpace(sec["initramfs"]) != ""
	if m.Groups, m.Loose, err = parseReport([]byte(sec["report"])); err != nil {
		return err
	}
	reals := map[string]string{}
	for l := range strings.Lines(sec["names"]) {
		if name, real, ok := strings.Cut(strings.TrimSpace(l), " "); ok {
			reals[name] = real
		}
	}
	name := func(ds []FoundDisk) {
		for i := range ds {
			ds[i].Real = reals[ds[i].Name]
		}
	}
	for i := range m.Groups {
		name(m.Groups[i].Disks)
	}
	name(m.Loose)
	return nil
}

// paths are what has to be known of a machine: the wanted disks, their partitions and the volumes.
func (s State) paths(node string) (paths []string) {
	for _, g := range s.Groups {
		if !slices.Contains(g.Nodes, node) {
			continue
		}
		for _, d := range g.Disks {
			if p := d.Paths[node]; p != "" {
				paths = append(paths, p)
				if d.Partition {
					paths = append(paths, partitionOf(p))
				}
			}
		}
		for _, v := range g.Volumes {
			paths = append(paths, g.path(v.Name))
		}
	}
	return paths
}

// paths of what was found.
func (m *Machine) paths() (paths []string) {
	for _, g := range m.Groups {
		for _, d := range g.Disks {
			if d.Real != "" {
				paths = append(paths, d.Name)
			}
		}
		for _, v := range g.Volumes {
			if v.Active && v.Layout != poolLayout {
				paths = append(paths, "/dev/"+g.Name+"/"+v.Name)
			}
		}
	}
	return paths
}

// partitionOf is the path of the first partition of a disk: udev's links end in -part1, the kernel puts a p behind a digit
// (disk_name in block/partitions/core.c), and multipath's devices get a link as those of udev.
func partitionOf(disk string) string {
	switch last := disk[len(disk)-1]; {
	case strings.HasPrefix(disk, "/dev/disk/"), strings.HasPrefix(disk, "/dev/mapper/"):
		return disk + "-part1"
	case last >= '0' && last <= '9':
		return disk + "p1"
	}
	return disk + "1"
}
