package look

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

type host string

func (h host) Name() string { return string(h) }

func (host) Run(context.Context, reconcile.Cmd) ([]byte, error) { return nil, nil }

func (host) ReadFiles(context.Context, ...string) (map[string]reconcile.File, error) { return nil, nil }

func (host) WriteFile(context.Context, string, reconcile.File) error { return nil }

func TestAll(t *testing.T) {
	hosts := reconcile.Hosts{host("node1"), host("node2"), host("node3")}
	one := func(_ context.Context, h reconcile.Host) (string, error) {
		if h.Name() == "node2" {
			return "half", fmt.Errorf("read: %w", &reconcile.UnreachableError{Host: "node2", Err: errors.New("no route"), Hint: "is it on?"})
		}
		return "up", nil
	}
	got, err := All(t.Context(), hosts, one, func(host, why string) string { return host + ": " + why })
	if want := []string{"up", "node2: no route (is it on?)", "up"}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	broken := errors.New("a broken answer")
	if _, err := All(t.Context(), hosts, func(context.Context, reconcile.Host) (string, error) { return "", broken }, nil); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestRecalled(t *testing.T) {
	name := func(m string) string { m, _, _ = strings.Cut(m, ":"); return m }
	for all, want := range map[bool][]string{false: {"b:up", "x:is not in the snapshot"}, true: {"b:up", "x:is not in the snapshot", "a:up"}} {
		got := Recalled([]string{"a:up", "b:up"}, name, []string{"b", "x", "b"}, all, func(host, _ string) string { return host + ":is not in the snapshot" })
		if !reflect.DeepEqual(got, want) {
			t.Errorf("all %t: got %q, want %q", all, got, want)
		}
	}
}

func TestSections(t *testing.T) {
	got, err := Sections([]byte("noise\n==hactl a\nx ==hactl y\n\n==hactl b==\n==hactl end\n"))
	if want := map[string]string{"a": "x ==hactl y\n", "b": "", "end": ""}; err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v", got, err)
	}
	for _, cut := range []string{"", "\n==hactl a\nx\n==hactl e", "==hactl a\nend"} {
		if _, err := Sections([]byte(cut)); err == nil || !strings.Contains(err.Error(), "cut off") {
			t.Errorf("%q: %v", cut, err)
		}
	}
}

func TestNamed(t *testing.T) {
	err := Named(fmt.Errorf("observe: %w", &reconcile.ExitError{Host: "node1", Argv: []string{"sh", "-c", "a long script"}, Code: 3, Stderr: []byte("why")}), "look at disks")
	if s := err.Error(); strings.Contains(s, "script") || !strings.Contains(s, "look at disks") || !strings.Contains(s, "why") {
		t.Errorf("got %s", s)
	}
	if other := errors.New("other"); Named(other, "x") != other {
		t.Error("another error was changed")
	}
}

// A look that reached its time limit is an answer of a machine that is there: it says so, and does not pass for one that cannot be reached.
func TestLimitIsNoAbsence(t *testing.T) {
	hosts := reconcile.Hosts{slow{"node1"}}
	unknown := func(host, why string) string { return host + ": " + why }
	_, err := All(t.Context(), hosts, func(ctx context.Context, h reconcile.Host) (string, error) {
		_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", "…", "hactl-look-drbd", "r0"}})
		return "", err
	}, unknown)
	if err == nil || err.Error() != "node1: hactl-look-drbd r0: exit code 124: time limit reached; is the machine overloaded, or does a disk or service not answer?" {
		t.Error(err)
	}
}

// slow is a machine whose commands all reach their limit.
type slow struct{ host }

func (s slow) Run(_ context.Context, c reconcile.Cmd) ([]byte, error) {
	return nil, &reconcile.ExitError{Host: s.Name(), Argv: c.Argv, Code: 124}
}

// What a look is made of runs at once; the first that fails ends it, under the name that it was given first.
func TestMachine(t *testing.T) {
	out, files, err := Machine(t.Context(), told{}, reconcile.Cmd{Argv: []string{"sh", "-c", "…", "hactl-look"}}, []string{"/etc/a"}, func(context.Context) error { return nil })
	if err != nil || string(out) != "hactl-look" || files["/etc/a"].Content.Reveal() != "x" {
		t.Errorf("%q, %v, %v", out, files, err)
	}
	_, _, err = Machine(t.Context(), told{}, reconcile.Cmd{Argv: []string{"sh", "-c", "…", "hactl-look"}}, nil, func(context.Context) error {
		return Named(&reconcile.ExitError{Host: "node1", Argv: []string{"sh", "-c", "…"}, Code: 1}, "look at block devices")
	})
	if got := Named(err, "look at LVM"); got == nil || got.Error() != "node1: look at block devices: exit code 1: " {
		t.Error(got)
	}
}

// told is a machine that answers with what it is asked.
type told struct{ host }

func (told) Run(_ context.Context, c reconcile.Cmd) ([]byte, error) { return []byte(c.Argv[3]), nil }

func (told) ReadFiles(_ context.Context, globs ...string) (map[string]reconcile.File, error) {
	out := map[string]reconcile.File{}
	for _, g := range globs {
		out[g] = reconcile.File{Content: reconcile.Plain("x")}
	}
	return out, nil
}

func TestUnit(t *testing.T) {
	const text = "Id=a.service\nLoadState=not-found\nUnitFileState=\n\nId=b.service\nLoadState=loaded\nUnitFileState=disabled\n\nId=c.service\nLoadState=loaded\nUnitFileState=enabled\n"
	if name, boot := Unit(text); name != "b.service" || boot != "disabled" {
		t.Errorf("%s %s", name, boot)
	}
	if name, boot := Unit(""); name+boot != "" {
		t.Errorf("of nothing: %s %s", name, boot)
	}
}

func TestRecords(t *testing.T) {
	type record struct{ Owner string }
	good, broken := Records[record](map[string]reconcile.File{
		"/var/lib/x/a.json": {Content: reconcile.Plain(`{"owner": "me"}`)},
		"/var/lib/x/b.json": {Content: reconcile.Plain(`{`)},
		"/etc/x":            {Content: reconcile.Plain(`{"owner": "other"}`)},
	}, "/var/lib/x")
	if len(good) != 1 || good["a"].Owner != "me" || len(broken) != 1 || !strings.HasPrefix(broken["b"], "/var/lib/x/b.json: unexpected end") {
		t.Errorf("%v, %v", good, broken)
	}
}
