package sim_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
)

var update = flag.Bool("update", false, "write the golden files anew")

// running is a cluster with all that crm_mon nests: groups, clones, promoted instances, what is stopped, unmanaged or fences.
func running(ctx context.Context) (*sim.Cluster, error) {
	m := load(fatal{}, strings.Replace(pair, "stonith-enabled: false", "stonith-enabled: true", 1)+dummies+`---
apiVersion: hactl/v1
kind: Resource
metadata: {name: S}
spec: {agent: "ocf:pacemaker:Stateful", clone: {promotable: true}, operations: [{name: monitor, interval: 10s, role: Promoted}, {name: monitor, interval: 11s, role: Unpromoted}]}
---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: CG}
spec: {resources: [{name: CG1, agent: "ocf:pacemaker:Dummy"}, {name: CG2, agent: "systemd:haproxy"}], clone: {}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: Off}
spec: {agent: "ocf:pacemaker:Dummy", meta: {target-role: Stopped}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: Free}
spec: {agent: "ocf:pacemaker:Dummy", meta: {is-managed: false}}
---
apiVersion: hactl/v1
kind: FenceDevice
metadata: {name: fence}
spec: {agent: fence_ipmilan, targets: [n1], avoidTargets: true, params: {ip: 10.79.0.1}}
`)
	c := simulated(m)
	if _, err := (run{want: m}).apply(ctx, c.Client()); err != nil {
		return nil, err
	}
	time.Sleep(time.Second)
	return c, nil
}

func tool(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{"", "/usr/sbin/"} {
		if p, err := exec.LookPath(dir + name); err == nil {
			return p
		}
	}
	t.Skipf("NOT TESTED: %s is not installed", name)
	return ""
}

// Pacemaker's own crm_mon and crm_simulate read the same out of our CIB as sim says itself.
func TestStatusConforms(t *testing.T) {
	var cib, mon string
	var simulated string
	err := bubble(t, func(ctx context.Context) error {
		c, err := running(ctx)
		if err != nil {
			return err
		}
		cib = c.CIB()
		h := c.Hosts()[0]
		out, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"crm_mon", "--output-as=xml"}})
		if err != nil {
			return err
		}
		mon = string(out)
		out, err = h.Run(ctx, reconcile.Cmd{Argv: []string{"crm_simulate", "--live-check", "--simulate", "--output-as=xml"}})
		simulated = string(out)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "cib.xml")
	if err := os.WriteFile(file, []byte(cib), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct {
		argv     []string
		ours, at string
	}{
		{[]string{"crm_mon", "--output-as=xml", "--inactive"}, mon, "."},
		{[]string{"crm_simulate", "--live-check", "--output-as=xml"}, simulated, "cluster_status"},
	} {
		cmd := exec.Command(tool(t, x.argv[0]), x.argv[1:]...)
		cmd.Env = append(os.Environ(), "CIB_file="+file, "LC_ALL=C")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v: %s", x.argv[0], err, stderr.String())
		}
		if d := cmp.Diff(shape(t, string(out), x.at), shape(t, x.ours, x.at)); d != "" {
			t.Errorf("%s says (-) and sim says (+):\n%s", x.argv[0], d)
		}
	}
}

// shape is what a status says, without what hactl does not read. Instances stand in no order.
func shape(t *testing.T, text, at string) []string {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	root := doc.Root()
	if at != "." {
		root = root.SelectElement(at)
	}
	reads := map[string][]string{
		"node":       {"name", "id", "online", "standby", "maintenance", "pending", "unclean", "is_dc", "type", "resources_running", "expected_up"},
		"resource":   {"id", "resource_agent", "role", "target_role", "active", "orphaned", "blocked", "managed", "failed", "nodes_running_on"},
		"group":      {"id", "number_resources"},
		"clone":      {"id", "multi_state", "unique", "failed"},
		"current_dc": {"present", "name", "id", "with_quorum"},
	}
	var out []string
	var walk func(el *etree.Element, in string)
	walk = func(el *etree.Element, in string) {
		for _, c := range el.ChildElements() {
			if c.Tag == "node_history" || c.Tag == "bans" {
				continue
			}
			line := in + "/" + c.Tag
			attrs := reads[c.Tag]
			if el.Tag == "resource" {
				attrs = []string{"name"}
				line += " of " + el.SelectAttrValue("id", "")
			}
			for _, a := range attrs {
				if v := c.SelectAttrValue(a, ""); v != "" {
					line += " " + a + "=" + v
				}
			}
			if attrs != nil {
				out = append(out, line)
			}
			walk(c, in+"/"+c.Tag+strings.SplitN("#"+c.SelectAttrValue("id", ""), ":", 2)[0])
		}
	}
	walk(root, "")
	slices.Sort(out)
	return out
}

// What quorumtool and cmapctl say in sim has the form of what the real ones said in the lab.
func TestCorosyncConforms(t *testing.T) {
	b, err := os.ReadFile("../corosync/testdata/look/running.txt")
	if err != nil {
		t.Fatal(err)
	}
	labels := func(text string) map[string]bool {
		out := map[string]bool{}
		for line := range strings.Lines(text) {
			if k, _, ok := strings.Cut(line, ":"); ok && !strings.Contains(line, "==") {
				out[k] = true
			}
			if strings.Contains(line, "Nodeid") {
				out[line] = true
			}
		}
		return out
	}
	real := labels(string(b))
	err = bubble(t, func(ctx context.Context) error {
		c, err := running(ctx)
		if err != nil {
			return err
		}
		out, err := c.Hosts()[0].Run(ctx, reconcile.Cmd{Argv: []string{"corosync-quorumtool", "-s"}})
		if err != nil {
			return err
		}
		for _, l := range sorted(labels(string(out))) {
			if !real[l] {
				return fmt.Errorf("corosync-quorumtool has no %q", l)
			}
		}
		out, err = c.Hosts()[0].Run(ctx, reconcile.Cmd{Argv: []string{"corosync-cmapctl"}})
		if err != nil {
			return err
		}
		for _, k := range []string{"nodelist.node.0.nodeid (u32) = ", "runtime.members.2.status (str) = joined", "quorum.provider (str) = ", "totem.crypto_cipher (str) = "} {
			if !strings.Contains(string(out), k) || !bytes.Contains(b, []byte(k)) {
				return fmt.Errorf("corosync-cmapctl: %q is not there, or not in the real one", k)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// A script that was changed may do something else than sim thinks it does. Look at it, and then run this with -update.
func TestScripts(t *testing.T) {
	var scripts map[string]string
	err := bubble(t, func(ctx context.Context) error {
		c, err := running(ctx)
		if err != nil {
			return err
		}
		m := load(fatal{}, pair+dummies)
		_, err = (run{want: m, opt: reconcile.ApplyOptions{Confirm: time.Minute}}).apply(ctx, c.Client())
		scripts = c.Scripts()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(scripts, "crm_simulate") // not interpreted
	var b strings.Builder
	for _, name := range sorted(scripts) {
		sum := sha256.Sum256([]byte(scripts[name]))
		fmt.Fprintf(&b, "%s %s\n", name, hex.EncodeToString(sum[:8]))
	}
	const golden = "testdata/scripts.txt"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), b.String()); d != "" {
		t.Errorf("scripts were changed; see what it means for sim, then go test ./drivers/sim -run TestScripts -update:\n%s", d)
	}
}
