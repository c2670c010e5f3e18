package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// shelf is a machine with files; it counts what is started on it.
type shelf struct {
	Host
	mu      sync.Mutex
	files   map[string]File
	bad     string // cannot be read
	started []string
}

func (s *shelf) Name() string { return "n1" }

func (s *shelf) ReadFiles(_ context.Context, globs ...string) (map[string]File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = append(s.started, "read "+strings.Join(globs, " "))
	found := map[string]File{}
	for p, f := range s.files {
		for _, g := range globs {
			if g == s.bad {
				return nil, errors.New("cannot read " + g)
			}
			if matches(g, p) {
				found[p] = f
			}
		}
	}
	return found, nil
}

func (s *shelf) Run(_ context.Context, c Cmd) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = append(s.started, strings.Join(c.Argv, " "))
	return []byte(strings.Join(c.Argv[1:], " ")), nil
}

// What several layers read in the same moment takes one process, each gets its own, and one that fails does not fail the others.
func TestLayersReadTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{bad: "/bad", files: map[string]File{"/etc/hosts": {}, "/etc/drbd.d/r0.res": {}, "/etc/drbd.d/.old": {}, "/etc/lvm/lvm.conf": {}}}
		m := newMemoHost(t.Context(), s)
		read := func(g *sync.WaitGroup, want string, globs ...string) {
			g.Go(func() {
				files, err := m.ReadFiles(t.Context(), globs...)
				got := strings.Join(slices.Sorted(maps.Keys(files)), " ")
				if err != nil {
					got = err.Error()
				}
				if got != want {
					t.Errorf("%s: %q, want %q", globs, got, want)
				}
			})
		}
		var g sync.WaitGroup
		read(&g, "/etc/hosts", "/etc/hosts")
		read(&g, "/etc/drbd.d/r0.res", "/etc/drbd.d/*")
		read(&g, "/etc/drbd.d/.old /etc/lvm/lvm.conf", "/etc/lvm/*", "/etc/drbd.d/.*", "/nowhere")
		for _, dev := range []string{"/dev/sda", "/dev/sdb", "/dev/sda"} {
			g.Go(func() {
				out, err := RunJoint(t.Context(), m, Cmd{Argv: []string{"wipefs"}}, dev)
				if err != nil || !strings.Contains(string(out), dev) {
					t.Errorf("%s: %q, %v", dev, out, err)
				}
			})
		}
		g.Wait()
		slices.Sort(s.started)
		want := []string{"read /etc/drbd.d/* /etc/drbd.d/.* /etc/hosts /etc/lvm/* /nowhere", "wipefs /dev/sda /dev/sdb"}
		if !slices.Equal(s.started, want) {
			t.Errorf("started %q, want %q", s.started, want)
		}

		read(&g, "cannot read /bad", "/bad")
		read(&g, "/etc/hosts", "/etc/hosts", "/etc/host?")
		g.Wait()
	})
}

// slowHost answers a read of files when it is let.
type slowHost struct {
	Host
	asked, let chan struct{}
}

func (s slowHost) ReadFiles(ctx context.Context, _ ...string) (map[string]File, error) {
	close(s.asked)
	<-s.let
	return map[string]File{}, ctx.Err()
}

// A layer that fails while it reads what another one needs, too, does not take the answer away from that.
func TestSharedReadOutlivesItsFirstAsker(t *testing.T) {
	s := slowHost{asked: make(chan struct{}), let: make(chan struct{})}
	m := newMemoHost(t.Context(), s)
	failing, fail := context.WithCancel(t.Context())
	first, second := make(chan error), make(chan error)
	go func() {
		_, err := m.ReadFiles(failing, "/etc/hosts")
		first <- err
	}()
	<-s.asked
	go func() {
		_, err := m.ReadFiles(t.Context(), "/etc/hosts")
		second <- err
	}()
	fail()
	close(s.let)
	<-first
	if err := <-second; err != nil {
		t.Errorf("the other layer got %v", err)
	}
}
