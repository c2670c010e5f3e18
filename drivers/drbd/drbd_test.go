package drbd

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/drivertest"
	"github.com/hactl/hactl/reconcile"
)

const cluster = `apiVersion: hactl/v1
kind: Cluster
metadata: {name: web}
spec: {nodes: [{name: node1, addresses: [192.168.90.1]}, {name: node2, addresses: [192.168.90.2]}, {name: node3, addresses: [192.168.90.3]}]}
---
`

const pair = cluster + `apiVersion: hactl/v1
kind: DRBDResource
metadata: {name: r0}
spec:
  device: /dev/drbd0
  nodes:
  - {name: node1, disk: /dev/vg0/r0, address: "192.168.91.1:7788"}
  - {name: node2, disk: /dev/vg0/r0, address: "192.168.91.2:7788"}
  net: {protocol: C, cram-hmac-alg: sha1}
  sharedSecret: {env: R0}
  disk: {on-io-error: detach, resync-rate: 200M, c-plan-ahead: 0}
  initialSync: {from: node1}
  filesystem: {type: ext4}
`

const managed = pair + `---
apiVersion: hactl/v1
kind: Resource
metadata: {name: DRBD}
spec: {agent: "ocf:linbit:drbd", params: {drbd_resource: r0}, clone: {promotable: true}}
`

type secret string

func (v secret) Value(*v1.Object, string) reconcile.Text {
	if v == "" {
		return reconcile.UnknownSecret()
	}
	return reconcile.Secret(string(v))
}

func load(t *testing.T, text string) *v1.Manifests {
	t.Helper()
	sets, err := v1.Load([]v1.File{{Name: "m.yaml", Data: []byte(text)}})
	if err != nil {
		t.Fatal(err)
	}
	return sets[0]
}

func desired(t *testing.T, text string) State {
	t.Helper()
	s, err := New("").Desired(load(t, text), secret("s3cret"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// machine is a node with DRBD 8.4, the distribution's drbd.conf, and disks on which nothing is.
func machine(name string, want State) NodeState {
	n := NodeState{Name: name, Tools: true, Kernel: "8.4.11", Boot: "disabled", Marks: map[string]string{}, Live: map[string]*Live{},
		Metadata: map[string]string{}, Adjust: map[string][]string{}, Broken: map[string]string{}, Devices: block.Devices{},
		Files: map[string]reconcile.File{
			mainConf:                        {Content: reconcile.Plain("include \"drbd.d/global_common.conf\";\ninclude \"drbd.d/*.res\";\n")},
			confDir + "/global_common.conf": {Content: reconcile.Plain("global { usage-count no; }\ncommon { net { } }\n")}}}
	for _, d := range want.devices(name) {
		n.Devices[d] = block.Device{Path: d, Real: "/dev/sda", Size: 64 << 20}
	}
	return n
}

func blank(want State, names ...string) State {
	have := State{Resources: want.Resources}
	for _, n := range names {
		have.Nodes = append(have.Nodes, machine(n, want))
	}
	return have
}

// written puts the file of the wanted resource on all nodes.
func written(t *testing.T, want, have State) {
	t.Helper()
	files, err := New("").Render(want, have)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if n := have.node(f.Host); n != nil {
			n.Files[f.Path] = f.File
		}
	}
}

// recorded gives what a real node said in one of the recorded states, with the wanted file on it.
func recorded(t *testing.T, want State, state string, names ...string) State {
	t.Helper()
	have := blank(want, names...)
	written(t, want, have)
	for i, name := range names {
		read := func(file string) string {
			b, err := os.ReadFile(filepath.Join("testdata", "recorded", state, name, file+".out"))
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		var events strings.Builder
		for line := range strings.Lines(read("events2")) {
			_, event, _ := strings.Cut(line, " ") // recorded with --timestamps
			events.WriteString(event)
		}
		log, _ := os.ReadFile(filepath.Join("testdata", "recorded", state, name, "log.out")) // of some states only
		out := "\n==hactl tools\n/usr/sbin/drbdadm\n\n==hactl kernel\n8.4.11\n\n==hactl boot\ndisabled\n\n==hactl events\n" + events.String() +
			"\n==hactl proc\n" + read("proc") + "\n==hactl log r0\n" + string(log) + "\n==hactl gi r0\n" + read("get-gi") + "\n==hactl adjust r0\nok\n" + read("adjust") + "\n==hactl end\n"
		n := &have.Nodes[i]
		if err := n.parseLook([]byte(out)); err != nil {
			t.Fatal(err)
		}
		for j := range want.Resources {
			n.settleGenerations(&want.Resources[j])
		}
	}
	return have
}

// printed shows steps as a plan would: what for, after what, and how.
func printed(t *testing.T, want, have State) string {
	t.Helper()
	steps, err := New("").Plan(want, have)
	if err != nil {
		return "error: " + err.Error() + "\n"
	}
	var b strings.Builder
	for _, s := range steps {
		fmt.Fprintf(&b, "%s [%s]\n", s.ID, s.Risk())
		for _, c := range s.Changes {
			fmt.Fprintf(&b, "  %s %s %s: %s -> %s\n", c.Action, c.Object, c.Path, c.Have, c.Want)
		}
		for _, n := range s.Needs {
			if n.Kind != "machine" {
				fmt.Fprintf(&b, "  after %s\n", n)
			}
		}
		for _, o := range s.Ops {
			fmt.Fprintf(&b, "  $ %s\n", o)
		}
		if s.Pending != "" {
			fmt.Fprintf(&b, "  pending: %s\n", s.Pending)
		}
	}
	return b.String()
}

func TestBlank(t *testing.T) {
	want := desired(t, managed)
	got := printed(t, want, blank(want, "node1", "node2"))
	const expected = `drbd node1 file r0 [safe]
  create file/node1/etc/drbd.d/r0.res :  -> 
  $ write /etc/drbd.d/r0.res mode 0600
drbd node2 file r0 [safe]
  create file/node2/etc/drbd.d/r0.res :  -> 
  $ write /etc/drbd.d/r0.res mode 0600
drbd node1 metadata r0 [safe]
  create drbd/node1/r0 volume 0:  -> metadata on /dev/vg0/r0
  start drbd/node1/r0 :  -> up
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  $ modprobe drbd
  $ write /var/lib/hactl/drbd/r0.new mode 0600
  $ drbdadm create-md r0/0
  $ drbdadm up r0
drbd node2 metadata r0 [safe]
  create drbd/node2/r0 volume 0:  -> metadata on /dev/vg0/r0
  start drbd/node2/r0 :  -> up
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  $ modprobe drbd
  $ write /var/lib/hactl/drbd/r0.new mode 0600
  $ drbdadm create-md r0/0
  $ drbdadm up r0
drbd node1 first-sync r0 [safe]
  create drbd-sync/r0 initialSync:  -> from node1 to node2
  create drbd-sync/r0 /dev/drbd0:  -> ext4
  after drbd/node1/r0
  after drbd/node2/r0
  $ drbdadm primary --force r0 (once all nodes are connected, and if none has data)
  $ mkfs.ext4 -q /dev/drbd0 (unless it is there)
  $ drbdadm secondary r0
drbd node1 hand-over r0 [safe]
  create DRBDResource/r0 node1:  -> handed over to Pacemaker's DRBD
  after drbd/node1/r0
  after drbd/node2/r0
  after drbd-sync/r0
  $ rm -f -- /var/lib/hactl/drbd/r0.new
drbd node2 hand-over r0 [safe]
  create DRBDResource/r0 node2:  -> handed over to Pacemaker's DRBD
  after drbd/node1/r0
  after drbd/node2/r0
  after drbd-sync/r0
  $ rm -f -- /var/lib/hactl/drbd/r0.new
`
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Error(diff)
	}
}

// Whatever state a resource of Pacemaker's is in, the plan leaves it there.
func TestManagedIsLeftAlone(t *testing.T) {
	want := desired(t, managed)
	for _, state := range []string{"uptodate", "mounted", "syncing", "diskless", "standalone", "split-brain"} {
		names := []string{"node1", "node2"}
		if state == "mounted" {
			names = names[:1]
		}
		have := recorded(t, want, state, names...)
		if len(names) == 1 {
			have.Nodes = append(have.Nodes, NodeState{Name: "node2", Unobserved: "no answer"})
		}
		if got := printed(t, want, have); got != "" {
			t.Errorf("%s: the plan is not empty:\n%s", state, got)
		}
	}
}

// A mark makes the same state something to go on from.
func TestKilled(t *testing.T) {
	want := desired(t, managed)
	cases := []struct {
		name, state string
		marks       []string
		steps       string // the kinds of steps
	}{
		{"up on both", "inconsistent", []string{"node1", "node2"}, "first-sync hand-over hand-over"},
		{"syncing", "syncing", []string{"node1", "node2"}, "first-sync hand-over hand-over"},
		{"one mark is left", "uptodate", []string{"node2"}, "hand-over"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			have := recorded(t, want, c.state, "node1", "node2")
			for _, n := range c.marks {
				have.node(n).Marks["r0"] = "owner default"
			}
			if refs := (Driver{}).Provides(have); len(refs) > 0 {
				t.Errorf("marked, and still provided: %v", refs)
			}
			steps, err := New("").Plan(want, have)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, s := range steps {
				kinds = append(kinds, strings.Fields(s.ID)[2])
			}
			if got := strings.Join(kinds, " "); got != c.steps {
				t.Errorf("steps %q, want %q", got, c.steps)
			}
		})
	}
}

func TestDisks(t *testing.T) {
	want := desired(t, managed)
	set := func(change func(d *block.Device)) State {
		have := blank(want, "node1", "node2")
		d := have.Nodes[1].Devices["/dev/vg0/r0"]
		change(&d)
		have.Nodes[1].Devices["/dev/vg0/r0"] = d
		return have
	}
	errs := []struct {
		name, text string
		change     func(d *block.Device)
	}{
		{"absent", "m.yaml:13:25: DRBDResource r0: node2: /dev/vg0/r0 is not there, and no manifest makes it", func(d *block.Device) { *d = block.Device{Path: d.Path} }},
		{"unreadable", "cannot be read, so nobody knows what is on it: input/output error. Nothing was written", func(d *block.Device) { d.Unreadable = "input/output error" }},
		{"mounted", "is in use (mounted on /srv)", func(d *block.Device) { d.Mounts = []string{"/srv"} }},
	}
	for _, c := range errs {
		if got := printed(t, want, set(c.change)); !strings.Contains(got, c.text) {
			t.Errorf("%s: %q has not %q", c.name, got, c.text)
		}
	}
	steps, err := New("").Plan(want, set(func(d *block.Device) { d.Signatures = []block.Signature{{Offset: "0x438", Type: "ext4"}} }))
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, s := range steps {
		for _, c := range s.Changes {
			if c.Risk == reconcile.DataLoss {
				found = true
				if s.Host != "node2" || !c.ByName || c.Whole != Ref("r0") || !strings.Contains(c.Why, "ext4") {
					t.Errorf("data loss on %s: %+v", s.Host, c)
				}
			}
		}
	}
	if !found {
		t.Error("a disk with ext4 gets metadata without any risk")
	}
}

func TestChanges(t *testing.T) {
	old, want := desired(t, managed), desired(t, strings.Replace(managed, "on-io-error: detach", "on-io-error: pass_on", 1))
	have := recorded(t, old, "uptodate", "node1", "node2")
	const expected = `drbd node1 file r0 [safe]
  update file/node1/etc/drbd.d/r0.res disk/on-io-error: detach -> pass_on
  $ write /etc/drbd.d/r0.res mode 0600
drbd node2 file r0 [safe]
  update file/node2/etc/drbd.d/r0.res disk/on-io-error: detach -> pass_on
  $ write /etc/drbd.d/r0.res mode 0600
drbd node1 adjust r0 [reload]
  reload drbd/node1/r0 disk/on-io-error: detach -> pass_on
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  $ drbdadm adjust r0
drbd node2 adjust r0 [reload]
  reload drbd/node2/r0 disk/on-io-error: detach -> pass_on
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  after drbd/node1/r0
  $ drbdadm adjust r0
`
	if diff := cmp.Diff(expected, printed(t, want, have)); diff != "" {
		t.Error(diff)
	}
	// killed between the file and the kernel
	have = recorded(t, want, "uptodate", "node1", "node2")
	have.Nodes[1].Adjust["r0"] = []string{"drbdsetup-84 disk-options 0 --set-defaults --on-io-error=pass_on"}
	if got := printed(t, want, have); !strings.HasPrefix(got, "drbd node2 adjust r0 [reload]") || strings.Contains(got, "node1") {
		t.Errorf("after a kill: %s", got)
	}
}

func TestSplitBrain(t *testing.T) {
	want := desired(t, managed)
	have := recorded(t, want, "split-brain", "node1", "node2")
	const told = "split brain: node1 has the generation D9E8FE96AE8C7886 and node2 has BEC7B538AED991C0"
	h := (Driver{}).Status(have)
	if len(h) != 1 || h[0].Level != reconcile.Failed || !strings.HasPrefix(h[0].Text, told) {
		t.Errorf("status: %+v", h)
	}
	notes := (Driver{}).Notes(want, have)
	if len(notes) != 1 || !strings.HasPrefix(notes[0].Text, told) || !strings.Contains(notes[0].Text, "hactl apply --discard DRBDResource/r0=node1 throws away what node1 has written since, --discard DRBDResource/r0=node2 what node2 has. ") || !strings.Contains(notes[0].Text, "--discard-my-data") {
		t.Errorf("notes: %+v", notes)
	}
	if notes := (Driver{}).Notes(want, recorded(t, want, "inconsistent", "node1", "node2")); len(notes) != 1 || !strings.Contains(notes[0].Text, "drbdadm primary --force r0/0") {
		t.Errorf("a pair without data: %+v", notes)
	}
	if h := (Driver{}).Status(recorded(t, want, "standalone", "node1", "node2")); strings.Contains(h[0].Text, "split brain") || h[0].Level != reconcile.Failed {
		t.Errorf("a node that was disconnected by hand: %+v", h)
	}
	if h := (Driver{}).Status(recorded(t, want, "syncing", "node1", "node2")); h[0].Level != reconcile.Degraded || h[0].Condition != reconcile.Syncing || !strings.Contains(h[0].Text, "SyncTarget of node1, 10.2% done, 57.5 MiB of 64.0 MiB to go, about 1m53s left at 512 KiB/s") {
		t.Errorf("syncing: %+v", h)
	}
	if h := (Driver{}).Status(recorded(t, want, "uptodate", "node1", "node2")); h[0].Level != reconcile.OK || h[0].Condition != "" {
		t.Errorf("up to date: %+v", h)
	}
}

// No secret is in a state, a plan, notes or status once they are written down.
func TestSecrets(t *testing.T) {
	want := desired(t, managed)
	have := recorded(t, want, "split-brain", "node1", "node2")
	n := &have.Nodes[0]
	files := maps.Clone(n.Files)
	files[confPath("r0")] = reconcile.File{Content: reconcile.Plain(files[confPath("r0")].Content.Reveal()), Mode: 0o600}
	files["/etc/drbd.d/broken"] = reconcile.File{Content: reconcile.Plain("resource x { net { shared-secret \"s3cret\"")}
	n.takeFiles(files)
	have.Nodes[1].Files[confPath("r0")] = reconcile.File{Content: secretMarked(strings.ReplaceAll(n.Files[confPath("r0")].Content.Reveal(), "s3cret", "0ther-secret"))}
	steps, err := New("").Plan(want, have)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{want, have, steps, (Driver{}).Status(have), (Driver{}).Notes(want, have)} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"s3cret", "0ther-secret"} {
			if strings.Contains(string(b), `"`+text) || strings.Contains(string(b), text+`\"`) {
				t.Errorf("%T has the secret %s:\n%s", v, text, b)
			}
		}
	}
	if len(steps) == 0 {
		t.Error("another secret on node2 is no change")
	}
}

func TestLaws(t *testing.T) {
	for _, text := range []string{pair, managed} {
		drivertest.Run(t, reconcile.Of(New("")), load(t, text))
	}
}

func TestResize(t *testing.T) {
	want := desired(t, managed)
	have := recorded(t, want, "uptodate", "node1", "node2")
	grow := func(node string) {
		d := have.node(node).Devices["/dev/vg0/r0"]
		d.Size = 128 << 20
		have.node(node).Devices["/dev/vg0/r0"] = d
	}
	grow("node1")
	if got := printed(t, want, have); got != "" {
		t.Errorf("one disk of two has grown:\n%s", got)
	}
	grow("node2")
	const expected = `drbd node1 size-0 r0 [safe]
  update drbd/node1/r0 volume 0 size: 64.0 MiB -> 128.0 MiB
  $ drbdadm resize r0/0 (if all copies are UpToDate)
`
	if diff := cmp.Diff(expected, printed(t, want, have)); diff != "" {
		t.Error(diff)
	}
	have.Nodes[0].Live["r0"].Role, have.Nodes[1].Live["r0"].Role = "Secondary", "Primary"
	have.Nodes[1].Devices["/dev/drbd0"] = block.Device{Path: "/dev/drbd0", Real: "/dev/drbd0", Size: 65496 << 10, FileSystemSize: 65496 << 10,
		Signatures: []block.Signature{{Offset: "0x438", Type: "ext4"}}, Mounts: []string{"/srv"}}
	if got := printed(t, want, have); !strings.Contains(got, "drbd node2 size-0") || !strings.Contains(got, "$ grow ext4 on /dev/drbd0") {
		t.Errorf("where it is mounted, the file system does not grow:\n%s", got)
	}
}

// Another disk: blank, then metadata on it, then its data, one node after the other and never without a whole copy.
func TestOtherDisk(t *testing.T) {
	old, want := desired(t, managed), desired(t, strings.Replace(managed, "disk: /dev/vg0/r0", "disk: /dev/vg1/r0", 1))
	have := recorded(t, old, "uptodate", "node1", "node2")
	for i := range have.Nodes {
		n := machine(have.Nodes[i].Name, want)
		have.Nodes[i].Devices = n.Devices
	}
	const expected = `drbd node1 adjust r0 [redundancy]
  create drbd/node1/r0 volume 0:  -> metadata on /dev/vg1/r0
  reload drbd/node1/r0 on node1/volume 0/disk: /dev/vg0/r0 -> /dev/vg1/r0
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  $ drbdadm detach r0/0 (if all copies are UpToDate)
  $ drbdadm create-md r0/0
  $ drbdadm adjust r0, wait until all copies are UpToDate
`
	_, got, _ := strings.Cut(printed(t, want, have), "drbd node1 adjust")
	if diff := cmp.Diff(expected, "drbd node1 adjust"+got); diff != "" {
		t.Error(diff)
	}
	d := have.Nodes[0].Devices["/dev/vg1/r0"]
	d.Users = []string{"/dev/drbd0"}
	have.Nodes[0].Devices["/dev/vg1/r0"] = d
	if got := printed(t, want, have); !strings.HasSuffix(got, "  $ drbdadm adjust r0\n") {
		t.Errorf("the kernel has the wanted disk already, only the file is wrong:\n%s", got)
	}
}

// New addresses: both ends move, and only then can there be a connection to wait for.
func TestOtherAddress(t *testing.T) {
	old, want := desired(t, managed), desired(t, strings.ReplaceAll(managed, ":7788", ":7799"))
	_, got, _ := strings.Cut(printed(t, want, recorded(t, old, "uptodate", "node1", "node2")), "drbd node1 adjust")
	if first, second := strings.Index(got, "$ drbdadm adjust r0 (if all copies are UpToDate)\n"), strings.Index(got, "$ drbdadm adjust r0, wait until all copies are UpToDate\n"); first < 0 || second < first {
		t.Error(got)
	}
}

// Only what this owner made is removed, by name, and nothing that is in use or that Pacemaker still runs.
func TestPrune(t *testing.T) {
	have := recorded(t, desired(t, pair), "inconsistent", "node1", "node2")
	have.Nodes[1].Files[confPath("r0")] = reconcile.File{Content: reconcile.Plain(strings.Replace(have.Nodes[1].Files[confPath("r0")].Content.Reveal(), "owner default", "owner other", 1))}
	none := func(text string) State {
		t.Helper()
		want, err := New("").Pruning().Desired(load(t, text), secret(""))
		if err != nil {
			t.Fatal(err)
		}
		return want
	}
	steps, err := New("").Plan(none(cluster), have)
	if err != nil || len(steps) != 1 {
		t.Fatalf("%v, %d steps", err, len(steps))
	}
	s := steps[0]
	if s.Host != "node1" || s.Risk() != reconcile.DataLoss || !s.Changes[0].ByName || s.Changes[0].Object != Ref("r0") || !slices.Contains(s.Frees, block.Ref("node1", "/dev/vg0/r0")) {
		t.Errorf("%+v", s)
	}
	have.Nodes[1].Live["r0"].Role = "Primary"
	if got := printed(t, none(cluster), have); !strings.Contains(got, "pending: known after r0 is in use nowhere: it is Primary on node2") {
		t.Error(got)
	}
	_, resource, _ := strings.Cut(managed, "filesystem: {type: ext4}\n---\n")
	if got := printed(t, none(cluster+resource), have); !strings.Contains(got, "but the Resource DRBD runs it") {
		t.Error(got)
	}
	if got := printed(t, desired(t, cluster), have); got != "" {
		t.Errorf("without --prune: %s", got)
	}
}
