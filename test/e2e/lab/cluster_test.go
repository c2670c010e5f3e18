package lab

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestClusterFences proves that what the lab is for works in it: three nodes
// become a cluster, one loses the ring, and the others cut its power through
// its BMC with the real agent.
func TestClusterFences(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: a cluster that fences, because of -short")
	}
	l := Up(t, 3)
	start := time.Now()
	key := strings.Repeat("hactl-lab", 32)
	for _, n := range l.Nodes() {
		put(t, l, n.Name, "/etc/corosync/corosync.conf", corosyncConf(l))
		put(t, l, n.Name, "/etc/corosync/authkey", key)
		l.MustExec(n.Name, "systemctl", "enable", "-q", "corosync", "pacemaker")
		l.MustExec(n.Name, "systemctl", "start", "--no-block", "corosync", "pacemaker")
	}
	crmMon := func() string { out, _ := l.Exec("node1", "crm_mon", "--output-as=xml"); return out }
	await(t, 90*time.Second, "three nodes online with a DC", func() bool {
		x := crmMon()
		return strings.Contains(x, `with_quorum="true"`) && strings.Count(x, `online="true"`) == 3
	})
	t.Logf("quorate with a DC after %v", time.Since(start).Round(10*time.Millisecond))

	for _, n := range l.Nodes() {
		l.MustExec("node1", "cibadmin", "-C", "-o", "resources", "-X", fenceDevice(n))
	}
	await(t, 30*time.Second, "three fence devices started", func() bool {
		return strings.Count(crmMon(), `role="Started"`) == 3
	})
	// The history keeps what happened to a node, also when it is back again.
	start = time.Now()
	l.Partition("node3", "ring")
	await(t, 60*time.Second, "a successful fencing of node3", func() bool {
		out, _ := l.Exec("node1", "stonith_admin", "--history", "node3", "--output-as=xml")
		return strings.Contains(out, `target="node3"`) && strings.Contains(out, `status="success"`)
	})
	t.Logf("fenced after %v", time.Since(start).Round(10*time.Millisecond))
	l.Heal("node3")
	await(t, 90*time.Second, "node3 back in the cluster", func() bool {
		return strings.Count(crmMon(), `online="true"`) == 3
	})
	t.Logf("whole again after %v", time.Since(start).Round(10*time.Millisecond))
}

func put(t *testing.T, l *Lab, node, path, content string) {
	t.Helper()
	c := l.Command(node, "sh", "-c", "umask 077; cat > "+path)
	c.Stdin = strings.NewReader(content)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: write %s: %v\n%s", node, path, err, out)
	}
}

func await(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited %v in vain for %s", limit, what)
}

func corosyncConf(l *Lab) string {
	var b strings.Builder
	b.WriteString("totem {\n version: 2\n cluster_name: lab\n transport: knet\n crypto_cipher: aes256\n crypto_hash: sha256\n}\n" +
		"quorum {\n provider: corosync_votequorum\n}\nlogging {\n to_syslog: yes\n}\nnodelist {\n")
	for i, n := range l.Nodes() {
		fmt.Fprintf(&b, " node {\n  name: %s\n  nodeid: %d\n  ring0_addr: %s\n }\n", n.Name, i+1, n.Ring)
	}
	b.WriteString("}\n")
	return b.String()
}

func fenceDevice(n Node) string {
	var b strings.Builder
	id := "fence-" + n.Name
	fmt.Fprintf(&b, `<primitive id="%s" class="stonith" type="fence_ipmilan"><instance_attributes id="%s-params">`, id, id)
	for _, p := range [][2]string{{"ip", n.BMC.Address}, {"username", n.BMC.User}, {"password", n.BMC.Password}, {"lanplus", "1"},
		{"cipher", fmt.Sprint(n.BMC.Cipher)}, {"pcmk_host_list", n.Name}} {
		fmt.Fprintf(&b, `<nvpair id="%s-%s" name="%s" value="%s"/>`, id, p[0], p[0], p[1])
	}
	b.WriteString(`</instance_attributes></primitive>`)
	return b.String()
}
