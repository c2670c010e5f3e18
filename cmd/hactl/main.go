// Command hactl keeps Linux high-availability clusters as their manifests say.
//
// The rules of its user interface: results go to standard output, progress and questions to standard error; colour only on a terminal and
// never with NO_COLOR; an error says what, where, why and what to do; exit codes are 0 (done, or nothing to do), 1 (error), 2 (plan: there
// are changes; status: something is degraded or failed) and 130 (interrupted).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/hactl/hactl/reconcile"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// The exit codes.
const (
	exitOK          = 0
	exitError       = 1
	exitChanges     = 2
	exitInterrupted = 130
)

// exitCode is an error that only carries an exit code; what there is to say was said.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

func run(args []string, stdin *os.File, stdout, stderr io.Writer) int {
	return (&app{stdin: stdin, out: stdout, err: stderr, open: connect}).run(args)
}

func (a *app) run(args []string) int {
	ctx, drain, stop := interruptible(a.err)
	defer stop()
	a.drain = drain
	stderr := a.err
	cmd := a.root()
	cmd.SetArgs(args)
	cmd.SetIn(a.stdin)
	cmd.SetOut(a.out)
	cmd.SetErr(stderr)
	err := cmd.ExecuteContext(ctx)
	var code exitCode
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	case errors.Is(err, reconcile.ErrInterrupted), errors.Is(err, context.Canceled):
		_, _ = fmt.Fprintln(stderr, "hactl:", err)
		return exitInterrupted
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		_, _ = fmt.Fprintln(stderr, "hactl:", line)
	}
	return exitError
}

// interruptible turns the first Ctrl-C (or SIGTERM) into a closed drain: what runs is finished. The second cancels the context.
func interruptible(stderr io.Writer) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	drain := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	done := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			select {
			case <-signals:
			case <-done:
				return
			}
			switch n {
			case 0:
				close(drain)
				_, _ = fmt.Fprintln(stderr, "hactl: finishing what runs; once more to cancel it")
			default:
				cancel()
			}
		}
	}()
	return ctx, drain, func() { signal.Stop(signals); close(done); cancel() }
}
