package v1test

import (
	"fmt"
	"strings"
	"unicode"

	v1 "github.com/hactl/hactl/api/v1"
	"pgregory.net/rapid"
)

var (
	// Text is any text that a manifest can hold.
	Text = rapid.OneOf(rapid.SampledFrom([]string{"off", "yes", "0644", "1.10", "1e3", "null", "~", "2024-01-01", "0x1F", "-", "- a", "a: b",
		"#x", " x ", "a\nb\n", "'", `"`, "*a", "&a", "!x", "<<", "=", "\t", "é", "👍", "%x", "@x", "`", "{", "[a", "|", ">"}),
		rapid.StringMatching(`[ -~äß\n]{0,12}`))
	// Name is a plain name, as options and operations have.
	Name = rapid.StringMatching(`[a-z][a-z0-9_]{0,8}`)
	// ID is an XML id. It is none that hactl or pcs make up.
	ID = rapid.StringMatching(`[A-Za-z_éß][A-Za-z0-9_.é-]{0,8}`).Filter(func(s string) bool {
		return !strings.HasPrefix(s, "hactl") && !strings.HasPrefix(s, "fl-") && !strings.HasPrefix(s, "nodes-") && !strings.HasSuffix(s, "-clone")
	})
)

var (
	nonEmpty  = Text.Filter(func(s string) bool { return s != "" })
	interval  = rapid.SampledFrom([]string{"", "0", "30", "30s", "500ms", "PT1M", "2min", "1h"})
	role      = rapid.SampledFrom([]string{"", "Started", "Stopped", "Promoted", "Unpromoted", "Master", "Slave"})
	score     = rapid.SampledFrom([]string{"0", "-5", "1000000", "INFINITY", "-INFINITY", "+INFINITY", "+7", "100"})
	truth     = rapid.SampledFrom([]string{"", "true", "false", "1", "0"})
	action    = rapid.SampledFrom([]string{"", "start", "stop", "promote", "demote"})
	kind      = rapid.SampledFrom([]string{"", "Mandatory", "Optional", "Serialize"})
	agent     = rapid.SampledFrom([]string{"ocf:heartbeat:IPaddr2", "systemd:nginx", "lsb:x", "service:y", "ocf:pacemaker:Dummy", "systemd:a:b"})
	whole     = rapid.Map(rapid.IntRange(-5, 99), func(i int) string { return fmt.Sprint(i) })
	natural   = rapid.Map(rapid.IntRange(0, 9), func(i int) string { return fmt.Sprint(i) })
	ownOption = rapid.Map(Name, func(s string) string { return "own_option_" + s }) // no near miss of a known one
	paramName = rapid.OneOf(Name, nonEmpty)
)

// generator makes one set of manifests.
type generator struct {
	*rapid.T
	onlyCIB bool
	used    map[string]bool
	// pools are the ids that an idRef may name, by the name of the element in the CIB.
	pools map[string][]string
	// names are what constraints may name, ids everything that has an id.
	names, ids []string
}

// some tells whether to make something that need not be there, in one of n cases.
func (g *generator) some(what string, n int) bool { return rapid.IntRange(1, n).Draw(g.T, what) == n }

func (g *generator) maybe(what string, gen *rapid.Generator[string]) string {
	if g.some(what+"?", 3) {
		return gen.Draw(g.T, what)
	}
	return ""
}

// fresh makes an id that nothing else has, and neither its clone.
func (g *generator) fresh() string {
	id := ID.Filter(func(s string) bool { return !g.used[s] && !strings.ContainsFunc(s, unicode.IsSpace) }).Draw(g.T, "id")
	g.used[id] = true
	g.ids = append(g.ids, id)
	return id
}

// own is an id for a part of an object that may do without, kept for those who refer to it.
func (g *generator) own(element string, always bool) string {
	if !always && !g.some("own id", 3) {
		return ""
	}
	id := g.fresh()
	g.pools[element] = append(g.pools[element], id)
	return id
}

// idRef is the id of an element that stands elsewhere, or "".
func (g *generator) idRef(element string) string {
	if len(g.pools[element]) == 0 || !g.some("idRef?", 5) {
		return ""
	}
	return rapid.SampledFrom(g.pools[element]).Draw(g.T, "idRef")
}

func (g *generator) object(name string) v1.Object {
	o := v1.Object{Metadata: v1.Metadata{Name: name}}
	if !g.onlyCIB {
		o.Metadata.Labels = rapid.MapOfN(Name, Text, 0, 2).Draw(g.T, "labels")
		o.Metadata.Protect = rapid.Bool().Draw(g.T, "protect")
	}
	return o
}

func (g *generator) options(what string, names, values *rapid.Generator[string]) v1.Options {
	value := rapid.Custom(func(t *rapid.T) v1.Value {
		if !g.onlyCIB && rapid.IntRange(0, 9).Draw(t, "null") == 0 {
			return v1.Value{Null: true}
		}
		return v1.Value{Text: values.Draw(t, "value")}
	})
	return rapid.MapOfN(names, value, 0, 3).Draw(g.T, what)
}
