package source

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// children lists the processes whose environment holds a text.
func children(t testing.TB, text string) []string {
	t.Helper()
	var found []string
	procs, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range procs {
		if b, err := os.ReadFile(p); err == nil && strings.Contains(string(b), text) {
			line, _ := os.ReadFile(filepath.Dir(p) + "/cmdline")
			found = append(found, filepath.Base(filepath.Dir(p))+" "+strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

func descriptors(t testing.TB) int {
	t.Helper()
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("NOT TESTED: file descriptors: there is no /proc")
	}
	return len(fds)
}

// Many looks, good and bad, and many starts leave neither goroutines nor descriptors nor processes behind.
func TestNoLeaks(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "a")
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir) // which git inherits
	put(t, dir+"/m/a.yaml", "a")
	good, bad, stuck := r.source(t), r.source(t), r.source(t)
	bad.Ref = "absent"
	stuck.URL, stuck.Limit = "http://"+deaf(t)+"/x", 100*time.Millisecond
	round := func() {
		for _, s := range []Source{Folder{Dir: dir + "/m"}, Folder{Dir: dir + "/absent"}, good, bad, stuck} {
			ctx, cancel := context.WithCancel(context.Background())
			if err := s.Run(ctx, nil, func(Revision) { cancel() }, func(error) { cancel() }); err != nil {
				t.Error(err)
			}
		}
	}
	round()
	goroutines, fds := runtime.NumGoroutine(), descriptors(t)
	for range 3 {
		round()
	}
	for end := time.Now().Add(patience); runtime.NumGoroutine() > goroutines || descriptors(t) > fds; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before; %d descriptors, %d before\n%s", runtime.NumGoroutine(), goroutines, descriptors(t), fds,
				stacks[:runtime.Stack(stacks, true)])
		}
	}
	if left := children(t, "TMPDIR="+dir); len(left) > 0 {
		t.Errorf("these still run: %v", left)
	}
}

// When ctx ends, the whole family of git ends with it, also what ignores to be asked.
func TestGitChildrenEnd(t *testing.T) {
	r := newRepo(t)
	r.commit("a.yaml", "a")
	g := r.source(t)
	// A git whose own child does not listen to SIGTERM.
	bin := t.TempDir()
	put(t, bin+"/git", "#!/bin/sh\n(trap '' TERM; echo $$ >"+bin+"/child; sleep 300; :) &\nwait\n")
	os.Chmod(bin+"/git", 0o755)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	l := watch(t, g)
	for end := time.Now().Add(patience); len(children(t, bin)) < 3; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("git was not started")
		}
	}
	start := time.Now()
	l.stop()
	if took := time.Since(start); took > grace+3*time.Second {
		t.Errorf("it took %v", took)
	}
	for end := time.Now().Add(time.Second); len(children(t, bin)) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("these still run: %v", children(t, bin))
		}
	}
}

// A full disk is told as such; what was found stays, and when there is room again, it goes on.
func TestGitFullDisk(t *testing.T) {
	r := newRepo(t)
	one := r.commit("a.yaml", "a")
	g := r.source(t)
	if err := os.MkdirAll(g.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", g.Dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("NOT TESTED: a full disk: a tmpfs cannot be mounted: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(g.Dir, syscall.MNT_DETACH) })
	l := watch(t, g)
	if have := l.until(""); have.ID != one {
		t.Errorf("%+v", have)
	}
	noise := make([]byte, 3<<20)
	_, _ = rand.Read(noise)
	put(t, r.work+"/noise", string(noise))
	two := r.commit("a.yaml", "b")
	l.fails("the disk that holds the cache "+g.Dir+" is full", "No space left on device")
	if err := syscall.Mount("tmpfs", g.Dir, "tmpfs", syscall.MS_REMOUNT, "size=16m"); err != nil {
		t.Fatal(err)
	}
	if have := l.until(one); have.ID != two || texts(have) != "a.yaml=b" {
		t.Errorf("%+v", have)
	}
	l.stop()
}

// A file that no memory holds passes through: each git(1) of the controller has less than the file is long, and it is refused by name all the same.
func TestGitHuge(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: a file of 320 MiB in a repository: -short")
	}
	r := newRepo(t)
	one := r.commit("a.yaml", "a")
	const size, most = 320 << 20, 256 << 10 // bytes, and KiB
	cmd := exec.Command("git", "-c", "core.compression=1", "fast-import", "--quiet", "--big-file-threshold=1m")
	cmd.Dir = r.bare
	cmd.Stdin = io.MultiReader(strings.NewReader(fmt.Sprintf("commit refs/heads/main\ncommitter a <a@b> 1 +0000\ndata 1\nx\nfrom refs/heads/main^0\n"+
		"M 100644 inline big.yaml\ndata %d\n", size)), io.LimitReader(zeros{}, size), strings.NewReader("\n"))
	s := r.http(t, "", nil)
	g := r.source(t)
	g.URL = s.URL + "/repo.git"
	l := watch(t, g)
	l.until("")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	put(t, bin+"/git", fmt.Sprintf("#!/bin/sh\nulimit -v %d\nexec %s \"$@\"\n", most, git))
	os.Chmod(bin+"/git", 0o755)
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l.fails("big.yaml has " + strconv.Itoa(size) + " bytes; a file of manifests has at most 4 MiB: split it")
	runtime.ReadMemStats(&after)
	if more := int64(after.Sys) - int64(before.Sys); more > 32<<20 {
		t.Errorf("the controller itself took %d MiB more", more>>20)
	}
	r.git("reset", "-q", "--hard", one)
	r.commit("a.yaml", "good again")
	if have := l.until(one); texts(have) != "a.yaml=good again" {
		t.Error(texts(have))
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// The memory that a look takes is bounded by what is read, not by what a repository holds.
func TestGitMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT TESTED: the memory of a large repository: -short")
	}
	r := newRepo(t)
	var stream strings.Builder
	stream.WriteString("blob\nmark :1\ndata 1\nx\ncommit refs/heads/main\ncommitter a <a@b> 0 +0000\ndata 1\nx\nM 100644 inline a.yaml\ndata 1\na\n")
	for i := range 20_000 {
		fmt.Fprintf(&stream, "M 100644 :1 files/%d/file-with-a-name-%d.txt\n", i%100, i)
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = r.bare, strings.NewReader(stream.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s, err := r.source(t).ready()
	if err != nil {
		t.Fatal(err)
	}
	defer s.lock.release()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	rev, err := s.look(t.Context())
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	if err != nil || len(rev.Files) != 1 {
		t.Fatalf("%d files, %v", len(rev.Files), err)
	}
	mib := (after.TotalAlloc - before.TotalAlloc) >> 20
	t.Log("20 000 files: " + took.Round(time.Millisecond).String() + ", " + strconv.FormatUint(mib, 10) + " MiB allocated")
	if mib > 30 {
		t.Errorf("%d MiB were allocated", mib)
	}
}
