package sim

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// retreat is the program that takes a change back (drivers/cib/rollback_program.go and rollback.sh), read as data. What it compares is compared by its
// own awk program; what its shell does is done here: a shell would write to this machine.
type retreat struct {
	id, mark, journal, awk string
	parts                  []string
	files                  [][]string // PATH OURS [MODE OWNER BASE64]
}

var (
	heredoc  = regexp.MustCompile(`(?s)cat > "\$d/(\w+)" <<'END-OF-HACTL'\n(.*?)END-OF-HACTL\n`)
	variable = regexp.MustCompile(`(?m)\b(id|mark)=(\S+)`)
)

func readRetreat(text string) retreat {
	var r retreat
	head, _, _ := strings.Cut(text, "data() {")
	for _, m := range variable.FindAllStringSubmatch(head, -1) {
		if v := words(m[2]); len(v) == 1 && m[1] == "id" {
			r.id = v[0]
		} else if len(v) == 1 {
			r.mark = v[0]
		}
	}
	if _, line, ok := strings.Cut(head, "\njournal="); ok {
		r.journal = strings.Join(words(strings.TrimSpace(line)), " ")
	}
	for _, m := range heredoc.FindAllStringSubmatch(text, -1) {
		switch {
		case m[1] == "awk":
			r.awk = m[2]
		case strings.HasPrefix(m[1], "part"):
			r.parts = append(r.parts, m[2])
		}
	}
	if _, body, ok := strings.Cut(text, "\nrestore_files() {\n"); ok {
		body, _, _ = strings.Cut(body, "\n}\n")
		for line := range strings.Lines(body) {
			if w := words(strings.TrimSpace(line)); len(w) > 2 && w[0] == "restore" {
				r.files = append(r.files, w[1:])
			}
		}
	}
	return r
}

// words splits a line as a shell does that knows only single and double quotes.
func words(line string) []string {
	var out []string
	var word strings.Builder
	quote, open := rune(0), false
	for _, c := range line {
		switch {
		case quote == 0 && c == ' ':
			if open {
				out = append(out, word.String())
			}
			word.Reset()
			open = false
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case c == quote:
			quote = 0
		default:
			word.WriteRune(c)
			open = true
		}
	}
	if open {
		out = append(out, word.String())
	}
	return out
}

// errElsewhere: another member was quicker, or somebody has confirmed.
var errElsewhere = errors.New("confirmed, or taken back, elsewhere")

// errNever: the apply died before its change of the CIB.
var errNever = errors.New("it never came to the change of the CIB")

// patch takes the pieces of a part back, sets the mark, and tells what became of each piece.
func (r retreat) patch(c *Cluster, part, to string) (told string, err error) {
	p := &c.pacemaker
	if p.doc == nil || !p.dc.quorate() {
		return "", errors.New("there is no cluster with quorum")
	}
	dir, err := os.MkdirTemp("", "sim-undo-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{"awk": r.awk, "part": part, "live": p.String()} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	report, err := exec.Command("awk", "-v", "only=0", "-v", "mark="+r.mark, "-v", "to="+to, "-v", "out="+at("diff"), "-f", at("awk"), at("part"), at("live")).Output()
	if err != nil {
		return "", fmt.Errorf("awk: %w", err)
	}
	for line := range strings.Lines(string(report)) {
		switch line = strings.TrimSuffix(line, "\n"); {
		case line == "never":
			return "", errNever
		case line == "confirmed" || line == "undone":
			return "", errElsewhere
		case !strings.Contains(line, "hactl-stopping-"):
			_, rest, _ := strings.Cut(line, "\t")
			told += rest + "\n"
		}
	}
	diff, err := os.ReadFile(at("diff"))
	if err != nil || len(diff) == 0 {
		return told, err
	}
	return told, c.applyPatch(string(diff), "retreat")
}

// configuration takes all parts back, the last change first. What a part stops has stopped before the next one.
func (r retreat) configuration(c *Cluster) (told string, err error) {
	for i, part := range r.parts {
		to := ""
		if i == len(r.parts)-1 {
			to = "undone"
		}
		t, err := r.patch(c, part, to)
		told += t
		if err != nil {
			return told, err
		}
		c.pacemaker.due = time.Now()
		c.follow()
	}
	return told, nil
}

// restore puts files back that are as hactl left them.
func (r retreat) restore(n *Node) (told string) {
	for _, f := range r.files {
		now, before := "-", "-"
		var content []byte
		if have, ok := n.files[f[0]]; ok {
			now = digest(have.Content.Bytes())
		}
		if len(f) == 5 {
			content, _ = base64.StdEncoding.DecodeString(f[4])
			before = digest(content)
		}
		what := "\tthe file " + f[0] + "\n"
		switch {
		case now == before:
			told += "same" + what
		case now != f[1]:
			told += "stays: it was changed since" + what
		case len(f) == 5:
			mode, _ := strconv.ParseUint(f[2], 8, 32)
			n.files[f[0]] = reconcile.File{Content: reconcile.Plain(string(content)), Mode: fs.FileMode(mode), Owner: f[3]}
			told += "undone" + what
		default:
			delete(n.files, f[0])
			told += "undone" + what
		}
	}
	return told
}

// undo takes a change back because hactl asks for it: MODE.
func undo(x *call) answer {
	r := readRetreat(x.in)
	x.changes("what is taken back")
	if x.args()[0] == "files" {
		return answer{out: r.restore(x.n)}
	}
	told, err := r.configuration(x.c)
	if err != nil {
		return failed(2, "the CIB cannot be changed here: %v", err)
	}
	return answer{out: told}
}

// overdue takes a change back because nobody confirmed it. It gives false where that has to be tried again.
func (n *Node) overdue(t *timer) bool {
	f, ok := n.files[t.run]
	if !ok {
		return true
	}
	r := readRetreat(f.Content.Reveal())
	_, err := r.patch(n.c, "", "undoing")
	switch {
	case errors.Is(err, errElsewhere) && !strings.Contains(n.c.pacemaker.String(), `value="undone `+r.id+`"`):
		delete(n.files, t.run) // it was confirmed
		return true
	case err != nil && !errors.Is(err, errElsewhere) && !errors.Is(err, errNever):
		return false
	}
	r.restore(n)
	if err == nil {
		if _, err := r.configuration(n.c); err != nil && !errors.Is(err, errElsewhere) {
			n.c.problem("%s: %s cannot be taken back: %v", n.name, r.id, err)
		}
	}
	line := strings.ReplaceAll(r.journal, "@NOW@", time.Now().UTC().Format(time.RFC3339))
	n.files["/var/lib/hactl/history"] = private([]byte(n.files["/var/lib/hactl/history"].Content.Reveal() + line + "\n"))
	delete(n.files, t.run)
	return true
}
