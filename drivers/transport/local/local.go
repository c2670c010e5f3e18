// Package local runs commands on the machine that hactl itself runs on.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/hactl/hactl/drivers/transport"
	"github.com/hactl/hactl/reconcile"
)

// Host is the machine itself as a reconcile.Host, with the limits, the locks and, for a user who is not root, the sudo of the other
// transports.
type Host struct {
	*transport.Machine
	shell *shell
}

var _ reconcile.Host = (*Host)(nil)

// Open makes the Host. name is the machine's name in the manifests.
func Open(name string) *Host { return open(name, "") }

func open(name, runDir string) *Host {
	s := &shell{}
	return &Host{Machine: transport.NewMachine(name, s, 0, runDir), shell: s}
}

// Close waits for the commands that were left to finish when their context ended; each is bounded by its limit.
func (h *Host) Close() error {
	h.shell.left.Wait()
	return nil
}

type shell struct{ left sync.WaitGroup }

// drainTime is how long output may still come after a command has ended, when a process that it left behind holds its output open.
const drainTime = 2 * time.Second

// Exec implements transport.Shell.
func (s *shell) Exec(ctx context.Context, line string, stdin io.ReadCloser, stdout, stderr io.Writer) (int, error) {
	defer func() { _ = stdin.Close() }() // in memory: nothing to lose
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Dir, cmd.Env = "/", environ()
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = drainTime
	// A session of its own: an interrupt from the keyboard is for hactl, not for half of a command.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return 0, &reconcile.UnreachableError{Err: fmt.Errorf("start shell: %w", err)}
	}
	if err := cmd.Start(); err != nil {
		return 0, &reconcile.UnreachableError{Err: fmt.Errorf("start shell: %w", err)}
	}
	s.left.Go(func() { // ends when the command does not read any more, or stdin is closed
		_, _ = io.Copy(in, stdin) // a command need not read its input
		_ = in.Close()
	})
	done := make(chan error, 1)
	s.left.Go(func() { done <- cmd.Wait() })
	select {
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	case err = <-done:
	}
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return cmd.ProcessState.ExitCode(), nil
	case !errors.As(err, &exit):
		return 0, fmt.Errorf("wait for shell: %w", err)
	}
	if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal()), nil
	}
	return exit.ExitCode(), nil
}
