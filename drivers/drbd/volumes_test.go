package drbd

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// several is the managed pair with two volumes; one has the first alone.
const several = cluster + `apiVersion: hactl/v1
kind: DRBDResource
metadata: {name: r0}
spec:
  nodes:
  - {name: node1, address: "192.168.91.1:7788"}
  - {name: node2, address: "192.168.91.2:7788"}
  net: {protocol: C, cram-hmac-alg: sha1}
  sharedSecret: {env: R0}
  disk: {on-io-error: detach, resync-rate: 200M, c-plan-ahead: 0}
  initialSync: {from: node1}
  volumes:
  - {number: 0, device: /dev/drbd0, nodes: {node1: {disk: /dev/vg0/r0}, node2: {disk: /dev/vg0/r0}}, filesystem: {type: ext4}}
  - {number: 1, device: /dev/drbd1, nodes: {node1: {disk: /dev/vg0/r1}, node2: {disk: /dev/vg0/r1}}, filesystem: {type: ext4}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: DRBD}
spec: {agent: "ocf:linbit:drbd", params: {drbd_resource: r0}, clone: {promotable: true}}
`

var single = func() string {
	before, after, _ := strings.Cut(several, "  - {number: 1,")
	_, after, _ = strings.Cut(after, "\n")
	return before + after
}()

// growing is a pair in use with volume 0, with what a look would find of volume 1's disks.
func growing(t *testing.T, want State, primary string) State {
	t.Helper()
	old := desired(t, single)
	have := recorded(t, old, "uptodate", "node1", "node2")
	have.Resources = want.Resources
	for i := range have.Nodes {
		n := &have.Nodes[i]
		fresh := machine(n.Name, want)
		for p, d := range fresh.Devices {
			if _, ok := n.Devices[p]; !ok {
				n.Devices[p] = d
			}
		}
		n.Live["r0"].Role = "Secondary"
		if n.Name == primary {
			n.Live["r0"].Role = "Primary"
		}
	}
	return have
}

// A volume that is added gets metadata and a first sync of its own; volume 0 is never named.
func TestVolumeAdded(t *testing.T) {
	want := desired(t, several)
	have := growing(t, want, "node2")
	_, got, _ := strings.Cut(printed(t, want, have), "drbd node1 metadata")
	const expected = ` r0 [safe]
  create drbd/node1/r0 volume 1:  -> metadata on /dev/vg0/r1
  start drbd/node1/r0 :  -> up
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  $ modprobe drbd
  $ write /var/lib/hactl/drbd/r0:1.new mode 0600
  $ drbdadm create-md r0/1
  $ drbdadm adjust r0
drbd node2 metadata r0 [safe]
  create drbd/node2/r0 volume 1:  -> metadata on /dev/vg0/r1
  start drbd/node2/r0 :  -> up
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  $ modprobe drbd
  $ write /var/lib/hactl/drbd/r0:1.new mode 0600
  $ drbdadm create-md r0/1
  $ drbdadm adjust r0
drbd node2 first-sync-1 r0 [safe]
  create drbd-sync/r0:1 volume 1:  -> from node2
  create drbd-sync/r0:1 /dev/drbd1:  -> ext4
  after drbd/node1/r0
  after drbd/node2/r0
  $ drbdadm primary --force r0/1 (once all nodes are connected, and if none has data)
  $ mkfs.ext4 -q /dev/drbd1 (unless it is there)
drbd node1 hand-over-1 r0 [safe]
  create DRBDResource/r0 node1 volume 1:  -> handed over
  after drbd/node1/r0
  after drbd/node2/r0
  after drbd-sync/r0:1
  $ drbdadm adjust r0
  $ rm -f -- /var/lib/hactl/drbd/r0:1.new
drbd node2 hand-over-1 r0 [safe]
  create DRBDResource/r0 node2 volume 1:  -> handed over
  after drbd/node1/r0
  after drbd/node2/r0
  after drbd-sync/r0:1
  $ drbdadm adjust r0
  $ rm -f -- /var/lib/hactl/drbd/r0:1.new
`
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Error(diff)
	}
	if refs := (Driver{}).Provides(have); !slices.Contains(refs, block.Ref("node1", "/dev/drbd0")) || slices.Contains(refs, block.Ref("node1", "/dev/drbd1")) {
		t.Errorf("provided: %v", refs)
	}
	if got := printed(t, want, growing(t, want, "")); !strings.Contains(got, "drbd node1 first-sync-1") || !strings.Contains(got, "$ drbdadm secondary r0/1\n") {
		t.Errorf("in use nowhere:\n%s", got)
	}

	// A disk that holds something is as safe as that of a new resource.
	d := have.Nodes[0].Devices["/dev/vg0/r1"]
	d.Signatures = []block.Signature{{Offset: "0x438", Type: "ext4"}}
	have.Nodes[0].Devices["/dev/vg0/r1"] = d
	steps, err := New("").Plan(want, have)
	if err != nil || !slices.ContainsFunc(steps, func(s reconcile.Step) bool { return s.ID == "drbd node1 metadata r0" && s.Risk() == reconcile.DataLoss }) {
		t.Errorf("a disk with ext4: %v", err)
	}
}

// However far an apply came that added a volume, the next one goes on; a copy that is good is never made the target.
func TestVolumeKilled(t *testing.T) {
	want := desired(t, several)
	kinds := func(have State) string {
		steps, err := New("").Plan(want, have)
		if err != nil {
			return err.Error()
		}
		var out []string
		for _, s := range steps {
			f := strings.Fields(s.ID)
			out = append(out, f[1]+" "+f[2])
		}
		return strings.Join(out, ", ")
	}
	have := growing(t, want, "node2")
	written(t, want, have)
	n1, n2 := &have.Nodes[0], &have.Nodes[1]
	for _, n := range []*NodeState{n1, n2} {
		n.Marks["r0:1"] = "owner default"
	}
	if got := kinds(have); got != "node1 metadata, node2 metadata, node2 first-sync-1, node1 hand-over-1, node2 hand-over-1" {
		t.Errorf("marked: %s", got)
	}
	n1.Devices["/dev/vg0/r1"] = block.Device{Path: "/dev/vg0/r1", Real: "/dev/sdb", Signatures: []block.Signature{{Offset: "0x1", Type: "drbd"}}}
	n1.Adjust["r0"] = []string{"drbdsetup-84 new-minor r0 1 1", "drbdmeta 1 v08 /dev/vg0/r1 internal apply-al", "drbdsetup-84 attach 1 /dev/vg0/r1 /dev/vg0/r1 internal"}
	if got := kinds(have); got != "node2 metadata, node1 adjust, node2 first-sync-1, node1 hand-over-1, node2 hand-over-1" {
		t.Errorf("metadata on node1: %s", got)
	}
	for _, n := range []*NodeState{n1, n2} {
		delete(n.Adjust, "r0")
		n.Live["r0"].Volumes[1] = Volume{Minor: 1, Disk: "Inconsistent"}
	}
	if got := kinds(have); got != "node2 first-sync-1, node1 hand-over-1, node2 hand-over-1" {
		t.Errorf("up: %s", got)
	}
	if notes := (Driver{}).Notes(want, have); len(notes) != 0 {
		t.Errorf("up, told: %v", notes)
	}
	// The sync began on node1, and then node2 was made primary.
	n1.Live["r0"].Volumes[1] = Volume{Minor: 1, Disk: "UpToDate"}
	if got := kinds(have); got != "node1 first-sync-1, node2 promote-1, node1 hand-over-1, node2 hand-over-1" {
		t.Errorf("good on node1: %s", got)
	}
	n2.Live["r0"].Volumes[1] = Volume{Minor: 1, Disk: "UpToDate"}
	delete(n1.Marks, "r0:1")
	delete(n2.Marks, "r0:1")
	if got := kinds(have); got != "" {
		t.Errorf("handed over: %s", got)
	}
}

// A volume that no manifest tells goes first where the resource is in use: if something uses it, nothing has happened yet.
func TestVolumeGone(t *testing.T) {
	old, want := desired(t, several), desired(t, single)
	have := growing(t, old, "node2")
	have.Resources = want.Resources
	written(t, old, have)
	for i := range have.Nodes {
		have.Nodes[i].Live["r0"].Volumes[1] = Volume{Minor: 1, Disk: "UpToDate"}
	}
	const expected = `drbd node2 adjust r0 [outage]
  update drbd/node2/r0 volume 1: /dev/drbd1 -> 
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  $ make sure that nothing uses /dev/drbd1 (r0/1)
  $ drbdadm adjust r0
drbd node1 adjust r0 [outage]
  update drbd/node1/r0 volume 1: /dev/drbd1 -> 
  after file/node1/etc/drbd.d/r0.res
  after file/node2/etc/drbd.d/r0.res
  after drbd/node2/r0
  $ make sure that nothing uses /dev/drbd1 (r0/1)
  $ drbdadm adjust r0
`
	_, got, _ := strings.Cut(printed(t, want, have), "drbd node2 adjust")
	if diff := cmp.Diff(expected, "drbd node2 adjust"+got); diff != "" {
		t.Error(diff)
	}
	// killed after the files
	written(t, want, have)
	for i := range have.Nodes {
		have.Nodes[i].Adjust["r0"] = []string{"drbdsetup-84 detach 1", "drbdsetup-84 del-minor 1"}
	}
	if got := printed(t, want, have); !strings.HasPrefix(got, "drbd node2 adjust r0 [outage]\n  update drbd/node2/r0 volume 1: /dev/drbd1 -> \n  $ make sure") {
		t.Errorf("killed: %s", got)
	}
}

// Nodes that did not authenticate each other get the same secret, and are connected; a node that somebody disconnected is not.
func TestAuthentication(t *testing.T) {
	want := desired(t, managed)
	have := recorded(t, want, "authentication", "node1", "node2")
	have.Nodes[1].Files[confPath("r0")] = reconcile.File{Content: secretMarked(strings.ReplaceAll(have.Nodes[1].Files[confPath("r0")].Content.Reveal(), "s3cret", "wrong")), Mode: 0o600}
	const expected = `drbd node2 file r0 [safe]
  update file/node2/etc/drbd.d/r0.res net/shared-secret: (secret) -> (secret)
  $ write /etc/drbd.d/r0.res mode 0600
drbd node1 adjust r0 [reload]
`
	got := printed(t, want, have)
	if !strings.HasPrefix(got, expected) || !strings.HasSuffix(got, "  $ drbdadm adjust r0, wait until the nodes are connected\n") || strings.Contains(got, "pending") {
		t.Error(got)
	}
	for _, text := range []string{(Driver{}).Status(have)[0].Text, (Driver{}).Notes(want, have)[0].Text} {
		if !strings.Contains(text, "authenticate") || !strings.Contains(text, "drbd r0: Authentication of peer failed") || strings.Contains(text, "split brain: ") {
			t.Error(text)
		}
	}
	// Both have written since: that is split brain all the same, and stays.
	have.Nodes[0].Metadata["r0/0"], have.Nodes[1].Metadata["r0/0"] = "1111111111111111:2222222222222222:0:0", "3333333333333333:2222222222222222:0:0"
	if got := printed(t, want, have); !strings.Contains(got, "pending: known after r0 is connected again") {
		t.Error(got)
	}
}

// A machine that was set up anew: its blank disk gets metadata and is filled from the other, which nobody touches.
func TestReplaced(t *testing.T) {
	want := desired(t, strings.Split(pair, "---\napiVersion: hactl/v1\nkind: Resource")[0])
	have := recorded(t, want, "peer-lost", "node1")
	have.Nodes = append(have.Nodes, machine("node2", want))
	const expected = `drbd node2 file r0 [safe]
  create file/node2/etc/drbd.d/r0.res :  -> 
  $ write /etc/drbd.d/r0.res mode 0600
drbd node2 metadata r0 [safe]
  create drbd/node2/r0 volume 0:  -> metadata on /dev/vg0/r0
  update DRBDResource/r0 node2:  -> joins, and is filled by the others
  start drbd/node2/r0 :  -> up
  after file/node2/etc/drbd.d/r0.res
  $ modprobe drbd
  $ drbdadm create-md r0/0
  $ drbdadm up r0
`
	if diff := cmp.Diff(expected, printed(t, want, have)); diff != "" {
		t.Error(diff)
	}
}
