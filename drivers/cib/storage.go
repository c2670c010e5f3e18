package cib

import (
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// relying names the resources whose data only fencing protects, the few that matter to a sentence: "DRBD (r0), a file system on a block
// device (web-fs)". "" where there are none.
func relying(docs ...*etree.Document) string {
	const most = 3
	var found []string
	more := false
	for _, doc := range docs {
		rs := section(doc, "resources")
		if rs == nil {
			continue
		}
		templates := map[string]*etree.Element{}
		for _, t := range rs.SelectElements("template") {
			templates[attr(t, "id")] = t
		}
		walk(rs, func(el *etree.Element) {
			if el.Tag != "primitive" {
				return
			}
			what := reliesOnFencing(el, templates[attr(el, "template")])
			text := what + " (" + attr(el, "id") + ")"
			if what == "" || slices.Contains(found, text) {
				return
			}
			if more = len(found) == most; !more {
				found = append(found, text)
			}
		})
	}
	if more {
		found = append(found, "…")
	}
	return joinWords(found)
}

// reliesOnFencing says what a resource keeps on storage that several nodes can write to; "" where it keeps nothing there.
func reliesOnFencing(el, template *etree.Element) string {
	kind := el
	if template != nil {
		kind = template
	}
	switch agentOf(kind) {
	case "ocf:linbit:drbd", "ocf:heartbeat:drbd":
		return "DRBD"
	case "ocf:heartbeat:lvmlockd", "ocf:pacemaker:controld", "ocf:heartbeat:clvm", "ocf:ocfs2:o2cb", "ocf:pacemaker:o2cb":
		return "a lock manager of shared storage"
	case "ocf:heartbeat:LVM-activate", "ocf:heartbeat:LVM":
		return "a volume group"
	case "fence_scsi", "fence_mpath", "stonith:fence_scsi", "stonith:fence_mpath":
		return "a reservation on a shared disk"
	case "ocf:heartbeat:Filesystem":
		return fileSystem(param("fstype", el, template), param("device", el, template))
	}
	return ""
}

// param is a parameter of a resource, from itself or its template (nil: it has none).
func param(name string, el, template *etree.Element) string {
	for _, from := range []*etree.Element{el, template} {
		if from == nil {
			continue
		}
		for _, set := range from.SelectElements("instance_attributes") {
			if nv := pairNamed(set, name); nv != nil {
				return attr(nv, "value")
			}
		}
	}
	return ""
}

// fileSystem: what Pacemaker mounts from a block device now here and now there lies on shared or replicated storage. Those of the network
// and of the memory do their own locking, or are no storage at all.
func fileSystem(fstype, device string) string {
	switch fstype {
	case "gfs2", "ocfs2", "gfs":
		return "a cluster file system"
	case "nfs", "nfs4", "cifs", "tmpfs", "glusterfs", "ceph", "none", "bind", "overlay":
		return ""
	}
	if strings.HasPrefix(device, "/dev/") || strings.HasPrefix(device, "UUID=") || strings.HasPrefix(device, "LABEL=") || strings.HasPrefix(device, "-") {
		return "a file system on a block device"
	}
	return ""
}
