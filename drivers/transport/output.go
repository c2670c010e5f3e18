package transport

import (
	"bytes"
	"strings"
	"sync"
)

// marker is what begin prints before a script's own output; a word and a newline follow it.
const marker = "\036hactl "

// afterMarker passes on what comes after the marker's line, so that what a login script prints cannot be taken for output.
type afterMarker struct {
	to, before interface{ Write([]byte) (int, error) }

	mu   sync.Mutex
	head []byte // until the marker's line is complete
	ok   bool
	note string
	done bool
}

// close drops whatever is written from now on: nobody looks any more.
func (w *afterMarker) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
}

// maxHead bounds what may come before the marker.
const maxHead = 64 << 10

func (w *afterMarker) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.done {
		return len(p), nil
	}
	if w.ok {
		return w.to.Write(p)
	}
	if w.before != nil {
		_, _ = w.before.Write(p) // a tail: cannot fail
	}
	w.head = append(w.head, p...)
	i := bytes.Index(w.head, []byte(marker))
	if i < 0 {
		if over := len(w.head) - maxHead; over > 0 {
			w.head = w.head[over:]
		}
		return len(p), nil
	}
	rest := w.head[i+len(marker):]
	j := bytes.IndexByte(rest, '\n')
	if j < 0 {
		return len(p), nil
	}
	w.ok, w.note, w.head = true, string(rest[:j]), nil
	if len(rest) > j+1 {
		if _, err := w.to.Write(rest[j+1:]); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

func (w *afterMarker) found() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ok
}

// word is the word of the marker's line.
func (w *afterMarker) word() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(w.note)
}

// tail keeps the last maxStderr bytes: a tool tells its reason at the end.
type tail struct {
	buf bytes.Buffer
	cut bool
}

func (t *tail) Write(p []byte) (int, error) {
	t.buf.Write(p)
	if over := t.buf.Len() - maxStderr; over > 0 {
		t.cut = true
		t.buf.Next(over)
	}
	return len(p), nil
}

func (t *tail) bytes() []byte {
	if t.cut {
		return append([]byte("[…]"), t.buf.Bytes()...)
	}
	return t.buf.Bytes()
}

// stdout gathers a command's output up to maxStdout and hands out its lines. over is called once when there is more.
type stdout struct {
	buf  bytes.Buffer
	line func([]byte)
	over func()
	from int // start of the unfinished line
	full bool
}

func (s *stdout) Write(p []byte) (int, error) {
	if s.full {
		return len(p), nil
	}
	if s.buf.Len()+len(p) > maxStdout {
		s.full = true
		s.over()
		return len(p), nil
	}
	s.buf.Write(p)
	if s.line != nil {
		for {
			b := s.buf.Bytes()[s.from:]
			i := bytes.IndexByte(b, '\n')
			if i < 0 {
				break
			}
			s.line(bytes.Clone(b[:i]))
			s.from += i + 1
		}
	}
	return len(p), nil
}

// end hands out a last line that has no newline, and returns the whole.
func (s *stdout) end() []byte {
	b := s.buf.Bytes()
	if s.line != nil && s.from < len(b) {
		s.line(bytes.Clone(b[s.from:]))
		s.from = len(b)
	}
	return b
}
