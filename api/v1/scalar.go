package v1

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// option reads an option's value as it was written.
func (d *decoder) option(n, at *yaml.Node, path string, v reflect.Value) {
	if n.Kind != yaml.ScalarNode {
		d.errorf(at, path, "must be one value (text, a number, true, false or null), not %s", describe(n))
		return
	}
	if isNull(n) {
		v.Set(reflect.ValueOf(Value{Null: true}))
	} else if d.text(n, at, path) {
		v.Set(reflect.ValueOf(Value{Text: n.Value}))
	}
}

// text refuses what neither XML nor a configuration file can hold. YAML's escapes can write any of it.
func (d *decoder) text(n, at *yaml.Node, path string) bool {
	for _, r := range n.Value {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f || r == 0xfffe || r == 0xffff {
			d.errorf(at, path, "holds the control character U+%04X; remove it", r)
			return false
		}
	}
	return true
}

func (d *decoder) boolean(n, at *yaml.Node, path string, v reflect.Value) {
	switch {
	case n.Kind != yaml.ScalarNode || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		d.errorf(at, path, "must be true or false, not %s", describe(n))
	case n.Value == "true" || n.Value == "false":
		if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
			d.errorf(at, path, "must be true or false, not text; write %s without quotes", n.Value)
			return
		}
		v.SetBool(n.Value == "true")
	default:
		switch strings.ToLower(n.Value) {
		case "yes", "on", "y", "true", "1":
			d.errorf(at, path, "must be true or false, not %s; write true", describe(n))
		case "no", "off", "n", "false", "0":
			d.errorf(at, path, "must be true or false, not %s; write false", describe(n))
		default:
			d.errorf(at, path, "must be true or false, not %s", describe(n))
		}
	}
}

var decimal = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

func (d *decoder) integer(n, at *yaml.Node, path string, v reflect.Value) {
	quoted := n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	if n.Kind == yaml.ScalarNode && decimal.MatchString(n.Value) {
		if quoted {
			d.errorf(at, path, "must be a number, not text; write %s without quotes", n.Value)
			return
		}
		if i, err := strconv.ParseInt(n.Value, 10, 0); err == nil {
			v.SetInt(i)
			return
		}
		d.errorf(at, path, "the number %s is too large", n.Value)
		return
	}
	d.errorf(at, path, "must be a whole decimal number such as 1 or 5405, not %s", describe(n))
}

// tag refuses explicit tags: hactl's types say what a value is.
func (d *decoder) tag(n, at *yaml.Node, path string) bool {
	if n.Style&yaml.TaggedStyle == 0 {
		return true
	}
	switch t := n.ShortTag(); {
	case n.Kind == yaml.ScalarNode && t == "!!str", n.Kind == yaml.MappingNode && t == "!!map", n.Kind == yaml.SequenceNode && t == "!!seq":
		return true
	default:
		d.errorf(at, path, "the tag %s is not supported; remove it: values keep the text that is written", t)
		return false
	}
}

// isNull tells about null, ~ and nothing at all.
func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null" && n.Style&yaml.TaggedStyle == 0
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "null"
	case len(n.Value) > 60:
		return "text"
	default:
		return strconv.Quote(n.Value)
	}
}
