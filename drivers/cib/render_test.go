package cib

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRender(t *testing.T) {
	r, err := New("default").Render(desired(t, web), State{})
	if err != nil {
		t.Fatal(err)
	}
	text := r[0].File.Content.Reveal()
	verifyOffline(t, text)
	if strings.Contains(text, "hush") || !strings.Contains(text, "lrm://") {
		t.Error(text)
	}
	doc, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	var nodes []string
	for _, n := range section(doc, "nodes").ChildElements() {
		nodes = append(nodes, attr(n, "id")+" "+attr(n, "uname"))
	}
	if got := strings.Join(nodes, ", "); got != "1 n1, 2 n2, 3 n3" {
		t.Errorf("nodes %s", got)
	}
}

// State is plain data: what went through JSON plans the same, and tells no password.
func TestStateJSON(t *testing.T) {
	want := desired(t, strings.ReplaceAll(web, "fake: a", "fake: b"))
	clear := `<primitive id="Z" class="ocf" provider="heartbeat" type="x"><instance_attributes id="zi"><nvpair id="zp" name="password" value="topsecret"/></instance_attributes></primitive>`
	have := observed(want, strings.ReplaceAll(fresh, "<resources/>", "<resources>"+clear+"</resources>"))
	again := func(s State) State {
		b, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"hush", "topsecret"} {
			if strings.Contains(string(b), secret) {
				t.Errorf("%s is in the JSON", secret)
			}
		}
		var out State
		if err := json.Unmarshal(b, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	// The probes wait for the secrets, which are not known any more; the edits are the same.
	var edits [2]string
	for i, p := range [][2]State{{want, have}, {again(want), again(have)}} {
		x, err := newPlanner(p[0], p[1])
		if err != nil {
			t.Fatal(err)
		}
		edits[i] = Patch{Edits: x.edits}.String()
	}
	if d := cmp.Diff(edits[0], edits[1]); d != "" {
		t.Error(d)
	}
	if b, err := json.Marshal(steps(t, want, have)); err != nil || strings.Contains(string(b), "hush") {
		t.Errorf("%v %s", err, b)
	}
}
