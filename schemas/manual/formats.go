package manual

import "strings"

// formats tell what a `check` tag of the types asks for, where that needs to be told.
var formats = map[string]string{
	"id":          "an XML id of letters, digits, _, - and dots that begins with a letter or _",
	"node":        "a host name of letters, digits, _, - and dots",
	"host":        "a host name or an IP address",
	"score":       "a whole number from -1000000 to 1000000, INFINITY or -INFINITY",
	"interval":    "a time span: 500ms, 30s, 2min, 1h, PT1M30S; without a unit seconds",
	"agent":       "an agent: ocf:PROVIDER:TYPE, or CLASS:TYPE such as systemd:nginx",
	"fenceAgent":  "the name of a fence agent, such as fence_ipmilan, without its class",
	"env":         "the name of an environment variable",
	"age":         "an age file in ASCII armor, written as a block (age: |)",
	"integer":     "a whole number",
	"path":        "an absolute path",
	"size":        "a size: 512M, 20G; with the units of LVM",
	"lv":          "a name of letters, digits, +, _, - and dots",
	"lvSize":      "a size such as 20G, or a share such as 100%FREE or 50%VG",
	"iqn":         "an iSCSI name: iqn.YYYY-MM.DOMAIN:NAME, eui. or naa.",
	"addressPort": "ADDRESS:PORT, with [] around an IPv6 address",
	"drbdDevice":  "/dev/drbd and a minor number",
	"expression":  "a condition, such as not_defined pingd or pingd lt 100 (hactl explain expression)",
}

// Formatted says in words what a field's text must look like; "" if it may be any.
func (f *Field) Formatted() string { return formats[f.Format] }

// Allowed lists the words of a field as "a, b or c".
func (f *Field) Allowed() string { return alternatives(f.Words) }

func alternatives(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
