package v1test

import (
	v1 "github.com/hactl/hactl/api/v1"
	"pgregory.net/rapid"
)

// sets makes the long form of an attribute set.
func (g *generator) sets(element string, names, values *rapid.Generator[string]) []v1.AttributeSet {
	var sets []v1.AttributeSet
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(g.T, "sets") {
		if ref := g.idRef(element); ref != "" {
			sets = append(sets, v1.AttributeSet{IDRef: ref})
			continue
		}
		s := v1.AttributeSet{Score: g.maybe("score", score)}
		if g.some("rule?", 2) {
			r := g.rule()
			s.Rule = &r
		}
		for _, n := range rapid.SliceOfNDistinct(names, 0, 3, rapid.ID).Draw(g.T, "names") {
			s.Values = append(s.Values, g.value(element, n, values))
		}
		s.ID = g.own(element, true) // at the end: nothing refers to what it stands in
		sets = append(sets, s)
	}
	return sets
}

func (g *generator) value(element, name string, values *rapid.Generator[string]) v1.NameValue {
	if ref := g.idRef("nvpair"); ref != "" && element == "instance_attributes" {
		return v1.NameValue{Name: name, IDRef: ref}
	}
	nv := v1.NameValue{Name: name}
	switch n := rapid.IntRange(0, 9).Draw(g.T, "form"); {
	case n == 0: // an option without a value
	case n == 1 && !g.onlyCIB && element == "instance_attributes":
		ref := secret.Draw(g.T, "secret")
		nv.Secret = &ref
	default:
		v := values.Draw(g.T, "value")
		nv.Value = &v
		if element == "instance_attributes" {
			nv.ID = g.own("nvpair", false)
		}
	}
	return nv
}

var secret = rapid.SampledFrom([]v1.SecretRef{{Env: "A"}, {File: "a b"}, {Command: []string{"pass", "", "1"}}, {Age: encrypted}})

// encrypted is an age file that nobody has the key of.
const encrypted = `-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSAwem1uMEdxUklNNFlzWmk2
UERXbFZvZzdleVdDVW9vM1pNcWs1WGdlcFhjCjBoUG9ISTRCT1RyeWZnR3ZkeHpk
OU9tMFRVeFArRXpkYzFvVTZzMWRad1kKLS0tIDNpSnVpd0RFckEyVFRyWEwzSnR6
ajdhSTR2d3ExeVpHd0w0SCtjMlpDNWMKGQCdBHvmpKQYONOvPUb5gHOzu1TYYZ/N
rYJMM5RmF3K50m3MhqDq
-----END AGE ENCRYPTED FILE-----
`

// rule makes a rule of anything but a location constraint.
func (g *generator) rule() v1.Rule {
	if ref := g.idRef("rule"); ref != "" {
		return v1.Rule{IDRef: ref}
	}
	text := Expression(g.T).String()
	return v1.Rule{Expression: text, ID: g.own("rule", false)}
}

// placing makes a rule of a location constraint.
func (g *generator) placing() v1.Rule {
	r := g.rule()
	if r.IDRef != "" {
		return r
	}
	r.Role = role.Draw(g.T, "role")
	if g.some("scoreAttribute?", 4) {
		r.ScoreAttribute = nonEmpty.Draw(g.T, "scoreAttribute")
	} else {
		r.Score = score.Draw(g.T, "score")
	}
	return r
}

func (g *generator) lifetime() []v1.Rule {
	if !g.some("lifetime?", 5) {
		return nil
	}
	return []v1.Rule{g.rule()}
}
