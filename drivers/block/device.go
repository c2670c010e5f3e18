package block

import (
	"fmt"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// Ref names a block device of a machine that a layer makes and another may need: by the path that the manifests use for it.
func Ref(machine, path string) reconcile.Ref {
	return reconcile.Ref{Kind: "BlockDevice", Name: machine + path}
}

// Device is what a path stands for on one machine.
type Device struct {
	// Path is the one that was asked for.
	Path string `json:"path"`
	// Real is the kernel's node, /dev/sdb; "" if there is none.
	Real string `json:"real,omitempty"`
	// Type is lsblk's: disk, part, lvm, loop, crypt, raid1, …
	Type string `json:"type,omitempty"`
	// Size in bytes.
	Size int64 `json:"size,omitempty"`
	// ReadOnly tells that it cannot be written to.
	ReadOnly bool `json:"readOnly,omitempty"`
	// Identity tells the same disk again under another name: its WWN or serial number, for a partition the partition's UUID, for a device of
	// device-mapper its UUID; "" if the kernel knows none.
	Identity string `json:"identity,omitempty"`
	// Links are the other names below /dev/disk/by-id, in order.
	Links []string `json:"links,omitempty"`
	// Signatures are what is on it, by offset.
	Signatures []Signature `json:"signatures,omitempty"`
	// Unreadable says why it could not be looked at (a DRBD secondary, an I/O error). Then nothing is known of its signatures.
	Unreadable string `json:"unreadable,omitempty"`
	// FileSystemSize in bytes is what the superblock of an ext4 or xfs says; 0 if unknown.
	FileSystemSize int64 `json:"fileSystemSize,omitempty"`
	// Mounts are the folders where it is mounted.
	Mounts []string `json:"mounts,omitempty"`
	// Users are the devices above it: partitions, volumes, DRBD's.
	Users []string `json:"users,omitempty"`
}

// Signature is something that libblkid finds on a device.
type Signature struct {
	// Offset in bytes, as wipefs prints it (0x438).
	Offset string `json:"offset"`
	// Type such as ext4, LVM2_member, gpt, drbd, swap, crypto_LUKS, linux_raid_member.
	Type string `json:"type"`
	// UUID if it has one.
	UUID string `json:"uuid,omitempty"`
}

// There tells that the device exists.
func (d Device) There() bool { return d.Real != "" }

// Blank tells that the device is there, could be read, and holds nothing that anybody knows: no signature and nothing that uses it.
func (d Device) Blank() bool {
	return d.There() && d.Unreadable == "" && len(d.Signatures) == 0 && len(d.Mounts) == 0 && len(d.Users) == 0
}

// Has tells that one of the signatures is of a type.
func (d Device) Has(kind string) bool {
	for _, s := range d.Signatures {
		if s.Type == kind {
			return true
		}
	}
	return false
}

// Holds says in words what is on it: "ext4 (UUID …), mounted on /srv, used by /dev/drbd0"; "nothing" if it is blank.
func (d Device) Holds() string {
	if d.Unreadable != "" {
		return "unknown: " + d.Unreadable
	}
	var parts []string
	for _, s := range d.Signatures {
		t := s.Type
		if s.UUID != "" {
			t += " (UUID " + s.UUID + ")"
		}
		parts = append(parts, t)
	}
	for _, m := range d.Mounts {
		parts = append(parts, "mounted on "+m)
	}
	for _, u := range d.Users {
		parts = append(parts, "used by "+u)
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// Seen is the text that wipefs prints for the signatures (wipefs --no-act --parsable --output OFFSET,TYPE,UUID without its heading): what an
// operation compares with what it finds.
func (d Device) Seen() string {
	var b strings.Builder
	for _, s := range d.Signatures {
		fmt.Fprintf(&b, "%s,%s,%s\n", s.Offset, s.Type, s.UUID)
	}
	return b.String()
}

// Devices are the devices of one machine that were asked for, by the path that was asked for.
type Devices map[string]Device
