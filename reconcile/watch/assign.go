package watch

import (
	"context"
	"maps"
	"slices"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch/source"
)

// found takes a revision into force.
func (l *Loop) found(following, ctx context.Context, r source.Revision) {
	l.mu.Lock()
	had := map[string]*v1.Manifests{}
	for name, w := range l.workers {
		had[name] = w.target().manifests
	}
	now := l.state.Source
	l.mu.Unlock()

	rev := Revision{ID: r.ID, Name: r.Name, Author: r.Author, Subject: r.Subject, Signer: r.Signer, At: r.At}
	l.update(func(s *State) { s.Source.Seen, s.Source.Err = time.Now().UTC(), "" })
	if now.Err != "" {
		l.tell(Event{Type: SourceBack, Text: now.Name + " can be read again"})
	}
	if r.ID == now.Revision.ID {
		l.update(func(s *State) { s.Source.Refused = "" })
		return
	}
	f, err := LoadFleet(r, l.Check, had)
	if err != nil {
		l.refuse(rev, err)
		return
	}
	text := r.Subject
	if r.Rewrites != "" {
		text = "it does not descend from the revision before, " + r.Rewrites + " (a forced push?): " + text
	}
	broken := f.broken()
	l.update(func(s *State) {
		s.Source.Revision, s.Source.Since, s.Source.Refused, s.Source.Broken = rev, time.Now().UTC(), "", broken
	})
	l.tell(Event{Type: RevisionFound, Revision: rev.Name, Text: text})
	for _, folder := range slices.Sorted(maps.Keys(broken)) {
		if broken[folder] != now.Broken[folder] {
			l.tell(Event{Type: RevisionRefused, Revision: rev.Name, Text: folder + ": " + broken[folder]})
		}
	}
	l.assign(following, ctx, rev, r.Dir, f)
}

// assign gives each cluster its manifests, begins with those that are new, and ends with those that are gone.
func (l *Loop) assign(following, ctx context.Context, rev Revision, dir string, f Fleet) {
	digests := map[string]string{}
	for name, m := range f.Clusters {
		digests[name] = reconcile.ManifestsDigest(m)
	}
	l.mu.Lock()
	var gone []string
	for name, w := range l.workers {
		if f.Clusters[name] == nil {
			gone = append(gone, name)
			l.letGo(w)
		}
	}
	for i, name := range slices.Sorted(maps.Keys(f.Clusters)) {
		m := f.Clusters[name]
		broken := f.Broken[folderOf(m)]
		w := l.workers[name]
		switch {
		case w == nil:
			w = newWorker(l, name, time.Duration(i)*l.Stagger/time.Duration(len(f.Clusters)))
			before := l.leaving[name]
			l.workers[name] = w
			l.known[name] = &Cluster{Name: name, Phase: Unknown}
			w.assign(target{m, digests[name], rev, dir, ""})
			l.running.Go(func() {
				defer l.left(w)
				if before != nil { // it may still finish a step
					<-before.ended
				}
				w.run(following, ctx)
			})
		case broken != nil:
			w.assign(target{m, digests[name], w.target().revision, w.target().dir, cut(broken.Error())}) // its old manifests, under the policy of now
		default:
			w.assign(target{m, digests[name], rev, dir, ""})
		}
	}
	l.mu.Unlock()
	for _, name := range slices.Sorted(slices.Values(gone)) {
		l.tell(Event{Type: Gone, Cluster: name, Revision: rev.Name, Text: "it is not in the source any more; it is let go as it is"})
	}
}

// letGo ends a worker, and forgets what is known of its cluster. l.mu is held.
func (l *Loop) letGo(w *worker) {
	w.quit()
	l.leaving[w.name] = w
	delete(l.workers, w.name)
	delete(l.ready, w.name)
	delete(l.known, w.name)
	l.counts.forget(w.name)
	l.stir()
}

// left tells that a worker has ended.
func (l *Loop) left(w *worker) {
	close(w.ended)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leaving[w.name] == w {
		delete(l.leaving, w.name)
	}
}

// refuse tells that a revision is not taken, once.
func (l *Loop) refuse(rev Revision, err error) {
	text := cut(err.Error())
	full := rev.Name + ": " + text
	l.mu.Lock()
	was := l.state.Source.Refused
	l.mu.Unlock()
	if was != full {
		l.update(func(s *State) { s.Source.Refused = full })
		l.tell(Event{Type: RevisionRefused, Revision: rev.Name, Text: text})
	}
}
