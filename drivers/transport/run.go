package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

var (
	errTooMuch = fmt.Errorf("printed more than %d MiB", maxStdout>>20)
	errStuck   = errors.New("did not end after its time limit, not even by SIGKILL: stuck in the kernel (a dead disk or mount?)")
)

// Run runs one command as root, in one session. See reconcile.Host and reconcile.Cmd.
//
// When ctx ends, a command that changes nothing is ended on the machine too. One that mutates is left to finish there, since half a change
// is worse than a whole one; the error says that it may still run, and for how long.
func (m *Machine) Run(ctx context.Context, c reconcile.Cmd) ([]byte, error) {
	r := request{argv: c.Argv, show: c.Argv, limit: c.Limit, mutates: c.Mutates, stdin: c.Stdin}
	out := &stdout{line: c.Line}
	code, stderr, err := m.run(ctx, r, out, func(cancel context.CancelCauseFunc) { out.over = func() { cancel(errTooMuch) } })
	if err != nil {
		return nil, err
	}
	b := out.end()
	switch {
	case code != 0:
		return b, &reconcile.ExitError{Host: m.name, Argv: c.Argv, Code: code, Stdout: b, Stderr: stderr}
	case out.full:
		return nil, fmt.Errorf("%s: %s: %w", m.name, strings.Join(c.Argv, " "), errTooMuch)
	}
	return b, nil
}

// request is a command with what surrounds it.
type request struct {
	argv    []string
	show    []string // how errors name it
	limit   time.Duration
	mutates bool
	stdin   []byte
	checks  bool // the command itself makes sure that its input is whole
}

// run is Run with the output going elsewhere. arm, if not nil, receives what cancels the command.
func (m *Machine) run(ctx context.Context, r request, out io.Writer, arm func(context.CancelCauseFunc)) (code int, stderr []byte, err error) {
	if len(r.argv) == 0 || r.argv[0] == "" {
		return 0, nil, fmt.Errorf("%s: empty command", m.name)
	}
	release, err := m.slot(ctx)
	if err != nil {
		return 0, nil, fmt.Errorf("%s: %s: not started: %w", m.name, strings.Join(r.show, " "), err)
	}
	defer release()
	if r.limit <= 0 {
		r.limit = reconcile.DefaultLimit
	}
	// timeout(1) ends it on the machine; this only guards against one that cannot be ended.
	guard := r.limit + 15*time.Second
	if r.mutates {
		guard += busyWait * time.Second
	}
	caller := ctx
	ctx, stop := context.WithTimeoutCause(ctx, guard, errStuck)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if arm != nil && !r.mutates {
		arm(cancel)
	} else if arm != nil {
		arm(func(error) {}) // a mutating command is drained to its end
	}

	began := time.Now()
	res, err := m.exec(ctx, m.wrap(r, out))
	if err == nil {
		// With -k, timeout(1) reports 137 for what it had to kill.
		if res.code == 128+9 && time.Since(began) >= r.limit {
			res.code = 124
		}
		return res.code, res.stderr, nil
	}
	if cause := context.Cause(ctx); cause != nil {
		return 0, nil, m.ended(caller, r, res, cause)
	}
	var gone *reconcile.UnreachableError
	if errors.As(err, &gone) && r.mutates && res.pid != "" {
		gone.Err = fmt.Errorf("while %s ran: %w", strings.Join(r.show, " "), gone.Err)
		gone.Hint = fmt.Sprintf("it may still run there for up to %s, holding %s/hactl.busy; what it did is not known", r.limit, m.runDir)
	}
	return 0, nil, err
}

// wrap puts the limits and the busy lock around a command.
func (m *Machine) wrap(r request, out io.Writer) call {
	c := call{script: readScript, stdin: io.NopCloser(bytes.NewReader(r.stdin)), stdout: out}
	limit := strconv.FormatFloat(r.limit.Seconds(), 'f', -1, 64)
	if r.mutates {
		size := "-"
		if len(r.stdin) > 0 && !r.checks {
			size = strconv.Itoa(len(r.stdin))
		}
		c.script = mutateScript
		c.args = append(c.args, m.runDir, limit, size)
	} else {
		c.args = append(c.args, limit)
	}
	c.args = append(c.args, r.argv...)
	return c
}

// ended says what is known of a command whose context ended before it did.
func (m *Machine) ended(ctx context.Context, r request, res result, cause error) error {
	what := m.name + ": " + strings.Join(r.show, " ")
	switch {
	case errors.Is(cause, errStuck):
		return &reconcile.ExitError{Host: m.name, Argv: r.show, Code: 124, Stderr: []byte(errStuck.Error())}
	case r.mutates && res.pid == "":
		return fmt.Errorf("%s: %w; it is not known whether it was started", what, cause)
	case r.mutates:
		return fmt.Errorf("%s: %w; it was started and may still run there for up to %s, holding %s/hactl.busy", what, cause, r.limit, m.runDir)
	}
	if err := m.kill(ctx, res.pid); err != nil {
		return fmt.Errorf("%s: %w; it could not be ended there (%w) and runs for up to %s", what, cause, err, r.limit)
	}
	return fmt.Errorf("%s: %w", what, cause)
}
