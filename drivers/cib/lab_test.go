package cib

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// execHost runs commands in a node of a lab by the script that HACTL_CIB_LAB names (SCRIPT exec NODE ARGV…). The end-to-end tests use the
// real transport; this is for work on the driver alone.
type execHost struct{ script, name string }

func (h execHost) Name() string { return h.name }

func (h execHost) Run(ctx context.Context, c reconcile.Cmd) ([]byte, error) {
	cmd := exec.CommandContext(ctx, h.script, append([]string{"exec", h.name}, c.Argv...)...)
	cmd.Stdin = bytes.NewReader(c.Stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, &reconcile.ExitError{Host: h.name, Argv: c.Argv, Code: exit.ExitCode(), Stdout: out, Stderr: stderr.Bytes()}
	}
	return out, err
}

func (h execHost) ReadFiles(ctx context.Context, globs ...string) (map[string]reconcile.File, error) {
	files := map[string]reconcile.File{}
	for _, g := range globs {
		out, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", "ls -d " + g + " 2>/dev/null || true"}})
		if err != nil {
			return nil, err
		}
		for _, p := range strings.Fields(string(out)) {
			b, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"cat", p}})
			if err != nil {
				return nil, err
			}
			files[p] = reconcile.File{Content: reconcile.Secret(string(b)), Mode: 0o600, Owner: "root:root"}
		}
	}
	return files, nil
}

func (h execHost) WriteFile(ctx context.Context, path string, f reconcile.File) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", `umask 077; mkdir -p "${1%/*}"; cat > "$1"`, "sh", path}, Stdin: f.Content.Bytes()})
	return err
}

func labHosts(t *testing.T, names ...string) reconcile.Hosts {
	t.Helper()
	script := os.Getenv("HACTL_CIB_LAB")
	if script == "" {
		t.Skip("NOT TESTED: against real daemons, because HACTL_CIB_LAB names no lab script")
	}
	var hs reconcile.Hosts
	for _, n := range names {
		hs = append(hs, execHost{script, n})
	}
	return hs
}

// labApply does what the engine does: observe, plan, run, until nothing is left.
func labApply(t *testing.T, hs reconcile.Hosts, text string) error {
	t.Helper()
	ctx := t.Context()
	d := New("default")
	want, err := d.Desired(load(t, text), secretValues("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for round := 1; ; round++ {
		begun := time.Now()
		have, err := d.Observe(ctx, hs, want)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("observe: %s", time.Since(begun).Round(time.Millisecond))
		ss, err := d.Plan(want, have)
		if err != nil {
			t.Fatal(err)
		}
		if len(ss) == 0 {
			return nil
		}
		if round == 4 {
			t.Fatalf("no end: %+v", ss)
		}
		begun = time.Now()
		p, err := d.Predict(ctx, hs, want, have, ss)
		t.Logf("predict: %s: %+v %v", time.Since(begun).Round(time.Millisecond), p, err)
		if err != nil {
			return err
		}
		for _, s := range ss {
			if s.Pending != "" {
				t.Fatalf("%s: pending: %s", s.ID, s.Pending)
			}
			for _, op := range s.Ops {
				begun := time.Now()
				err := op.Do(ctx, hs.Named(s.Host), func(p reconcile.Progress) { t.Log("  ", p.Text) })
				head, _, _ := strings.Cut(op.String(), "\n")
				t.Logf("%s: %s: %s", s.ID, head, time.Since(begun).Round(time.Millisecond))
				if err != nil {
					return err
				}
			}
		}
	}
}

func TestLabWeb(t *testing.T) {
	hs := labHosts(t, "n1", "n2", "n3")
	if err := labApply(t, hs, web); err != nil {
		t.Fatal(err)
	}
	have, err := New("default").Observe(t.Context(), hs, desired(t, web))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range New("default").Status(have) {
		t.Logf("%-8s %-20s %s", h.Level, h.Object, h.Text)
	}
	t.Logf("%+v", New("default").Standing(desired(t, web), have))
}

// What changes in a running cluster: a parameter, a new member in the middle of a group, a foreign setting that stays.
func TestLabChange(t *testing.T) {
	hs := labHosts(t, "n1", "n2", "n3")
	if err := labApply(t, hs, web); err != nil {
		t.Fatal(err)
	}
	if _, err := hs[0].Run(t.Context(), reconcile.Cmd{Argv: []string{"crm_resource", "-r", "A", "--set-parameter", "op_sleep", "--parameter-value", "0"}}); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(web, "fake: a", "fake: b")
	text = strings.ReplaceAll(text, "  - {name: G2,", "  - {name: G15, agent: \"ocf:pacemaker:Dummy\"}\n  - {name: G2,")
	if err := labApply(t, hs, text); err != nil {
		t.Fatal(err)
	}
	out, err := hs[0].Run(t.Context(), reconcile.Cmd{Argv: []string{"cibadmin", "-Q", "-o", "resources"}})
	if err != nil || !strings.Contains(string(out), "op_sleep") {
		t.Fatalf("%v: the foreign setting is gone: %s", err, out)
	}
	if i, j, k := strings.Index(string(out), `"G1"`), strings.Index(string(out), `"G15"`), strings.Index(string(out), `"G2"`); i >= j || j >= k {
		t.Errorf("the order of the group is wrong: %s", out)
	}
}

func TestLabRefuses(t *testing.T) {
	hs := labHosts(t, "n1", "n2", "n3")
	for name, text := range map[string]string{
		"agent":    strings.ReplaceAll(web, "ocf:pacemaker:Dummy", "ocf:pacemaker:Dumy"),
		"param":    strings.ReplaceAll(web, "fake: a", "fakee: a"),
		"fparam":   strings.ReplaceAll(web, "lanplus: 1", "lanpluss: 1"),
		"unit":     web + "---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: U}\nspec: {agent: \"systemd:nopee\"}\n",
		"required": web + "---\napiVersion: hactl/v1\nkind: Resource\nmetadata: {name: U}\nspec: {agent: \"ocf:heartbeat:IPaddr2\"}\n",
		"password": strings.ReplaceAll(web, "username: admin", "username: amin"),
	} {
		t.Run(name, func(t *testing.T) {
			err := labApply(t, hs, text)
			if err == nil {
				t.Fatal("no error")
			}
			t.Log(err)
		})
	}
}

// A cluster that is cut in two equal views must be told apart from a sound one.
func TestLabStandingSplit(t *testing.T) {
	hs := labHosts(t, "n1", "n2", "n3")
	want := desired(t, web)
	have, err := New("default").Observe(t.Context(), hs, want)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", New("default").Standing(want, have))
}
