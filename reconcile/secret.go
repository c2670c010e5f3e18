package reconcile

import (
	"encoding/json"
	"log/slog"
	"strings"
)

// Mask is what a secret prints as.
const Mask = "(secret)"

// Text is content that may hold secret spans. It prints, logs and marshals with every secret span replaced by Mask; only Bytes reveals
// it. Decoded from JSON, a text that held secrets is no longer comparable (see Comparable).
type Text struct {
	spans  []span
	masked bool // decoded from a masked form: the secrets are gone
}

type span struct {
	text   string
	secret bool
}

// Plain is a text without secrets.
func Plain(s string) Text { return Text{spans: []span{{text: s}}} }

// Secret is a text that is secret as a whole.
func Secret(s string) Text { return Text{spans: []span{{text: s, secret: true}}} }

// Join puts texts together.
func Join(texts ...Text) Text {
	var t Text
	for _, x := range texts {
		t.spans = append(t.spans, x.spans...)
		t.masked = t.masked || x.masked
	}
	return t
}

// Bytes reveals the content. It must go nowhere but to a Host.
func (t Text) Bytes() []byte { return []byte(t.Reveal()) }

// Reveal is Bytes as a string.
func (t Text) Reveal() string {
	if len(t.spans) == 1 {
		return t.spans[0].text
	}
	var b strings.Builder
	for _, s := range t.spans {
		b.WriteString(s.text)
	}
	return b.String()
}

// String masks the secret spans.
func (t Text) String() string {
	var b strings.Builder
	for _, s := range t.spans {
		if s.secret {
			b.WriteString(Mask)
		} else {
			b.WriteString(s.text)
		}
	}
	return b.String()
}

// HasSecret tells whether any span is secret.
func (t Text) HasSecret() bool {
	for _, s := range t.spans {
		if s.secret {
			return true
		}
	}
	return t.masked
}

// Comparable tells whether the content is known: false for a text with secrets that went through JSON.
func (t Text) Comparable() bool { return !t.masked }

// Equal compares the real contents. Texts that are not both Comparable are never equal.
func (t Text) Equal(u Text) bool { return !t.masked && !u.masked && t.Reveal() == u.Reveal() }

// LogValue keeps secrets out of log/slog.
func (t Text) LogValue() slog.Value { return slog.StringValue(t.String()) }

// GoString keeps secrets out of %#v.
func (t Text) GoString() string { return "Text(" + t.String() + ")" }

type maskedText struct {
	Text   string `json:"text"`
	Secret bool   `json:"secret"`
}

// MarshalJSON writes a plain text as a string, one with secrets as {"text": masked, "secret": true}.
func (t Text) MarshalJSON() ([]byte, error) {
	if t.HasSecret() {
		return json.Marshal(maskedText{t.String(), true})
	}
	return json.Marshal(t.Reveal())
}

// UnmarshalJSON reads both forms.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err == nil {
		*t = Plain(s)
		return nil
	}
	var m maskedText
	if err := json.Unmarshal(b, &m); err != nil {
		return err
	}
	*t = Text{spans: []span{{text: m.Text}}, masked: m.Secret}
	return nil
}

// UnknownSecret is a secret whose value is not known here. It is not Comparable.
func UnknownSecret() Text { return Text{spans: []span{{text: Mask}}, masked: true} }
