// Package transport turns a way to start a shell on a machine into a reconcile.Host, and holds the lock of a cluster.
//
// The packages ssh and local bring the way (Shell); everything that happens on the machine itself (time limits, sudo, the busy lock, atomic
// writes) stands here once, as shell scripts that need only what every cluster node has: sh, bash, coreutils, tar and util-linux.
package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// Shell starts command lines on one machine.
type Shell interface {
	// Exec has the login shell run line, feeds it stdin, and returns its exit code (128+n after signal n) once it has ended and its output
	// is drained. It closes stdin in every case. When ctx ends it returns ctx's error at once and leaves the command alone (stdout and
	// stderr must bear a late write then). A lost connection is a *reconcile.UnreachableError.
	Exec(ctx context.Context, line string, stdin io.ReadCloser, stdout, stderr io.Writer) (code int, err error)
}

// Defaults of a Machine.
const (
	DefaultSessions = 8      // sshd's MaxSessions is 10 (sshd_config(5)); one is left for the lock and one for ending a command
	DefaultRunDir   = "/run" // holds hactl.lock and hactl.busy
)

// Bounds on what a machine may send.
const (
	maxStdout = 64 << 20
	maxStderr = 64 << 10
	maxFile   = 32 << 20
	maxFiles  = 256 << 20 // all files of one ReadFiles
)

// Machine is a reconcile.Host upon a Shell. It may be used by many goroutines at once.
type Machine struct {
	name   string
	shell  Shell
	slots  chan struct{}
	runDir string
}

var _ reconcile.Host = (*Machine)(nil)

// NewMachine makes a Host. At most sessions commands run at once, the others wait; 0 means DefaultSessions. runDir is the folder of
// the lock files on the machine, DefaultRunDir when empty; only tests and laboratories whose nodes share one /run say another.
func NewMachine(name string, shell Shell, sessions int, runDir string) *Machine {
	if sessions <= 0 {
		sessions = DefaultSessions
	}
	if runDir == "" {
		runDir = DefaultRunDir
	}
	return &Machine{name: name, shell: shell, slots: make(chan struct{}, sessions), runDir: runDir}
}

// Name is the machine's name in the manifests.
func (m *Machine) Name() string { return m.name }

// slot waits for one of the machine's sessions.
func (m *Machine) slot(ctx context.Context) (release func(), err error) {
	select {
	case m.slots <- struct{}{}:
		return func() { <-m.slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// call is one script to run on the machine.
type call struct {
	script script
	args   []string
	stdin  io.ReadCloser // nil means empty
	stdout io.Writer
}

// result is what became of a call.
type result struct {
	code   int
	pid    string // of the process group on the machine; empty when the script never started
	stderr []byte
}

// exec runs a script as root. A script that never started (no shell, no sudo) is an *UnreachableError: the machine was not asked anything.
func (m *Machine) exec(ctx context.Context, c call) (result, error) {
	line, err := c.script.line(c.args)
	if err != nil {
		return result{}, fmt.Errorf("%s: %w", m.name, err)
	}
	if c.stdin == nil {
		c.stdin = io.NopCloser(strings.NewReader(""))
	}
	out := &afterMarker{to: c.stdout}
	var early, late tail
	errs := &afterMarker{to: &late, before: &early}
	code, err := m.shell.Exec(ctx, line, c.stdin, out, errs)
	out.close()
	errs.close()
	r := result{code: code, pid: out.word(), stderr: late.bytes()}
	var gone *reconcile.UnreachableError
	switch {
	case errors.As(err, &gone):
		return r, &reconcile.UnreachableError{Host: m.name, Err: gone.Err, Hint: gone.Hint}
	case err != nil:
		return r, err
	case !errs.found():
		return r, m.notStarted(code, early.bytes())
	}
	return r, nil
}

// notStarted explains a login or a sudo that did not let the script begin.
func (m *Machine) notStarted(code int, stderr []byte) error {
	text := strings.TrimSpace(string(stderr))
	hint := "log in by hand and see what the shell says"
	switch {
	case strings.Contains(text, "sudo") && strings.Contains(text, "not found"):
		hint = "the login user is not root and sudo is not installed there: install it or log in as root"
	case strings.Contains(text, "sudo"), strings.Contains(text, "password is required"), strings.Contains(text, "sudoers"):
		hint = "sudo must work without a password: the login user needs a line 'USER ALL=(ALL) NOPASSWD: ALL' in /etc/sudoers.d, or log in as root"
	}
	if text == "" {
		text = "no message"
	}
	return &reconcile.UnreachableError{Host: m.name, Err: fmt.Errorf("no command could be started (exit code %d): %s", code, text), Hint: hint}
}

// kill ends the process group of a command whose caller has gone. It does not take a slot: those may all be waiting for this.
func (m *Machine) kill(ctx context.Context, pid string) error {
	if pid == "" {
		return nil // it had not begun, and timeout(1) bounds it if it does
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	r, err := m.exec(ctx, call{script: killScript, args: []string{pid}, stdout: io.Discard})
	if err == nil && r.code != 0 && !strings.Contains(string(r.stderr), "No such process") {
		err = fmt.Errorf("kill: %s", strings.TrimSpace(string(r.stderr)))
	}
	return err
}
