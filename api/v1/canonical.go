package v1

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Canonical gives a copy in which everything that is equal in meaning is written in one way, so that two sets of manifests that ask for the
// same are equal: defaults left out (but the names of clones, the ids of nodes and the numbers of fencing levels filled in), today's words
// for roles and options, time spans in seconds or milliseconds, booleans and scores in one spelling wherever their type is known, expressions
// as Expression.String writes them, ids of parts only where something refers to them, a location's only rule in the short form, a fence
// device's pcmk_host_list and pcmk_host_map as targets, no option that is null and no attribute set that is empty, the objects in the order of
// the CIB's sections. Positions, comments and what is silenced are gone. A default is left out only where nothing else in the cluster could
// give another value in its place.
func Canonical(m *Manifests) *Manifests {
	c := &canonicalizer{types: fieldTable{}, referenced: map[string]bool{}, operationDefaults: map[string]bool{}}
	objects := m.All()
	for _, o := range objects {
		c.refers(o)
	}
	slices.SortStableFunc(objects, func(a, b any) int { return cmp.Compare(section(a), section(b)) })
	out := &Manifests{}
	for _, o := range objects {
		out.Add(c.object(o))
	}
	return out
}

// section is the place of a kind in the CIB.
func section(o any) int {
	switch o.(type) {
	case *Cluster:
		return 0
	case *Resource, *ResourceTemplate, *ResourceGroup, *Bundle, *FenceDevice:
		return 1 // one list, in which the order has meaning
	case *Constraint:
		return 2
	case *FencingTopology:
		return 3
	case *Tag:
		return 4
	case *ACLRole:
		return 5
	case *ACLUser:
		return 6
	case *ACLGroup:
		return 7
	}
	return 8
}

type canonicalizer struct {
	types fieldTable
	// referenced are the ids that something names, xpaths the permissions that may name others.
	referenced map[string]bool
	xpaths     []string
	// operationDefaults are the names that the Cluster's operationDefaults give.
	operationDefaults map[string]bool
	// name is that of the object at hand.
	name string
}

// refers notes which ids an object names.
func (c *canonicalizer) refers(object any) {
	c.types.walk(object, func(p spot) {
		switch ref := p.field.tag.Get("ref"); {
		case p.value.Kind() != reflect.String:
		case ref == "element" || ref == "any" || ref == "operations":
			c.referenced[p.value.String()] = true
		case p.field.name == "xpath":
			c.xpaths = append(c.xpaths, p.value.String())
		}
	})
	if x, ok := object.(*Cluster); ok {
		for name := range x.Spec.OperationDefaults {
			c.operationDefaults[name] = true
		}
		for _, s := range x.Spec.OperationDefaultSets {
			if s.IDRef != "" {
				c.operationDefaults["enabled"], c.operationDefaults["record-pending"] = true, true
			}
			for _, v := range s.Values {
				c.operationDefaults[v.Name] = true
			}
		}
	}
}

// named tells whether something names an id: a reference, or a text in quotes in the xpath of a permission.
func (c *canonicalizer) named(id string) bool {
	return c.referenced[id] || slices.ContainsFunc(c.xpaths, func(x string) bool {
		return strings.Contains(x, "'"+id+"'") || strings.Contains(x, `"`+id+`"`)
	})
}

func (c *canonicalizer) object(o any) any {
	x := copied(o)
	x.(interface{ SetDefaults() }).SetDefaults()
	base := x.(interface{ Base() *Object }).Base()
	c.name = base.Metadata.Name
	base.Metadata.Cluster, base.Metadata.Ignore = "", nil
	c.types.walk(x, func(p spot) {
		if p.value.Kind() == reflect.String && p.value.CanSet() {
			p.value.SetString(c.text(p, p.value.String()))
		}
	})
	spec := reflect.ValueOf(x).Elem().FieldByName("Spec")
	c.structure(spot{value: spec})
	c.types.walk(x, func(p spot) {
		if p.value.Kind() == reflect.Struct && p.value.CanAddr() {
			c.structure(p)
		}
	})
	return x
}

// copied makes a deep copy without what is not part of the manifest: JSON leaves out positions, comments and what is empty.
func copied(o any) any {
	b, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("manifests are plain data: %v", err))
	}
	x := reflect.New(reflect.TypeOf(o).Elem()).Interface()
	if err := json.Unmarshal(b, x); err != nil {
		panic(fmt.Sprintf("manifests read what they write: %v", err))
	}
	return x
}

// text writes a field's text in the one way that its tags ask for.
func (c *canonicalizer) text(p spot, s string) string {
	enum := p.field.tag.Get("enum")
	switch check := p.field.tag.Get("check"); {
	case check == "id":
		if element := p.element(); element != "" && p.owner != reflect.TypeFor[AttributeSet]() && !c.named(s) {
			return ""
		}
	case check == "score":
		return canonicalScore(s)
	case check == "interval":
		return canonicalSpan(s)
	case check == "truth" || strings.HasPrefix(enum, "true false"):
		return canonicalTruth(s)
	case check == "role" || strings.HasPrefix(enum, "Started "):
		return canonicalRole(s)
	case check == "expression":
		return canonicalExpression(s)
	case check == "integer":
		return canonicalInteger(s)
	}
	return s
}

// structure drops the defaults of a struct, parents first, whose texts are canonical already.
func (c *canonicalizer) structure(p spot) {
	for _, f := range c.types.of(p.value.Type()) {
		switch v := p.value.FieldByIndex(f.index).Addr().Interface().(type) {
		case *Options:
			canonicalOptions(v, f.tag.Get("options"))
		case *[]AttributeSet:
			for _, s := range *v {
				canonicalValues(s.Values, f.tag.Get("options"))
			}
			*v = slices.DeleteFunc(*v, func(s AttributeSet) bool {
				return s.IDRef == "" && s.Rule == nil && len(s.Values) == 0 && !c.named(s.ID)
			})
			if len(*v) == 0 {
				*v = nil
			}
		}
	}
	switch x := p.value.Addr().Interface().(type) {
	case *Operation:
		c.operation(x)
	case *Clone:
		if x.Promotable != nil && !*x.Promotable {
			x.Promotable = nil
		}
	case *AttributeSet:
		drop(&x.Score, "0")
	case *Rule:
		if p.owner != reflect.TypeFor[Location]() || p.field.name != "rules" {
			x.Score, x.ScoreAttribute, x.Role = "", "", ""
		}
	case *Location:
		x.canonical()
	case *Order:
		x.canonical()
	case *Colocation:
		drop(&x.Score, "INFINITY")
	case *Ticket:
		if x.Role != "Promoted" { // for which Pacemaker's default is demote
			drop(&x.LossPolicy, "stop")
		}
	case *ResourceSet:
		drop(&x.Sequential, "true")
		drop(&x.RequireAll, "true")
		drop(&x.Ordering, "group")
		drop(&x.Action, "start")
	case *BundleSpec:
		x.canonical()
	case *PortMapping:
		drop(&x.InternalPort, x.Port)
	case *Node:
		drop(&x.CIBID, strconv.Itoa(x.ID))
		drop(&x.Score, "0")
	case *RemoteNode:
		drop(&x.CIBID, x.Name)
		drop(&x.Type, "remote")
		drop(&x.Score, "0")
	case *FenceDeviceSpec:
		x.foldTargets()
	case *FencingTopologySpec:
		x.canonical()
	case *AlertSpec:
		x.canonical(c.name)
	}
}

// drop leaves out a default.
func drop(s *string, byDefault string) {
	if *s == byDefault {
		*s = ""
	}
}

func (c *canonicalizer) operation(o *Operation) {
	drop(&o.Interval, "0s")
	drop(&o.StartDelay, "0s")
	if !c.operationDefaults["enabled"] {
		drop(&o.Enabled, "true")
	}
	if !c.operationDefaults["record-pending"] {
		drop(&o.RecordPending, "true")
	}
}

// canonicalScore follows char2score: scores beyond a million are infinite.
func canonicalScore(s string) string {
	switch s {
	case "INFINITY", "+INFINITY":
		return "INFINITY"
	case "-INFINITY", "":
		return s
	}
	if !integer.MatchString(s) {
		return s
	}
	n, err := strconv.Atoi(s)
	switch {
	case err != nil && s[0] == '-' || n <= -MaxScore:
		return "-INFINITY"
	case err != nil || n >= MaxScore:
		return "INFINITY"
	}
	return strconv.Itoa(n)
}

// canonicalSpan writes a time span in seconds, or else in milliseconds, which is as exact as Pacemaker reads it.
func canonicalSpan(s string) string {
	d, err := Interval(s)
	switch {
	case err != nil:
		return s
	case d%time.Second != 0:
		return strconv.FormatInt(d.Milliseconds(), 10) + "ms"
	}
	return strconv.FormatInt(int64(d/time.Second), 10) + "s"
}

func canonicalTruth(s string) string {
	switch i := slices.Index(truthWords, strings.ToLower(s)); {
	case i < 0:
		return s
	case i < len(truthWords)/2:
		return "true"
	}
	return "false"
}

func canonicalRole(s string) string {
	for i, r := range roles {
		if strings.EqualFold(r, s) {
			return []string{"Started", "Stopped", "Promoted", "Unpromoted", "Promoted", "Unpromoted"}[i]
		}
	}
	return s
}

func canonicalInteger(s string) string {
	if n, err := strconv.Atoi(s); err == nil {
		return strconv.Itoa(n)
	}
	return s
}

func canonicalExpression(s string) string {
	e, err := ParseExpression(s)
	if err != nil {
		return s
	}
	return e.String()
}
