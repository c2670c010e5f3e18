package iscsitarget

import (
	"context"
	"fmt"
	"slices"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

// savedFiles are rtslib's, as Debian and Red Hat place them, with the services that restore them at boot.
var savedFiles = []struct{ path, unit string }{
	{"/etc/rtslib-fb-target/saveconfig.json", "rtslib-fb-targetctl.service"},
	{"/etc/target/saveconfig.json", "target.service"},
}

// lookScript reads everything that is not a file or a device in one process. Its arguments are the wanted files. Of configfs it reads all values
// by one grep, whose lines are PATH NUL VALUE: a process for each of the hundreds of values takes seconds. After a boot it waits until what was
// saved is restored (a job of systemd's is there until then): half of it would be taken for what is missing, and made while it is being made.
const lookScript = `export LC_ALL=C
s() { printf '\n==hactl %s\n' "$1"; }
restoring() { for u in rtslib-fb-targetctl.service target.service; do case $(systemctl show --property=Job --value $u 2>/dev/null) in '' | 0) ;; *) echo $u;; esac; done; }
i=0; while [ -n "$(restoring)" ] && [ $i -lt 30 ]; do sleep 1; i=$((i+1)); done
s restoring; restoring
s tools; command -v targetctl
s units; systemctl show --property=Id,LoadState,UnitFileState rtslib-fb-targetctl.service target.service 2>/dev/null
s files; for p; do [ ! -e "$p" ] || stat -L -c '%F|%s|%n' -- "$p"; done
s links; cd /sys/kernel/config/target 2>/dev/null && { find iscsi -type l -printf '%p %l\n' 2>/dev/null
s hbas; ls core
s values; grep -rsaZ --exclude-dir=statistics --exclude-dir=fabric_statistics '' core iscsi; }
s end`

// Observe asks the machines of the targets, and all where there is something to prune: one process on each, one more for block devices, and
// one read of files. Zero want reads what all machines have.
func (Driver) Observe(ctx context.Context, hosts reconcile.Hosts, want State) (State, error) {
	have := State{Targets: want.Targets}
	asked := look.Hosts(hosts, want.Owner == "" || want.Prune, func(machine string) bool {
		return slices.ContainsFunc(want.Targets, func(t Target) bool { return t.Host == machine })
	})
	var err error
	have.Machines, err = look.All(ctx, asked, func(ctx context.Context, h reconcile.Host) (Machine, error) { return observe(ctx, h, want) }, unknown)
	return have, err
}

func observe(ctx context.Context, h reconcile.Host, want State) (Machine, error) {
	m := Machine{Name: h.Name()}
	var paths, devices []string
	for _, t := range want.Targets {
		for _, b := range t.Backstores {
			switch {
			case t.Host != m.Name:
			case b.Plugin == fileIO:
				paths = append(paths, b.Path)
			default:
				devices = append(devices, b.Path)
			}
		}
	}
	globs := []string{recordDir + "/*.json"}
	for _, s := range savedFiles {
		globs = append(globs, s.path)
	}
	script := reconcile.Cmd{Argv: append([]string{"sh", "-c", lookScript, "hactl-look-iscsitarget"}, paths...)}
	out, files, err := look.Machine(ctx, h, script, globs, func(ctx context.Context) (err error) {
		m.Devices, err = block.Look(ctx, h, devices)
		return err
	})
	if err != nil {
		return m, err
	}
	if err := m.parse(out); err != nil {
		return m, fmt.Errorf("%s: %w", h.Name(), err)
	}
	m.takeFiles(files)
	return m, nil
}

// takeFiles sorts records and what is restored at boot.
func (m *Machine) takeFiles(files map[string]reconcile.File) {
	m.Records, m.Broken = look.Records[Record](files, recordDir)
	for _, s := range savedFiles {
		if f, ok := files[s.path]; ok && (m.SavedPath == "" || m.SavedPath == s.path) {
			secret := reconcile.Secret(f.Content.Reveal())
			m.SavedPath, m.Saved = s.path, &secret
		}
	}
}
