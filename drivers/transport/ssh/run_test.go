package ssh

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile"
)

func TestRun(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id)
	h := connect(t, n, config(t, id, []*node{n}))
	ctx := context.Background()
	for _, mutates := range []bool{false, true} {
		t.Run(fmt.Sprint("mutates=", mutates), func(t *testing.T) {
			// Arguments arrive as they are.
			args := []string{"a b", "'", `"$HOME"`, "*", "", "-n", "line\nbreak", "\\", "ü"}
			out, err := h.Run(ctx, reconcile.Cmd{Argv: append([]string{"printf", "<%s>"}, args...), Mutates: mutates})
			if want := "<" + strings.Join(args, "><") + ">"; err != nil || string(out) != want {
				t.Errorf("got %q, %v; want %q", out, err, want)
			}
			// Binary both ways, larger than any window.
			blob := make([]byte, 5<<20)
			rand.Read(blob)
			out, err = h.Run(ctx, reconcile.Cmd{Argv: []string{"cat"}, Stdin: blob, Mutates: mutates})
			if err != nil || !bytes.Equal(out, blob) {
				t.Errorf("5 MiB through cat: %d bytes, %v", len(out), err)
			}
			// A command that does not read its input.
			if _, err = h.Run(ctx, reconcile.Cmd{Argv: []string{"true"}, Stdin: blob, Mutates: mutates}); err != nil {
				t.Error(err)
			}
			// Failure.
			_, err = h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", "echo out; echo reason >&2; exit 7"}, Stdin: []byte("sesame"), Mutates: mutates})
			var exit *reconcile.ExitError
			if !errors.As(err, &exit) || exit.Code != 7 || string(exit.Stderr) != "reason\n" || string(exit.Stdout) != "out\n" {
				t.Errorf("got %#v", err)
			}
			if strings.Contains(err.Error(), "sesame") {
				t.Error("input in an error")
			}
			_, err = h.Run(ctx, reconcile.Cmd{Argv: []string{"no-such-command"}, Mutates: mutates})
			if !errors.As(err, &exit) || exit.Code != 127 {
				t.Errorf("got %v", err)
			}
			_, err = h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", "kill -SEGV $$"}, Mutates: mutates})
			if !errors.As(err, &exit) || exit.Code != 128+11 {
				t.Errorf("got %v", err)
			}
			// Lines.
			var lines []string
			out, err = h.Run(ctx, reconcile.Cmd{Argv: []string{"printf", "a\n\nb"}, Line: func(b []byte) { lines = append(lines, string(b)) }, Mutates: mutates})
			if err != nil || string(out) != "a\n\nb" || strings.Join(lines, "|") != "a||b" {
				t.Errorf("got %q %q %v", out, lines, err)
			}
		})
	}
}

func TestManyRunsOnOneConnection(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id, "MaxSessions 10")
	h := connect(t, n, config(t, id, []*node{n}))
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			out, err := h.Run(context.Background(), reconcile.Cmd{Argv: []string{"sh", "-c", "sleep 0.1; echo " + fmt.Sprint(i)}})
			if err != nil || string(out) != fmt.Sprintln(i) {
				t.Errorf("run %d: %q, %v", i, out, err)
			}
		})
	}
	wg.Wait()
}

// running tells whether a process with that argument exists.
func running(arg string) bool { return exec.Command("pgrep", "-f", arg).Run() == nil }

func TestLimitIsEnforcedOnTheMachine(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id)
	h := connect(t, n, config(t, id, []*node{n}))
	for i, mutates := range []bool{false, true} {
		arg := fmt.Sprintf("60.%d%d", os.Getpid(), i)
		_, err := h.Run(context.Background(), reconcile.Cmd{Argv: []string{"sleep", arg}, Limit: time.Second, Mutates: mutates})
		var exit *reconcile.ExitError
		if !errors.As(err, &exit) || exit.Code != 124 {
			t.Errorf("got %v", err)
		}
		if running("sleep " + arg) {
			t.Error("it still runs")
		}
	}
	if testing.Short() {
		return
	}
	_, err := h.Run(context.Background(), reconcile.Cmd{Argv: []string{"sh", "-c", "trap '' TERM; sleep 60 & wait; wait; sleep 60"}, Limit: time.Second})
	var exit *reconcile.ExitError
	if !errors.As(err, &exit) || exit.Code != 124 {
		t.Errorf("ignoring TERM: got %v", err)
	}
}

func TestCancel(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id)
	h := connect(t, n, config(t, id, []*node{n}))
	for i, mutates := range []bool{false, true} {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		arg := fmt.Sprintf("20.%d%d", os.Getpid(), i)
		// The command speaks on, so that losing its reader would end it by SIGPIPE.
		done := n.dir + "/done"
		_, err := h.Run(ctx, reconcile.Cmd{
			Argv: []string{"sh", "-c", "echo go; sleep 1; echo more; echo more >&2; touch " + done + "; sleep " + arg},
			Line: func([]byte) { cancel() }, Limit: 3 * time.Second, Mutates: mutates,
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if !mutates {
			waitFor(t, "the command to end", func() bool { return !running("sleep " + arg) })
			if _, err := os.Stat(done); err == nil {
				t.Error("it was not ended")
			}
			continue
		}
		if !strings.Contains(err.Error(), "may still run there for up to 3s") {
			t.Errorf("got %v", err)
		}
		waitFor(t, "the mutating command to go on", func() bool { _, err := os.Stat(done); return err == nil })
	}
}

func TestTooMuchOutput(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: 64 MiB of output")
	}
	id := newIdentity(t)
	n := startNode(t, id)
	h := connect(t, n, config(t, id, []*node{n}))
	_, err := h.Run(context.Background(), reconcile.Cmd{Argv: []string{"yes"}})
	if err == nil || !strings.Contains(err.Error(), "more than 64 MiB") {
		t.Errorf("got %v", err)
	}
	_, err = h.Run(context.Background(), reconcile.Cmd{Argv: []string{"sh", "-c", "head -c 1000000 /dev/zero >&2; echo end >&2; exit 1"}})
	var exit *reconcile.ExitError
	if !errors.As(err, &exit) || len(exit.Stderr) > 70<<10 || !strings.HasSuffix(string(exit.Stderr), "end\n") {
		t.Errorf("stderr: %d bytes", len(exit.Stderr))
	}
}

func TestDaemonDoesNotHoldTheSession(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id)
	h := connect(t, n, config(t, id, []*node{n}))
	began := time.Now()
	out, err := h.Run(context.Background(), reconcile.Cmd{Argv: []string{"sh", "-c", "sleep 20 & echo started"}})
	if err != nil || string(out) != "started\n" || time.Since(began) > 10*time.Second {
		t.Errorf("got %q, %v after %s", out, err, time.Since(began))
	}
}

// TestTimes logs what a connection and a command on it cost.
func TestTimes(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id)
	cfg := config(t, id, []*node{n})
	ctx := context.Background()
	began := time.Now()
	h := connect(t, n, cfg)
	t.Logf("connect: %s", time.Since(began))
	measure := func(what string, f func() error) {
		if err := f(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		for range 20 {
			if err := f(); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%s: %s", what, time.Since(began)/20)
	}
	measure("run", func() error { _, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"true"}}); return err })
	measure("run, mutating", func() error {
		_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"true"}, Mutates: true})
		return err
	})
	measure("read 4 files", func() error { _, err := h.ReadFiles(ctx, "/etc/passwd", "/etc/host*"); return err })
	measure("write a file", func() error {
		return h.WriteFile(ctx, n.dir+"/out", reconcile.File{Content: reconcile.Plain("x")})
	})
}
