package lab

import (
	"crypto/sha256"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// UpVM is Up with virtual machines: 1 to 4 guests with a kernel of their own,
// each with four blank disks. Where the guests' image is missing it is built
// first, which takes two minutes.
func UpVM(t testing.TB, n int) *Lab {
	t.Helper()
	nodes := make([]string, n)
	for i := range nodes {
		nodes[i] = fmt.Sprintf("node%d", i+1)
	}
	return UpVMNamed(t, Options{Nodes: nodes})
}

// UpVMNamed is UpVM for guests with chosen names, addresses and networks.
func UpVMNamed(t testing.TB, o Options) *Lab {
	t.Helper()
	require(t, machines)
	l := newLab(t, machines)
	l.up(o)
	return l
}

// FromSnapshot gives a lab of virtual machines that stands where prepare left it:
// the first call boots the guests, calls prepare and saves them under the name,
// every other restores that in seconds. A snapshot is made anew when the image
// or the source file of the caller, where prepare is, was changed.
func FromSnapshot(t testing.TB, name string, o Options, prepare func(*Lab)) *Lab {
	t.Helper()
	require(t, machines)
	_, caller, _, ok := runtime.Caller(1)
	if !ok {
		t.Fatal("the caller of FromSnapshot is not known")
	}
	source, err := os.ReadFile(caller)
	if err != nil {
		t.Fatalf("snapshot %s: %v", name, err)
	}
	l := newLab(t, machines)
	full := fmt.Sprintf("%s-%.4x", name, sha256.Sum256(source))
	saved := strings.Fields(l.must("snapshots"))
	if slices.Contains(saved, full) {
		l.start(l.script("restore", full))
		return l
	}
	l.up(o)
	prepare(l)
	if t.Failed() {
		t.FailNow() // what prepare left is not worth keeping
	}
	for _, old := range saved {
		if rest, ok := strings.CutPrefix(old, name+"-"); ok && !strings.Contains(rest, "-") {
			l.must("drop", old)
		}
	}
	l.Save(full)
	return l
}

// Save makes a snapshot of all guests, memory and disks, at one moment. They go
// on from there; connections to them break.
func (l *Lab) Save(name string) { l.t.Helper(); l.must("save", name) }

// Restore puts all guests back to a snapshot of this lab.
func (l *Lab) Restore(name string) { l.t.Helper(); l.must("restore", name) }

// Drop removes a snapshot.
func (l *Lab) Drop(name string) { l.t.Helper(); l.must("drop", name) }

// Pause stops a guest without its knowing, as a host that hangs, until Resume.
func (l *Lab) Pause(node string) { l.t.Helper(); l.must("pause", node) }

// Resume lets a paused guest go on.
func (l *Lab) Resume(node string) { l.t.Helper(); l.must("resume", node) }

// Disk is the path of a guest's n-th disk (from 1) in /dev/disk/by-id. Which
// /dev/sdX that is changes from boot to boot, as on any server.
func (l *Lab) Disk(node string, n int) string {
	l.t.Helper()
	for i, have := range l.nodes {
		if have.Name == node {
			return fmt.Sprintf("/dev/disk/by-id/wwn-0x5000c50077%02x%04x", i+1, n)
		}
	}
	l.t.Fatalf("lab %s has no node %q", l.Name, node)
	return ""
}

// Grow makes a guest's n-th disk larger while it runs; size is as qemu-img has
// it, "1G".
func (l *Lab) Grow(node string, n int, size string) {
	l.t.Helper()
	l.must("grow", node, fmt.Sprint(n), size)
}

// Record keeps what a command prints in a guest as test data: dir/node/name
// with .json (argv and exit code), .out and .err.
func (l *Lab) Record(dir, node, name string, argv ...string) {
	l.t.Helper()
	l.must(append([]string{"record", dir, node, name, "--"}, argv...)...)
}
