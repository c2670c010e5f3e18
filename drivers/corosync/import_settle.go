package corosync

import (
	"errors"
	"fmt"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// settle makes a Cluster that loads: what only a check of hactl's speaks against is kept and the check silenced, what a manifest cannot hold
// is taken out and told.
func (im *importer) settle() {
	tried := v1.Manifests{Cluster: im.c}
	var errs v1.Errors
	if !errors.As(tried.Validate(), &errs) {
		return
	}
	silenced := map[string]bool{}
	for _, e := range errs {
		options, name := im.options(e.Path)
		switch {
		case e.Lint != "" && !silenced[e.Lint]:
			silenced[e.Lint] = true
			im.c.Metadata.Ignore = append(im.c.Metadata.Ignore, v1.IgnoredLint{Lint: e.Lint, Reason: "imported: corosync.conf has it so"})
		case e.Lint == "" && name != "":
			if v, ok := options[name]; ok {
				delete(options, name)
				im.lost("%s: %s (%s)", strings.TrimPrefix(e.Path, "spec."), v.Text, e.Message)
			}
		}
	}
	im.c.Spec.Links = withOptions(im.c.Spec.Links)
	if q := im.c.Spec.Quorum; q != nil && len(q.Options) == 0 {
		im.c.Spec.Quorum = nil
	}
}

// options finds the option that a field's path names.
func (im *importer) options(path string) (v1.Options, string) {
	s := &im.c.Spec
	for prefix, o := range map[string]v1.Options{"spec.totem.": s.Totem, "spec.logging.": s.Logging} {
		if name, ok := strings.CutPrefix(path, prefix); ok {
			return o, name
		}
	}
	if name, ok := strings.CutPrefix(path, "spec.quorum.options."); ok && s.Quorum != nil {
		return s.Quorum.Options, name
	}
	for i, l := range s.Links {
		if name, ok := strings.CutPrefix(path, fmt.Sprintf("spec.links[%d].options.", i)); ok {
			return l.Options, name
		}
	}
	return nil, ""
}

func withOptions(links []v1.Link) []v1.Link {
	var out []v1.Link
	for _, l := range links {
		if len(l.Options) > 0 {
			out = append(out, l)
		}
	}
	return out
}
