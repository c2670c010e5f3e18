package lvm

import (
	"regexp"
	"slices"
	"strings"
)

// The tags that hactl leaves; see lvm(8), "VALID NAMES", for what a tag may hold.
const (
	ownerTag = "hactl.owner="
	diskTag  = "hactl.disk=" // PATH=IDENTITY
	fsTag    = "hactl.fs="
	newTag   = "hactl.new"
	growTag  = "hactl.grow"    // its file system is to grow with it, and does not tell its own size (gfs2)
	keepTag  = "hactl.protect" // as metadata.protect said when it was last applied
)

var noTag = regexp.MustCompile(`[^A-Za-z0-9_+./=!:&#-]`)

// tagText is a text as far as a tag can hold it.
func tagText(s string) string { return noTag.ReplaceAllString(s, "_") }

// tagged gives what follows a prefix in the tags; "" if none has it.
func tagged(tags []string, prefix string) string {
	for _, t := range tags {
		if rest, ok := strings.CutPrefix(t, prefix); ok {
			return rest
		}
	}
	return ""
}

func isNew(tags []string) bool { return slices.Contains(tags, newTag) }

// recorded is the identity that the disk of a path had; "" if none was recorded.
func recorded(tags []string, path string) string { return tagged(tags, diskTag+tagText(path)+"=") }

// movable tells that the kernel hands out such a name anew at every boot, so that it may become another disk's.
func movable(path string) bool {
	return strings.HasPrefix(path, "/dev/") && !strings.HasPrefix(path, "/dev/disk/") && !strings.HasPrefix(path, "/dev/mapper/") &&
		!strings.HasPrefix(path, "/dev/drbd") && strings.Count(path, "/") == 2
}
