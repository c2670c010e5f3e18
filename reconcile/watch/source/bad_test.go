package source_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/source"
)

const manifest = "apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: db}\nspec:\n  nodes: [{name: n1, id: 1, addresses: [10.0.0.1]}]\n"

// Whatever comes out of a source that is bad, a loop tells it once with its place, stays at the revision that was good, needs no memory to speak of,
// and goes on when the source is good again.
func TestBadInput(t *testing.T) {
	laughs := strings.Split(manifest, "spec:")[0] + "a0: &a0 {x: 1}\n"
	for i := 1; i < 12; i++ {
		laughs += fmt.Sprintf("a%d: &a%d {<<: [%s]}\n", i, i, strings.Trim(strings.Repeat(fmt.Sprintf("*a%d,", i-1), 10), ","))
	}
	laughs += "spec: *a11\n"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	t.Cleanup(func() { // of all together
		runtime.ReadMemStats(&after)
		more := (int64(after.Sys) - int64(before.Sys)) >> 20
		t.Logf("%d MiB more", more)
		if more > 200 {
			t.Errorf("the loops took %d MiB", more)
		}
	})
	for name, bad := range map[string]struct {
		path, content, link, folder, git string // link: what path leads to; folder and git: what is told of either
	}{
		"a loop of links":    {"x.yaml", "", "x.yaml", "too many levels of symbolic links", `"x.yaml" is a symbolic link`},
		"a file elsewhere":   {"x.yaml", "", "/etc/passwd", "leads out of the folder, to /etc/passwd", `"x.yaml" is a symbolic link`},
		"a folder elsewhere": {"x", "", "../..", "leads out of the folder", `"x" is a symbolic link to a folder, out of the repository`},
		"too large":          {"x.yaml", strings.Repeat("# 3456789\n", 1<<19), "", "x.yaml has 5242880 bytes", "x.yaml has 5242880 bytes"},
		"not UTF-8":          {"x.yaml", "kind: a\n# \xff\n", "", "x.yaml:2:3: the byte 0xff is not UTF-8", "x.yaml:2:3: the byte 0xff is not UTF-8"},
		"a bomb":             {"c.yaml", laughs, "", "aliases of this document stand for", "aliases of this document stand for"},
		"too deep":           {"x.yaml", strings.Repeat("[", 1<<20), "", "x.yaml:1:", "x.yaml:1:"},
		"rubbish":            {"x.yaml", strings.Repeat("a: b: c\n\x01", 1<<18), "", "x.yaml:2:1: the character U+0001", "x.yaml:2:1: the character U+0001"},
		"half written":       {"c.yaml", manifest[:len(manifest)-20], "", "c.yaml:5:", "c.yaml:5:"},
		"emptied":            {"c.yaml", "# nothing\n", "", "there is no document in c.yaml", "there is no document in c.yaml"},
	} {
		for _, kind := range []string{"folder", "git"} {
			t.Run(name+" in a "+kind, func(t *testing.T) {
				t.Parallel()
				f := follow(t, kind)
				f.until("the first revision", func(s watch.Source) bool { return s.Revision.ID != "" })
				good := f.loop.State().Source.Revision.ID
				f.put(bad.path, bad.content, bad.link)
				want := map[string]string{"folder": bad.folder, "git": bad.git}[kind]
				f.until(want, func(s watch.Source) bool { return strings.Contains(s.Refused+s.Err, want) })
				if s := f.loop.State(); s.Source.Revision.ID != good || len(s.Clusters) != 1 {
					t.Errorf("it does not stay at %s: %+v", good, s)
				}
				time.Sleep(300 * time.Millisecond) // it is looked at again
				told := 0
				past, _, end := f.loop.Events(0)
				end()
				for _, e := range past {
					if e.Type == watch.RevisionRefused || e.Type == watch.SourceFailed {
						told++
						if !strings.Contains(e.Text, want) || len(e.Text) > 100_000 {
							t.Errorf("told: %.500s", e.Text)
						}
					}
				}
				if told != 1 {
					t.Errorf("it was told %d times", told)
				}
				if bad.path != "c.yaml" {
					f.remove(bad.path)
				}
				f.put("c.yaml", manifest+"  properties: {stonith-enabled: false}\n", "")
				f.until("a good one", func(s watch.Source) bool { return s.Revision.ID != good && s.Err+s.Refused == "" })
			})
		}
	}
}

// followed is a source that a loop follows, and the folder that somebody changes.
type followed struct {
	t    *testing.T
	dir  string
	git  bool
	loop *watch.Loop
}

func follow(t *testing.T, kind string) *followed {
	t.Helper()
	f := &followed{t: t, dir: filepath.Join(t.TempDir(), "m"), git: kind == "git"}
	if err := os.Mkdir(f.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f.loop = &watch.Loop{Source: source.Folder{Dir: f.dir, Interval: 100 * time.Millisecond},
		Connect: func(context.Context, *v1.Manifests, string, bool) (*reconcile.Engine, io.Closer, error) {
			return nil, nil, errors.New("no machine is there")
		}}
	if f.git {
		if _, err := exec.LookPath("git"); err != nil {
			t.Skip("NOT TESTED: Git sources: install git")
		}
		f.loop.Source = source.Git{URL: f.dir, Dir: t.TempDir(), Interval: 100 * time.Millisecond}
		f.run("init", "-q", "-b", "main")
	}
	f.put("c.yaml", manifest, "")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- f.loop.Run(ctx, nil) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *followed) run(args ...string) {
	f.t.Helper()
	cmd := exec.Command("git", append([]string{"-C", f.dir, "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		f.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// put writes a file, or makes a link, at once; in a repository it is committed.
func (f *followed) put(path, content, link string) {
	f.t.Helper()
	path = filepath.Join(f.dir, path)
	hidden := filepath.Join(f.dir, ".new")
	err := os.WriteFile(hidden, []byte(content), 0o600)
	if link != "" {
		err = errors.Join(os.Remove(hidden), os.Symlink(link, hidden))
	}
	if err := errors.Join(err, os.Rename(hidden, path)); err != nil {
		f.t.Fatal(err)
	}
	f.commit()
}

func (f *followed) remove(path string) {
	f.t.Helper()
	if err := os.Remove(filepath.Join(f.dir, path)); err != nil {
		f.t.Fatal(err)
	}
}

func (f *followed) commit() {
	f.t.Helper()
	if f.git {
		f.run("add", "-A")
		f.run("commit", "-q", "-m", "x")
	}
}

func (f *followed) until(what string, so func(watch.Source) bool) {
	f.t.Helper()
	for end := time.Now().Add(time.Minute); !so(f.loop.State().Source); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			f.t.Fatalf("not within a minute: %s: %.1000s", what, fmt.Sprintf("%+v", f.loop.State().Source))
		}
	}
}
