package v1

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// closest gives the candidate that a mistyped word most likely means, or "". It allows one slip in three characters, and three at most;
// of equally close ones it gives the first in alphabetical order. Upper and lower case are no slip.
func closest(word string, candidates []string) string {
	length := utf8.RuneCountInString(word)
	best, limit := "", min(3, length/3)+1
	word = strings.ToLower(word)
	for _, c := range candidates {
		if n := utf8.RuneCountInString(c) - length; n > limit || -n > limit { // so many insertions at least
			continue
		}
		if d := distance(word, strings.ToLower(c)); d < limit || d == limit && best != "" && c < best {
			best, limit = c, d
		}
	}
	return best
}

// hint continues a message about an unknown word: with the likely meaning, or else with all that is known.
func hint(word string, candidates []string) string {
	if c := closest(word, candidates); c != "" {
		return fmt.Sprintf("; did you mean %q?", c)
	}
	if len(candidates) == 0 {
		return ""
	}
	return "; known here: " + strings.Join(slices.Sorted(slices.Values(candidates)), ", ")
}

// maxWord bounds what is compared: nobody mistypes a longer word.
const maxWord = 64

// distance is the number of insertions, deletions, replacements and swaps of neighbours that make b of a (optimal string alignment).
func distance(as, bs string) int {
	var runes [2][maxWord + 1]rune // on the stack: a large CIB has thousands of words to compare
	a, b := runes[0][:0], runes[1][:0]
	for _, r := range as {
		if a = append(a, r); len(a) > maxWord {
			return maxWord
		}
	}
	for _, r := range bs {
		if b = append(b, r); len(b) > maxWord {
			return maxWord
		}
	}
	var rows [3][maxWord + 1]int
	before, last, row := &rows[0], &rows[1], &rows[2]
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}

// Closest gives the candidate that a mistyped word most likely means, or "", for the "did you mean" of other packages.
func Closest(word string, candidates []string) string { return closest(word, candidates) }
