package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hactl/hactl/schemas/agents"
)

// What is committed is what the agents print, for each package that is installed here in the version that was read.
func TestCommittedDataAreCurrent(t *testing.T) {
	recorded := agents.Source().Packages
	found, versions, err := programs("/")
	if err != nil {
		t.Skipf("NOT TESTED: no package with agents is installed here: %v", err)
	}
	same := map[string]bool{}
	for _, p := range found {
		switch v := versions[p.pkg]; {
		case recorded[p.pkg] == "":
			t.Errorf("%s has the agent %s and was not read; add it to root.sh and run make agents", p.pkg, p.name)
		case v != recorded[p.pkg]:
			t.Logf("NOT TESTED: %s %s is installed, %s was read", p.pkg, v, recorded[p.pkg])
		default:
			same[p.pkg] = true
		}
	}
	for pkg := range recorded {
		if versions[pkg] == "" {
			t.Logf("NOT TESTED: %s is not installed here", pkg)
		}
	}
	if len(same) == 0 {
		t.Skip("NOT TESTED: no package with agents is installed here in the version that was read; make agents reads all of them")
	}
	c, err := collect(context.Background(), "/", func(pkg string) bool { return same[pkg] })
	if err != nil {
		t.Fatal(err)
	}
	for name, why := range c.header.Skipped {
		if _, ok := agents.Source().Skipped[name]; !ok {
			t.Logf("NOT TESTED: %s: %s", name, why) // it imports what is not installed here
		}
	}
	for _, a := range c.agents {
		if a.Name == "pacemaker-fenced" {
			if d := cmp.Diff(a.Params, agents.FenceParams()); d != "" {
				t.Errorf("%s:\n%s", a.Name, d)
			}
			continue
		}
		have, ok := agents.Find(a.Name)
		if !ok {
			t.Errorf("%s is not in the data; run make agents", a.Name)
		} else if d := cmp.Diff(a, have); d != "" {
			t.Errorf("%s: the data are not what it prints; run make agents:\n%s", a.Name, d)
		}
	}
	t.Logf("%d agents of %d packages print what is committed", len(c.agents), len(same))
}

// A made-up system: what counts as an agent, whose it is, and what happens to those that fail.
func TestCollect(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("var/lib/dpkg/status", "Package: mine\nStatus: install ok installed\nVersion: 1:2-3\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 9\n", 0o644)
	write("var/lib/dpkg/info/mine:amd64.list", "/.\n/usr/sbin/fence_mine\n/usr/sbin/fence\n/usr/lib/ocf/resource.d/mine/thing\n/usr/lib/ocf/resource.d/mine/.lib\n"+
		"/usr/lib/ocf/resource.d/mine/data\n/usr/share/doc/fence_mine\n", 0o644)
	for _, f := range []string{"usr/sbin/fence_mine", "usr/sbin/fence", "usr/lib/ocf/resource.d/mine/thing", "usr/lib/ocf/resource.d/mine/.lib", "usr/share/doc/fence_mine"} {
		write(f, "#!/bin/sh\n", 0o755)
	}
	write("usr/lib/ocf/resource.d/mine/data", "no program", 0o644)
	found, versions, err := programs(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []program{
		{"fence_mine", "mine", []string{"/usr/sbin/fence_mine", "-o", "metadata"}},
		{"ocf:mine:thing", "mine", []string{"/usr/lib/ocf/resource.d/mine/thing", "meta-data"}},
	}
	if d := cmp.Diff(want, found, cmp.AllowUnexported(program{})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]string{"mine": "1:2-3"}, versions); d != "" {
		t.Error(d)
	}
	if _, _, err := programs(t.TempDir()); err == nil {
		t.Error("a folder without a system has agents")
	}
	bad := program{name: "bad", argv: []string{"/bin/sh", "-c", "echo first >&2; echo last words >&2; exit 3"}}
	if _, err := ask(context.Background(), "/", bad); err == nil || !strings.Contains(err.Error(), "exit status 3: last words") {
		t.Errorf("a failing agent: %v", err)
	}
}

// Writing what was read gives the embedded file again.
func TestWrite(t *testing.T) {
	c := &collection{header: agents.Source()}
	for _, n := range agents.Names() {
		a, _ := agents.Find(n)
		c.agents = append(c.agents, a)
	}
	var b bytes.Buffer
	if err := c.write(&b); err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../agents.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for line := range strings.Lines(b.String()) {
		got[line] = true
	}
	for line := range strings.Lines(string(have)) {
		if name, _, _ := strings.Cut(line, "\t"); !got[line] && name != "pacemaker-fenced" {
			t.Errorf("the line of %.60s is written otherwise", name)
		}
	}
}
