package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// journalHost keeps a journal in a folder and runs journalScript on it.
type journalHost struct {
	Host
	name, path string
	down       bool
}

func (h journalHost) Name() string { return h.name }

func (h journalHost) Run(ctx context.Context, c Cmd) ([]byte, error) {
	if h.down {
		return nil, &UnreachableError{Host: h.name, Err: errors.New("no route")}
	}
	argv := append([]string(nil), c.Argv...)
	argv[len(argv)-1] = h.path // JournalPath
	x := exec.CommandContext(ctx, argv[0], argv[1:]...)
	x.Stdin = bytes.NewReader(c.Stdin)
	out, err := x.CombinedOutput()
	if err != nil {
		return nil, &ExitError{Host: h.name, Argv: c.Argv, Code: x.ProcessState.ExitCode(), Stderr: out}
	}
	return out, nil
}

func (h journalHost) ReadFiles(context.Context, ...string) (map[string]File, error) {
	if h.down {
		return nil, &UnreachableError{Host: h.name, Err: errors.New("no route")}
	}
	b, err := os.ReadFile(h.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return map[string]File{JournalPath: {Content: Plain(string(b))}}, err
}

func TestJournal(t *testing.T) {
	dir := t.TempDir()
	n1 := journalHost{name: "n1", path: filepath.Join(dir, "n1", "history")}
	n2 := journalHost{name: "n2", path: filepath.Join(dir, "n2", "history")}
	away := journalHost{name: "n3", down: true}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	first := Entry{ID: newID(at, "a"), At: at, Cluster: "c", Who: "me", Result: Applied, Changes: []Done{{Object: "Resource/A", Action: Update, Fields: []string{"params.x"}}}}
	second := Entry{ID: newID(at.Add(time.Hour), "a"), At: at.Add(time.Hour), Cluster: "c", Who: "me", Result: Broken, Error: "no"}
	if err := WriteJournal(t.Context(), Hosts{n1, n2, away}, first); err != nil {
		t.Fatal(err)
	}
	if err := WriteJournal(t.Context(), Hosts{n2, away}, second); err != nil { // n1 was away
		t.Fatal(err)
	}
	for i, h := range []journalHost{n1, n2} { // each member tells a rollback by itself, with its own time
		e := first
		e.Result, e.At = RolledBack, at.Add(time.Duration(i+1)*time.Minute)
		if err := WriteJournal(t.Context(), Hosts{h}, e); err != nil {
			t.Fatal(err)
		}
	}
	f, err := os.OpenFile(n1.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString(`{"id":"cut`)
	_ = f.Close()

	got, unreachable, err := ReadJournal(t.Context(), Hosts{n1, n2, away})
	if err != nil {
		t.Fatal(err)
	}
	back := first
	back.Result, back.At = RolledBack, at.Add(time.Minute)
	if d := cmp.Diff([]Entry{first, back, second}, got); d != "" {
		t.Error(d)
	}
	if len(unreachable) != 1 || !strings.Contains(unreachable[0], "n3") {
		t.Errorf("who is away is not told: %v", unreachable)
	}
	if _, _, err := ReadJournal(t.Context(), Hosts{away}); err == nil {
		t.Error("no error where nobody answers")
	}
	if st, err := os.Stat(n1.path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("others may read the journal: %v %v", st.Mode(), err)
	}
}

func TestJournalIsBounded(t *testing.T) {
	h := journalHost{name: "n1", path: filepath.Join(t.TempDir(), "history")}
	e := Entry{ID: "x", Error: strings.Repeat("long ", 20000)}
	for range 15 {
		if err := WriteJournal(t.Context(), Hosts{h}, e); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(h.path)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 1<<20+200000 {
		t.Errorf("the journal has %d bytes", len(b))
	}
	for line := range bytes.Lines(b) {
		if !json.Valid(line) {
			t.Fatalf("a line was cut: %.60s…", line)
		}
	}
}

func TestJournaledHoldsNoValues(t *testing.T) {
	var steps []Step
	for range maxJournaled + 5 {
		steps = append(steps, Step{Changes: []Change{{Object: Ref{"Resource", strings.Repeat("r", len(steps)+1)}, Action: Update, Path: "params.x", Have: "planted", Want: "planted"}}})
	}
	done, more := journaled(append(steps, steps...))
	b, _ := json.Marshal(done)
	if len(done) != maxJournaled || more != 5 || bytes.Contains(b, []byte("planted")) {
		t.Errorf("%d listed, %d more: %.200s", len(done), more, b)
	}
}
