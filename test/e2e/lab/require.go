package lab

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// kind is what a lab's nodes are. It is the name of the folder of lab.sh.
type kind string

const (
	namespaces kind = "nslab"
	machines   kind = "vmlab"
)

func (k kind) script() string { return filepath.Join(moduleRoot(), "test", "e2e", string(k), "lab.sh") }

// boot is how long a node may take until it answers on ssh; emulation is slow, more so beside other tests.
func (k kind) boot() time.Duration {
	if k == machines {
		return 3 * time.Minute
	}
	return 30 * time.Second
}

// require skips the test where no lab can be, or fails it where one must be.
func require(t testing.TB, k kind) {
	t.Helper()
	why := ""
	switch {
	case runtime.GOOS != "linux":
		why = "the lab needs Linux"
	case os.Geteuid() != 0:
		why = "the lab needs root"
	default:
		if out, err := exec.Command(k.script(), "check").CombinedOutput(); err != nil {
			why = string(bytes.TrimSpace(out)) + " (" + err.Error() + ")"
		}
	}
	if why != "" {
		unavailable(t, why)
	}
}

func unavailable(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("HACTL_E2E") == "require" {
		t.Fatalf("HACTL_E2E=require, but %s", why)
	}
	t.Skipf("NOT TESTED: %s did not run on real nodes: %s", t.Name(), why)
}

// removeOrphans ends the labs of test processes that are gone. Each lab has a
// guard that does the same within a second; this is for a guard that was
// killed too.
func removeOrphans(t testing.TB, root string) {
	t.Helper()
	labs, _ := filepath.Glob(filepath.Join(root, "go-*-*"))
	for _, dir := range labs {
		name := filepath.Base(dir)
		pid, err := strconv.Atoi(strings.Split(name, "-")[1])
		if err != nil || os.Getenv("HACTL_LAB_KEEP") != "" {
			continue
		}
		// A pid that lives may be another program by now; its lab is left alone.
		if _, err := os.Stat("/proc/" + strconv.Itoa(pid)); !errors.Is(err, os.ErrNotExist) {
			continue
		}
		// of either kind: a lab ends with its hub, which both have in common
		down := (&Lab{Name: name, kind: namespaces}).script("down")
		if out, err := down.CombinedOutput(); err != nil {
			t.Logf("lab %s of a dead process does not go down: %v\n%s", name, err, out)
		}
	}
}

// stateRoot is lab.sh's LAB_ROOT.
func stateRoot() string {
	if r := os.Getenv("LAB_ROOT"); r != "" {
		return r
	}
	return "/var/lib/hactl-lab"
}

// moduleRoot finds the source tree: a test runs in its package's folder.
func moduleRoot() string {
	dir, err := os.Getwd()
	if err != nil {
		return "."
	}
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "go.mod")); err == nil {
			return d
		}
		if d == filepath.Dir(d) {
			return dir
		}
	}
}
