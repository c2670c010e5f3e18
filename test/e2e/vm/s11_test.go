package vm

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestS11 is a file system that both nodes write to at the same time. The parts run in order on one lab.
func TestS11(t *testing.T) {
	l := blank3(t, "192.168.90")
	dir := applied(t, l, "s11-gfs2")
	both := []string{"node1", "node2"}
	mounted := func() string {
		for _, n := range both {
			if out, err := l.Exec(n, "findmnt", "-n", "-o", "FSTYPE", "/gfs2-share"); err != nil || strings.TrimSpace(out) != "gfs2" {
				return fmt.Sprintf("%s has %q at /gfs2-share (%v)", n, out, err)
			}
		}
		return ""
	}
	within(t, "it is mounted on both nodes", mounted)

	t.Run("both write at once", func(t *testing.T) {
		// each its own file, and both the same one, a line at a time
		const writing = `cd /gfs2-share; i=0; while [ $i -lt 50 ]; do i=$((i+1)); echo "$(hostname) $i" >>own.$(hostname); flock all sh -c "echo $(hostname) $i >>all"; done; sync own.$(hostname) all`
		done := make(chan error)
		for _, n := range both {
			go func() { _, err := l.Exec(n, "sh", "-ec", writing); done <- err }()
		}
		for range both {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		for _, n := range both {
			out := l.MustExec(n, "sh", "-c", "cd /gfs2-share; sort -u all | wc -l; wc -l <all; sort -u own."+peer(n)+" | wc -l")
			if got := strings.Join(strings.Fields(out), " "); got != "100 100 50" {
				t.Errorf("%s reads %q", n, got)
			}
		}
	})
	grown := larger(t, dir)
	t.Run("grows while both use it", func(t *testing.T) {
		s := service{lab: l, dir: grown}
		if out, stderr, code := l.Hactl("apply", "-f", s.dir, "--yes"); code != 0 {
			t.Fatalf("apply: %d\n%s%s", code, out, stderr)
		}
		s.converged(t)
		for _, n := range both {
			if size := strings.TrimSpace(l.MustExec(n, "sh", "-c", "df --output=size -m /gfs2-share | tail -n 1")); size < "1400" || len(size) != 4 {
				t.Errorf("%s sees %s MiB", n, size)
			}
		}
		dir = s.dir
	})
	t.Run("power loss", func(t *testing.T) {
		l.MustExec("node2", "sh", "-c", `(i=0; while [ ! -e /run/stop ]; do i=$((i+1)); echo $i >>/gfs2-share/going; sleep 1; done) >/dev/null 2>&1 &`)
		l.MustExec("node1", "sh", "-c", "echo acknowledged >/gfs2-share/last; sync /gfs2-share/last")
		lines := func() string { return l.MustExec("node2", "sh", "-c", "wc -l </gfs2-share/going") }
		begun := time.Now()
		l.Kill("node1")
		within(t, "node1 is fenced", func() string {
			out, err := l.Exec("node2", "stonith_admin", "--history", "node1")
			if err != nil || !strings.Contains(out, "reboot") {
				return out
			}
			return ""
		})
		before := ""
		within(t, "node2 goes on writing", func() string { // it waits for the journal of the node that is lost
			now := lines()
			if before == "" || now == before {
				before = now
				return "there are still " + now + " lines"
			}
			return ""
		})
		t.Logf("%s after the power loss", since(begun))
		if out := l.MustExec("node2", "cat", "/gfs2-share/last"); out != "acknowledged\n" {
			t.Errorf("what node1 wrote is %q", out)
		}
		l.WaitSSH("node1")
		online(t, l, "node2", 2)
		within(t, "node1 has mounted it again", mounted)
		l.MustExec("node2", "touch", "/run/stop")
		if out := l.MustExec("node1", "sh", "-c", "tail -n 1 /gfs2-share/going"); strings.TrimSpace(out) == "" {
			t.Errorf("node1 reads %q", out)
		}
		service{lab: l, dir: dir}.converged(t)
	})
}

// larger is the same manifests with a second disk of half the size.
func larger(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(to, "storage.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	disk := `  - {device: "/dev/disk/by-path/ip-192.168.91.3:3260-iscsi-iqn.2023-02.com.example:gfs2-lun-0"}` + "\n"
	text := strings.NewReplacer("size: 1G}}\n", "size: 1G}}\n  - {name: more, fileio: {path: /var/lib/iscsi_disks/more.img, size: 512M}}\n",
		disk, disk+strings.Replace(disk, "lun-0", "lun-1", 1)).Replace(string(b))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}
