package reconcile

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// reactionWords are the words for what the cluster may do because of a plan (Reaction.Action).
var reactionWords = []string{"start", "stop", "restart", "reload", "move", "promote", "demote", "migrate", "fence", "unfence", "shutdown", "blocked", "cannot-run"}

// FailOn are words that a plan must not hold: reactions of the cluster, and risks. "restart" and "fence" are both.
type FailOn []string

// ParseFailOn checks the words. safe is no word: everything is at least that.
func ParseFailOn(words []string) (FailOn, error) {
	known := FailOnWords()
	for _, w := range words {
		if slices.Contains(known, w) {
			continue
		}
		if near := v1.Closest(w, known); near != "" {
			return nil, fmt.Errorf("%q is neither a reaction nor a risk; did you mean %s?", w, near)
		}
		return nil, fmt.Errorf("%q is neither a reaction nor a risk; the words are %s", w, strings.Join(known, ", "))
	}
	return words, nil
}

// FailOnWords are all words that FailOn knows: reactions, then risks.
func FailOnWords() []string {
	words := slices.Clone(reactionWords)
	for _, r := range riskNames[ReloadRisk:] {
		if !slices.Contains(words, r) {
			words = append(words, r)
		}
	}
	return words
}

// Failing says in sentences what of a plan the words speak against. Where nothing could be predicted, all words do: no answer is taken for
// the worst. What would happen anyway is not the plan's.
func (p *Plan) Failing(words FailOn) []string {
	var out []string
	told := map[string]bool{}
	add := func(word, text string) {
		if s := word + ": " + text; !told[s] {
			told[s] = true
			out = append(out, s)
		}
	}
	if len(words) == 0 || p.Empty() {
		return nil
	}
	if p.Prediction.Unavailable != "" {
		add(strings.Join(words, ","), "the prediction is unavailable: "+p.Prediction.Unavailable)
	}
	for _, r := range p.Prediction.Reactions {
		for _, w := range []string{r.Action, r.Risk.String()} {
			if !r.Anyway && slices.Contains(words, w) {
				add(w, r.Describe())
			}
		}
	}
	for _, g := range p.changeGates(Safe) {
		if slices.Contains(words, g.Risk.String()) {
			add(g.Risk.String(), g.Object+": "+g.Why)
		}
	}
	return out
}
