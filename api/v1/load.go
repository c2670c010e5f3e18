package v1

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// kinds makes an empty object of each kind.
var kinds = map[string]func() any{
	"Cluster":          func() any { return new(Cluster) },
	"Resource":         func() any { return new(Resource) },
	"ResourceGroup":    func() any { return new(ResourceGroup) },
	"Constraint":       func() any { return new(Constraint) },
	"FenceDevice":      func() any { return new(FenceDevice) },
	"ResourceTemplate": func() any { return new(ResourceTemplate) },
	"Bundle":           func() any { return new(Bundle) },
	"Tag":              func() any { return new(Tag) },
	"FencingTopology":  func() any { return new(FencingTopology) },
	"ACLRole":          func() any { return new(ACLRole) },
	"ACLUser":          func() any { return new(ACLUser) },
	"ACLGroup":         func() any { return new(ACLGroup) },
	"Alert":            func() any { return new(Alert) },
	"VolumeGroup":      func() any { return new(VolumeGroup) },
	"DRBDResource":     func() any { return new(DRBDResource) },
	"ISCSITarget":      func() any { return new(ISCSITarget) },
	"ISCSIInitiator":   func() any { return new(ISCSIInitiator) },
	"WatchPolicy":      func() any { return new(WatchPolicy) },
}

// maxMistakes is how many are told. A file of rubbish has more of them than bytes, and nobody reads so many.
const maxMistakes = 1000

// Kinds are the names of all kinds in alphabetical order.
func Kinds() []string { return slices.Sorted(maps.Keys(kinds)) }

// New makes an empty object of a kind: a pointer to its type, or nil if the kind is not known.
func New(kind string) any {
	if make := kinds[kind]; make != nil {
		return make()
	}
	return nil
}

// Load turns files into the manifests of each Cluster, in the order of the Clusters' names, with their defaults set, and finds each its WatchPolicy.
// All mistakes of all files come in one Errors; with any mistake there are no manifests. Files that hold nothing but WatchPolicies are checked as far
// as they can be, and give none. Load does no I/O.
func Load(files []File) ([]*Manifests, error) {
	l := newLoader()
	for _, f := range files {
		l.file(f)
	}
	if len(l.errs) >= maxMistakes {
		return nil, append(l.errs, &Error{Message: fmt.Sprintf("reading ended after %d mistakes; mend these first", maxMistakes)}).err()
	}
	policies := l.policies()
	sets := l.sets(files, len(policies) > 0)
	for _, m := range sets {
		m.SetDefaults()
		l.manifests(m)
	}
	l.govern(policies, sets)
	if err := l.errs.err(); err != nil {
		return nil, err
	}
	return sets, nil
}

func newLoader() *loader {
	return &loader{checker: checker{types: fieldTable{}, failed: map[*Object]map[string]bool{}}}
}

// file reads the objects of a file.
func (l *loader) file(f File) {
	docs, unread, errs := documents(f)
	l.errs = append(l.errs, errs...)
	l.unread = append(l.unread, unread...)
	for _, doc := range docs {
		if len(l.errs) >= maxMistakes {
			return
		}
		l.document(f.Name, doc)
	}
}

type loader struct {
	checker
	objects []any // pointers to the kinds' types, in the order of the files
	any     bool  // some document is not empty
}

// untyped is an object whose kind is not known.
type untyped struct {
	Object
	Spec any `json:"spec,omitempty"`
}

func (l *loader) document(file string, doc document) {
	n := doc.root
	if isNull(n) {
		return
	}
	l.any = true
	d := &decoder{file: file, line: doc.line, types: l.types,
		positions: map[string]Pos{}, failed: map[string]bool{}, within: map[*yaml.Node]bool{}}
	defer func() { l.errs = append(l.errs, d.errs...) }()
	if n.Kind != yaml.MappingNode {
		d.errorf(n, "", "a document must be a map with apiVersion, kind, metadata and spec, not %s", describe(n))
		l.unread = append(l.unread, doc.text...)
		return
	}
	obj := New(kindOf(n))
	known := obj != nil
	if !known {
		obj = new(untyped)
	}
	d.value(n, nil, "", reflect.ValueOf(obj).Elem(), 0)
	if d.failed[""] {
		l.unread = append(l.unread, doc.text...)
		return
	}
	base := obj.(interface{ Base() *Object }).Base()
	if base.APIVersion != APIVersion && !d.failed["apiVersion"] {
		d.failed["apiVersion"] = true
		d.errs = append(d.errs, &Error{Pos: d.positions["apiVersion"], Path: "apiVersion",
			Message: fmt.Sprintf("unknown version %q; write %s", base.APIVersion, APIVersion)})
	}
	if !known {
		if !d.failed["kind"] {
			d.errs = append(d.errs, &Error{Pos: d.positions["kind"], Path: "kind",
				Message: fmt.Sprintf("unknown kind %q%s", base.Kind, hint(base.Kind, Kinds()))})
		}
		l.unread = append(l.unread, doc.text...)
		return
	}
	base.Positions = d.positions
	l.failed[base] = d.failed
	l.objects = append(l.objects, obj)
}

func kindOf(n *yaml.Node) string {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if v := n.Content[i+1]; n.Content[i].Value == "kind" && v.Kind == yaml.ScalarNode {
			return v.Value
		}
	}
	return ""
}

// sets puts each object to its Cluster. Beside policies there need be nothing else.
func (l *loader) sets(files []File, policies bool) []*Manifests {
	byName := map[string]*Manifests{}
	for _, o := range l.objects {
		c, ok := o.(*Cluster)
		if !ok {
			continue
		}
		name := c.Metadata.Name
		if first := byName[name]; first != nil {
			if name != "" {
				l.errorf(&c.Object, "metadata.name", "a Cluster named %q is already at %s; give one another name", name, first.Cluster.Pos("metadata.name"))
			}
			continue
		}
		byName[name] = &Manifests{Cluster: c}
	}
	names := slices.Sorted(maps.Keys(byName))
	if len(names) == 0 && policies && len(l.objects) == 0 {
		return nil
	}
	if len(names) == 0 {
		l.noCluster(files)
		// What can be checked without a Cluster still is.
		byName[""] = &Manifests{}
		names = []string{""}
	}
	for _, o := range l.objects {
		base := o.(interface{ Base() *Object }).Base()
		if _, ok := o.(*Cluster); ok {
			continue
		}
		m := byName[base.Metadata.Cluster]
		switch {
		case byName[""] != nil && byName[""].Cluster == nil:
			m = byName[""]
		case m != nil && base.Metadata.Cluster != "":
		case base.Metadata.Cluster != "":
			if byName[""] == nil && !l.mayBeUnread(base.Metadata.Cluster) {
				l.errorf(base, "metadata.cluster", "there is no Cluster %q%s", base.Metadata.Cluster, hint(base.Metadata.Cluster, names))
			}
			continue
		case len(names) == 1:
			m = byName[names[0]]
		default:
			l.errorf(base, "metadata.cluster", "is required where there are several Clusters; write one of: %s", strings.Join(names, ", "))
			continue
		}
		m.Add(o)
	}
	sets := make([]*Manifests, len(names))
	for i, n := range names {
		sets[i] = byName[n]
	}
	return sets
}

// noCluster tells that nothing, or no Cluster, was found; not where an unreadable document may be the one.
func (l *loader) noCluster(files []File) {
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
	}
	where := strings.Join(names, ", ")
	if len(names) > 5 {
		where = fmt.Sprintf("%s and %d more files", strings.Join(names[:4], ", "), len(names)-4)
	}
	switch {
	case len(files) == 0:
		l.errs = append(l.errs, &Error{Message: "no manifests were given; name a file or a folder with -f"})
	case len(l.unread) > 0 && (!l.any || l.mayBeUnread("Cluster")):
	case len(l.errs) > 0 && !l.any:
	case !l.any:
		l.errs = append(l.errs, &Error{Message: fmt.Sprintf("no manifests found: there is no document in %s", where)})
	default:
		l.errs = append(l.errs, &Error{Message: fmt.Sprintf("no object of kind Cluster in %s; a set of manifests needs its Cluster", where)})
	}
}
