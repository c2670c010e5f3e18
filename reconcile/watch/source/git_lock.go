package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// dirLock keeps a cache to one process, and to the git commands that it started.
type dirLock struct {
	dir  string
	file *os.File
}

// take locks the folder, if that was not done yet.
func (l *dirLock) take() error {
	if l.file != nil {
		return nil
	}
	f, err := os.OpenFile(filepath.Join(l.dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("the cache: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		pid, _ := io.ReadAll(io.LimitReader(f, 20))
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return refuse("the cache %s is in use by process %s; one controller at a time, or another folder for each", l.dir, strings.TrimSpace(string(pid)))
		}
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	if err := errors.Join(f.Truncate(0), writePID(f)); err != nil {
		_ = f.Close()
		return fmt.Errorf("the cache: %w", err)
	}
	l.file = f
	return nil
}

func writePID(f *os.File) error {
	_, err := f.WriteAt(fmt.Appendln(nil, os.Getpid()), 0)
	return err
}

func (l *dirLock) files() []*os.File {
	if l.file == nil {
		return nil
	}
	return []*os.File{l.file}
}

func (l *dirLock) release() {
	if l.file != nil {
		_ = l.file.Close()
		l.file = nil
	}
}
