package iscsitarget

import (
	"crypto/sha1" //nolint:gosec // a UUID of RFC 9562, version 5, is made with it
	"fmt"
	"maps"
	"slices"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/system"
	"github.com/hactl/hactl/reconcile"
)

// Serial is the serial number of a backstore's disk: a UUID that follows from names, so that initiators find the same /dev/disk/by-id when
// the target is made anew. The kernel makes the disk's WWN of it.
func Serial(iqn, backstore string) string {
	h := sha1.Sum([]byte("hactl iscsi " + iqn + " " + backstore)) //nolint:gosec // as above
	h[6], h[8] = h[6]&0x0f|0x50, h[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// backstore plans one disk: made, or larger, or with other attributes.
func (w *work) backstore(b *Backstore) error {
	live, there := w.m.Backstores[b.id()]
	s := reconcile.Step{ID: w.id(w.t.Name, "backstore "+b.Name), Host: w.host, Needs: []reconcile.Ref{system.Machine(w.host)}}
	source := w.t.source(w.path(b))
	add := func(c reconcile.Change) {
		c.Object, c.Source = backstoreRef(w.host, b.id()), source
		s.Changes = append(s.Changes, c)
	}
	if was, now := w.identity(b); was != "" && now != "" && was != now {
		return w.errorf(w.t, w.path(b), "%s: %s was the disk %s when hactl recorded it, and is %s now; name the right one by a link in /dev/disk/by-id. Nothing was changed",
			w.host, b.Path, was, now)
	}
	var lines []Line
	switch {
	case !there || !live.Enabled:
		if there && live.Path != "" && live.Path != b.Path {
			return w.taken(b, live)
		}
		c := reconcile.Change{Action: reconcile.Create, Want: b.Path}
		op, pending, err := w.disk(b, &c)
		if err != nil {
			return err
		}
		add(c)
		if pending != "" {
			s.Pending, w.later[b.Name] = pending, true
			if b.After != "" {
				s.Needs = append(s.Needs, b.Maker)
			}
			for _, l := range w.t.LUNs {
				if l.Backstore == b.Name {
					s.Changes = append(s.Changes, reconcile.Change{Object: Ref(w.t.Name), Action: reconcile.Update, Path: fmt.Sprintf("luns.%d", l.Number), Want: b.Name, Source: source})
				}
			}
			w.steps = append(w.steps, s)
			return nil
		}
		s.Ops = append(s.Ops, op)
		lines = w.make(b, live.Dir)
	case live.Path != b.Path:
		return w.taken(b, live)
	case b.Plugin == fileIO && live.Size > b.Size:
		return w.errorf(w.t, w.path(b)+".fileio.size", "%s serves %s with %s, and a disk is never made smaller: initiators would lose its end. Say size: %s",
			w.host, b.Path, block.FormatSize(live.Size), block.FormatSize(live.Size))
	case b.Plugin == fileIO && live.Size < b.Size:
		add(reconcile.Change{Action: reconcile.Update, Path: "size", Have: block.FormatSize(live.Size), Want: block.FormatSize(b.Size)})
		s.Ops = append(s.Ops, MakeFile{b.Path, b.Size})
		lines = append(lines, set("core/"+live.Dir+"/control", fmt.Sprintf("fd_dev_size=%d", b.Size)))
	}
	if there && live.Enabled {
		for _, n := range slices.Sorted(maps.Keys(b.Attributes)) {
			if v := b.Attributes[n]; live.Attributes[n] != v {
				add(reconcile.Change{Action: reconcile.Update, Path: "attributes." + n, Have: live.Attributes[n], Want: v})
				lines = append(lines, set("core/"+live.Dir+"/attrib/"+n, v))
			}
		}
	}
	if len(s.Changes) == 0 {
		return nil
	}
	s.Ops = append(s.Ops, Configure{Lines: lines, Root: w.root()})
	w.needs = append(w.needs, backstoreRef(w.host, b.id()))
	w.steps = append(w.steps, s)
	return nil
}

// identity is what a loose name of a disk stood for when it was recorded, and what it stands for now.
func (w *work) identity(b *Backstore) (was, now string) {
	if w.old == nil || b.Plugin != blockDev {
		return "", ""
	}
	return w.old.Disks[b.Path], w.m.Devices[b.Path].Identity
}

func (w *work) path(b *Backstore) string {
	return fmt.Sprintf("spec.backstores[%d]", w.backstores[b.Name])
}

func (w *work) taken(b *Backstore, live FoundBackstore) error {
	return w.errorf(w.t, w.path(b), "%s has a backstore %s that serves %s, not %s; give this one another name", w.host, b.id(), live.Path, b.Path)
}

// make are the lines for a new backstore. dir is that of one that was begun.
func (w *work) make(b *Backstore, dir string) []Line {
	var lines []Line
	if dir == "" {
		hba := fmt.Sprintf("fileio_%d", w.next)
		if b.Plugin == blockDev {
			hba = fmt.Sprintf("iblock_%d", w.next)
		}
		w.next++
		dir = hba + "/" + b.Name
		w.dirs[b.id()] = dir
		lines = append(lines, mkdir("core/"+hba), mkdir("core/"+dir))
	}
	at := "core/" + dir
	if b.Plugin == fileIO {
		lines = append(lines, set(at+"/control", fmt.Sprintf("fd_dev_name=%s,fd_dev_size=%d", b.Path, b.Size)))
		if b.WriteBack {
			lines = append(lines, set(at+"/control", "fd_buffered_io=1"))
		}
	} else {
		lines = append(lines, set(at+"/control", "udev_path="+b.Path))
	}
	lines = append(lines, set(at+"/wwn/vpd_unit_serial", Serial(w.t.IQN, b.Name)), set(at+"/udev_path", b.Path), set(at+"/enable", "1"))
	for _, n := range slices.Sorted(maps.Keys(b.Attributes)) {
		lines = append(lines, set(at+"/attrib/"+n, b.Attributes[n]))
	}
	return lines
}

// disk finds out whether a file or a device may be served.
func (w *work) disk(b *Backstore, c *reconcile.Change) (op reconcile.Op, pending string, err error) {
	if b.Plugin == fileIO {
		size, there := w.m.Files[b.Path]
		switch {
		case there && size < 0:
			return nil, "", w.errorf(w.t, w.path(b), "%s: %s is no file", w.host, b.Path)
		case there && size > b.Size:
			return nil, "", w.errorf(w.t, w.path(b)+".fileio.size", "%s: %s is there with %s and is never made smaller; say size: %s, or give another path",
				w.host, b.Path, block.FormatSize(size), block.FormatSize(size))
		case there:
			c.Have = "the file, " + block.FormatSize(size)
		}
		c.Want += ", " + block.FormatSize(b.Size)
		return MakeFile{b.Path, b.Size}, "", nil
	}
	d, looked := w.m.Devices[b.Path]
	ours := w.old != nil && slices.Contains(w.old.Backstores, b.id())
	switch {
	case !looked:
		return nil, b.Path + " is " + reconcile.NotInSnapshot, nil
	case !d.There() && b.After != "":
		return nil, "known after " + b.After, nil
	case !d.There():
		return nil, "", w.errorf(w.t, w.path(b), "%s: %s is not there, and no manifest makes it", w.host, b.Path)
	case loose.MatchString(b.Path) && len(d.Links) > 0:
		return nil, "", w.errorf(w.t, w.path(b), "%s: what is served is restored at boot by its name, before hactl could look at it, and %s may be another disk then; name it %s", w.host, b.Path, d.Links[0])
	case d.Unreadable != "":
		return nil, "", w.errorf(w.t, w.path(b), "%s: %s cannot be read, so nobody knows what is on it: %s. Nothing was changed", w.host, b.Path, d.Unreadable)
	case len(d.Mounts)+len(d.Users) > 0:
		return nil, "", w.errorf(w.t, w.path(b), "%s: %s is in use (%s); no allowance changes that. Nothing was changed", w.host, b.Path, d.Holds())
	case !d.Blank() && !ours:
		c.Have, c.Risk, c.ByName, c.Whole = d.Holds(), reconcile.DataLoss, true, Ref(w.t.Name)
		c.Why = fmt.Sprintf("%s: %s holds %s; nothing of it is wiped, and initiators that log in may overwrite it", w.host, b.Path, d.Holds())
	}
	return CheckBlank{d}, "", nil
}
