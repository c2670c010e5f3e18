package e2e

import (
	"strings"
	"testing"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/test/e2e/lab"
)

// probe makes a package with a service that its installation starts, and a repository of it, on a node.
const probe = `set -e
d=$(mktemp -d); mkdir -p $d/DEBIAN $d/lib/systemd/system /srv/repo
cat >$d/DEBIAN/control <<C
Package: hactl-probe
Version: 1
Architecture: all
Maintainer: nobody <nobody@example.com>
Description: a service that its installation starts
C
printf '[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' >$d/lib/systemd/system/hactl-probe.service
cat >$d/DEBIAN/postinst <<'C'
#!/bin/sh
systemctl daemon-reload
systemctl enable -q hactl-probe
deb-systemd-invoke start hactl-probe.service || true
/usr/sbin/policy-rc.d hactl-probe start >/dev/null 2>&1; echo $? >/root/policy
C
chmod 755 $d/DEBIAN/postinst
dpkg-deb -b $d /srv/repo/hactl-probe_1_all.deb >/dev/null
cd /srv/repo; f=hactl-probe_1_all.deb
{ cat $d/DEBIAN/control; echo "Filename: ./$f"; echo "Size: $(stat -c %s $f)"; echo "SHA256: $(sha256sum $f | cut -d' ' -f1)"; echo; } >Packages
mkdir -p /etc/apt/sources.list.d; rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list.d/probe.list`

// The machines get what spec.prepare says: a package whose service does not start, the hosts file, and what starts at boot.
func TestSystemPrepares(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 2)
	for _, n := range l.Nodes() {
		l.MustExec(n.Name, "sh", "-c", probe)
	}
	l.MustExec("node1", "rm", "-f", "/usr/sbin/policy-rc.d")
	l.MustExec("node2", "sh", "-c", "printf '#!/bin/sh\\nexit 104\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d")
	l.MustExec("node1", "sh", "-c", "printf '127.0.0.1 localhost\\n127.0.1.1 node1 # installer' >/etc/hosts")
	boot := true
	m := clusterOf(l, 2)
	m.Cluster.Spec.Prepare = &v1.Prepare{
		Packages:  &v1.Packages{Debian: []string{"hactl-probe"}},
		HostsFile: true, StartAtBoot: &boot,
		Units: map[string]string{"hactl-probe": "disabled", "haproxy": "disabled", "memcached": "masked"},
	}
	e := lower(t, l, m)
	e.Layers = []reconcile.Layer{reconcile.Of(system.New())}
	p := planLower(t, e)
	warned := false
	for _, n := range p.Notes {
		warned = warned || strings.Contains(n.Text, "line 2 of /etc/hosts says that node1 is 127.0.1.1")
	}
	if !warned {
		t.Errorf("no word on 127.0.1.1: %+v", p.Notes)
	}
	if _, err := applyLower(t, e); err != nil {
		t.Fatal(err)
	}
	mustBeEmpty(t, e)
	for _, n := range l.Nodes() {
		if out, _ := l.Exec(n.Name, "systemctl", "is-active", "hactl-probe"); strings.TrimSpace(out) == "active" {
			t.Errorf("%s: the installation started the service", n.Name)
		}
		if out := l.MustExec(n.Name, "cat", "/root/policy"); strings.TrimSpace(out) != "101" {
			t.Errorf("%s: the policy said %s while installing", n.Name, out)
		}
		out, _ := l.Exec(n.Name, "systemctl", "is-enabled", "hactl-probe", "corosync", "pacemaker", "memcached")
		if out != "disabled\nenabled\nenabled\nmasked\n" {
			t.Errorf("%s: at boot: %q", n.Name, out)
		}
	}
	if out := l.MustExec("node2", "cat", "/usr/sbin/policy-rc.d"); !strings.Contains(out, "exit 104") {
		t.Errorf("the policy that was there is gone: %q", out)
	}
	if _, err := l.Exec("node1", "test", "!", "-e", "/usr/sbin/policy-rc.d"); err != nil {
		t.Error("hactl's policy was left behind")
	}
	hosts := l.MustExec("node1", "cat", "/etc/hosts")
	if !strings.HasPrefix(hosts, "127.0.0.1 localhost\n127.0.1.1 node1 # installer\n# BEGIN hactl lower ") || !strings.HasSuffix(hosts, "# END hactl lower\n") {
		t.Errorf("hosts file:\n%s", hosts)
	}

	t.Run("a killed installation forbids nothing afterwards", func(t *testing.T) {
		l.MustExec("node1", "sh", "-c", `dpkg -P hactl-probe >/dev/null; cd /tmp && dpkg-deb -R /srv/repo/*.deb x && sed -i '2i sleep 30' x/DEBIAN/postinst && dpkg-deb -b x /srv/repo/hactl-probe_1_all.deb >/dev/null &&
cd /srv/repo && f=hactl-probe_1_all.deb && { cat /tmp/x/DEBIAN/control; echo "Filename: ./$f"; echo "Size: $(stat -c %s $f)"; echo "SHA256: $(sha256sum $f | cut -d' ' -f1)"; echo; } >Packages`)
		done := make(chan error)
		go func() {
			_, err := e.Apply(t.Context(), reconcile.ApplyOptions{Approve: func(*reconcile.Observation, *reconcile.Plan) error { return nil }})
			done <- err
		}()
		policy := func() string {
			out, _ := l.Exec("node1", "sh", "-c", "/usr/sbin/policy-rc.d x start; echo $?")
			return strings.TrimSpace(out)
		}
		eventually(t, 20*time.Second, "the installation is under way", func() string {
			if _, err := l.Exec("node1", "pgrep", "-fx", "sleep 30"); err != nil {
				return "the package's script does not run yet"
			}
			if p := policy(); p != "101" {
				return "the policy says " + p
			}
			return ""
		})
		l.MustExec("node1", "pkill", "-KILL", "-f", "hactl-install|apt-get|dpkg|postinst|sleep 30")
		eventually(t, 10*time.Second, "services may start again", func() string {
			if p := policy(); p == "101" {
				return p
			}
			return ""
		})
		if err := <-done; err == nil {
			t.Error("a killed installation passed for a good one")
		}
		l.MustExec("node1", "sed", "-i", "/^sleep/d", "/var/lib/dpkg/info/hactl-probe.postinst")
		if _, err := applyLower(t, e); err != nil {
			t.Errorf("the next run does not mend it: %v", err)
		}
		mustBeEmpty(t, e)
	})
}
