package e2e

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // a digest of a secret is looked for, not trusted
	"crypto/sha1" //nolint:gosec // the same
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// planted is a secret that must not be found but where it belongs.
type planted struct {
	name  string
	forms []form
}

// form is one way in which a secret may be written.
type form struct {
	how  string
	text []byte
}

// plant gives the forms of a value that are looked for: in clear text and quoted or encoded as programs do, also as a part of something longer, and
// the digests by which it could be guessed.
func plant(name string, value []byte) planted {
	p := planted{name: name}
	add := func(how string, text ...string) {
		for _, s := range text {
			if len(s) < 8 {
				panic(fmt.Sprintf("%s as %s is too short to be told from chance", name, how))
			}
			p.forms = append(p.forms, form{how, []byte(s)})
		}
	}
	s := string(value)
	add("plain text", s)
	add("hex", hex.EncodeToString(value), strings.ToUpper(hex.EncodeToString(value)))
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 { // bytes before it, modulo 3, that shift its bits; the first and last characters hold bits of the neighbours
			b := enc.EncodeToString(append(make([]byte, before), value...))
			add("base64", b[(before*8+5)/6:len(b)-1])
		}
	}
	m, s1, s2 := md5.Sum(value), sha1.Sum(value), sha256.Sum256(value) //nolint:gosec // see above
	add("a digest", hex.EncodeToString(m[:]), hex.EncodeToString(s1[:]), hex.EncodeToString(s2[:]))
	j, _ := json.Marshal(s)
	add("JSON", string(j[1:len(j)-1]), strings.Trim(strconv.Quote(s), `"`), strings.Trim(strconv.QuoteToASCII(s), `"`))
	var x bytes.Buffer
	_ = xml.EscapeText(&x, value)
	add("XML", x.String(), strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(s),
		strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s))
	add("URL", url.QueryEscape(s), url.PathEscape(s))
	add("shell", strings.ReplaceAll(s, "'", `'\''`), strings.ReplaceAll(s, "'", `'"'"'`), backslashed(s))
	return p
}

// backslashed is bash's printf %q.
func backslashed(s string) string {
	var b strings.Builder
	for _, r := range s {
		if strings.ContainsRune(" !\"#$&'()*,;<>?[\\]^`{|}~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// in says how the secret stands in a text; "" if it does not.
func (p planted) in(text []byte) string {
	for _, f := range p.forms {
		if i := bytes.Index(text, f.text); i >= 0 {
			return fmt.Sprintf("%s as %s: …%q…", p.name, f.how, text[max(0, i-80):min(len(text), i+len(f.text)+40)])
		}
	}
	return ""
}
