package source

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// quick is an interval for repositories, which send no events.
const quick = 100 * time.Millisecond

func TestGit(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("README.md", "x")
	r.commit(".github/x.yaml", "x")
	r.commit("clusters/b/b.yaml", "b")
	id := r.commit("clusters/a.yml", "a", "--author=\x1b[31mBob <bob@example.com>")
	g := r.source(t)
	g.Path = "clusters/"
	l := watch(t, g)
	have := l.until("")
	if diff := cmp.Diff("a.yml=a b/b.yaml=b", texts(have)); diff != "" {
		t.Error(diff)
	}
	if have.ID != id || have.Name != "main@"+id[:7] || have.Author != "[31mBob" || have.Subject != "change clusters/a.yml" || time.Since(have.At) > time.Minute ||
		have.Rewrites != "" || have.Dir != "" {
		t.Errorf("%+v", have)
	}
	if want := "file://" + r.bare + " clusters"; g.String() != want {
		t.Errorf("%s, want %s", g, want)
	}

	id2 := r.commit("clusters/a.yml", "a2")
	if have = l.until(id); have.ID != id2 || texts(have) != "a.yml=a2 b/b.yaml=b" || have.Rewrites != "" {
		t.Errorf("%+v", have)
	}
	r.git("reset", "-q", "--hard", "HEAD~1")
	id3 := r.commit("clusters/a.yml", "a3")
	if have = l.until(id2); have.ID != id3 || texts(have) != "a.yml=a3 b/b.yaml=b" || have.Rewrites != id2 {
		t.Errorf("a forced push: %+v", have)
	}
	r.git("reset", "-q", "--hard", "HEAD~1")
	r.push("main")
	if have = l.until(id3); have.ID != id || texts(have) != "a.yml=a b/b.yaml=b" || have.Rewrites != id3 {
		t.Errorf("back by a forced push: %+v", have)
	}
	r.commit("clusters/b/b.yaml", "")
	if have = l.until(id); texts(have) != "a.yml=a" || have.Rewrites != "" {
		t.Errorf("%+v", have)
	}
}

// All that goes wrong with refs is told; when it is over, the next good state is found.
func TestGitRefs(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	l := watch(t, r.source(t))
	l.fails("the repository is empty, or its HEAD names a branch that does not exist")
	one := r.commit("a.yaml", "1")
	l.until("")

	g := r.source(t)
	g.Ref = "live"
	live := watch(t, g)
	live.fails(" live: the repository has no branch or tag live")
	r.push("live")
	if have := live.until(""); have.Name != "live@"+one[:7] {
		t.Error(have.Name)
	}
	r.git("push", "-q", "origin", ":refs/heads/live")
	live.fails("live is gone from the repository; it was at " + one[:7])
	live.stop()
	r.git("tag", "live")
	r.git("push", "-q", "origin", "tag", "live")
	r.push("live")
	g.Dir += "2"
	watch(t, g).fails("there are a branch and a tag live; write refs/heads/live or refs/tags/live")

	r.git("tag", "-a", "-m", "first", "v1")
	r.git("push", "-q", "origin", "v1")
	g = r.source(t)
	g.Ref = "v1"
	tag := watch(t, g)
	if have := tag.until(""); have.ID != one || have.Name != "v1@"+one[:7] {
		t.Errorf("%+v", have)
	}
	r.commit("a.yaml", "2")
	r.git("tag", "-f", "-a", "-m", "second", "v1")
	r.git("push", "-q", "-f", "origin", "v1")
	tag.fails("the tag v1 was moved from ", "; a tag is an agreement on one commit")

	hidden := r.bare + ".away"
	if err := os.Rename(r.bare, hidden); err != nil {
		t.Fatal(err)
	}
	l.fails("git ls-remote", "repo.git' does not appear to be a git repository")
	os.Rename(hidden, r.bare)
	if have := l.until(one); texts(have) != "a.yaml=2" {
		t.Error(texts(have))
	}
}

// What must not be read from a commit is refused by name.
func TestGitTrees(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("# 345678901234567890123456789012\n", MaxFile/32)
	for name, c := range map[string]struct {
		do   func(r *repo)
		want string
	}{
		"large":       {func(r *repo) { r.commit("m/big.yaml", big) }, "big.yaml has "},
		"link":        {func(r *repo) { link(r.t, "/etc/passwd", r.work+"/m/p.yaml"); r.commit("x", "x") }, `"p.yaml" is a symbolic link; put the file itself in its place`},
		"folder link": {func(r *repo) { link(r.t, "../other", r.work+"/m/more"); r.commit("other/x", "x") }, `"more" is a symbolic link to a folder, out of the repository`},
		"out":         {func(r *repo) { link(r.t, "../../..", r.work+"/m/out"); r.commit("x", "x") }, `"out" is a symbolic link to a folder, out of the repository`},
		"dot":         {func(r *repo) { link(r.t, "./../other", r.work+"/m/dot"); r.commit("other/x", "x") }, `"dot" is a symbolic link to a folder, out of the repository or to nothing`},
		"submodule": {func(r *repo) {
			r.git("update-index", "--add", "--cacheinfo", "160000,"+r.git("rev-parse", "HEAD")+",m/sub")
			r.git("commit", "-q", "-m", "x")
			r.push("main")
		}, `"sub" is a submodule`},
		"dots":      {func(r *repo) { r.tree("..", "../../etc") }, `"../../../etc/x.yaml" leads out of the repository`},
		"absolute":  {func(r *repo) { r.tree("/etc") }, `"/etc/x.yaml" leads out of the repository`},
		"name":      {func(r *repo) { r.commit("m/\xff.yaml", "x") }, `"\xff.yaml" is no text; rename the file`},
		"break":     {func(r *repo) { r.commit("m/a\nb.yaml", "x") }, `"a\nb.yaml" is no text; rename the file`},
		"empty":     {func(r *repo) { r.commit("m/.a.yaml", "x"); r.commit("m/a.yaml", "") }, " holds no *.yaml or *.yml file in m"},
		"no folder": {func(r *repo) { r.git("mv", "m", "n"); r.commit("x", "x") }, " has no folder m"},
		"a file":    {func(r *repo) { r.git("mv", "m", "n"); r.commit("m", "x") }, " has no folder m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t)
			link(t, "loop", r.work+"/m/loop") // links that no manifests can be behind do no harm
			link(t, "odd", r.work+"/m/odd")
			link(t, "../README.md", r.work+"/m/README")
			put(t, r.work+"/README.md", "x")
			one := r.commit("m/a.yaml", "a")
			g := r.source(t)
			g.Path = "m"
			l := watch(t, g)
			l.until("")
			c.do(r)
			l.fails(c.want)
			r.git("reset", "-q", "--hard", one)
			r.commit("m/a.yaml", "good again")
			if have := l.until(one); texts(have) != "a.yaml=good again" {
				t.Error(texts(have))
			}
		})
	}
}

// Commits have times that somebody's clock made up: none of them decides what is newer, or is too much for anything.
func TestGitClocks(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	l := watch(t, r.source(t))
	last := ""
	for i, at := range []string{"4102444800 +1400", "0 -1200", "1700000000 +0000", "253402300799 +0000", "1 +0000"} {
		put(t, r.work+"/a.yaml", at)
		r.git("add", "-A")
		cmd := exec.Command("git", "-C", r.work, "commit", "-q", "-m", at)
		cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_DATE=@"+at, "GIT_COMMITTER_DATE=@"+at)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", at, err, out)
		}
		id := r.push("main")
		have := l.until(last)
		seconds, _, _ := strings.Cut(at, " ")
		if have.ID != id || have.Rewrites != "" || fmt.Sprint(have.At.Unix()) != seconds {
			t.Errorf("commit %d, of %s: %+v", i, at, have)
		}
		last = id
	}
}

// The cache may be lost, damaged in any way, or full of what a killed git left behind.
func TestGitDamagedCache(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, dir string){
		"lost":      func(_ *testing.T, dir string) { os.RemoveAll(dir) },
		"clone":     func(_ *testing.T, dir string) { os.RemoveAll(dir + "/clone.git") },
		"no HEAD":   func(_ *testing.T, dir string) { os.Remove(dir + "/clone.git/HEAD") },
		"config":    func(t *testing.T, dir string) { put(t, dir+"/clone.git/config", "[core") },
		"a file":    func(t *testing.T, dir string) { os.RemoveAll(dir + "/clone.git"); put(t, dir+"/clone.git", "x") },
		"locks":     func(t *testing.T, dir string) { put(t, dir+"/clone.git/shallow.lock", "") },
		"ref lock":  func(t *testing.T, dir string) { put(t, dir+"/clone.git/refs/hactl/fetched.lock", "") },
		"shallow":   func(t *testing.T, dir string) { put(t, dir+"/clone.git/shallow", "\x00\x00") },
		"empty ref": func(t *testing.T, dir string) { put(t, dir+"/clone.git/refs/hactl/fetched", "") },
		"packs": func(t *testing.T, dir string) {
			files, _ := filepath.Glob(dir + "/clone.git/objects/pack/*.pack")
			if len(files) == 0 {
				t.Error("there is no pack to damage")
			}
			for _, f := range files {
				os.Chmod(f, 0o644)
				put(t, f, strings.Repeat("\xff", 500))
			}
		},
		"history": func(t *testing.T, dir string) {
			put(t, dir+"/history.git/HEAD", "x")
			put(t, dir+"/history.git/config", "[")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRepo(t)
			r.commit("a.yaml", "1")
			g := r.source(t)
			l := watch(t, g)
			one := l.until("")
			damage(t, g.Dir)
			r.commit("b.yaml", "2")
			if have := l.until(one.ID); texts(have) != "a.yaml=1 b.yaml=2" || have.Rewrites != "" {
				t.Errorf("%+v", have)
			}
			select {
			case err := <-l.failed:
				t.Errorf("the cache is no state, but: %v", err)
			default:
			}
		})
	}
}

func TestGitLock(t *testing.T) {
	t.Parallel()
	r := newRepo(t)
	r.commit("a.yaml", "1")
	g := r.source(t)
	first := watch(t, g)
	first.until("")
	second := watch(t, g)
	second.fails("the cache "+g.Dir+" is in use by process ", "one controller at a time")
	first.stop()
	second.until("") // when the first one has gone
}
