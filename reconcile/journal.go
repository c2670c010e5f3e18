package reconcile

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// JournalPath is where each member keeps the journal of applies: a line of JSON (Entry) for each, the newest last, readable by root alone.
const JournalPath = "/var/lib/hactl/history"

// Entry is what the journal tells of an apply. It holds names and digests, never a value of a field.
type Entry struct {
	// ID is the apply's; a checkpoint has the id of the apply that it was made for. Ids sort by time.
	ID      string    `json:"id"`
	At      time.Time `json:"at"` // when it ended
	Cluster string    `json:"cluster"`
	Who     string    `json:"who"`
	Command string    `json:"command,omitempty"`
	// Manifests and Plan are digests of what was wanted and of the plan that was approved.
	Manifests string `json:"manifests,omitempty"`
	Plan      string `json:"plan,omitempty"`
	// Changes are those of the steps that were begun; at most maxJournaled.
	Changes []Done  `json:"changes,omitempty"`
	More    int     `json:"more,omitempty"` // how many are left out
	Steps   int     `json:"steps,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	Result  Outcome `json:"result"`
	// Error says why it did not end well, Cause what an undone apply broke.
	Error string `json:"error,omitempty"`
	// Checkpoint is the id of the configuration as it was before; empty: the configuration was not to be changed.
	Checkpoint string `json:"checkpoint,omitempty"`
	// Reactions were foretold, True of them came true; Otherwise are sentences on what came otherwise, at most maxJournaled.
	Reactions int      `json:"reactions,omitempty"`
	True      int      `json:"cameTrue,omitempty"`
	Otherwise []string `json:"otherwise,omitempty"`
	// Until is when the change is taken back unless it is confirmed.
	Until time.Time `json:"until,omitzero"`
}

// Done is a change of the journal.
type Done struct {
	Object string   `json:"object"` // "KIND/NAME"
	Action Action   `json:"action"`
	Fields []string `json:"fields,omitempty"`
}

// Outcome is how an apply ended.
type Outcome string

// The outcomes. An apply that waits for confirmation has a second entry of the same id when it is confirmed or undone.
const (
	Applied     Outcome = "done"
	Broken      Outcome = "failed"
	Interrupted Outcome = "interrupted"
	RolledBack  Outcome = "rolled back"
	Confirmed   Outcome = "confirmed"
	Approved    Outcome = "approved" // of the plan alone; nothing was changed
)

// maxJournaled bounds the changes that one entry lists.
const maxJournaled = 100

// newID makes the id of an apply: its time and what tells two of the same second apart.
func newID(at time.Time, salt string) string {
	sum := sha256.Sum256([]byte(salt + at.Format(time.RFC3339Nano)))
	return at.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(sum[:2])
}

// journaled lists the changes of steps, one for each object and action.
func journaled(steps []Step) (done []Done, more int) {
	type key struct {
		object Ref
		action Action
	}
	index := map[key]int{}
	for _, s := range steps {
		for _, c := range s.Changes {
			k := key{c.Object, c.Action}
			i, ok := index[k]
			if !ok {
				i = len(done)
				index[k] = i
				done = append(done, Done{Object: c.Object.String(), Action: c.Action})
			}
			if c.Path != "" && len(done[i].Fields) < maxJournaled && !slices.Contains(done[i].Fields, c.Path) {
				done[i].Fields = append(done[i].Fields, c.Path)
			}
		}
	}
	if more = len(done) - maxJournaled; more > 0 {
		return done[:maxJournaled], more
	}
	return done, 0
}

// journalScript appends its input to the journal. Past a MiB only the newest entries are kept.
const journalScript = `set -e
umask 077
mkdir -p "${1%/*}"
exec 9>>"$1"
flock 9
cat >&9
if [ "$(stat -c %s "$1")" -gt 1048576 ]; then
  t=$(mktemp "$1.XXXXXX")
  tail -c 524288 "$1" | tail -n +2 > "$t"
  mv -f "$t" "$1"
fi`

// WriteJournal appends an entry to the journal of each machine that can be reached, at the same time. It gives an error for each machine
// that could be reached and could not write.
func WriteJournal(ctx context.Context, hosts Hosts, e Entry) error {
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	line = append(line, '\n')
	errs := onEach(hosts, func(_ int, h Host) error {
		_, err := h.Run(ctx, Cmd{Argv: []string{"sh", "-c", journalScript, "hactl-journal", JournalPath}, Stdin: line, Mutates: true})
		var away *UnreachableError
		if errors.As(err, &away) {
			return nil
		}
		return shortened(err, "write the journal")
	})
	return errors.Join(errs...)
}

// shortened leaves the script out of a command's error.
func shortened(err error, what string) error {
	var exit *ExitError
	if errors.As(err, &exit) {
		exit.Argv = []string{what}
		return exit
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// onEach does something on all machines at the same time and gives the errors in their order.
func onEach(hosts Hosts, do func(int, Host) error) []error {
	errs := make([]error, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() { errs[i] = do(i, h) })
	}
	wg.Wait()
	return errs
}

// Failures are the applies of a journal that went wrong since one ended well, the oldest first.
func Failures(journal []Entry) []Entry {
	var bad []Entry
	for _, e := range journal {
		switch e.Result {
		case Applied:
			bad = nil
		case Broken, RolledBack:
			bad = append(bad, e)
		}
	}
	return bad
}

// Journal is ReadJournal of the cluster's members.
func (e *Engine) Journal(ctx context.Context) (entries []Entry, unreachable []string, err error) {
	return ReadJournal(ctx, e.members())
}

// ReadJournal reads the journals of all machines and gives each entry once, the oldest first. Machines that cannot be reached are named; it is
// an error if none can. A line that cannot be read is left out: a disk that was full may have cut it.
func ReadJournal(ctx context.Context, hosts Hosts) (entries []Entry, unreachable []string, err error) {
	files := make([][]byte, len(hosts))
	errs := onEach(hosts, func(i int, h Host) error {
		found, err := h.ReadFiles(ctx, JournalPath)
		files[i] = found[JournalPath].Content.Bytes()
		return err
	})
	seen := map[string]bool{}
	for i := range hosts {
		var away *UnreachableError
		switch {
		case errors.As(errs[i], &away):
			unreachable = append(unreachable, away.Error())
			continue
		case errs[i] != nil:
			return nil, nil, fmt.Errorf("read the journal: %w", errs[i])
		}
		for line := range bytes.Lines(files[i]) {
			var e Entry
			key := string(bytes.TrimSpace(line))
			if json.Unmarshal(line, &e) != nil || e.ID == "" {
				continue
			}
			if e.Result == RolledBack { // each member tells it with its own time
				key = e.ID + string(e.Result)
			}
			if !seen[key] {
				seen[key] = true
				entries = append(entries, e)
			}
		}
	}
	if len(unreachable) == len(hosts) && len(hosts) > 0 {
		return nil, unreachable, fmt.Errorf("no machine can be asked: %s", strings.Join(unreachable, "; "))
	}
	slices.SortStableFunc(entries, func(a, b Entry) int {
		if c := strings.Compare(a.ID, b.ID); c != 0 {
			return c
		}
		return a.At.Compare(b.At)
	})
	return entries, unreachable, nil
}
