// Package marked puts lines of hactl's own into files that belong to somebody else.
package marked

import (
	"fmt"
	"strings"
)

// A block is the part of a foreign file that hactl wrote: the lines between two marks that name the cluster. The rest of the file is kept
// byte for byte.
const (
	// Begin is what the line before a block begins with, whatever the cluster.
	Begin  = "# BEGIN hactl "
	finish = "# END hactl "
)

// Find finds the cluster's block: text[start:end] with both marks and the last newline. start is -1 where there is none.
func Find(text, cluster string) (start, end int, err error) {
	start, end = -1, -1
	pos := 0
	for _, l := range strings.SplitAfter(text, "\n") {
		line := strings.TrimRight(l, "\r\n")
		switch {
		case isMark(line, Begin, cluster):
			if start >= 0 {
				return 0, 0, fmt.Errorf("holds %q twice; remove one of the blocks by hand", Begin+cluster)
			}
			start = pos
		case isMark(line, finish, cluster):
			if start < 0 || end >= 0 {
				return 0, 0, fmt.Errorf("holds %q without its beginning; remove that line by hand", finish+cluster)
			}
			end = pos + len(l)
		}
		pos += len(l)
	}
	if start >= 0 && end < 0 {
		return 0, 0, fmt.Errorf("holds %q without its end; where the block ends is not known: remove the block by hand", Begin+cluster)
	}
	return start, end, nil
}

func isMark(line, mark, cluster string) bool {
	rest, ok := strings.CutPrefix(line, mark)
	return ok && (rest == cluster || strings.HasPrefix(rest, cluster+" "))
}

// Set puts lines into the cluster's block, where it stands or at the end of the text; no lines remove it.
func Set(text, cluster string, lines []string) (string, error) {
	start, end, err := Find(text, cluster)
	if err != nil {
		return "", err
	}
	var b string
	if len(lines) > 0 {
		b = Begin + cluster + " (changes between these marks are lost)\n" + strings.Join(lines, "\n") + "\n" + finish + cluster + "\n"
	}
	if start >= 0 {
		return text[:start] + b + text[end:], nil
	}
	if b != "" && text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + b, nil
}

// Lines gives the lines of the cluster's block without its marks.
func Lines(text, cluster string) []string {
	start, end, err := Find(text, cluster)
	if err != nil || start < 0 {
		return nil
	}
	lines := strings.Split(strings.TrimRight(text[start:end], "\n"), "\n")
	if len(lines) < 2 {
		return nil
	}
	return lines[1 : len(lines)-1]
}
