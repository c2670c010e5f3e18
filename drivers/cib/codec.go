package cib

import (
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/beevik/etree"
)

// attribute is a field of a manifest's type that is one attribute of an element: the field has a `cib:"NAME"` tag.
type attribute struct {
	xml, json string
	index     []int
}

// attributesOf lists the attributes of a struct type, those of embedded structs among them, in the order of the fields.
func attributesOf(t reflect.Type) []attribute {
	if as, ok := attributeTables.Load(t); ok {
		return as.([]attribute)
	}
	var as []attribute
	for _, f := range reflect.VisibleFields(t) {
		if name := f.Tag.Get("cib"); name != "" {
			json, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			as = append(as, attribute{xml: name, json: json, index: f.Index})
		}
	}
	attributeTables.Store(t, as)
	return as
}

// attributeTables keeps what attributesOf found: a CIB of thousands of resources asks as often.
var attributeTables sync.Map

// encode writes the fields of a struct that are set as attributes of el, and calls said with the JSON name of each.
func encode(el *etree.Element, spec any, said func(json string)) {
	v := reflect.ValueOf(spec).Elem()
	for _, a := range attributesOf(v.Type()) {
		var text string
		switch f := v.FieldByIndex(a.index); {
		case f.IsZero():
			continue
		case f.Kind() == reflect.Pointer:
			text = f.Elem().String()
		case f.Kind() == reflect.Int:
			text = strconv.FormatInt(f.Int(), 10)
		default:
			text = f.String()
		}
		el.CreateAttr(a.xml, text)
		if said != nil && a.json != "" {
			said(a.json)
		}
	}
}

// decode reads the attributes of an element into the fields of a struct and gives the names of those that the struct does not know, or
// whose value does not fit. known are attributes that the caller reads itself.
func decode(el *etree.Element, spec any, known ...string) (unknown []string) {
	v := reflect.ValueOf(spec).Elem()
	as := attributesOf(v.Type())
next:
	for _, x := range el.Attr {
		for _, a := range as {
			if a.xml != x.FullKey() {
				continue
			}
			switch f := v.FieldByIndex(a.index); f.Kind() {
			case reflect.Pointer:
				text := x.Value
				f.Set(reflect.ValueOf(&text))
			case reflect.Int:
				n, err := strconv.Atoi(x.Value)
				if err != nil || n == 0 {
					unknown = append(unknown, x.FullKey())
				}
				f.SetInt(int64(n))
			default:
				if x.Value == "" { // an empty text is no text here
					unknown = append(unknown, x.FullKey())
				}
				f.SetString(x.Value)
			}
			continue next
		}
		for _, k := range known {
			if k == x.FullKey() {
				continue next
			}
		}
		unknown = append(unknown, x.FullKey())
	}
	return unknown
}
