package reconcile

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"time"
)

// RunJoint runs a command with words behind its arguments. While an Engine observes, layers that run it at the same moment share one process, so the
// answer may tell of more words than were given.
func RunJoint(ctx context.Context, h Host, c Cmd, words ...string) ([]byte, error) {
	if m, ok := h.(*memoHost); ok {
		return m.runJoint(ctx, c, words)
	}
	return h.Run(ctx, c.with(words))
}

func (c Cmd) with(words []string) Cmd {
	c.Argv = slices.Concat(c.Argv, words)
	return c
}

// together is how long a read waits for those of other layers. All begin to look at once, so this is much; and it is little against starting a process.
const together = 3 * time.Millisecond

// joint is one read for several layers.
type joint struct {
	read
	words  []string
	askers int
}

// join has do run once for the words of all that come within a moment.
func (m *memoHost) join(ctx context.Context, key string, words []string, do func(*joint)) (*joint, error) {
	m.mu.Lock()
	j := m.joint[key]
	first := j == nil
	if first {
		j = &joint{read: read{done: make(chan struct{})}}
		m.joint[key] = j
	}
	j.words = append(j.words, words...)
	j.askers++
	m.mu.Unlock()
	if first {
		t := time.NewTimer(together)
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
		}
		m.mu.Lock()
		delete(m.joint, key)
		m.mu.Unlock()
		slices.Sort(j.words)
		j.words = slices.Compact(j.words)
		do(j)
		close(j.done)
		return j, nil
	}
	select {
	case <-j.done:
		return j, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// mixed tells of a failure that may be another layer's: then only an answer to one's own question tells. A machine that is away is away for all.
func (j *joint) mixed() bool {
	var away *UnreachableError
	return j.err != nil && j.askers > 1 && !errors.As(j.err, &away)
}

func (m *memoHost) runJoint(ctx context.Context, c Cmd, words []string) ([]byte, error) {
	j, err := m.join(ctx, "run\x00"+strings.Join(c.Argv, "\x00"), words, func(j *joint) { j.out, j.err = m.Run(m.ctx, c.with(j.words)) })
	switch {
	case err != nil:
		return nil, err
	case j.mixed():
		return m.Run(ctx, c.with(words))
	}
	return j.out, j.err
}

// readJoint reads files together with those of other layers.
func (m *memoHost) readJoint(ctx context.Context, globs []string) (map[string]File, error) {
	j, err := m.join(ctx, "files", globs, func(j *joint) { j.files, j.err = m.Host.ReadFiles(m.ctx, j.words...) })
	switch {
	case err != nil:
		return nil, err
	case j.mixed():
		return m.Host.ReadFiles(ctx, globs...)
	case j.err != nil:
		return nil, j.err
	}
	mine := map[string]File{}
	for p, f := range j.files {
		if slices.ContainsFunc(globs, func(g string) bool { return matches(g, p) }) {
			mine[p] = f
		}
	}
	return mine, nil
}

// matches tells whether the shell would find a file by a glob: as path.Match, but a dot at the beginning of a name must be given, and what is no
// pattern stands for itself.
func matches(glob, file string) bool {
	if glob == file {
		return true
	}
	if ok, err := path.Match(glob, file); err != nil || !ok {
		return false
	}
	names := strings.Split(file, "/")
	for i, g := range strings.Split(glob, "/") {
		if strings.HasPrefix(names[i], ".") && !strings.HasPrefix(g, ".") {
			return false
		}
	}
	return true
}
