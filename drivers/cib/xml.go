package cib

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// XML is a CIB as text. It marshals with the values of parameters that look like passwords masked: what does not refer to a secret
// (lrm://) may stand in a CIB in clear text.
type XML string

// MarshalJSON masks passwords.
func (x XML) MarshalJSON() ([]byte, error) {
	doc, err := parse(string(x))
	if err != nil {
		return json.Marshal("")
	}
	for _, nv := range doc.Root().FindElements("//nvpair") {
		if secretPair(nv) {
			nv.CreateAttr("value", reconcile.Mask)
		}
	}
	s, err := doc.WriteToString()
	if err != nil {
		return nil, err
	}
	return json.Marshal(s)
}

// secretName matches parameters of resource and fence agents whose values are secrets.
var secretName = regexp.MustCompile(`(?i)(passw(or)?d|passphrase|secret|^pass$|_pass$|^community$|api_?key|access_?key|auth_?token|private_?key$|priv_passwd)`)

// secretPair tells whether an nvpair holds a secret in clear text.
func secretPair(nv *etree.Element) bool {
	n := attr(nv, "name")
	return nv.Tag == "nvpair" && secretName.MatchString(n) && !strings.HasSuffix(n, "_script") && attr(nv, "value") != lrm
}

// parse reads a CIB. It does not keep the white space between elements.
func parse(s string) (*etree.Document, error) {
	if err := bounds(s); err != nil {
		return nil, err
	}
	doc := etree.NewDocument()
	doc.WriteSettings.CanonicalAttrVal = true // a line break in an attribute must be written as &#xA;, or readers make a blank of it
	if err := doc.ReadFromString(s); err != nil {
		return nil, fmt.Errorf("no readable XML: %w", err)
	}
	if doc.Root() == nil {
		return nil, errors.New("no readable XML: it has no element")
	}
	if doc.Root().Tag != "cib" {
		return nil, fmt.Errorf("the document is a <%s>, not a <cib>", doc.Root().Tag)
	}
	trim(doc.Root())
	return doc, nil
}

// trim drops the white space between elements, as libxml's reader in Pacemaker does.
func trim(el *etree.Element) {
	kept := el.Child[:0]
	for _, t := range el.Child {
		switch c := t.(type) {
		case *etree.CharData:
			if strings.TrimSpace(c.Data) == "" {
				continue
			}
		case *etree.Element:
			trim(c)
		}
		kept = append(kept, t)
	}
	if len(kept) < len(el.Child) {
		clear(el.Child[len(kept):])
		el.Child = kept
		el.ReindexChildren()
	}
}

// fragment reads one element.
func fragment(s string) (*etree.Element, error) {
	doc := etree.NewDocument()
	if err := doc.ReadFromString(s); err != nil {
		return nil, fmt.Errorf("no readable XML: %w", err)
	}
	if doc.Root() == nil {
		return nil, errors.New("no readable XML: it has no element")
	}
	el := doc.Root()
	doc.RemoveChild(el)
	trim(el)
	return el, nil
}

// fragments reads any number of elements.
func fragments(s string) ([]*etree.Element, error) {
	box, err := fragment("<fragments>" + s + "</fragments>")
	if err != nil {
		return nil, err
	}
	els := box.ChildElements()
	for _, el := range els {
		box.RemoveChild(el)
	}
	return els, nil
}

// source writes an element as text.
func source(el *etree.Element) string {
	var b strings.Builder
	el.WriteTo(&b, &etree.WriteSettings{CanonicalAttrVal: true})
	return b.String()
}

func attr(el *etree.Element, name string) string {
	if el == nil {
		return ""
	}
	return el.SelectAttrValue(name, "")
}

func has(el *etree.Element, name string) bool { return el != nil && el.SelectAttr(name) != nil }

// section gives an element below <configuration>, or nil.
func section(doc *etree.Document, name string) *etree.Element {
	c := doc.Root().SelectElement("configuration")
	if c == nil {
		return nil
	}
	return c.SelectElement(name)
}

// canonical writes an element so that equal configurations give equal texts: attributes sorted, white space and comments left out.
func canonical(b *strings.Builder, el *etree.Element, skip func(*etree.Element) bool) {
	b.WriteString("<" + el.Tag)
	attrs := slices.Clone(el.Attr)
	sort.Slice(attrs, func(i, j int) bool { return attrs[i].FullKey() < attrs[j].FullKey() })
	for _, a := range attrs {
		v := a.Value
		if a.Key == "value" && secretPair(el) {
			v = reconcile.Mask // no digest tells anything of a password
		}
		fmt.Fprintf(b, " %s=%q", a.FullKey(), v)
	}
	b.WriteString(">")
	for _, t := range el.Child {
		switch c := t.(type) {
		case *etree.Element:
			if skip == nil || !skip(c) {
				canonical(b, c, skip)
			}
		case *etree.CharData:
			if s := strings.TrimSpace(c.Data); s != "" {
				fmt.Fprintf(b, "%q", s)
			}
		}
	}
	b.WriteString("</>")
}

// digest is the same for elements that are the same configuration.
func digest(el *etree.Element, skip func(*etree.Element) bool) string {
	if el == nil {
		return ""
	}
	var b strings.Builder
	canonical(&b, el, skip)
	h := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(h[:12])
}

// pacemakersOwn are the cluster options that Pacemaker itself writes (fenced, controld, the tools after a cleanup).
var pacemakersOwn = []string{"dc-version", "cluster-infrastructure", "cluster-name", "have-watchdog", "last-lrm-refresh"}

// configurationDigest leaves out what Pacemaker writes itself.
func configurationDigest(doc *etree.Document) string {
	return digest(doc.Root().SelectElement("configuration"), func(el *etree.Element) bool {
		return el.Tag == "nvpair" && slices.Contains(pacemakersOwn, attr(el, "name")) && el.Parent() != nil && el.Parent().Tag == "cluster_property_set"
	})
}
