package drbd

import (
	"context"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/reconcile"
)

// answers is a machine that answers what DRBD's look asks, and counts who asked.
type answers struct {
	name   string
	events string
	files  map[string]reconcile.File
	slots  string
	asked  *sync.Map
}

func (a answers) Name() string { return a.name }

func (a answers) Run(_ context.Context, c reconcile.Cmd) ([]byte, error) {
	what := c.Argv[3]
	a.asked.Store(a.name+" "+what, true)
	switch what {
	case "hactl-look-drbd":
		return []byte("\n==hactl tools\n/sbin/drbdadm\n\n==hactl kernel\n9.2.5\n\n==hactl events\n" + a.events + "\n==hactl end\n"), nil
	case "hactl-look-drbd-slots":
		return []byte("\n==hactl r0/0\n" + a.slots + "\n==hactl end\n"), nil
	}
	return nil, errors.New(what + " is not answered here")
}

func (a answers) ReadFiles(_ context.Context, globs ...string) (map[string]reconcile.File, error) {
	out := maps.Clone(a.files)
	maps.DeleteFunc(out, func(p string, _ reconcile.File) bool {
		return !slices.ContainsFunc(globs, func(g string) bool { ok, _ := path.Match(g, p); return ok })
	})
	return out, nil
}

func (a answers) WriteFile(context.Context, string, reconcile.File) error {
	return errors.New("nothing is written while looking")
}

// Who leaves is looked at only where somebody does, and so is the metadata.
func TestLookAtMembers(t *testing.T) {
	w := formed(t, trio, "9.2.5", "node1", "node2", "node3")
	look := func(text string) (State, string) {
		t.Helper()
		var hosts reconcile.Hosts
		var asked sync.Map
		for _, n := range w.have.Nodes {
			hosts = append(hosts, answers{name: n.Name, files: n.Files, asked: &asked, slots: "max-peers 3;\npeer[1] {\n    bitmap-index 0;\npeer[2] {\n    bitmap-index -1;\npeer[5] {\n    bitmap-index 1;\n",
				events: three("Secondary", "UpToDate", "UpToDate", "UpToDate", "Secondary")})
		}
		want := desired(t, text)
		have := State{Resources: want.Resources}
		var err error
		for _, h := range hosts { // without block devices
			n := NodeState{Name: h.Name()}
			if !want.Resources[0].on(n.Name) {
				continue
			}
			out, _ := h.Run(t.Context(), lookCmd(nil))
			if err = n.parseLook(out); err != nil {
				t.Fatal(err)
			}
			n.takeFiles(w.node(n.Name).Files)
			have.Nodes = append(have.Nodes, n)
		}
		asked.Clear()
		if err = have.lookAtMembers(t.Context(), hosts, want); err != nil {
			t.Fatal(err)
		}
		var who []string
		asked.Range(func(k, _ any) bool { who = append(who, k.(string)); return true })
		slices.Sort(who)
		return have, strings.Join(who, ", ")
	}
	if have, who := look(trio); who != "" || len(have.Nodes) != 3 {
		t.Errorf("nobody joins or leaves, and asked was %s", who)
	}
	have, who := look(lone)
	if want := "node1 hactl-look-drbd-slots, node2 hactl-look-drbd-slots, node3 hactl-look-drbd"; who != want || len(have.Nodes) != 3 {
		t.Errorf("asked: %s, want %s", who, want)
	}
	if n := have.node("node3"); n == nil || n.Live["r0"] == nil || n.Live["r0"].Peers[1].ID != 2 {
		t.Errorf("node3: %+v", n)
	}
	if diff := cmp.Diff(map[string]slots{"r0/0": {Max: 3, Used: []int{1, 5}}}, have.node("node1").Slots); diff != "" {
		t.Error(diff)
	}
}

// What is kept of drbdmeta's dump, which holds the bitmaps, too.
func TestSlotsScript(t *testing.T) {
	h, _ := fake(t, map[string]string{"dump-md": "version \"v09\";\n\nmax-peers 3;\n# md_size_sect 88\n\nnode-id 0;\npeer[0] {\n    bitmap-index -1;\n    bitmap-uuid 0x0;\n}\npeer[1] {\n    bitmap-index 0;\n    bitmap-uuid 0x0;\n}\n" +
		"history-uuids {\n}\nbitmap[0] {\n   # at 0kB\n    2047 times 0x0000000000000000;\npeer[2] {\n    bitmap-index 1;\n}\n"})
	n := NodeState{Name: "here"}
	if err := n.lookAtSlots(t.Context(), h, []string{"r0/0"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]slots{"r0/0": {Max: 3, Used: []int{1}}}, n.Slots); diff != "" {
		t.Error(diff)
	}
}
