package local

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/drivers/transport"
	"github.com/hactl/hactl/reconcile"
)

func start(t *testing.T) *Host {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: the local transport: it needs root")
	}
	h := open("here", t.TempDir())
	t.Cleanup(func() { h.Close() })
	return h
}

func TestHost(t *testing.T) {
	h := start(t)
	ctx := context.Background()
	for _, mutates := range []bool{false, true} {
		out, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"cat"}, Stdin: []byte("a\x00b\xff"), Mutates: mutates})
		if err != nil || string(out) != "a\x00b\xff" {
			t.Errorf("got %q, %v", out, err)
		}
		_, err = h.Run(ctx, reconcile.Cmd{Argv: []string{"sleep", "30"}, Limit: 200 * time.Millisecond, Mutates: mutates})
		var exit *reconcile.ExitError
		if !errors.As(err, &exit) || exit.Code != 124 {
			t.Errorf("got %v", err)
		}
	}
	path := t.TempDir() + "/a b/f"
	want := reconcile.File{Content: reconcile.Plain("x\x00y"), Mode: 0o600, Owner: "daemon:man"}
	if err := h.WriteFile(ctx, path, want); err != nil {
		t.Fatal(err)
	}
	files, err := h.ReadFiles(ctx, path, path+".absent", "/proc/self/environ")
	if err != nil || !files[path].Content.Equal(want.Content) || files[path].Mode != want.Mode || files[path].Owner != want.Owner {
		t.Errorf("got %v, %v", files[path], err)
	}
	if len(files) != 2 || !strings.Contains(files["/proc/self/environ"].Content.Reveal(), "\x00") {
		t.Errorf("kernel file: %q", files["/proc/self/environ"].Content.Reveal())
	}
}

func TestCancel(t *testing.T) {
	h := start(t)
	for _, mutates := range []bool{false, true} {
		ctx, cancel := context.WithCancel(context.Background())
		done := t.TempDir() + "/done"
		_, err := h.Run(ctx, reconcile.Cmd{
			Argv: []string{"sh", "-c", "echo go; sleep 0.5; echo more; touch " + done}, Line: func([]byte) { cancel() }, Mutates: mutates,
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(done); (err == nil) != mutates {
			t.Errorf("mutates=%v: finished: %v", mutates, err == nil)
		}
	}
}

func TestLock(t *testing.T) {
	h := start(t)
	holder := reconcile.Holder{Who: "anna", Since: time.Unix(0, 0).UTC()}
	lock, err := transport.Locker{}.Lock(context.Background(), reconcile.Hosts{h}, holder)
	if err != nil {
		t.Fatal(err)
	}
	_, err = transport.Locker{}.Lock(context.Background(), reconcile.Hosts{h}, holder)
	var locked *reconcile.LockedError
	if !errors.As(err, &locked) || locked.Holder != holder {
		t.Errorf("got %v", err)
	}
	lock.Release()
}
