package transport

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// listener is a shell that does nothing, and remembers what it was told.
type listener struct{ line, input string }

func (l *listener) Exec(_ context.Context, line string, stdin io.ReadCloser, _, _ io.Writer) (int, error) {
	b, err := io.ReadAll(stdin)
	l.line, l.input = l.line+line+"\n", l.input+string(b)
	return 0, err
}

// Everybody on a machine can read the arguments of a command, so these hold neither a secret nor what it could be guessed by.
func TestWriteFileKeepsItsContentToItself(t *testing.T) {
	var l listener
	const value = "sesame"
	_ = NewMachine("n", &l, 0, t.TempDir()).WriteFile(t.Context(), "/x", reconcile.File{Content: reconcile.Secret(value)})
	sum := fmt.Sprintf("%x", sha256.Sum256([]byte(value)))
	if strings.Contains(l.line, value) || strings.Contains(l.line, sum) {
		t.Errorf("the command line tells it: %s", l.line)
	}
	if !strings.Contains(l.input, fmt.Sprintf("%d %s\n%s", len(value), sum, value)) {
		t.Errorf("sent: %q", l.input)
	}
}
