package conf

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// vocabulary is what a mutation puts into a file.
var vocabulary = strings.Fields(`{ } ; [ ] : on net disk volume device minor meta-disk flexible-meta-disk address host hosts port path connection
	connection-mesh node-id options startup handlers proxy plugin inside outside via skip floating stacked-on-top-of resource common global protocol
	include internal none ipv4 ipv6 yes no alpha a n1 0 1 7 65536 1048576 10M 9999999 10.0.0.1 fd00::1 1.2.3 "q" "a b" /dev/drbd0 /dev/drbd_x /dev/x
	timeout resync-rate c-max-rate fencing verify-alg on-io-error quorum memlimit fence-peer wfc-timeout stacked-timeouts no-disk-flushes A C detach
	majority syncer rate after template-file usage-count sha1 udev-always-use-vnr require-drbd-module-version-ge 8.4.0`)

// tokens splits a text so that joining gives it back: words, and what is between them.
func tokens(text string) []string {
	l := newLexer("x", []byte(text))
	var out []string
	for {
		before := l.at
		w, err := l.next()
		if err != nil || w.kind == kEOF {
			return append(out, text[before:])
		}
		start := strings.TrimLeft(text[before:l.at], " \t\r\n")
		for strings.HasPrefix(start, "#") {
			_, start, _ = strings.Cut(start, "\n")
			start = strings.TrimLeft(start, " \t\r\n")
		}
		out = append(out, start)
	}
}

// mutate changes one or two things.
func mutate(text string, rnd *rand.Rand) string {
	toks := tokens(text)
	for range 1 + rnd.IntN(2) {
		i := rnd.IntN(len(toks))
		switch rnd.IntN(9) {
		case 0: // a word is lost
			toks = append(toks[:i:i], toks[i+1:]...)
		case 1: // a word is another
			toks[i] = vocabulary[rnd.IntN(len(vocabulary))]
		case 2: // a word comes in
			toks = append(toks[:i:i], append([]string{vocabulary[rnd.IntN(len(vocabulary))]}, toks[i:]...)...)
		case 3: // two words change places
			j := rnd.IntN(len(toks))
			toks[i], toks[j] = toks[j], toks[i]
		case 4: // a statement comes again
			from, to := statementAt(toks, i)
			toks = append(toks[:to:to], append(append([]string{}, toks[from:to]...), toks[to:]...)...)
		case 5: // a statement is lost
			from, to := statementAt(toks, i)
			toks = append(toks[:from:from], toks[to:]...)
		case 6: // a number is another
			if n, err := strconv.Atoi(toks[i]); err == nil {
				toks[i] = strconv.Itoa(n + 1 - 2*rnd.IntN(2))
			}
		case 7: // two statements change places
			from, to := statementAt(toks, i)
			if _, end := statementAt(toks, min(to, len(toks)-1)); end > to {
				moved := append(append([]string{}, toks[to:end]...), toks[from:to]...)
				copy(toks[from:end], moved)
			}
		case 8: // a word changes a little, or gets quotes
			if len(toks[i]) > 1 && !strings.HasPrefix(toks[i], "\"") {
				toks[i] = []string{toks[i] + "x", `"` + toks[i] + `"`, toks[i][1:], strings.ToUpper(toks[i])}[rnd.IntN(4)]
			}
		}
		if len(toks) == 0 {
			return ""
		}
	}
	return strings.Join(toks, " ")
}

// statementAt finds the statement around a token: from behind the last ; { } to the next ;.
func statementAt(toks []string, i int) (from, to int) {
	for from = i; from > 0 && !strings.ContainsAny(toks[from-1], "{};"); from-- {
		continue
	}
	for to = i; to < len(toks)-1 && toks[to] != ";"; to++ {
		continue
	}
	return from, to + 1
}

// Mutated files are accepted and refused as drbdadm does; those accepted come out of printing as they were.
func TestAcceptsWhatDrbdadmDoes(t *testing.T) {
	adm := newDrbdadm(t)
	rounds := 40
	if n, err := strconv.Atoi(os.Getenv("CONF_MUTATIONS")); err == nil {
		rounds = n
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	all := configs(t)
	names := sortedKeys(all)
	for _, d := range []Dialect{V84, V9} {
		count := map[string]int{}
		for _, name := range names {
			original, _, ok := adm.run(t, d, "dump", all[name])
			if !ok {
				continue
			}
			base := mustParse(t, name, all[name])
			for range rounds {
				text := mutate(all[name], rnd)
				if strings.Contains(text, "include") || strings.Contains(text, "template-file") {
					continue // files that are not there
				}
				dump, complaint, accepted := adm.run(t, d, "dump", text)
				c, err := Parse(name, []byte(text), nil)
				if err == nil {
					err = c.Check(d)
				}
				switch {
				case accepted && err == nil:
					count["both accept"]++
					printed, err := c.Write(d)
					if err != nil {
						t.Errorf("%s: %v", d, err)
						continue
					}
					if got, complaint, ok := adm.run(t, d, "dump", printed); !ok || got != dump {
						t.Errorf("%s: after printing: %s%s\n--- from\n%s\n--- printed\n%s", d, complaint, lineDiff(dump, got), text, printed)
					}
					if changes := Diff(base, c, d); dump == original && len(changes) > 0 {
						count["same dump, but a difference"]++
						t.Logf("%s: same dump, but %v\n%s", d, changes[0], text)
					} else if len(changes) == 0 && lineSet(dump) != lineSet(original) {
						count["other dump, no difference"]++
						t.Errorf("%s: no difference in\n%s\n%s", d, lineDiff(lineSet(original), lineSet(dump)), text)
					}
				case !accepted && err != nil:
					count["both refuse"]++
				case accepted && stricter(d, err):
					count["stricter on purpose"]++
				case accepted:
					count["only drbdadm accepts"]++
					t.Logf("%s: only drbdadm accepts: %v", d, err)
				default:
					count["only conf accepts"]++
					t.Logf("%s: only conf accepts: drbdadm: %s", d, complaint)
				}
			}
		}
		total := count["both accept"] + count["both refuse"] + count["only drbdadm accepts"] + count["only conf accepts"]
		disagree := count["only drbdadm accepts"] + count["only conf accepts"]
		t.Logf("%s: %d mutated files: %s", d, total, tally(count))
		if disagree*100 > total*2 {
			t.Errorf("%s: %d of %d mutated files are judged in another way than by drbdadm", d, disagree, total)
		}
	}
}

// Mutated files that are read come out of printing as they were, and nothing panics.
func TestMutatedRoundTrip(t *testing.T) {
	rounds := 30
	if n, err := strconv.Atoi(os.Getenv("CONF_MUTATIONS")); err == nil {
		rounds = n
	}
	rnd := rand.New(rand.NewPCG(3, 4))
	all := configs(t)
	for _, name := range sortedKeys(all) {
		text := all[name]
		for range rounds {
			if next := mutate(text, rnd); len(next) < 2*len(all[name]) {
				text = next // mutations add up, as long as it can be read
			}
			if _, err := Parse("f", []byte(text), nil); err != nil {
				text = all[name]
			}
			checkRoundTrip(t, text)
		}
	}
}

// stricter tells whether the error is one that drbdadm leaves to drbdsetup: what 8.4 does not look at, and a number without a value; or
// something that is said twice, of which 8.4 and 9 take another one.
func stricter(d Dialect, err error) bool {
	text := err.Error()
	if strings.Contains(text, "given twice") {
		return true
	}
	return strings.Contains(text, ": it must be ") && (d == V84 || strings.Contains(text, " yes: it must") || strings.Contains(text, " no: it must"))
}

// lineSet is a dump without what does not count: the order of lines, lines that are there twice, capitals of host names, and 9's default for
// meta-disk.
func lineSet(dump string) string {
	lines := strings.Split(strings.ToLower(dump), "\n")
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "meta-disk internal;" || strings.HasPrefix(l, "become-primary-on") })
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

func tally(count map[string]int) string {
	var out []string
	for _, k := range sortedKeys(count) {
		out = append(out, fmt.Sprintf("%s %d", k, count[k]))
	}
	return strings.Join(out, ", ")
}
