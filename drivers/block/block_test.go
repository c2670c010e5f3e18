package block

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/transport/local"
	"github.com/hactl/hactl/reconcile"
)

// disk makes a blank loop device.
func disk(t *testing.T, size string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk")
	if out, err := exec.Command("truncate", "-s", size, file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command("losetup", "-f", "--show", file).Output()
	if err != nil {
		t.Skipf("NOT TESTED: block devices, because losetup gives none here (%v); the labs test the same", err)
	}
	dev := strings.TrimSpace(string(out))
	t.Cleanup(func() { _ = exec.Command("losetup", "-d", dev).Run() })
	return dev
}

func machine(t *testing.T) reconcile.Host {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: block devices, because only root may read them")
	}
	h := local.Open("here")
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func look1(t *testing.T, h reconcile.Host, path string) Device {
	t.Helper()
	ds, err := Look(t.Context(), h, []string{path})
	if err != nil {
		t.Fatal(err)
	}
	return ds[path]
}

func quiet(reconcile.Progress) {}

func TestFileSystem(t *testing.T) {
	h := machine(t)
	dev := disk(t, "64M")
	d := look1(t, h, dev)
	if !d.Blank() || d.Size != 64<<20 || d.Type != "loop" || d.Real != dev {
		t.Fatalf("a blank disk: %+v", d)
	}
	mk := MakeFileSystem{Device: d, FileSystem: v1.FileSystem{Type: "ext4", Label: "web", Options: []string{"-b", "4096"}}}
	if err := mk.Do(t.Context(), h, quiet); err != nil {
		t.Fatal(err)
	}
	made := look1(t, h, dev)
	if !made.Has("ext4") || made.FileSystemSize != 64<<20 || made.Smaller() {
		t.Fatalf("after mkfs: %+v", made)
	}

	// The same operation again, as after a lost answer: the device is not as planned any more.
	if err := mk.Do(t.Context(), h, quiet); !errors.Is(err, ErrNotBlank) {
		t.Errorf("a second mkfs: %v", err)
	}
	if again := look1(t, h, dev); again.Seen() != made.Seen() {
		t.Errorf("something was written: %s", again.Holds())
	}

	// What was seen and allowed may go, and only that.
	if err := (MakeFileSystem{Device: made, FileSystem: v1.FileSystem{Type: "ext4"}}).Do(t.Context(), h, quiet); err != nil {
		t.Errorf("over what was seen: %v", err)
	}
	if again := look1(t, h, dev); again.Seen() == made.Seen() || !again.Has("ext4") {
		t.Errorf("after the second mkfs: %s", again.Holds())
	}
}

func TestGrow(t *testing.T) {
	h := machine(t)
	dev := disk(t, "32M")
	if err := (MakeFileSystem{Device: look1(t, h, dev), FileSystem: v1.FileSystem{Type: "ext4"}}).Do(t.Context(), h, quiet); err != nil {
		t.Fatal(err)
	}
	back, err := exec.Command("losetup", "-n", "-O", "BACK-FILE", dev).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, argv := range [][]string{{"truncate", "-s", "96M", strings.TrimSpace(string(back))}, {"losetup", "-c", dev}} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", argv, err, out)
		}
	}
	if d := look1(t, h, dev); !d.Smaller() {
		t.Fatalf("the disk grew: %+v", d)
	}
	if err := (GrowFileSystem{Path: dev, Type: "ext4"}).Do(t.Context(), h, quiet); err != nil {
		t.Fatal(err)
	}
	if d := look1(t, h, dev); d.Smaller() {
		t.Errorf("it did not grow: %+v", d)
	}
}

// Nothing is written to a device that holds anything, whatever it is.
func TestGuard(t *testing.T) {
	h := machine(t)
	for what, argv := range map[string][]string{
		"swap": {"mkswap", "-q"}, "a partition table": {"sfdisk", "-q"}, "ext4": {"mkfs.ext4", "-q"},
	} {
		t.Run(what, func(t *testing.T) {
			if _, err := exec.LookPath(argv[0]); err != nil {
				t.Skipf("NOT TESTED: a device with %s, because %s is not installed", what, argv[0])
			}
			dev := disk(t, "16M")
			blank := look1(t, h, dev)
			cmd := exec.Command(argv[0], append(argv[1:], dev)...)
			cmd.Stdin = strings.NewReader("label: gpt\n,8M\n")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			before := look1(t, h, dev)
			if before.Blank() || len(before.Signatures) == 0 {
				t.Fatalf("it is not seen: %+v", before)
			}
			err := (MakeFileSystem{Device: blank, FileSystem: v1.FileSystem{Type: "ext4"}}).Do(t.Context(), h, quiet)
			if !errors.Is(err, ErrNotBlank) {
				t.Errorf("it was formatted: %v", err)
			}
			if after := look1(t, h, dev); after.Seen() != before.Seen() {
				t.Errorf("something was written: %s, before: %s", after.Holds(), before.Holds())
			}
		})
	}
}

func TestAbsent(t *testing.T) {
	h := machine(t)
	if d := look1(t, h, "/dev/no-such-disk"); d.There() || d.Blank() {
		t.Errorf("%+v", d)
	}
	err := (MakeFileSystem{Device: Device{Path: "/dev/no-such-disk"}, FileSystem: v1.FileSystem{Type: "ext4"}}).Do(t.Context(), h, quiet)
	var x *reconcile.ExitError
	if !errors.As(err, &x) || !strings.HasPrefix(string(x.Stderr), "head: cannot open") || strings.Contains(err.Error(), "set -e") {
		t.Errorf("mkfs was run on nothing, or the error is unreadable: %v", err)
	}
}

// What is cut off is an error, never "nothing there".
func TestCutAnswer(t *testing.T) {
	whole := "\n==hactl lsblk\n{\"blockdevices\":[]}\n==hactl byid\n\n==hactl dm\n\n==hactl device /dev/a\n"
	if _, err := parse([]byte(whole), []string{"/dev/a"}); err == nil {
		t.Error("no error without the end")
	}
	ds, err := parse([]byte(whole+"\n==hactl end\n"), []string{"/dev/a"})
	if err != nil || ds["/dev/a"].There() {
		t.Errorf("%v %v", ds, err)
	}
	if _, err := parse([]byte(whole+"/dev/sda\n\n==hactl end\n"), []string{"/dev/a"}); err == nil {
		t.Error("no error where wipefs said nothing")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("\n==hactl lsblk\n{\"blockdevices\":[{\"kname\":\"sda\",\"children\":[{\"path\":\"/dev/sda1\"}]}]}\n==hactl byid\n/a /dev/sda\n==hactl dm\n\n" +
		"==hactl device /dev/a\n/dev/sda\nok\n# o,t,u\n0x438,ext4,u-1\nhead AAAA\n\n==hactl end\n")
	f.Fuzz(func(t *testing.T, s string) {
		ds, err := parse([]byte(s), []string{"/dev/a"})
		if err == nil && ds["/dev/a"].Unreadable != "" && ds["/dev/a"].Blank() {
			t.Error("what cannot be read is blank")
		}
	})
}

var _ reconcile.Op = MakeFileSystem{}

// A mounted xfs that has just grown: the device still holds the old size, statfs(2) tells the new one without its log.
func TestMountedXFS(t *testing.T) {
	b := make([]byte, 4096)
	copy(b, "XFSB")
	binary.BigEndian.PutUint32(b[4:], 4096)
	binary.BigEndian.PutUint64(b[8:], 80*1024)
	binary.BigEndian.PutUint64(b[48:], 1)
	binary.BigEndian.PutUint32(b[96:], 16384)
	out := "\n==hactl lsblk\n{\"blockdevices\":[{\"kname\":\"dm-0\",\"size\":419430400}]}\n==hactl byid\n\n==hactl dm\n\n==hactl device /dev/a\n/dev/dm-0\nok\n0x0,xfs,u\nhead " +
		base64.StdEncoding.EncodeToString(b) + "\n%s\n==hactl end\n"
	for mounted, smaller := range map[string]bool{"": true, fmt.Sprintf("mounted %d\n", 100*1024-16384): false} {
		ds, err := parse(fmt.Appendf(nil, out, mounted), []string{"/dev/a"})
		if err != nil || ds["/dev/a"].Smaller() != smaller {
			t.Errorf("%q: %+v, %v", mounted, ds["/dev/a"], err)
		}
	}
}
