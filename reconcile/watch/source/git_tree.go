package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
)

// maxEntries is how many files of all kinds the folder may have.
const maxEntries = 200_000

// read reads what was fetched; it returns the tip, too, since it may have moved after the question.
func (r *repository) read(ctx context.Context, c *cache, t tip) (Revision, tip, error) {
	out, err := r.commands.output(ctx, c.dir, "rev-parse", fetched, fetched+"^{commit}")
	if err != nil {
		return Revision{}, t, err
	}
	ids := strings.Fields(out)
	if len(ids) != 2 {
		return Revision{}, t, fmt.Errorf("git rev-parse says %q", out)
	}
	t.id = ids[0]
	rev := Revision{ID: ids[1], Name: t.name() + "@" + short(ids[1])}
	if err := r.describe(ctx, c, &rev); err != nil {
		return Revision{}, t, err
	}
	err = r.take(ctx, c, t, &rev)
	var no refusal
	if errors.As(err, &no) {
		err = RefusedError{rev, err}
	}
	return rev, t, err
}

// take verifies the commit, and reads its files.
func (r *repository) take(ctx context.Context, c *cache, t tip, rev *Revision) error {
	if r.AllowedSigners != "" {
		who, err := r.signer(ctx, c, t, *rev)
		if err != nil {
			return err
		}
		rev.Signer = who
	}
	entries, err := r.list(ctx, c, *rev)
	if err != nil {
		return err
	}
	rev.Files, err = r.blobs(ctx, c, entries)
	return err
}

// describe reads who made the commit, when and why.
func (r *repository) describe(ctx context.Context, c *cache, rev *Revision) error {
	out, err := r.commands.output(ctx, c.dir, "log", "-1", "--no-show-signature", "--encoding=UTF-8", "--format=%ct%n%an%n%s", rev.ID)
	if err != nil {
		return err
	}
	lines := append(strings.SplitN(out, "\n", 3), "", "")
	seconds, err := strconv.ParseInt(lines[0], 10, 64)
	if err != nil {
		return fmt.Errorf("git log says %q", out)
	}
	rev.At, rev.Author, rev.Subject = time.Unix(seconds, 0).UTC(), oneLine(lines[1]), oneLine(lines[2])
	return nil
}

// oneLine makes text from outside fit for logs and pages.
func oneLine(s string) string {
	runes := []rune(strings.Map(printable, strings.ToValidUTF8(s, "?")))
	return string(runes[:min(200, len(runes))])
}

// entry is a file of a tree (git-ls-tree(1)).
type entry struct{ mode, id, name string }

// list names the manifests of the commit. Their sizes are not asked for: git would fetch what is missing.
func (r *repository) list(ctx context.Context, c *cache, rev Revision) ([]entry, error) {
	where := rev.ID + "^{tree}"
	if r.Path != "" {
		where = rev.ID + ":" + r.Path
		kind, err := r.commands.output(ctx, c.dir, "cat-file", "-t", where)
		if err != nil || kind != "tree" {
			_, broken := r.commands.output(ctx, c.dir, "ls-tree", "-d", rev.ID) // so that a damaged cache is not taken for a missing folder
			if broken != nil {
				return nil, broken
			}
			return nil, refuse("the commit %s has no folder %s", short(rev.ID), r.Path)
		}
	}
	var files, links []entry
	err := r.commands.run(ctx, command{dir: c.dir, args: []string{"ls-tree", "-r", "-z", where}, read: func(out io.Reader) error {
		in := bufio.NewReader(out)
		for n := 0; ; n++ {
			line, err := in.ReadString(0)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if n == maxEntries {
				return refuse("the commit %s has more than %d files; name the folder of the manifests", short(rev.ID), maxEntries)
			}
			what, name, ok := strings.Cut(strings.TrimSuffix(line, "\x00"), "\t")
			f := strings.Fields(what)
			if !ok || len(f) != 3 {
				return fmt.Errorf("git ls-tree says %q", line)
			}
			e := entry{mode: f[0], id: f[2], name: name}
			switch {
			case !filepath.IsLocal(name): // git makes no such tree, others can
				return refuse("%q leads out of the repository", name)
			case slices.ContainsFunc(strings.Split(name, "/"), v1.IsHidden):
			case e.mode == "160000":
				return refuse("%q is a submodule; the manifests must be in the repository itself", name)
			case e.mode == "120000" && v1.IsManifest(name):
				return refuse("%q is a symbolic link; put the file itself in its place", name)
			case e.mode == "120000":
				links = append(links, e)
			case v1.IsManifest(name):
				files = append(files, e)
			default:
				continue
			}
			if err := goodName(name); err != nil {
				return refusal{err}
			}
			if len(files) > MaxFiles || len(links) > MaxFiles {
				return refuse("the commit %s has more than %d manifests, or links", short(rev.ID), MaxFiles)
			}
		}
	}})
	if err != nil {
		return nil, err
	}
	if err := r.links(ctx, c, rev, links); err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, refuse("the commit %s holds no *.yaml or *.yml file%s", short(rev.ID), in(r.Path))
	}
	slices.SortFunc(files, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

// links refuses links to what may be folders, in which manifests could be. Where they lead to is found out by git, within the commit.
func (r *repository) links(ctx context.Context, c *cache, rev Revision, links []entry) error {
	if len(links) == 0 {
		return nil
	}
	var ask strings.Builder
	for _, l := range links {
		_, _ = fmt.Fprintf(&ask, "%s:%s\n", rev.ID, path.Join(r.Path, l.name))
	}
	args := []string{"cat-file", "--batch-check=%(objecttype)", "--follow-symlinks"}
	return r.commands.run(ctx, command{dir: c.dir, args: args, stdin: ask.String(), read: func(out io.Reader) error {
		in := bufio.NewReader(out)
		for _, l := range links {
			answer, err := in.ReadString('\n')
			if err != nil {
				return eof(err)
			}
			kind, rest, more := strings.Cut(strings.TrimSuffix(answer, "\n"), " ")
			switch {
			case kind == "tree", kind == "symlink", kind == "dangling": // "symlink" leads out; "dangling" is also what git says of any link with "."
				return refuse("%q is a symbolic link to a folder, out of the repository or to nothing; put the files themselves in its place", l.name)
			case more && (kind == "loop" || kind == "notdir"):
				n, err := strconv.Atoi(rest)
				if err != nil {
					return fmt.Errorf("git cat-file says %q", answer)
				}
				if _, err := in.Discard(n + 1); err != nil {
					return eof(err)
				}
			}
		}
		return nil
	}})
}

// blobs reads the files, in one run of git.
func (r *repository) blobs(ctx context.Context, c *cache, entries []entry) ([]v1.File, error) {
	var ask strings.Builder
	for _, e := range entries {
		ask.WriteString(e.id + "\n")
	}
	files := make([]v1.File, 0, len(entries))
	err := r.commands.run(ctx, command{dir: c.dir, args: []string{"cat-file", "--batch"}, stdin: ask.String(), read: func(out io.Reader) error {
		in := bufio.NewReader(out)
		var total int64
		for _, e := range entries {
			header, err := in.ReadString('\n')
			if err != nil {
				return eof(err)
			}
			f := strings.Fields(header)
			if len(f) == 2 && f[1] == "missing" {
				err := fmt.Errorf("%s has more than %d MiB; split it", e.name, MaxFile>>20)
				if c.fresh { // the server left it out just now
					return refusal{err}
				}
				return err
			}
			if len(f) != 3 || f[1] != "blob" {
				return fmt.Errorf("git cat-file says %q of %s", strings.TrimSpace(header), e.name)
			}
			size, err := strconv.ParseInt(f[2], 10, 64)
			if err != nil {
				return fmt.Errorf("git cat-file says %q of %s", strings.TrimSpace(header), e.name)
			}
			total += size
			if err := goodSize(e.name, size, total); err != nil {
				return refusal{err}
			}
			data := make([]byte, size+1) // with the line feed behind it
			if _, err := io.ReadFull(in, data); err != nil {
				return eof(err)
			}
			files = append(files, v1.File{Name: e.name, Data: data[:size:size]})
		}
		return nil
	}})
	return files, err
}

// eof is the error of an output that ended too soon; why git ended says more, if it says anything.
func eof(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the cache is damaged: git cat-file ended too soon")
	}
	return err
}
