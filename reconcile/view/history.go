package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// Warn paints a warning.
func (s Style) Warn(text string) string { return s.yellow(text) }

// Verdicts writes how each changed object is at the end of an apply.
func Verdicts(w io.Writer, vs []reconcile.Verdict, st Style) error {
	var b strings.Builder
	for _, v := range vs {
		line := strings.TrimSuffix(wrap(fmt.Sprintf("  %s  ", v.Object), "    ", string(v.State)+": "+v.Text), "\n")
		switch v.State {
		case reconcile.Running, reconcile.InPlace:
			line = st.green(line)
		case reconcile.VerdictStopped, reconcile.VerdictUnmanaged:
			line = st.yellow(line)
		default:
			line = st.red(line)
		}
		b.WriteString(line + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// History writes the journal of applies, the newest last.
func History(w io.Writer, entries []reconcile.Entry, st Style) error {
	var b strings.Builder
	if len(entries) == 0 {
		b.WriteString("Nothing was applied yet.\n")
	}
	for _, e := range entries {
		result := string(e.Result)
		switch e.Result {
		case reconcile.Applied, reconcile.Confirmed, reconcile.Approved:
			result = st.green(result)
		default:
			result = st.red(result)
		}
		fmt.Fprintf(&b, "%s  %s  %s  by %s\n", st.bold(e.ID), e.At.Local().Format(time.DateTime), result, e.Who)
		if e.Command != "" {
			b.WriteString(wrap("  ", "    ", "hactl "+e.Command))
		}
		if len(e.Changes) > 0 {
			var words []string
			for i, c := range e.Changes {
				if i == historyChanges {
					words = append(words, fmt.Sprintf("and %d more", len(e.Changes)+e.More-i))
					break
				}
				words = append(words, string(c.Action)+" "+c.Object)
			}
			b.WriteString(wrap("  ", "    ", strings.Join(words, ", ")))
		}
		if e.Reactions > 0 || len(e.Otherwise) > 0 {
			b.WriteString(wrap("  ", "    ", foretold(e.True, e.Reactions, e.Otherwise, historyChanges)))
		}
		for line := range strings.Lines(e.Error) {
			b.WriteString(wrap("  ", "    ", strings.TrimSpace(line)))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// historyChanges is how many changes of an apply are told.
const historyChanges = 6
