package corosync

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

// recorded is a machine that answers what a real one said; see testdata/look.
type recorded struct {
	name  string
	look  string // file
	cut   int    // bytes lost at the end of the answer
	files map[string]reconcile.File
	err   error
}

func (r recorded) Name() string { return r.name }

func (r recorded) Run(_ context.Context, c reconcile.Cmd) ([]byte, error) {
	if r.err != nil {
		return nil, r.err
	}
	file := r.look
	if c.Argv[0] == "crm_mon" {
		if !strings.Contains(r.look, "running") {
			return nil, &reconcile.ExitError{Host: r.name, Argv: c.Argv, Code: 102}
		}
		file = "crm_mon.xml"
	}
	b, err := os.ReadFile(filepath.Join("testdata", "look", file))
	return b[:max(0, len(b)-r.cut)], err
}

func (r recorded) ReadFiles(context.Context, ...string) (map[string]reconcile.File, error) {
	return r.files, r.err
}

func (r recorded) WriteFile(context.Context, string, reconcile.File) error {
	return errors.New("observing must not write")
}

func TestObserve(t *testing.T) {
	files := map[string]reconcile.File{
		confPath: *file("totem {\n version: 2\n key: very-secret\n}\n", 0o644, "root:root"),
		keyPath:  *file("another-secret", 0o400, "root:root"),
		markPath: *file("quorum.wait_for_all\n", 0o600, "root:root"),
	}
	have, err := New("").Observe(t.Context(), reconcile.Hosts{
		recorded{name: "n1", look: "running.txt", files: files},
		recorded{name: "n2", look: "bare.txt"},
		recorded{name: "n3", look: "stopped.txt"},
		recorded{name: "n4", err: &reconcile.UnreachableError{Host: "n4", Err: errors.New("no route to host"), Hint: "is it on?"}},
	}, State{})
	if err != nil {
		t.Fatal(err)
	}
	n1, n2, n3, n4 := have.Nodes[0], have.Nodes[1], have.Nodes[2], have.Nodes[3]
	if n1.Running == nil || !n1.Running.Quorate || n1.Running.Votes != "3/3" || n1.Running.DC == "" || have.Cluster != "lab" {
		t.Errorf("a running member: %+v", n1.Running)
	}
	if d := cmp.Diff([]int{1, 2, 3}, n1.Running.Members); d != "" {
		t.Error(d)
	}
	for p, want := range map[string]string{"totem.crypto_cipher": "aes256", "nodelist.node[3].ring0_addr": "10.78.0.3", "logging.to_syslog": "yes"} {
		if got := n1.Running.Config[p]; got != want {
			t.Errorf("%s: %q, want %q", p, got, want)
		}
	}
	if d := cmp.Diff([]string{"quorum.wait_for_all"}, n1.Marked); d != "" {
		t.Error(d)
	}
	if n2.Running != nil || n2.CIB != nil || !n2.Installed || n2.Conf != nil || n2.Corosync != "inactive" {
		t.Errorf("a bare node: %+v", n2)
	}
	if n3.CIB == nil || n3.CIB.Cluster != "lab" || n3.CIB.Epoch != "0.6" || !strings.HasPrefix(n3.CIB.Written, "Fri Nov 20") {
		t.Errorf("a stopped member: %+v", n3.CIB)
	}
	if n4.Unobserved != "no route to host (is it on?)" {
		t.Errorf("an unreachable node: %q", n4.Unobserved)
	}
	if b := mustJSON(t, have); strings.Contains(b, "very-secret") || strings.Contains(b, "another-secret") {
		t.Errorf("a secret in JSON: %s", b)
	}
}

func mustJSON(t *testing.T, s State) string {
	t.Helper()
	var b strings.Builder
	for _, h := range New("").Status(s) {
		b.WriteString(h.Text)
	}
	x, err := jsonOf(s)
	if err != nil {
		t.Fatal(err)
	}
	return b.String() + x
}

// An answer that is cut off anywhere, or a daemon that runs and does not answer, is an error and never an empty state.
func TestObserveLies(t *testing.T) {
	b, err := os.ReadFile("testdata/look/running.txt")
	if err != nil {
		t.Fatal(err)
	}
	for cut := 13; cut < len(b); cut += 97 {
		_, err := New("").Observe(t.Context(), reconcile.Hosts{recorded{name: "n1", look: "running.txt", cut: cut}}, State{})
		if err == nil {
			t.Fatalf("%d bytes lost and nothing said", cut)
		}
	}
	silent := strings.Replace(string(b), "hactl-ok", "Failed to initialize the cmap API. Error CS_ERR_TRY_AGAIN", 1)
	sec, err := look.Sections([]byte(silent))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := running(sec); err == nil || !strings.Contains(err.Error(), "CS_ERR_TRY_AGAIN") {
		t.Errorf("a silent corosync: %v", err)
	}
	if _, err := New("").Observe(t.Context(), reconcile.Hosts{recorded{name: "n1", err: errors.New("permission denied")}}, State{}); err == nil {
		t.Error("an unreadable machine passed for a bare one")
	}
}

func TestSeedIsNoCIB(t *testing.T) {
	for _, x := range []struct {
		cib, name string
		old       bool
	}{
		{"\n", "", false},
		{"cib.xml\n", SeedID + "\n", false},
		{"cib.xml\n", `name="cluster-name" value="x"`, true},
		{"cib.xml\ncib.xml.sig\n", SeedID + "\n", true},
		{"cib-1.raw\n", "", true},
	} {
		if got := storedCIB(map[string]string{"cib": x.cib, "cibname": x.name}); (got != nil) != x.old {
			t.Errorf("%q %q: %+v", x.cib, x.name, got)
		}
	}
}

// knows is a machine whose crm_mon knows this controller, or none.
type knows struct {
	reconcile.Host
	dc string
}

func (k knows) Name() string { return "n" }

func (k knows) Run(context.Context, reconcile.Cmd) ([]byte, error) {
	if k.dc == "" {
		return []byte(`<pacemaker-result><summary><current_dc present="false"/></summary></pacemaker-result>`), nil
	}
	return []byte(`<pacemaker-result><summary><current_dc present="true" with_quorum="true" name="` + k.dc + `"/></summary></pacemaker-result>`), nil
}

// A member that has just come back knows no controller yet; the others do.
func TestTheControllerIsAskedOfWhoKnowsIt(t *testing.T) {
	s := State{Nodes: []NodeState{{Name: "n1", Corosync: "active", Pacemaker: "active", Running: &Running{}},
		{Name: "n2", Corosync: "active", Pacemaker: "active", Running: &Running{}}}}
	if err := s.setDC(t.Context(), reconcile.Hosts{knows{}, knows{dc: "n2"}}, ""); err != nil {
		t.Fatal(err)
	}
	if s.Nodes[1].Running.DC != "n2" {
		t.Errorf("no controller is known: %+v", s.Nodes)
	}
}
