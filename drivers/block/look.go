package block

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

// lookScript reads everything in one process. Its arguments are paths. lsblk's own FSTYPE is not asked for: it is udev's memory. wipefs says nothing, and
// succeeds, where a device answers every read with an error; so the beginning is read first.
const lookScript = `export LC_ALL=C
s() { printf '\n==hactl %s\n' "$1"; }
s lsblk; lsblk -J -b -o NAME,KNAME,PATH,PKNAME,TYPE,SIZE,RO,MOUNTPOINTS,WWN,SERIAL,PARTUUID
s byid; for l in /dev/disk/by-id/*; do [ -L "$l" ] && printf '%s %s\n' "$l" "$(readlink -f "$l")"; done
s dm; for u in /sys/block/dm-*/dm/uuid; do [ -e "$u" ] && { k=${u#/sys/block/}; printf '%s %s\n' "${k%%/*}" "$(cat "$u")"; }; done
for p; do s "device $p"; [ -b "$p" ] || continue; readlink -f "$p"
if o=$(head -c 65536 "$p" 2>&1 >/dev/null && wipefs -n -p -O OFFSET,TYPE,UUID "$p" 2>&1); then echo ok; printf '%s\n' "$o"; else echo no; printf '%s\n' "$o"; continue; fi
case $o in *,ext[234],*|*,xfs,*) printf 'head %s\n' "$(head -c 4096 "$p" | base64 -w0)";; esac
case $o in *,xfs,*) at=$(lsblk -n -d -o MOUNTPOINT "$p"); [ -z "$at" ] || printf 'mounted %s\n' "$(stat -f -c %b "$at")";; esac; done
s end`

// Look reads what the paths stand for on a machine, in one process, which layers that look at the same moment share. A path that is no block device is there with nothing known, a machine
// that cannot be asked is an error.
func Look(ctx context.Context, h reconcile.Host, paths []string) (Devices, error) {
	paths = slices.Compact(slices.Sorted(slices.Values(paths)))
	if len(paths) == 0 {
		return Devices{}, nil
	}
	out, err := reconcile.RunJoint(ctx, h, reconcile.Cmd{Argv: []string{"sh", "-c", lookScript, "hactl-block"}}, paths...)
	if err != nil {
		return nil, err
	}
	ds, err := parse(out, paths)
	if err != nil {
		return nil, fmt.Errorf("%s: block devices: %w", h.Name(), err)
	}
	return ds, nil
}

// node is an entry of lsblk -J.
type node struct {
	KName       string    `json:"kname"`
	Path        string    `json:"path"`
	PKName      string    `json:"pkname"`
	Type        string    `json:"type"`
	Size        int64     `json:"size"`
	RO          bool      `json:"ro"`
	Mountpoints []*string `json:"mountpoints"`
	WWN         string    `json:"wwn"`
	Serial      string    `json:"serial"`
	PartUUID    string    `json:"partuuid"`
	Children    []node    `json:"children"`
}

// tree is what lsblk tells, by kernel name.
type tree struct {
	nodes map[string]node
	users map[string][]string // paths
}

func (t *tree) add(ns []node) {
	for _, n := range ns {
		t.nodes[n.KName] = n
		for _, c := range n.Children {
			if !slices.Contains(t.users[n.KName], c.Path) {
				t.users[n.KName] = append(t.users[n.KName], c.Path)
			}
		}
		t.add(n.Children)
	}
}

func parse(out []byte, paths []string) (Devices, error) {
	sections, err := look.Sections(out)
	if err != nil {
		return nil, err
	}
	var all struct {
		Blockdevices []node `json:"blockdevices"`
	}
	if err := json.Unmarshal([]byte(sections["lsblk"]), &all); err != nil {
		return nil, fmt.Errorf("lsblk: %w", err)
	}
	t := tree{nodes: map[string]node{}, users: map[string][]string{}}
	t.add(all.Blockdevices)
	links, uuids := pairs(sections["byid"]), pairs(sections["dm"])
	ds := Devices{}
	for _, p := range paths {
		d, err := t.device(p, sections["device "+p])
		if err != nil {
			return nil, err
		}
		for _, l := range links {
			if d.There() && l[1] == d.Real && l[0] != p {
				d.Links = append(d.Links, l[0])
			}
		}
		for _, u := range uuids {
			if d.There() && u[0] == filepath.Base(d.Real) {
				d.Identity = u[1]
			}
		}
		slices.Sort(d.Links)
		ds[p] = d
	}
	return ds, nil
}

// device reads the section of a path: the real path, ok or no, what wipefs says, and the head of an ext4 or xfs.
func (t *tree) device(path, text string) (Device, error) {
	d := Device{Path: path}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if lines[0] == "" {
		return d, nil
	}
	d.Real = lines[0]
	n := t.nodes[filepath.Base(d.Real)]
	d.Type, d.Size, d.ReadOnly = n.Type, n.Size, n.RO
	d.Users = slices.Sorted(slices.Values(t.users[n.KName]))
	for _, m := range n.Mountpoints {
		if m != nil {
			d.Mounts = append(d.Mounts, *m)
		}
	}
	switch {
	case n.PartUUID != "":
		d.Identity = "partuuid:" + n.PartUUID
	case n.WWN != "":
		d.Identity = "wwn:" + n.WWN
	case n.Serial != "":
		d.Identity = "serial:" + n.Serial
	}
	if len(lines) < 2 {
		return d, fmt.Errorf("%s: nothing is said of it", path)
	}
	if lines[1] != "ok" {
		d.Unreadable = strings.Join(lines[2:], "; ")
		return d, nil
	}
	var xfs []byte
	for _, l := range lines[2:] {
		switch f := strings.Split(l, ","); {
		case l == "" || strings.HasPrefix(l, "#"):
		case strings.HasPrefix(l, "head "):
			head, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(l, "head "))
			if err != nil {
				return d, fmt.Errorf("%s: its beginning: %w", path, err)
			}
			d.FileSystemSize = superblock(head)
			xfs = head
		case strings.HasPrefix(l, "mounted "):
			if blocks, err := strconv.ParseInt(strings.TrimPrefix(l, "mounted "), 10, 64); err == nil {
				d.FileSystemSize = max(d.FileSystemSize, mountedXFS(xfs, blocks))
			}
		case len(f) == 3:
			d.Signatures = append(d.Signatures, Signature{Offset: f[0], Type: f[1], UUID: f[2]})
		default:
			return d, fmt.Errorf("%s: wipefs says %q", path, l)
		}
	}
	return d, nil
}

func pairs(text string) (ps [][2]string) {
	for l := range bytes.Lines([]byte(text)) {
		if a, b, ok := strings.Cut(strings.TrimSpace(string(l)), " "); ok {
			ps = append(ps, [2]string{a, b})
		}
	}
	return ps
}
