package source

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repo is a real repository, with a worktree that pushes to it.
type repo struct {
	t    testing.TB
	bare string
	work string
}

func newRepo(t testing.TB) *repo {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("NOT TESTED: Git sources: install git")
	}
	dir := t.TempDir()
	r := &repo{t: t, bare: dir + "/repo.git", work: dir + "/work"}
	r.run(dir, "init", "-q", "--bare", "-b", "main", r.bare)
	r.run(dir, "init", "-q", "-b", "main", r.work)
	r.git("remote", "add", "origin", r.bare)
	r.git("config", "user.name", "Alice")
	r.git("config", "user.email", "alice@example.com")
	return r
}

// git runs in the worktree.
func (r *repo) git(args ...string) string {
	r.t.Helper()
	return r.run(r.work, args...)
}

func (r *repo) run(dir string, args ...string) string {
	r.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit writes a file, or removes it where the text is empty, and pushes; it returns the commit's id.
func (r *repo) commit(name, text string, options ...string) string {
	r.t.Helper()
	if text == "" {
		if err := os.Remove(filepath.Join(r.work, name)); err != nil {
			r.t.Fatal(err)
		}
	} else {
		put(r.t, filepath.Join(r.work, name), text)
	}
	r.git("add", "-A")
	r.git(append([]string{"commit", "-q", "--allow-empty", "-m", "change " + name}, options...)...)
	return r.push("main")
}

// tree commits a file m/NAME/…/x.yaml, whatever the names are: a tree is made byte by byte.
func (r *repo) tree(names ...string) {
	r.t.Helper()
	object := func(kind, data string) string {
		r.t.Helper()
		cmd := exec.Command("git", "-C", r.bare, "hash-object", "-t", kind, "-w", "--literally", "--stdin")
		cmd.Stdin = strings.NewReader(data)
		out, err := cmd.Output()
		if err != nil {
			r.t.Fatalf("git hash-object: %v", err)
		}
		id, err := hex.DecodeString(strings.TrimSpace(string(out)))
		if err != nil {
			r.t.Fatal(err)
		}
		return string(id)
	}
	entry := "100644 x.yaml\x00" + object("blob", "x")
	for i := len(names) - 1; i >= 0; i-- {
		entry = "40000 " + names[i] + "\x00" + object("tree", entry)
	}
	root := object("tree", "40000 m\x00"+object("tree", entry))
	id := r.run(r.bare, "-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", "-m", "x", "-p", "main", hex.EncodeToString([]byte(root)))
	r.run(r.bare, "update-ref", "refs/heads/main", id)
}

func (r *repo) push(ref string) string {
	r.t.Helper()
	r.git("push", "-q", "-f", "origin", "HEAD:refs/heads/"+ref)
	return r.git("rev-parse", "HEAD")
}

// source follows the repository over file://.
func (r *repo) source(t testing.TB) Git {
	return Git{URL: "file://" + r.bare, Dir: filepath.Join(t.TempDir(), "cache"), Interval: quick}
}
