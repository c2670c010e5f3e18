package ssh

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hactl/hactl/reconcile"
)

func itoa(n int) string { return strconv.Itoa(n) }

func TestReadFiles(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id)
	h := connect(t, n, config(t, id, []*node{n}))
	ctx := context.Background()
	d := t.TempDir()
	blob := make([]byte, 300_000)
	rand.Read(blob)
	write(t, d+"/a b.res", string(blob))
	write(t, d+"/[x].res", "")
	write(t, d+"/other", "o")
	os.Mkdir(d+"/dir.res", 0o755)
	os.Symlink("other", d+"/link.res")
	os.Link(d+"/other", d+"/hard.res")
	os.Symlink("nowhere", d+"/dangling.res")
	syscall.Mkfifo(d+"/fifo.res", 0o600)
	os.Chmod(d+"/other", 0o640)
	os.Chown(d+"/other", 1, 12) // daemon:man on Debian
	os.Chown(d+"/[x].res", 54321, 54322)
	long := d + "/" + strings.Repeat("long", 50) + ".res"
	write(t, long, "l")

	files, err := h.ReadFiles(ctx, d+"/*.res", d+"/a b.res", d+"/none/*.conf", d+"/none", d+"/other/x", "/proc/loadavg", "/proc/self/environ")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for p, f := range files {
		if strings.HasPrefix(p, d) {
			got = append(got, fmt.Sprintf("%s %s %s %d", strings.TrimPrefix(p, d), f.Mode, f.Owner, len(f.Content.Reveal())))
		}
	}
	slices.Sort(got)
	want := []string{
		"/[x].res -rw------- 54321:54322 0",
		"/a b.res -rw------- root:root 300000",
		"/hard.res -rw-r----- daemon:man 1",
		"/link.res -rw-r----- daemon:man 1",
		strings.TrimPrefix(long, d) + " -rw------- root:root 1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if files[d+"/a b.res"].Content.Reveal() != string(blob) {
		t.Error("binary content differs")
	}
	if files["/proc/loadavg"].Content.Reveal() == "" || !strings.Contains(files["/proc/self/environ"].Content.Reveal(), "\x00") {
		t.Error("kernel files are empty")
	}
	if files, err = h.ReadFiles(ctx, d+"/none"); err != nil || len(files) != 0 {
		t.Errorf("absent: %v, %v", files, err)
	}

	os.Symlink("loop", d+"/loop") // there, and not readable, even for root
	if _, err = h.ReadFiles(ctx, d+"/loop", d+"/other"); err == nil || !strings.Contains(err.Error(), "Too many levels of symbolic links") {
		t.Errorf("got %v", err)
	}
	os.Truncate(d+"/other", 33<<20)
	if _, err = h.ReadFiles(ctx, d+"/other"); err == nil || !strings.Contains(err.Error(), "at most 32 MiB") {
		t.Errorf("got %v", err)
	}
}

func TestWriteFile(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id)
	h := connect(t, n, config(t, id, []*node{n}))
	ctx := context.Background()
	d := t.TempDir()
	blob := make([]byte, 1<<20)
	rand.Read(blob)
	check := func(path, content, mode string, uid, gid uint32) {
		t.Helper()
		b, err := os.ReadFile(path)
		if err != nil || string(b) != content {
			t.Errorf("%s: %d bytes, %v", path, len(b), err)
			return
		}
		st, _ := os.Stat(path)
		sys := st.Sys().(*syscall.Stat_t)
		if st.Mode().String() != mode || sys.Uid != uid || sys.Gid != gid {
			t.Errorf("%s: %s %d:%d", path, st.Mode(), sys.Uid, sys.Gid)
		}
	}
	if err := h.WriteFile(ctx, d+"/new dir/it's/f", reconcile.File{Content: reconcile.Plain(string(blob)), Mode: 0o640, Owner: "daemon:man"}); err != nil {
		t.Fatal(err)
	}
	check(d+"/new dir/it's/f", string(blob), "-rw-r-----", 1, 12)
	if st, _ := os.Stat(d + "/new dir"); st.Mode().Perm() != 0o755 {
		t.Errorf("folder: %s", st.Mode())
	}
	os.Symlink("new dir/it's/f", d+"/link")
	if err := h.WriteFile(ctx, d+"/link", reconcile.File{Content: reconcile.Plain("")}); err != nil {
		t.Fatal(err)
	}
	check(d+"/new dir/it's/f", "", "-rw-r--r--", 0, 0)
	if to, err := os.Readlink(d + "/link"); err != nil || to == "" {
		t.Error("the link has gone")
	}

	for what, f := range map[string]struct {
		path string
		f    reconcile.File
		text string
	}{
		"owner":  {d + "/x/y/f", reconcile.File{Owner: "nobody-such:root"}, "invalid user"},
		"folder": {d + "/new dir", reconcile.File{}, "not a regular file"},
		"parent": {d + "/link/f", reconcile.File{}, ""},
		"path":   {"relative", reconcile.File{}, "absolute"},
	} {
		err := h.WriteFile(ctx, f.path, f.f)
		if err == nil || !strings.Contains(err.Error(), f.text) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if entries, _ := os.ReadDir(d); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestWriteFileToAFullDisk(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id)
	h := connect(t, n, config(t, id, []*node{n}))
	d := t.TempDir()
	if err := syscall.Mount("tmpfs", d, "tmpfs", 0, "size=64k"); err != nil {
		t.Skip("NOT TESTED: WriteFile to a full disk: mount: ", err)
	}
	defer syscall.Unmount(d, 0)
	write(t, d+"/f", "old")
	err := h.WriteFile(context.Background(), d+"/f", reconcile.File{Content: reconcile.Secret(strings.Repeat("sesame", 1<<18))})
	if err == nil || !strings.Contains(err.Error(), "No space left on device") || strings.Contains(err.Error(), "sesame") {
		t.Errorf("got %v", err)
	}
	if entries, _ := os.ReadDir(d); len(entries) != 1 || read(t, d+"/f") != "old" {
		t.Errorf("left behind: %v", entries)
	}
}

// through is a target that is reached over a relay, which the node's key is known for.
func through(t *testing.T, n *node, id *identity, r *relay) (Target, Config) {
	cfg := config(t, id, nil)
	write(t, filepath.Dir(cfg.File)+"/known_hosts", strings.Replace(n.line(), ":"+itoa(n.port), ":"+itoa(r.port), 1))
	target := n.target("node1")
	target.Port = r.port
	return target, cfg
}

func TestCutConnection(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id)
	r := startRelay(t, n)
	target, cfg := through(t, n, id, r)
	d := t.TempDir()
	write(t, d+"/f", "old")
	content := reconcile.Plain(strings.Repeat("x", 4<<20))
	for what, act := range map[string]func(h *Host) error{
		"write": func(h *Host) error {
			return h.WriteFile(context.Background(), d+"/f", reconcile.File{Content: content})
		},
		"write in a new folder": func(h *Host) error {
			return h.WriteFile(context.Background(), d+"/g/g", reconcile.File{Content: content})
		},
		"mutating input": func(h *Host) error {
			_, err := h.Run(context.Background(), reconcile.Cmd{Argv: []string{"tee", d + "/half"}, Stdin: content.Bytes(), Mutates: true})
			return err
		},
	} {
		r.limit.Store(1 << 20)
		h, err := Dial(context.Background(), target, cfg)
		if err != nil {
			t.Fatal(err)
		}
		err = act(h)
		var gone *reconcile.UnreachableError
		if !errors.As(err, &gone) {
			t.Errorf("%s: got %v", what, err)
		}
		t.Log(err)
		if _, err = h.Run(context.Background(), reconcile.Cmd{Argv: []string{"true"}}); !errors.As(err, &gone) {
			t.Errorf("%s: afterwards: %v", what, err)
		}
		h.Close()
		waitFor(t, "the node to notice", func() bool { return !running("hactl-write " + d) })
	}
	waitFor(t, "nothing to be left", func() bool {
		entries, _ := os.ReadDir(d)
		left, _ := filepath.Glob(n.dir + "/hactl.in.*")
		return len(entries) == 1 && len(left) == 0
	})
	if read(t, d+"/f") != "old" {
		t.Error("half a file was installed")
	}
}

func TestVanishedPeer(t *testing.T) {
	id := newIdentity(t)
	n := startNode(t, id)
	r := startRelay(t, n)
	target, cfg := through(t, n, id, r)
	cfg.keepEvery, cfg.keepWait = 100*time.Millisecond, 200*time.Millisecond
	h, err := Dial(context.Background(), target, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	began := time.Now()
	_, err = h.Run(context.Background(), reconcile.Cmd{
		Argv: []string{"sh", "-c", "echo go; sleep 10"}, Mutates: true, Line: func([]byte) { r.silent.Store(true) },
	})
	var gone *reconcile.UnreachableError
	if !errors.As(err, &gone) || !strings.Contains(err.Error(), "may still run there") || time.Since(began) > 3*time.Second {
		t.Errorf("got %v after %s", err, time.Since(began))
	}
}
