package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// memoHost answers equal reads of one round once, whichever layer asks, has what the layers read in the same moment read by one process, and remembers
// that its machine could not be reached. It refuses to change anything: observing must not.
type memoHost struct {
	Host
	// ctx is the observation's. What several layers share must not end with the layer that asked first, which may have failed elsewhere.
	ctx         context.Context
	mu          sync.Mutex
	reads       map[string]*read
	joint       map[string]*joint
	unreachable *UnreachableError
}

type read struct {
	done  chan struct{}
	out   []byte
	files map[string]File
	err   error
}

func newMemoHost(ctx context.Context, h Host) *memoHost {
	return &memoHost{Host: h, ctx: ctx, reads: map[string]*read{}, joint: map[string]*joint{}}
}

// once runs do for the first caller of a key; the others wait for its answer.
func (m *memoHost) once(ctx context.Context, key string, do func(*read)) (*read, error) {
	m.mu.Lock()
	r, ok := m.reads[key]
	if !ok {
		r = &read{done: make(chan struct{})}
		m.reads[key] = r
	}
	m.mu.Unlock()
	if !ok {
		do(r)
		m.note(r.err)
		close(r.done)
	}
	select {
	case <-r.done:
		return r, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memoHost) note(err error) {
	var u *UnreachableError
	if errors.As(err, &u) {
		m.mu.Lock()
		m.unreachable = u
		m.mu.Unlock()
	}
}

func (m *memoHost) Run(ctx context.Context, c Cmd) ([]byte, error) {
	if c.Mutates {
		return nil, fmt.Errorf("%s: observing must change nothing, but would run: %s", m.Name(), strings.Join(c.Argv, " "))
	}
	if c.Line != nil { // a stream cannot be answered twice
		out, err := m.Host.Run(ctx, c)
		m.note(err)
		return out, err
	}
	key := "run\x00" + strings.Join(c.Argv, "\x00") + "\x00\x00" + string(c.Stdin)
	r, err := m.once(ctx, key, func(r *read) { r.out, r.err = m.Host.Run(m.ctx, c) })
	if r == nil {
		return nil, err
	}
	return r.out, r.err
}

func (m *memoHost) ReadFiles(ctx context.Context, globs ...string) (map[string]File, error) {
	r, err := m.once(ctx, "files\x00"+strings.Join(globs, "\x00"), func(r *read) { r.files, r.err = m.readJoint(m.ctx, globs) })
	if r == nil {
		return nil, err
	}
	return r.files, r.err
}

func (m *memoHost) WriteFile(_ context.Context, path string, _ File) error {
	return fmt.Errorf("%s: observing must change nothing, but would write %s", m.Name(), path)
}
