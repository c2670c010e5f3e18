package e2e

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// process is what everybody, or root, can see of a process.
type process struct{ cmdline, environ string }

// sampler looks at all processes of this machine, and so at those of every node of its labs, again and again.
type sampler struct {
	stop chan struct{}
	done sync.WaitGroup

	rounds, reads int
	seen          map[process]bool
}

// The sampler's pace: a command that lives for longer than a round is seen.
const (
	samplerPause = 3 * time.Millisecond
	young        = 100 * time.Millisecond // a process may still become another program
	rarely       = 100                    // rounds between two looks at an old process
)

// sample begins to look, and stops with the test at the latest.
func sample(t *testing.T) *sampler {
	s := &sampler{stop: make(chan struct{}), seen: map[process]bool{}}
	s.done.Go(s.run)
	t.Cleanup(func() { s.end() })
	return s
}

// end stops looking. After it the fields may be read.
func (s *sampler) end() {
	select {
	case <-s.stop:
	default:
		close(s.stop)
	}
	s.done.Wait()
}

func (s *sampler) run() {
	born := map[int]time.Time{}
	tick := time.NewTicker(samplerPause)
	defer tick.Stop()
	for ; ; s.rounds++ {
		dir, err := os.Open("/proc")
		if err != nil {
			return
		}
		names, _ := dir.Readdirnames(-1)
		_ = dir.Close()
		now := time.Now()
		alive := make(map[int]time.Time, len(names))
		for _, name := range names {
			pid, err := strconv.Atoi(name)
			if err != nil {
				continue
			}
			since, known := born[pid]
			if !known {
				since = now
			}
			alive[pid] = since
			if now.Sub(since) < young || s.rounds%rarely == pid%rarely {
				s.look(name)
			}
		}
		born = alive
		select {
		case <-s.stop:
			return
		case <-tick.C:
		}
	}
}

func (s *sampler) look(pid string) {
	cmdline, err := os.ReadFile(filepath.Join("/proc", pid, "cmdline"))
	if err != nil || len(cmdline) == 0 {
		return // gone, or a thread of the kernel
	}
	environ, _ := os.ReadFile(filepath.Join("/proc", pid, "environ"))
	s.reads++
	s.seen[process{string(cmdline), string(environ)}] = true
}

// program is the name of the file that a process was started from, as its first argument says.
func (p process) program() string {
	argv0, _, _ := bytes.Cut([]byte(p.cmdline), []byte{0})
	return filepath.Base(string(argv0))
}
