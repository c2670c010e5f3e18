package files

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/reconcile"
)

func record() Record {
	return Record{
		Answers: map[string]Answer{
			Key("uname", "-n"): {Stdout: []byte("node1\n")},
			Key("crm_mon"):     {Code: 102, Stderr: []byte("not connected\n")},
		},
		Files: map[string]reconcile.File{
			"/etc/hosts": {Content: reconcile.Plain("127.0.0.1 localhost\n"), Mode: 0o644},
			"/etc/a.d/x": {Content: reconcile.Plain("x"), Mode: 0o600},
			"/etc/a.d/y": {Content: reconcile.Plain("y"), Mode: 0o600},
		},
		Globs: []string{"/etc/a.d/*", "/etc/shadow"},
	}
}

// A record that went through a file answers as before.
func hosts(t *testing.T) []*Host {
	b, err := json.Marshal(record())
	if err != nil {
		t.Fatal(err)
	}
	var again Record
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	return []*Host{New("node1", record()), New("node1", again)}
}

func TestRun(t *testing.T) {
	for _, h := range hosts(t) {
		var lines []string
		out, err := h.Run(t.Context(), reconcile.Cmd{Argv: []string{"uname", "-n"}, Line: func(b []byte) { lines = append(lines, string(b)) }})
		if err != nil || string(out) != "node1\n" || !cmp.Equal(lines, []string{"node1"}) {
			t.Errorf("%q %q %v", out, lines, err)
		}
		var exit *reconcile.ExitError
		if _, err := h.Run(t.Context(), reconcile.Cmd{Argv: []string{"crm_mon"}}); !errors.As(err, &exit) || exit.Code != 102 || string(exit.Stderr) != "not connected\n" {
			t.Errorf("a recorded failure: %v", err)
		}
		var unknown *reconcile.NotRecordedError
		for _, c := range []reconcile.Cmd{{Argv: []string{"uname"}}, {Argv: []string{"uname -n"}}, {Argv: []string{"uname", "-n"}, Stdin: []byte("x")}} {
			if out, err := h.Run(t.Context(), c); !errors.As(err, &unknown) || out != nil {
				t.Errorf("%q: %q %v", c.Argv, out, err)
			}
		}
		if _, err := h.Run(t.Context(), reconcile.Cmd{Argv: []string{"uname", "-n"}, Mutates: true}); err == nil || errors.As(err, &unknown) {
			t.Errorf("a change: %v", err)
		}
	}
}

// A file that was not asked for is unknown; one that was and is not there is absent.
func TestReadFiles(t *testing.T) {
	for _, h := range hosts(t) {
		for _, x := range []struct {
			globs []string
			want  []string
			known bool
		}{
			{[]string{"/etc/hosts"}, []string{"/etc/hosts"}, true},
			{[]string{"/etc/a.d/*", "/etc/hosts"}, []string{"/etc/a.d/x", "/etc/a.d/y", "/etc/hosts"}, true},
			{[]string{"/etc/shadow"}, nil, true},
			{[]string{"/etc/passwd"}, nil, false},
			{[]string{"/etc/hosts", "/etc/passwd"}, nil, false},
			{[]string{"/etc/*"}, nil, false},
		} {
			got, err := h.ReadFiles(t.Context(), x.globs...)
			var unknown *reconcile.NotRecordedError
			if x.known != (err == nil) || x.known == errors.As(err, &unknown) {
				t.Errorf("%q: %v", x.globs, err)
			}
			if len(got) != len(x.want) {
				t.Errorf("%q: %v", x.globs, got)
			}
			for _, p := range x.want {
				if got[p].Content.Reveal() == "" {
					t.Errorf("%q: no %s", x.globs, p)
				}
			}
		}
	}
	if err := New("n", record()).WriteFile(t.Context(), "/etc/hosts", reconcile.File{}); err == nil {
		t.Error("a record was changed")
	}
}
