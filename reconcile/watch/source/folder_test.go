package source

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/hactl/hactl/api/v1"
)

// looks receives what a source tells.
type looks struct {
	t      *testing.T
	found  chan Revision
	failed chan error
	poke   chan struct{}
	stop   func()
}

// watch runs a source until the test ends.
func watch(t *testing.T, s Source) *looks {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &looks{t: t, found: make(chan Revision, 10_000), failed: make(chan error, 10_000), poke: make(chan struct{}, 1)}
	done := make(chan error, 1)
	go func() {
		done <- s.Run(ctx, l.poke, func(r Revision) { l.found <- r }, func(err error) { l.failed <- err })
	}()
	stopped := false
	l.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("Run: %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("Run does not end with its context")
		}
	}
	t.Cleanup(l.stop)
	return l
}

// until waits for a revision that is another than the last one.
func (l *looks) until(last string) Revision {
	l.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case r := <-l.found:
			if r.ID != last {
				return r
			}
		case err := <-l.failed:
			l.t.Logf("on the way: %v", err)
		case <-timeout:
			l.t.Fatal("no new revision came")
		}
	}
}

// fails waits for an error that says all of these. An earlier one may still be told once more.
func (l *looks) fails(parts ...string) {
	l.t.Helper()
	timeout := time.After(patience)
	var last error
	for {
		select {
		case <-l.found:
		case last = <-l.failed:
			if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(last.Error(), p) }) {
				return
			}
		case <-timeout:
			l.t.Fatalf("no error came that says %q; the last one: %v", parts, last)
		}
	}
}

// patience is for machines that have much else to do.
const patience = time.Minute

func texts(r Revision) string {
	var s []string
	for _, f := range r.Files {
		s = append(s, f.Name+"="+string(f.Data))
	}
	return strings.Join(s, " ")
}

func put(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func link(t testing.TB, target, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// slow is an interval that no test waits for: what is seen is seen through events.
const slow = time.Hour

func TestFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "manifests")
	put(t, dir+"/b.yaml", "b")
	put(t, dir+"/a/a.yml", "a")
	put(t, dir+"/.git/x.yaml", "x")
	put(t, dir+"/README.md", "x")
	l := watch(t, Folder{Dir: dir, Interval: slow})
	r := l.until("")
	if diff := cmp.Diff("a/a.yml=a b.yaml=b", texts(r)); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(r.ID, "sha256:") || r.Name != "manifests@"+r.ID[7:14] || r.Dir != dir {
		t.Errorf("%+v", r)
	}
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() { put(t, dir+"/b.yaml", "B") }, "a/a.yml=a b.yaml=B"},
		{func() { put(t, dir+"/c/d/e.yaml", "e") }, "a/a.yml=a b.yaml=B c/d/e.yaml=e"},
		{func() { put(t, dir+"/c/d/e.yaml", "f") }, "a/a.yml=a b.yaml=B c/d/e.yaml=f"},
		{func() { os.Rename(dir+"/c", dir+"/.c") }, "a/a.yml=a b.yaml=B"},
		{func() { os.RemoveAll(dir + "/a") }, "b.yaml=B"},
		{func() { os.Rename(dir, dir+"-old"); put(t, dir+"/n.yaml", "n") }, "n.yaml=n"},
	} {
		step.do()
		r = l.until(r.ID)
		if diff := cmp.Diff(step.want, texts(r)); diff != "" {
			t.Error(diff)
		}
	}
}

// git-sync gives a link to a worktree, and replaces it; Kubernetes mounts a ConfigMap with a link ..data, and links to what is in it.
func TestFolderSwaps(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	put(t, top+"/.worktrees/1/ha/a.yaml", "1")
	put(t, top+"/.worktrees/2/ha/a.yaml", "2")
	put(t, top+"/map/..2026_1/a.yaml", "1")
	put(t, top+"/map/..2026_2/a.yaml", "2")
	link(t, ".worktrees/1", top+"/current")
	link(t, "current", top+"/stable")
	link(t, "..2026_1", top+"/map/..data")
	link(t, "..data/a.yaml", top+"/map/a.yaml")
	sync := watch(t, Folder{Dir: top + "/stable/ha", Interval: slow})
	config := watch(t, Folder{Dir: top + "/map", Interval: slow})
	had := []Revision{sync.until(""), config.until("")}
	link(t, ".worktrees/2", top+"/current")
	link(t, "..2026_2", top+"/map/..data")
	os.RemoveAll(top + "/map/..2026_1")
	have := []Revision{sync.until(had[0].ID), config.until(had[1].ID)}
	for i := range have {
		if got, want := texts(had[i])+" "+texts(have[i]), "a.yaml=1 a.yaml=2"; got != want {
			t.Errorf("%s: %s", have[i].Dir, got)
		}
	}
}

// What is wrong is told with its name, and the next good state is found.
func TestFolderRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(dir string)
		undo string // a file to remove
		want []string
	}{
		"too large": {func(dir string) {
			put(t, dir+"/big.yaml", "")
			os.Truncate(dir+"/big.yaml", 2<<30) // sparse
		}, "big.yaml", []string{"big.yaml has 2147483648 bytes; a file of manifests has at most 4 MiB: split it"}},
		"too much": {func(dir string) {
			for i := range 9 {
				put(t, fmt.Sprintf("%s/more/%d.yaml", dir, i), "")
				os.Truncate(fmt.Sprintf("%s/more/%d.yaml", dir, i), 4<<20)
			}
		}, "more", []string{"more/7.yaml: with this file the manifests have more than 32 MiB"}},
		"file elsewhere":    {func(dir string) { link(t, "/etc/passwd", dir+"/p.yaml") }, "p.yaml", []string{"/p.yaml leads out of the folder, to /etc/passwd"}},
		"folder elsewhere":  {func(dir string) { link(t, "../..", dir+"/up") }, "up", []string{"/up leads out of the folder, to "}},
		"dangling":          {func(dir string) { link(t, "nothing", dir+"/x.yaml") }, "x.yaml", []string{"x.yaml", "no such file"}},
		"loop":              {func(dir string) { link(t, "y.yaml", dir+"/x.yaml"); link(t, "x.yaml", dir+"/y.yaml") }, "x.yaml", []string{"x.yaml", "too many levels of symbolic links"}},
		"empty":             {func(dir string) { os.Remove(dir + "/a.yaml"); put(t, dir+"/.a.yaml", "a") }, "", []string{"holds no *.yaml or *.yml file"}},
		"gone":              {func(dir string) { os.Rename(dir, dir+"2") }, "", []string{"no such file"}},
		"name that is none": {func(dir string) { put(t, dir+"/\xff.yaml", "x") }, "\xff.yaml", []string{`\xff.yaml" is no text; rename the file`}},
		"name with a break": {func(dir string) { put(t, dir+"/x\nb.yaml", "x") }, "x\nb.yaml", []string{`x\nb.yaml" is no text; rename the file`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "m")
			put(t, dir+"/a.yaml", "a")
			link(t, ".", dir+"/self") // a loop through folders is none: each is looked into once
			l := watch(t, Folder{Dir: dir, Interval: slow})
			r := l.until("")
			c.do(dir)
			l.fails(c.want...)
			if c.undo != "" {
				if err := os.RemoveAll(filepath.Join(dir, c.undo)); err != nil {
					t.Fatal(err)
				}
			}
			os.Remove(dir + "/y.yaml")
			os.Rename(dir+"2", dir)
			put(t, dir+"/a.yaml", "good again")
			if r = l.until(r.ID); texts(r) != "a.yaml=good again" {
				t.Error(texts(r))
			}
		})
	}
}

func TestFolderUnreadable(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	put(t, dir+"/a.yaml", "a")
	put(t, dir+"/b.yaml", "b")
	os.Chmod(dir+"/b.yaml", 0)
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread ends with the goroutine
		if os.Getuid() == 0 {
			syscall.RawSyscall(syscall.SYS_SETFSUID, 65534, 0, 0) // root may read everything
		}
		_, err := Folder{Dir: dir}.look(context.Background(), &watcher{})
		done <- err
	}()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "b.yaml: permission denied") {
		t.Errorf("%v", err)
	}
}

// While a file is being written, nothing of it is found.
func TestFolderHalfWritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir+"/a.yaml", "0")
	l := watch(t, Folder{Dir: dir, Interval: slow})
	r := l.until("")
	f, err := os.Create(dir + "/a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		fmt.Fprintf(f, "%d\n", i)
		time.Sleep(40 * time.Millisecond)
	}
	f.Close()
	if r = l.until(r.ID); strings.Count(texts(r), "\n") != 20 {
		t.Errorf("half a file was found: %s", texts(r))
	}
}

// What changes behind a scan is seen while it is read.
func TestFolderReadsTheSame(t *testing.T) {
	dir := t.TempDir()
	put(t, dir+"/a.yaml", "a")
	put(t, dir+"/b.yaml", "b")
	for name, change := range map[string]func(){
		"replaced": func() { put(t, dir+"/new", "x"); os.Rename(dir+"/new", dir+"/b.yaml") },
		"grown":    func() { put(t, dir+"/b.yaml", "bb") },
		"gone":     func() { os.Remove(dir + "/b.yaml") },
	} {
		put(t, dir+"/b.yaml", "b")
		s := Folder{Dir: dir}.scan()
		if s.err != nil {
			t.Fatal(s.err)
		}
		change()
		if files, moved, err := s.read(); moved != dir+"/b.yaml" || err != nil || files != nil {
			t.Errorf("%s: %v, %q, %v", name, files, moved, err)
		}
	}
}

// Without events the interval finds it.
func TestFolderWithoutEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir+"/a.yaml", "a")
	f := Folder{Dir: dir}
	deaf := &watcher{wake: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	found := make(chan Revision, 100)
	done := make(chan struct{})
	go func() {
		defer close(done)
		follower{look: func(ctx context.Context) (Revision, error) { return f.look(ctx, deaf) }, interval: 50 * time.Millisecond,
			found: func(r Revision) { found <- r }, failed: func(err error) { t.Error(err) }}.run(ctx)
	}()
	first := <-found
	put(t, dir+"/a.yaml", "b")
	for r := range found {
		if r.ID != first.ID {
			break
		}
	}
	cancel()
	<-done
}

func TestFolderIDs(t *testing.T) {
	f := Folder{Dir: "/m"}
	ids := map[string]bool{}
	for _, files := range [][]v1.File{{{Name: "a", Data: []byte("b")}}, {{Name: "ab"}}, {{Name: "a"}, {Name: "b"}}, {{Name: "b"}, {Name: "a"}}} {
		ids[f.revision(files).ID] = true
	}
	if len(ids) != 4 {
		t.Errorf("different folders have one id: %v", ids)
	}
}
