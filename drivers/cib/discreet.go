package cib

import (
	"context"
	"html"
	"slices"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// Agents may repeat their secrets where they say why they failed, and Pacemaker puts that into its status and its log. What hactl tells of it,
// and keeps in its journal, has none.

// discreet gives failures without the secrets that their reasons repeat.
func discreet(fs []failure, known []string) []failure {
	out := slices.Clone(fs)
	for i := range out {
		out[i].reason = withoutSecrets(known, out[i].reason)
	}
	return out
}

// secretsOn are the texts of the secrets on a machine. ok is false where they cannot be read.
func secretsOn(ctx context.Context, h reconcile.Host) (known []string, ok bool) {
	files, err := h.ReadFiles(ctx, secretsDir+"/*/*")
	if err != nil {
		return nil, false
	}
	return knownSecrets(State{}, State{Secrets: storedSecrets(h.Name(), files)}), true
}

// notTold stands for a text that may hold secrets that are not known.
const notTold = "(the reason is not told: the secrets that it may repeat cannot be read)"

// toldOn gives failures as they may be told, by the secrets of a machine.
func toldOn(ctx context.Context, h reconcile.Host, fs []failure) []failure {
	if !slices.ContainsFunc(fs, func(f failure) bool { return f.reason != "" }) {
		return fs
	}
	known, ok := secretsOn(ctx, h)
	out := discreet(fs, known)
	for i := range out {
		if !ok && out[i].reason != "" {
			out[i].reason = notTold
		}
	}
	return out
}

// discreetMonitor is crm_mon's answer without secrets.
func discreetMonitor(text string, known []string) string {
	mon, err := readMonitor(text)
	if err != nil {
		return withoutSecrets(known, text)
	}
	changed := false
	eachElement(mon, func(el *etree.Element) {
		for i, a := range el.Attr {
			plain := html.UnescapeString(a.Value) // crm_mon 2.1 quotes some twice
			if masked := withoutSecrets(known, plain); masked != plain {
				el.Attr[i].Value, changed = masked, true
			}
		}
	})
	if !changed {
		return text
	}
	doc := etree.NewDocument()
	doc.SetRoot(mon)
	out, err := doc.WriteToString()
	if err != nil {
		return ""
	}
	return out
}
