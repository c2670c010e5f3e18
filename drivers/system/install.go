package system

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/hactl/hactl/reconcile"
)

// Install installs packages that are missing. It upgrades nothing that it was not made to by a dependency, removes nothing but Replaces,
// and starts no service: corosync's and pacemaker's packages would otherwise start a cluster of one node with the example configuration.
type Install struct {
	Family   string   `json:"family"` // debian or redhat
	Packages []string `json:"packages"`
	// Replaces may be removed, because Packages conflict with it.
	Replaces string `json:"replaces,omitempty"`
}

// installLimit bounds a download from a slow mirror together with the installation.
const installLimit = 30 * time.Minute

// debianInstall gets Replaces as $1 and the packages as the rest.
//
// Debian's maintainer scripts start services through deb-systemd-invoke, which asks /usr/sbin/policy-rc.d; its exit code 101 forbids. The
// policy put there denies only as long as somebody holds the lock that apt and dpkg inherit from this shell (descriptor 9). So it never
// outlives the installation: after a kill, a power cut or a lost connection it lets everything through, to the policy that was there
// before if there was one, and the next installation clears it away.
const debianInstall = `set -eu
export LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l APT_LISTCHANGES_FRONTEND=none
replaces=$1; shift
policy=/usr/sbin/policy-rc.d; kept=$policy.before-hactl; lock=/run/hactl.install
restore() {
  if [ -e "$kept" ]; then mv -f "$kept" "$policy"
  elif grep -qs 'hactl.install' "$policy"; then rm -f "$policy"; fi
}
exec 9>"$lock"
flock -w 600 9 || { echo "another installation by hactl still runs here" >&2; exit 75; }
restore
trap restore EXIT
trap 'exit 130' HUP INT TERM
if [ -e "$policy" ]; then mv "$policy" "$kept"; fi
cat >"$policy.new" <<'POLICY'
#!/bin/sh
# Written by hactl: while it installs packages (the lock /run/hactl.install is held) no service is started.
flock -n /run/hactl.install true || exit 101
[ ! -x /usr/sbin/policy-rc.d.before-hactl ] || exec /usr/sbin/policy-rc.d.before-hactl "$@"
POLICY
chmod 755 "$policy.new"; mv -f "$policy.new" "$policy"
apt() { apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-confdef "$@"; }
sim() { apt -s --no-install-recommends install "$@" ${replaces:+"$replaces-"}; }
# What an earlier installation left half done must be ended before apt does anything else.
[ -z "$(dpkg --audit 2>/dev/null)" ] || dpkg --force-confold --force-confdef --configure -a
fresh=$(find /var/lib/apt/lists -maxdepth 1 -type f -name '*_Packages*' -mtime -1 2>/dev/null | head -n 1)
refresh() { updated=1; apt update || echo "the package lists could not be updated; going on with the old ones"; }
updated=
if [ -z "$fresh" ] || ! sim "$@" >/dev/null 2>&1; then refresh; fi
gone=$(sim "$@" | sed -n 's/^Remv \([^ ]*\).*/\1/p' | tr '\n' ' ')
case "$gone" in
'' | "$replaces ") ;;
*) echo "apt would remove $gone; hactl removes no package: install $* by hand" >&2; exit 1 ;;
esac
get() { apt -y --no-install-recommends install "$@" ${replaces:+"$replaces-"}; }
# A list of this morning may name versions that the mirror has replaced since: once more with a new one.
[ -n "$updated" ] || { if get "$@"; then exit 0; fi; refresh; }
get "$@"`

// redhatInstall: the scriptlets of RPM packages start nothing by themselves (systemd presets only enable).
var redhatInstall = []string{"dnf", "-y", "--setopt=install_weak_deps=False", "install"}

func (i Install) cmd() reconcile.Cmd {
	argv := append(append([]string(nil), redhatInstall...), i.Packages...)
	if i.Family == "debian" {
		argv = append([]string{"sh", "-c", debianInstall, "hactl-install", i.Replaces}, i.Packages...)
	}
	return reconcile.Cmd{Argv: argv, Limit: installLimit, Mutates: true}
}

func (i Install) String() string {
	if i.Family == "debian" {
		s := "apt-get -y --no-install-recommends install " + strings.Join(i.Packages, " ")
		if i.Replaces != "" {
			s += " " + i.Replaces + "-"
		}
		return s + " (no service is started)"
	}
	return shellescape.QuoteCommand(i.cmd().Argv)
}

// Do installs and then asks whether the packages are really there.
func (i Install) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	c := i.cmd()
	c.Line = func(b []byte) {
		for _, p := range []string{"Get:", "Unpacking ", "Setting up ", "Installing ", "the package lists"} {
			if strings.HasPrefix(strings.TrimSpace(string(b)), p) {
				progress(reconcile.Progress{Text: strings.TrimSpace(string(b))})
			}
		}
	}
	if _, err := h.Run(ctx, c); err != nil {
		return fmt.Errorf("install %s: %w", strings.Join(i.Packages, " "), shorten(err))
	}
	return nil
}

// shorten keeps the script out of the message and only the end of what apt said.
func shorten(err error) error {
	var e *reconcile.ExitError
	if !errors.As(err, &e) {
		return err
	}
	msg := strings.TrimSpace(string(e.Stderr))
	if msg == "" {
		msg = strings.TrimSpace(string(e.Stdout))
	}
	lines := strings.Split(msg, "\n")
	if len(lines) > 6 {
		lines = lines[len(lines)-6:]
	}
	short := *e
	short.Argv, short.Stderr = []string{"apt-get install"}, []byte(strings.Join(lines, "; "))
	if e.Argv[0] == "dnf" {
		short.Argv = []string{"dnf install"}
	}
	return &short
}
