package transport

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// writeLimit bounds one WriteFile on the machine; fsync(2) on a busy disk can take long.
const writeLimit = 2 * time.Minute

// WriteFile replaces a file atomically in one session; see reconcile.Host. If path is a symbolic link, the file that it points at is
// replaced and the link stays. It holds the busy lock like every mutating command.
func (m *Machine) WriteFile(ctx context.Context, path string, f reconcile.File) error {
	if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") || strings.ContainsAny(path, "\x00\n") {
		return fmt.Errorf("%s: write %q: not the absolute path of a file", m.name, path)
	}
	if !f.Content.Comparable() {
		return fmt.Errorf("%s: write %s: the content is masked: it was decoded from a plan or a snapshot", m.name, path)
	}
	mode, owner := f.Mode.Perm(), f.Owner
	if mode == 0 {
		mode = 0o644
	}
	if owner == "" {
		owner = "root:root"
	}
	content := f.Content.Bytes()
	if len(content) > maxFile {
		return fmt.Errorf("%s: write %s: %d bytes, at most %d MiB", m.name, path, len(content), maxFile>>20)
	}
	sum := sha256.Sum256(content)
	argv := []string{"sh", "-c", writeFileProgram, "hactl-write", path, fmt.Sprintf("%04o", mode), owner}
	show := []string{"write", path}
	// The digest goes the content's way and not into argv, which everybody on the machine can read: a password could be guessed by it.
	input := append(fmt.Appendf(nil, "%d %x\n", len(content), sum), content...)
	r := request{argv: argv, show: show, limit: writeLimit, mutates: true, stdin: input, checks: true}
	code, stderr, err := m.run(ctx, r, io.Discard, nil)
	if err != nil {
		return err
	}
	if code != 0 {
		return &reconcile.ExitError{Host: m.name, Argv: show, Code: code, Stderr: stderr}
	}
	return nil
}
