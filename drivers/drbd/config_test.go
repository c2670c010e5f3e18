package drbd

import (
	"strings"
	"testing"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/drbd/conf"
)

const mesh = cluster + `apiVersion: hactl/v1
kind: DRBDResource
metadata: {name: r1}
spec:
  nodes:
  - {name: node1, address: "192.168.90.110:7789", nodeID: 1}
  - {name: node2, address: "192.168.90.120:7789", nodeID: 0}
  - {name: node3, address: "[fd00::1]:7789"}
  volumes:
  - {number: 0, device: /dev/drbd10, nodes: {node1: {disk: /dev/vg0/a}, node2: {disk: /dev/vg0/a, metaDisk: "/dev/vg0/m[0]"}, node3: {disk: none}}}
  - {number: 1, device: /dev/drbd11, nodes: {node1: {disk: /dev/vg0/b}, node2: {disk: /dev/vg0/b}, node3: {disk: none}}, disk: {c-max-rate: 100M}}
  connections:
  - {nodes: [node1, node2], net: {protocol: A}, paths: [{node1: "10.0.0.1:7000", node2: "10.0.0.2:7000"}]}
  net: {protocol: C, cram-hmac-alg: sha256}
  sharedSecret: {env: R1}
`

// What is rendered for three nodes is what drbdadm takes for DRBD 9, and 8.4 is told that it has no such thing.
func TestThreeNodes(t *testing.T) {
	want := desired(t, mesh)
	files, err := New("").Render(want, State{})
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files: %v", len(files), err)
	}
	if _, ok := dump(t, conf.V9, files[0].File.Content.Reveal()); !ok {
		t.Errorf("drbdadm refuses\n%s", files[0].File.Content)
	}
	if s := files[0].File.Content.String(); !strings.Contains(s, `shared-secret    "(secret)"`) {
		t.Errorf("the secret's place:\n%s", s)
	}
	if got := printed(t, want, blank(want, "node1", "node2", "node3")); !strings.Contains(got, "the nodes' kernels have DRBD 8.4, which joins two nodes by one connection") {
		t.Error(got)
	}
	have := blank(want, "node1", "node2", "node3")
	for i := range have.Nodes {
		have.Nodes[i].Kernel = "9.1.13"
	}
	if got := printed(t, want, have); !strings.Contains(got, "drbdadm create-md --max-peers=7 r1/1") || strings.Contains(got, "drbd node3 metadata r1 [safe]\n  create") {
		t.Error(got)
	}
}

// A secret of any characters is what drbdadm reads.
func TestSecretIsQuoted(t *testing.T) {
	s, err := New("").Desired(load(t, pair), secret(`a "b" \c #;{`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := s.Resources[0].file(conf.V84, "default", nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := conf.Parse("x", text.Bytes(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := c.Resource("r0").Sections["net"].Get("shared-secret"); v != `a "b" \c #;{` {
		t.Errorf("read back as %q", v)
	}
	for _, bad := range []string{"two\nlines", strings.Repeat("x", 65)} {
		if _, err := New("").Desired(load(t, pair), secret(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// A name that the kernel gives anew at each boot is tied to the disk that it meant.
func TestIdentity(t *testing.T) {
	want := desired(t, strings.ReplaceAll(managed, "disk: /dev/vg0/r0", "disk: /dev/sdb1"))
	have := recorded(t, want, "uptodate", "node1", "node2")
	set := func(identity string) {
		for i := range have.Nodes {
			have.Nodes[i].Devices["/dev/sdb1"] = block.Device{Path: "/dev/sdb1", Real: "/dev/sdb1", Identity: identity, Users: []string{"/dev/drbd0"}}
		}
	}
	set("wwn:1")
	w := work{r: &want.Resources[0], owner: "default"}
	for i := range have.Nodes {
		w.nodes = append(w.nodes, &have.Nodes[i])
	}
	disks, err := w.identities()
	if err != nil || strings.Join(disks, ", ") != "node1 /dev/sdb1 wwn:1, node2 /dev/sdb1 wwn:1" {
		t.Fatalf("%q, %v", disks, err)
	}
	if got := printed(t, want, have); !strings.Contains(got, "identities:  -> node1 /dev/sdb1 wwn:1") {
		t.Errorf("identities are not recorded:\n%s", got)
	}
	text, err := want.Resources[0].file(conf.V84, "default", disks)
	if err != nil {
		t.Fatal(err)
	}
	for i := range have.Nodes {
		f := have.Nodes[i].Files[confPath("r0")]
		f.Content = text
		have.Nodes[i].Files[confPath("r0")] = f
	}
	if got := printed(t, want, have); got != "" {
		t.Errorf("recorded, and there is still something to do:\n%s", got)
	}
	set("wwn:2")
	if got := printed(t, want, have); !strings.Contains(got, "node1: /dev/sdb1 was the disk wwn:1 when hactl recorded it, and is wwn:2 now") {
		t.Errorf("another disk under the name: %s", got)
	}
}
