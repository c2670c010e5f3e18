package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// S13: the reader reads and cannot write; the file alert writes its file on every node, and the mail alert hands a mail to sendmail.
func TestS13(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	for _, n := range l.Nodes() { // no mail server here: what the alert hands over is kept
		put(t, l, n.Name, "/usr/sbin/sendmail", "#!/bin/sh\ncat >>/tmp/mail.$(id -un)\n")
		l.MustExec(n.Name, "chmod", "755", "/usr/sbin/sendmail")
		l.MustExec(n.Name, "rm", "-f", "/tmp/mail.hacluster")
	}
	dir := example(t, "s13-acl-alerts")
	apply(t, l, "-f", dir)
	converged(t, l, "-f", dir)

	as := func(node string, argv ...string) (string, error) {
		return l.Exec(node, append([]string{"runuser", "-u", "rouser", "--"}, argv...)...)
	}
	for _, n := range l.Nodes() {
		if out, err := as(n.Name, "cibadmin", "--query", "--scope", "resources"); err != nil || !strings.Contains(out, `id="service"`) {
			t.Errorf("%s: rouser cannot read: %v\n%s", n.Name, err, out)
		}
		if out, err := as(n.Name, "crm_resource", "--resource", "service", "--set-parameter", "fake", "--parameter-value", "stolen"); err == nil {
			t.Errorf("%s: rouser could write a parameter:\n%s", n.Name, out)
		}
		if out, err := as(n.Name, "crm_attribute", "--name", "enable-acl", "--update", "false"); err == nil {
			t.Errorf("%s: rouser could switch the ACLs off:\n%s", n.Name, out)
		}
	}
	if out := l.MustExec("node1", "cibadmin", "--query"); strings.Contains(out, "stolen") || !strings.Contains(out, `name="enable-acl" value="true"`) {
		t.Errorf("rouser changed the configuration:\n%s", out)
	}

	// Each node tells of the operations that it runs itself.
	on := runsOn(t, l, "node1", "service")
	l.MustExec(on, "crm_resource", "--resource", "service", "--force-stop") // its monitor fails, and it is recovered
	eventually(t, 40*time.Second, "the file alert tells of the failure", func() string {
		out, _ := l.Exec(on, "cat", "/var/log/pcmk_alert_file.log")
		if !strings.Contains(out, "Resource operation 'monitor (10000)' for 'service' on '"+on+"': not running") {
			return out
		}
		return ""
	})
	l.Kill("node3")
	eventually(t, 90*time.Second, "the mail of node3's fencing", func() string {
		out, _ := l.Exec("node1", "cat", "/tmp/mail.hacluster")
		if !strings.Contains(out, "To: root@localhost") || !strings.Contains(out, "Fencing") {
			return "no mail: " + out
		}
		if strings.Contains(out, "Resource operation") {
			return "the alert is told of resources, which it does not select:\n" + out
		}
		return ""
	})
	for _, n := range []string{"node1", "node2"} { // nodes and fencing are told everywhere
		if out := l.MustExec(n, "cat", "/var/log/pcmk_alert_file.log"); !strings.Contains(out, "Node 'node3' is now 'lost'") {
			t.Errorf("%s: the file alert does not tell that node3 was lost:\n%s", n, out)
		}
	}
}
