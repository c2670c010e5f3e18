package source

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
)

const (
	settled   = 200 * time.Millisecond // without a change, before a folder is read
	unsettled = 10 * time.Second       // of changes, until a look gives up
)

// Folder follows a folder.
type Folder struct {
	Dir string
	// Interval is the time between two looks where no event comes: some get lost, and file systems of the network send none. Default 30 s.
	Interval time.Duration
}

// String is the folder's name.
func (f Folder) String() string { return f.Dir }

// Run implements Source.
func (f Folder) Run(ctx context.Context, poke <-chan struct{}, found func(Revision), failed func(error)) error {
	if f.Dir == "" {
		return errors.New("which folder is to be followed? name one")
	}
	dir, err := filepath.Abs(f.Dir)
	if err != nil {
		return err
	}
	f.Dir = dir
	if f.Interval <= 0 {
		f.Interval = 30 * time.Second
	}
	w := newWatcher()
	defer w.close()
	follower{
		look: func(ctx context.Context) (Revision, error) {
			r, err := f.look(ctx, w)
			if lost := w.lost(); lost != nil {
				failed(fmt.Errorf("%s: its changes are seen only every %v: %w", f.Dir, f.Interval, lost))
			}
			return r, err
		},
		interval: f.Interval, poke: poke, wake: w.wake, found: found, failed: failed,
	}.run(ctx)
	return nil
}

// look waits until the folder has settled and reads it.
func (f Folder) look(ctx context.Context, w *watcher) (Revision, error) {
	start := time.Now()
	have := f.scan()
	w.follow(have.places)
	tick := time.NewTicker(settled)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return Revision{}, ctx.Err()
		case <-tick.C:
		}
		now := f.scan()
		w.follow(now.places)
		moved := have.differs(now)
		have = now
		if moved == "" && have.err != nil {
			return Revision{}, have.err
		}
		if moved == "" {
			var files []v1.File
			var err error
			if files, moved, err = have.read(); err != nil {
				return Revision{}, err
			}
			if moved == "" {
				now = f.scan()
				moved, have = have.differs(now), now
			}
			if moved == "" {
				return f.revision(files), nil
			}
		}
		if time.Since(start) > unsettled {
			return Revision{}, fmt.Errorf("%s has been changing for %v; write files under another name and rename them when they are complete", moved, unsettled)
		}
	}
}

func (f Folder) revision(files []v1.File) Revision {
	sum := sha256.New()
	for _, file := range files {
		for _, b := range [][]byte{[]byte(file.Name), file.Data} {
			_ = binary.Write(sum, binary.BigEndian, uint64(len(b)))
			_, _ = sum.Write(b)
		}
	}
	digest := hex.EncodeToString(sum.Sum(nil))
	return Revision{ID: "sha256:" + digest, Name: filepath.Base(f.Dir) + "@" + short(digest), Files: files, Dir: f.Dir}
}
