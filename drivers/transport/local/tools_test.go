package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile"
)

func TestTools(t *testing.T) {
	var tools Tools
	out, err := tools.Run(t.Context(), reconcile.Cmd{Argv: []string{"sh", "-c", `cat; echo "$1"`, "sh", "b"}, Stdin: []byte("a\n")})
	if err != nil || string(out) != "a\nb\n" {
		t.Errorf("%q %v", out, err)
	}
	var exit *reconcile.ExitError
	if _, err := tools.Run(t.Context(), reconcile.Cmd{Argv: []string{"sh", "-c", "echo no >&2; exit 3"}}); !errors.As(err, &exit) || exit.Code != 3 || string(exit.Stderr) != "no\n" {
		t.Errorf("%v", err)
	}
	if _, err := tools.Run(t.Context(), reconcile.Cmd{Argv: []string{"no-such-tool"}}); !errors.As(err, &exit) || exit.Code != 127 {
		t.Errorf("a tool that is not there: %v", err)
	}
	if !HasTool("sh") || HasTool("no-such-tool") {
		t.Error("HasTool")
	}
	if _, err := tools.Run(t.Context(), reconcile.Cmd{Argv: []string{"true"}, Mutates: true}); err == nil {
		t.Error("it ran a change")
	}
	begun := time.Now()
	if _, err := tools.Run(t.Context(), reconcile.Cmd{Argv: []string{"sh", "-c", "sleep 60 & wait"}, Limit: 50 * time.Millisecond}); !errors.As(err, &exit) || exit.Code != 124 {
		t.Errorf("a limit: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tools.Run(ctx, reconcile.Cmd{Argv: []string{"sleep", "60"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("ending took %s", d)
	}
	var unknown *reconcile.NotRecordedError
	if _, err := tools.ReadFiles(t.Context(), "/etc/*"); !errors.As(err, &unknown) || !strings.Contains(err.Error(), "/etc/*") {
		t.Errorf("it read files: %v", err)
	}
}

// A script that is cancelled removes what it made.
func TestToolsCancelled(t *testing.T) {
	made := filepath.Join(t.TempDir(), "made")
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for { // until the script runs
			if _, err := os.Stat(made); err == nil || t.Context().Err() != nil {
				cancel()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	script := `trap 'rm "$1"' EXIT; trap 'exit 143' TERM; touch "$1"; while :; do sleep 0.05; done`
	if _, err := (Tools{}).Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", script, "sh", made}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := os.Stat(made); err == nil {
		t.Error("its file is still there")
	}
}

// What hactl was told in secret, its commands are not told.
func TestEnvironment(t *testing.T) {
	t.Setenv("HACTL_AGE_KEY", "sesame")
	t.Setenv("IPMI_PASSWORD", "sesame")
	t.Setenv("LC_TIME", "C")
	out, err := Tools{}.Run(t.Context(), reconcile.Cmd{Argv: []string{"sh", "-c", "env; cat /proc/self/environ"}})
	if err != nil {
		t.Fatal(err)
	}
	here := open("here", t.TempDir())
	own, err := here.Run(t.Context(), reconcile.Cmd{Argv: []string{"env"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(out), string(own)} {
		if strings.Contains(text, "sesame") || !strings.Contains(text, "PATH=") || !strings.Contains(text, "HOME=") {
			t.Errorf("the environment is\n%s", text)
		}
	}
}
