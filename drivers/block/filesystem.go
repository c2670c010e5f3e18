package block

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"al.essio.dev/pkg/shellescape"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// ErrNotBlank tells that a device holds something else than what the plan saw. Nothing was written.
var ErrNotBlank = errors.New("the device holds something else than when the plan was made; nothing was written")

// notBlank is the exit code of a script that found something else on a device.
const notBlank = 66

// Guarded is what a script begins with that is going to write to a device: its first argument is the device, the second the signatures that
// the plan saw (Device.Seen). Anything else, and anything that uses the device, ends it with ErrNotBlank; a device that cannot be read ends
// it too. Where signatures were seen, and so were allowed to go, they are wiped.
const Guarded = `set -e; export LC_ALL=C; dev=$1; seen=$2; shift 2
head -c 65536 "$dev" >/dev/null
now=$(wipefs -n -p -O OFFSET,TYPE,UUID "$dev"); now=$(printf '%s' "$now" | sed '/^#/d')
[ "$now" = "$seen" ] || { echo "$dev now holds: ${now:-nothing}; when planned: ${seen:-nothing}" >&2; exit 66; }
users=$(lsblk -n -o MOUNTPOINTS,NAME -r "$dev"); own=$(lsblk -n -d -o MOUNTPOINTS "$dev")
users=$(printf '%s' "$users" | sed 1d)$(printf '%s' "$own" | tr -d ' \n')
[ -z "$users" ] || { echo "$dev is in use: $users" >&2; exit 66; }
[ -z "$seen" ] || wipefs -a "$dev" >/dev/null
`

// Guard makes the argv of a guarded script: what it does with "$dev", the device as the plan saw it, and further arguments ("$1", …).
func Guard(script string, d Device, args ...string) []string {
	return append([]string{"sh", "-c", Guarded + script, "hactl-write", d.Path, strings.TrimSuffix(d.Seen(), "\n")}, args...)
}

// Failure turns the exit code of a guarded script into ErrNotBlank. In another failure what was done stands in place of the script.
func Failure(op fmt.Stringer, err error) error {
	var x *reconcile.ExitError
	if !errors.As(err, &x) {
		return err
	}
	if x.Code == notBlank {
		return fmt.Errorf("%w: %s", ErrNotBlank, strings.TrimSpace(string(x.Stderr)))
	}
	short := *x
	short.Argv = []string{op.String()}
	return &short
}

// MakeFileSystem makes a file system on a device that holds what the plan saw: nothing, or what was allowed to be lost.
type MakeFileSystem struct {
	Device Device `json:"device"`
	// FileSystem says which.
	FileSystem v1.FileSystem `json:"filesystem"`
	// Nodes is how many mount it at the same time: gfs2's journals, where FileSystem does not say.
	Nodes int `json:"nodes,omitempty"`
}

func (m MakeFileSystem) argv() []string {
	f := m.FileSystem
	argv := []string{"mkfs." + f.Type}
	switch f.Type {
	case "ext4":
		argv = append(argv, "-q")
	case "xfs":
		argv = append(argv, "-q")
	case "gfs2":
		j := f.Journals
		if j == 0 {
			j = max(1, m.Nodes)
		}
		// -O only answers the question whether to go on; the guard has found the device blank.
		argv = append(argv, "-q", "-O", "-p", "lock_dlm", "-t", f.LockTable, "-j", strconv.Itoa(j))
	}
	if f.Label != "" {
		argv = append(argv, "-L", f.Label)
	}
	return append(argv, f.Options...)
}

func (m MakeFileSystem) String() string {
	s := shellescape.QuoteCommand(append(m.argv(), m.Device.Path))
	if len(m.Device.Signatures) > 0 {
		s = "wipe " + m.Device.Holds() + " from " + m.Device.Path + "; " + s
	}
	return s
}

// Do looks at the device once more, and makes it.
func (m MakeFileSystem) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: Guard(`"$@" "$dev"`, m.Device, m.argv()...), Limit: 10 * time.Minute, Mutates: true,
		Line: func(b []byte) { progress(reconcile.Progress{Text: string(b)}) }})
	return Failure(m, err)
}

// GrowFileSystem makes a file system as large as its device: online where it is mounted, else ext4 after a check and xfs by a mount of its own.
type GrowFileSystem struct {
	Path string `json:"path"`
	Type string `json:"type"` // ext4, xfs or gfs2
}

// grow has the device and the type as arguments. xfs and gfs2 grow only while mounted, gfs2 by whole resource groups (main_grow in
// gfs2/mkfs/main_grow.c of gfs2-utils): what is less has to wait for more.
const grow = `set -e; export LC_ALL=C
at=$(lsblk -n -d -o MOUNTPOINTS "$1" | sed '/^$/d' | head -n 1)
case $2:$at in
ext4:) o=$(e2fsck -f -p "$1" 2>&1) || { c=$?; [ $c -le 1 ] || { printf '%s\n' "$o" >&2; exit $c; }; }; resize2fs "$1";;
ext4:*) resize2fs "$1";;
xfs:) at=$(mktemp -d /run/hactl.grow.XXXXXX); mount -t xfs "$1" "$at"; trap 'umount "$at"; rmdir "$at"' EXIT; xfs_growfs "$at" >/dev/null;;
xfs:*) xfs_growfs "$at" >/dev/null;;
gfs2:) echo "a gfs2 grows only where it is mounted" >&2; exit 1;;
gfs2:*) o=$(gfs2_grow "$at" 2>&1) || case $o in *"less than one resource group"*) ;; *) echo "$o" >&2; exit 1;; esac;;
esac`

func (g GrowFileSystem) String() string { return "grow " + g.Type + " on " + g.Path }

// Do grows it.
func (g GrowFileSystem) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", grow, "hactl-grow", g.Path, g.Type}, Limit: 10 * time.Minute, Mutates: true})
	return Failure(g, err)
}

// slack is how much smaller than its device a file system may be for good: less than this makes no allocation or block group.
const slack = 4 << 20

// Smaller tells that the file system on a device could grow with it.
func (d Device) Smaller() bool { return d.FileSystemSize > 0 && d.Size-d.FileSystemSize >= slack }

// mountedXFS is the size of a mounted xfs from its beginning and its blocks as statfs(2) tells them, which are those without the log
// (xfs_fs_statfs in fs/xfs/xfs_super.c). After xfs_growfs the superblock on the device may say the old size for as long as it stays mounted.
func mountedXFS(b []byte, blocks int64) int64 {
	if len(b) < 128 || string(b[:4]) != "XFSB" {
		return 0
	}
	if binary.BigEndian.Uint64(b[48:]) != 0 { // sb_logstart: the log is inside
		blocks += int64(binary.BigEndian.Uint32(b[96:])) // sb_logblocks
	}
	return blocks * int64(binary.BigEndian.Uint32(b[4:]))
}

// superblock reads the size of an ext2, ext3, ext4 (ext4's Documentation/filesystems/ext4/super.rst) or xfs (xfs_dsb in
// fs/xfs/libxfs/xfs_format.h) from the beginning of a device; 0 if it is neither.
func superblock(b []byte) int64 {
	if len(b) < 2048 {
		return 0
	}
	if string(b[:4]) == "XFSB" {
		return int64(binary.BigEndian.Uint64(b[8:])) * int64(binary.BigEndian.Uint32(b[4:]))
	}
	sb := b[1024:]
	if binary.LittleEndian.Uint16(sb[0x38:]) != 0xEF53 {
		return 0
	}
	blocks := uint64(binary.LittleEndian.Uint32(sb[0x4:]))
	if binary.LittleEndian.Uint32(sb[0x60:])&0x80 != 0 { // INCOMPAT_64BIT
		blocks |= uint64(binary.LittleEndian.Uint32(sb[0x150:])) << 32
	}
	return int64(blocks) << (10 + binary.LittleEndian.Uint32(sb[0x18:])%32)
}
