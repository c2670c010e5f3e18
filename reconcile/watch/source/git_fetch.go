package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	maxClone  = 512 << 20 // bytes of the cache; a server that cannot leave out large blobs sends all of the last commit
	largeRest = time.Hour // until a commit that was too large is fetched again: somebody may have told the server to leave out large blobs
	maxPacks  = 50        // then it is made anew, which costs less than git gc
	history   = 50        // commits in which the revision before is looked for
)

// tip is what a ref was at.
type tip struct {
	ref string // in full
	id  string // of the commit, or of the tag with its message
}

func (t tip) isTag() bool { return strings.HasPrefix(t.ref, "refs/tags/") }

func (t tip) name() string {
	for _, kind := range []string{"refs/heads/", "refs/tags/"} {
		if name, ok := strings.CutPrefix(t.ref, kind); ok {
			return name
		}
	}
	return t.ref
}

// ask asks the server which commit the ref names.
func (r *repository) ask(ctx context.Context) (tip, error) {
	want := []string{"HEAD"}
	switch {
	case strings.HasPrefix(r.Ref, "refs/"):
		want = []string{r.Ref}
	case r.Ref != "":
		want = []string{"refs/heads/" + r.Ref, "refs/tags/" + r.Ref}
	}
	out, err := r.commands.output(ctx, "", append([]string{"ls-remote", "--symref", "-q", "--", r.remote.url}, want...)...)
	if err != nil {
		return tip{}, err
	}
	var found []tip
	branch := "HEAD"
	for sc := bufio.NewScanner(strings.NewReader(out)); sc.Scan(); {
		id, ref, _ := strings.Cut(sc.Text(), "\t")
		if target, ok := strings.CutPrefix(id, "ref: "); ok && ref == "HEAD" {
			branch = target
		} else if slices.Contains(want, ref) { // patterns match the ends of names, too
			found = append(found, tip{ref, id})
		}
	}
	switch {
	case len(found) == 1 && found[0].ref == "HEAD":
		return tip{branch, found[0].id}, nil
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return tip{}, fmt.Errorf("there are a branch and a tag %s; write refs/heads/%[1]s or refs/tags/%[1]s", r.Ref)
	case r.last.ID != "":
		return tip{}, fmt.Errorf("%s is gone from the repository; it was at %s", r.tip.name(), short(r.tip.id))
	case r.Ref == "":
		return tip{}, errors.New("the repository is empty, or its HEAD names a branch that does not exist; push a commit, or name a branch")
	}
	return tip{}, fmt.Errorf("the repository has no branch or tag %s", r.Ref)
}

// cache is a bare repository that may be lost at any time.
type cache struct {
	*repository
	dir   string
	fresh bool // it was made anew for this look
}

// fetched is the ref that a fetch leaves in the cache.
const fetched = "refs/hactl/fetched"

func (r *repository) cache(name string) *cache {
	return &cache{repository: r, dir: filepath.Join(r.Dir, name)}
}

// fetch brings a ref of the server into the cache.
func (c *cache) fetch(ctx context.Context, ref string, options ...string) error {
	if packs, _ := filepath.Glob(filepath.Join(c.dir, "objects/pack/*.pack")); len(packs) > maxPacks {
		if err := c.remove(); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(c.dir, "HEAD")); err != nil {
		if err := c.remove(); err != nil {
			return err
		}
		c.fresh = true
		if _, err := c.commands.output(ctx, "", "init", "-q", "--bare", "--template=", "--", c.dir); err != nil {
			return err
		}
	}
	limited, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.guard(limited, cancel)
	}()
	args := append([]string{"fetch", "-q", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head", "--no-auto-maintenance"}, options...)
	_, err := c.commands.output(limited, c.dir, append(args, "--", c.remote.url, "+"+ref+":"+fetched)...)
	cancel()
	<-done
	if ctx.Err() == nil && c.tooLarge() {
		return refusal{errors.Join(errTooLarge{c.maxClone}, c.remove())}
	}
	return errors.Join(err, c.complete())
}

// errTooLarge tells of a commit with more bytes than the cache may have.
type errTooLarge struct{ most int64 }

func (e errTooLarge) Error() string {
	return fmt.Sprintf("the commit is larger than %d MiB and the server cannot leave out large files (uploadpack.allowFilter); keep them elsewhere", e.most>>20)
}

// guard ends a fetch that brings too much.
func (c *cache) guard(ctx context.Context, stop func()) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if c.tooLarge() {
			stop()
			return
		}
	}
}

func (c *cache) tooLarge() bool {
	var size int64
	_ = filepath.WalkDir(c.dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // git renames and removes files meanwhile
		}
		if info, err := e.Info(); err == nil {
			size += info.Size()
		}
		return nil
	})
	return size > c.maxClone
}

// complete writes the configuration of the cache anew. A fetch that leaves out blobs notes there where they are to be had, and git would go
// and fetch them as soon as one is asked for.
func (c *cache) complete() error {
	const config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n"
	return os.WriteFile(filepath.Join(c.dir, "config"), []byte(config), 0o600)
}

func (c *cache) remove() error {
	if err := os.RemoveAll(c.dir); err != nil {
		return fmt.Errorf("the cache: %w", err)
	}
	return nil
}

// descends tells whether a revision is among the ancestors of another, and also where that cannot be known. The commits alone are fetched, to
// a repository of their own: git takes a commit that it has for one whose files it has.
func (r *repository) descends(ctx context.Context, t tip, from string) bool {
	c := r.cache("history.git")
	for {
		err := c.fetch(ctx, t.ref, fmt.Sprintf("--depth=%d", history), "--filter=tree:0")
		if err == nil {
			var out string
			if out, err = c.commands.output(ctx, c.dir, "rev-list", fetched); err == nil {
				return slices.Contains(strings.Fields(out), from)
			}
		}
		if c.fresh || c.remove() != nil {
			return true
		}
	}
}
