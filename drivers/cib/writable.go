package cib

import (
	"strconv"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// writable refuses values that Pacemaker would not keep, or that would break its CIB, before anything is changed.
func (c *comparison) writable() {
	for _, f := range c.o.fields {
		if live, ok := c.live[f.path()]; ok && live.value == f.value {
			continue
		}
		why := mangled(f.value)
		switch version := attr(c.planner.live.Root(), "crm_feature_set"); {
		case why == "":
		case !c.planner.have.formed():
			c.planner.note(reconcile.Note{Kind: reconcile.NoteWarning, Object: c.o.Ref, Path: f.path(), Source: c.o.Pos[f.path()], Text: "Pacemaker before 2.1.8 " + why})
		case escapes(version):
		default:
			c.errorf(f.path(), "%s: this cluster's Pacemaker (crm_feature_set %s) %s; give another value, or update Pacemaker to 2.1.8", f.path(), version, why)
		}
	}
}

// mangled says what Pacemaker before 2.1.8 makes of a value when it writes XML, between its daemons and into files; "" where it keeps it. Its
// crm_xml_escape (lib/common/xml.c) writes \n for a line break and four blanks for a tab, and stops at the first character that is not ASCII:
// behind that, what means something to XML gets out as it is.
func mangled(value string) string {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }) {
		return "cannot keep a line break or a tab in a value: it turns into the letters \\n, or blanks"
	}
	if i := strings.IndexFunc(value, func(r rune) bool { return r >= 0x80 }); i >= 0 && strings.ContainsAny(value[i:], `&<"`) {
		return `writes broken XML where &, < or " stands behind a character that is not ASCII: the value is cut off, or the CIB cannot be read any more`
	}
	return ""
}

// escapes tells whether a Pacemaker of this feature set writes every value so that it can be read again (pcmk__xml_escape, 2.1.8). That of
// 2.1.7 is 3.19.0. The cluster's is that of its oldest member.
func escapes(featureSet string) bool {
	var v [3]int
	for i, s := range strings.SplitN(featureSet, ".", 3) {
		v[i], _ = strconv.Atoi(s)
	}
	return v[0] > 3 || v[0] == 3 && (v[1] > 19 || v[1] == 19 && v[2] > 0)
}
