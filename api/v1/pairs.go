package v1

import (
	"go.yaml.in/yaml/v3"
)

// pair is a key of a map with its value.
type pair struct {
	name       string
	key, value *yaml.Node
}

// pairs lists a map's keys in the order of the text, those of merge keys (<<) after its own. It notes duplicate keys and keys that are no
// text, and leaves them out.
func (d *decoder) pairs(n *yaml.Node, path string, depth int) []pair {
	var own []pair
	var merges []*yaml.Node
	first := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		text := key
		if key.Kind == yaml.AliasNode {
			text = key.Alias
		}
		if text.Kind != yaml.ScalarNode {
			d.errorf(key, path, "a key must be text, not %s", describe(text))
			continue
		}
		if text.Style&yaml.TaggedStyle != 0 && text.ShortTag() != "!!str" {
			d.errorf(key, path, "the tag %s is not supported; remove it", text.ShortTag())
			continue
		}
		name := text.Value
		if before := first[name]; before != nil {
			p := d.pos(before)
			d.errorf(key, join(path, name), "is given twice; the first is at line %d column %d: remove one", p.Line, p.Col)
			continue
		}
		first[name] = key
		if text.Tag == "!!merge" {
			merges = append(merges, value)
			continue
		}
		if !d.text(text, key, path) {
			continue
		}
		own = append(own, pair{name, key, value})
	}
	for _, m := range merges {
		for _, p := range d.merged(m, path, depth) {
			if first[p.name] == nil {
				first[p.name] = p.key
				own = append(own, p)
			}
		}
	}
	return own
}

// merged gives the pairs that a merge key brings: those of a map, or of a list of maps of which the first wins.
func (d *decoder) merged(n *yaml.Node, path string, depth int) []pair {
	target := n
	if n.Kind == yaml.AliasNode {
		target = n.Alias
		if d.within[target] {
			d.errorf(n, path, "the alias *%s stands inside what it names; remove it", n.Value)
			return nil
		}
		d.within[target] = true
		defer delete(d.within, target)
	}
	if d.aliased += 1 + len(target.Content); d.aliased > maxAliased || depth > maxDepth {
		d.bomb(n, path)
		return nil
	}
	switch target.Kind {
	case yaml.MappingNode:
		return d.pairs(target, path, depth+1)
	case yaml.SequenceNode:
		var all []pair
		for _, c := range target.Content {
			all = append(all, d.merged(c, path, depth+1)...)
		}
		return all
	default:
		d.errorf(n, path, "<< takes a map, or a list of maps, not %s", describe(target))
		return nil
	}
}
