package conf

import v1 "github.com/hactl/hactl/api/v1"

var zero v1.Pos

// foreign tells what in the resource's structure a dialect does not know; Check adds the rest.
func (r *Resource) foreign(d Dialect) (errs []error) {
	no := func(pos v1.Pos, what string) {
		errs = append(errs, errAt(pos, "resource %s: %s: %s does not know it", r.Name, what, d))
	}
	for _, h := range r.Hosts {
		switch {
		case d == V84 && h.NodeID != nil:
			no(h.Pos, h.Name()+": node-id")
		case d == V9 && !h.Alternate.IsZero():
			no(h.Pos, h.Name()+": alternate-link-address")
		case d == V9 && h.Kind == Remote:
			no(h.Pos, "_remote_host as a section")
		}
		for _, v := range h.Volumes {
			if d == V84 && h.Kind == Stacked && len(v.Options) > 0 {
				no(v.Pos, "options of a stacked volume")
			}
		}
	}
	if d != V84 {
		return errs
	}
	for _, c := range r.Connections {
		no(c.Pos, "connection")
	}
	for _, m := range r.Meshes {
		no(m.Pos, "connection-mesh")
	}
	if r.TemplateFile != "" {
		no(r.Pos, "template-file")
	}
	return errs
}
