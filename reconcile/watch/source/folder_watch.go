package source

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/fsnotify/fsnotify"

	v1 "github.com/hactl/hactl/api/v1"
)

// places are the folders, by their paths without links, where a change may matter, and the names in them that do; "*" stands for all that are
// not hidden.
type places map[string]map[string]bool

// folder adds a folder of manifests, and what leads to it.
func (p places) folder(dir string) {
	p.way(dir)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		p.at(real)["*"] = true
	}
}

// way adds what decides where a path leads: its last name in its parent, and each link on the way, with what it names.
func (p places) way(path string) { p.links(path, 0) }

func (p places) links(path string, depth int) {
	const maxLinks = 40 // as in Linux; a loop has more
	p.name(path)
	for at := path; depth < maxLinks; at = filepath.Dir(at) {
		if target, err := os.Readlink(at); err == nil {
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(at), target)
			}
			p.name(at)
			p.links(target, depth+1)
		}
		if at == filepath.Dir(at) {
			return
		}
	}
}

// name adds the last name of a path; where its parent does not exist, the first name on the way that may come to be.
func (p places) name(path string) {
	for path != filepath.Dir(path) {
		if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
			p.at(dir)[filepath.Base(path)] = true
			return
		}
		path = filepath.Dir(path)
	}
}

func (p places) at(dir string) map[string]bool {
	if p[dir] == nil {
		p[dir] = map[string]bool{}
	}
	return p[dir]
}

// matters tells whether an event is about something that was asked for.
func (p places) matters(path string) bool {
	names := p[filepath.Dir(path)]
	return names["*"] && !v1.IsHidden(path) || names[filepath.Base(path)] || p[path] != nil
}

// watcher turns the events of the places that matter into wake-ups.
type watcher struct {
	wake chan struct{}
	fs   *fsnotify.Watcher // nil where there are no events
	err  error             // why events are missing
	told bool
	done sync.WaitGroup

	mu     sync.Mutex
	places places
}

func newWatcher() *watcher {
	w := &watcher{wake: make(chan struct{}, 1)}
	if w.fs, w.err = fsnotify.NewWatcher(); w.err != nil {
		w.fs = nil
		return w
	}
	w.done.Go(w.run)
	return w
}

func (w *watcher) run() {
	for {
		select {
		case e, ok := <-w.fs.Events:
			if !ok {
				return
			}
			if w.matters(e.Name) {
				w.awake()
			}
		case _, ok := <-w.fs.Errors:
			if !ok {
				return
			}
			w.awake() // events got lost; what they were about is there to be seen
		}
	}
}

func (w *watcher) matters(path string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.places.matters(path)
}

func (w *watcher) awake() {
	select {
	case w.wake <- struct{}{}:
	default: // it is awake already
	}
}

// follow watches these places, and no others.
func (w *watcher) follow(p places) {
	if w.fs == nil {
		return
	}
	w.mu.Lock()
	w.places = p
	w.mu.Unlock()
	watched := map[string]bool{}
	for _, dir := range w.fs.WatchList() {
		watched[dir] = true
		if p[dir] == nil {
			_ = w.fs.Remove(dir) // it may be gone, and its watch with it
		}
	}
	var errs []error
	for dir := range p {
		if watched[dir] {
			continue
		}
		if err := w.fs.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) { // what is gone again is seen by the next scan
			errs = append(errs, err)
		}
	}
	w.err = errors.Join(errs...)
}

// lost tells once why there are no events.
func (w *watcher) lost() error {
	if w.err == nil || w.told {
		w.told = w.err != nil
		return nil
	}
	w.told = true
	return w.err
}

func (w *watcher) close() {
	if w.fs != nil {
		_ = w.fs.Close()
		w.done.Wait()
	}
}
