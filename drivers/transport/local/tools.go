package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/hactl/hactl/reconcile"
)

// Tools is this machine as a place to run tools that only compute: as the user who runs hactl, without sudo and without the locks of
// a cluster node. It is no cluster node, so it reads and writes no files.
type Tools struct{}

var _ reconcile.Host = Tools{}

// Name is "this machine".
func (Tools) Name() string { return "this machine" }

// sbin are searched besides $PATH: most users' does not hold the administrator's tools.
var sbin = []string{"/usr/local/sbin", "/usr/sbin", "/sbin"}

// HasTool tells whether a program is installed on this machine.
func HasTool(name string) bool {
	if _, err := exec.LookPath(name); err == nil {
		return true
	}
	for _, d := range sbin {
		if info, err := os.Stat(filepath.Join(d, name)); err == nil && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

// Run runs a command that changes nothing. When its limit or ctx ends, the command and its children are killed.
func (t Tools) Run(ctx context.Context, c reconcile.Cmd) ([]byte, error) {
	if c.Mutates {
		return nil, fmt.Errorf("%s: only computes, and was to run: %s", t.Name(), strings.Join(c.Argv, " "))
	}
	limit := c.Limit
	if limit == 0 {
		limit = reconcile.DefaultLimit
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(limited, "env", c.Argv...) // env, so that the PATH below is the one that is searched
	cmd.Env = environ("LC_ALL=C.UTF-8", "PATH="+os.Getenv("PATH")+":"+strings.Join(sbin, ":"))
	cmd.Stdin = bytes.NewReader(c.Stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) } // so that a script can remove its files
	cmd.WaitDelay = drainTime
	err := cmd.Run()
	if limited.Err() != nil && cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what is left of them
	}
	if c.Line != nil {
		for l := range bytes.Lines(stdout.Bytes()) {
			c.Line(bytes.TrimSuffix(l, []byte("\n")))
		}
	}
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case limited.Err() != nil:
		return nil, &reconcile.ExitError{Host: t.Name(), Argv: c.Argv, Code: 124, Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}
	case errors.As(err, &exit):
		return nil, &reconcile.ExitError{Host: t.Name(), Argv: c.Argv, Code: exit.ExitCode(), Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}
	case err != nil:
		return nil, fmt.Errorf("%s: %s: %w", t.Name(), c.Argv[0], err)
	}
	return stdout.Bytes(), nil
}

// ReadFiles refuses: this machine is not the one that a plan is about.
func (t Tools) ReadFiles(_ context.Context, globs ...string) (map[string]reconcile.File, error) {
	return nil, &reconcile.NotRecordedError{Host: t.Name(), What: strings.Join(globs, " ")}
}

// WriteFile refuses.
func (t Tools) WriteFile(_ context.Context, path string, _ reconcile.File) error {
	return fmt.Errorf("%s: only computes, and was to write %s", t.Name(), path)
}
