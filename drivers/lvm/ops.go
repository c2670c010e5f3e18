package lvm

import (
	"context"
	"strconv"
	"time"

	"al.essio.dev/pkg/shellescape"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// commandLimit bounds one command of LVM: it reads every disk of the machine, and may wait for another that holds its lock.
const commandLimit = 2 * time.Minute

// command is one of LVM's that writes to no disk outside its groups.
func command(argv ...string) reconcile.Command {
	return reconcile.Command{Argv: argv, Limit: commandLimit}
}

// OnDevice runs a command of LVM that makes a device a physical volume, if the device holds what the plan saw. Any question of LVM is answered no.
type OnDevice struct {
	Argv   []string     `json:"argv"` // the device follows
	Device block.Device `json:"device"`
}

func (o OnDevice) String() string {
	s := shellescape.QuoteCommand(append(append([]string(nil), o.Argv...), o.Device.Path))
	return wiped(o.Device) + s
}

// Do looks at the device once more, and runs it.
func (o OnDevice) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: block.Guard(`"$@" "$dev" </dev/null`, o.Device, o.Argv...), Limit: commandLimit, Mutates: true})
	return block.Failure(o, err)
}

func wiped(d block.Device) string {
	if len(d.Signatures) == 0 {
		return ""
	}
	return "wipe " + d.Holds() + " from " + d.Path + "; "
}

// partitionType is that of GPT for LVM ("Linux LVM" of sfdisk --list-types --label gpt).
const partitionType = "E6D6D379-F507-44C2-A23C-238F2A3DF928"

// Partition puts a GPT label with one partition for LVM on a disk, with sfdisk(8) or, where that is not installed, sgdisk(8).
type Partition struct {
	Device block.Device `json:"device"`
	// Path is the partition's, which must be there in the end.
	Path string `json:"path"`
}

// label has the partition's path and its type as arguments.
const label = `if command -v sfdisk >/dev/null; then printf 'label: gpt\ntype=%s\n' "$2" | sfdisk -q "$dev"
elif command -v sgdisk >/dev/null; then sgdisk -n 1:0:0 -t "1:$2" "$dev" >/dev/null
else echo "neither sfdisk (package fdisk) nor sgdisk (package gdisk) is installed; install one" >&2; exit 1; fi
udevadm settle --timeout=20
[ -b "$1" ] || { echo "the partition was made, and $1 is not there" >&2; exit 1; }`

func (p Partition) String() string {
	return wiped(p.Device) + "make a GPT label with one partition of type Linux LVM on " + p.Device.Path
}

// Do looks at the disk once more, and writes the label.
func (p Partition) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: block.Guard(label, p.Device, p.Path, partitionType), Limit: commandLimit, Mutates: true})
	return block.Failure(p, err)
}

// SeePartition has a machine read the partition table that another wrote to a disk that both see.
type SeePartition struct {
	Disk string `json:"disk"`
	Path string `json:"path"`
}

const see = `partx -u "$1"; udevadm settle --timeout=20; [ -b "$2" ] || { echo "$2 is not there after the partitions of $1 were read again" >&2; exit 1; }`

func (s SeePartition) String() string { return "partx -u " + shellescape.Quote(s.Disk) }

// Do reads it; nothing is written to the disk.
func (s SeePartition) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", see, "hactl-see", s.Disk, s.Path}, Limit: commandLimit, Mutates: true})
	return block.Failure(s, err)
}

// RemoveGroup removes an empty group and the labels of its disks, in one command: disks without a group tell nobody whose they were.
type RemoveGroup struct {
	Group string   `json:"group"`
	Disks []string `json:"disks"`
}

const remove = `g=$1; shift; vgremove "$g" </dev/null && { [ $# = 0 ] || pvremove "$@" </dev/null; }`

func (r RemoveGroup) String() string {
	return shellescape.QuoteCommand([]string{"vgremove", r.Group}) + " && " + shellescape.QuoteCommand(append([]string{"pvremove"}, r.Disks...))
}

// Do removes them; LVM refuses a group with volumes and a disk of another group.
func (r RemoveGroup) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: append([]string{"sh", "-c", remove, "hactl-remove", r.Group}, r.Disks...), Limit: commandLimit, Mutates: true})
	return block.Failure(r, err)
}

// bytes is a size as LVM reads it, to the byte.
func bytes(n int64) string { return strconv.FormatInt(n, 10) + "b" }
