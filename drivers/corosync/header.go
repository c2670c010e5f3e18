package corosync

import (
	"slices"
	"sort"
	"strings"
)

// The header is hactl's inventory of a corosync.conf: comment lines on top with the owner and the paths of the fields that were applied
// last. A field in it that the manifest no longer has is removed; a field that never was in it stays.
const (
	headMark   = "# Managed by hactl"
	ownerMark  = "# hactl-owner: "
	fieldsMark = "# hactl-fields: "
	// headWidth keeps the lines readable and far below maxLine.
	headWidth = 110
)

// inventory gives the fields that were applied last under that owner's name; ok tells whether the file is managed under it at all.
func (c *Conf) inventory(owner string) (fields map[string]bool, ok bool) {
	fields = map[string]bool{}
	if c == nil {
		return fields, false
	}
	for _, l := range c.Root.Lines {
		if l.Section != nil {
			break
		}
		if v, is := strings.CutPrefix(l.raw, ownerMark); is && strings.TrimSpace(v) != owner {
			return map[string]bool{}, false
		}
		if v, is := strings.CutPrefix(l.raw, fieldsMark); is {
			ok = true
			for _, f := range strings.Fields(v) {
				fields[f] = true
			}
		}
	}
	return fields, ok
}

// setHeader replaces the header.
func (c *Conf) setHeader(cluster, owner string, paths []string) {
	var rest []Line
	top := true
	for _, l := range c.Root.Lines {
		if top && l.Section == nil && (strings.HasPrefix(l.raw, headMark) || strings.HasPrefix(l.raw, ownerMark) || strings.HasPrefix(l.raw, fieldsMark)) {
			continue
		}
		if l.Section != nil {
			top = false
		}
		rest = append(rest, l)
	}
	paths = append([]string(nil), paths...)
	sort.Strings(paths)
	lines := []string{headMark + " (cluster " + cluster + "): the fields below follow the manifest, all others are left alone.", ownerMark + owner}
	line := strings.TrimSuffix(fieldsMark, " ")
	for _, p := range paths {
		if len(line)+1+len(p) > headWidth && line+" " != fieldsMark {
			lines = append(lines, line)
			line = strings.TrimSuffix(fieldsMark, " ")
		}
		line += " " + p
	}
	lines = append(lines, line)
	head := make([]Line, len(lines))
	for i, l := range lines {
		head[i] = Line{raw: l}
	}
	c.Root.Lines = slices.Concat(head, rest)
}
