package cib

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hactl/hactl/reconcile"
)

// CheckpointDir holds the checkpoints of a member: its CIB right before each apply that changed it, packed, root's alone because it may hold
// passwords. The newest keptCheckpoints stay, and of them no more than keptBytes.
const (
	CheckpointDir   = "/var/lib/hactl/checkpoints"
	keptCheckpoints = 20
	keptBytes       = 64 << 20
	checkpointEnd   = ".xml.gz"
)

// checkpointScript saves this node's copy of the CIB as $1/$2.xml.gz, and keeps the newest $3 of at most $4 bytes together. It does not wait for
// the disk: the other members have the same.
const checkpointScript = `set -e
umask 077
mkdir -p "$1"
cd "$1"
t=$(mktemp .new.XXXXXX)
trap 'rm -f "$t" "$t.gz"' EXIT
cibadmin --query --local > "$t"
gzip -1 "$t"
mv -f "$t.gz" "$2.xml.gz"
n=0 size=0
for f in $(ls -r -- *.xml.gz); do
  n=$((n+1)) size=$((size+$(stat -c %s "$f")))
  [ $n = 1 ] || [ $n -le "$3" -a $size -le "$4" ] || rm -f "$f"
done
find . -name '.new.*' -mmin +60 -delete`

var _ reconcile.Keeper[State] = (*Driver)(nil)

// Keeps tells whether a step changes the CIB; of an empty step, that steps may.
func (d *Driver) Keeps(s reconcile.Step) bool {
	if len(s.Ops) == 0 {
		return s.ID == ""
	}
	return slices.ContainsFunc(s.Ops, func(op reconcile.Op) bool { _, ok := op.(Patch); return ok })
}

// Checkpoint has each member that runs Pacemaker save its own copy of the CIB.
func (d *Driver) Checkpoint(ctx context.Context, hosts reconcile.Hosts, have State, id string) ([]string, error) {
	var mu sync.Mutex
	var saved []string
	errs := make([]error, len(have.Members))
	var wg sync.WaitGroup
	for i, m := range have.Members {
		h := hosts.Named(m.Name)
		if m.Runs != Running || h == nil {
			continue
		}
		wg.Go(func() {
			_, err := h.Run(ctx, reconcile.Cmd{Mutates: true, Argv: []string{"sh", "-c", checkpointScript, "hactl-checkpoint", CheckpointDir, id,
				strconv.Itoa(keptCheckpoints), strconv.Itoa(keptBytes)}})
			var exit *reconcile.ExitError
			if errors.As(err, &exit) {
				exit.Argv = []string{"save the CIB in " + CheckpointDir}
			}
			if errs[i] = err; err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			saved = append(saved, m.Name)
		})
	}
	wg.Wait()
	slices.Sort(saved)
	return saved, errors.Join(errs...)
}

// Checkpoint is a saved CIB.
type Checkpoint struct {
	ID string `json:"id"`
	// On are the members that have it.
	On []string `json:"on"`
	// Bytes is the size of the packed file.
	Bytes int64 `json:"bytes"`
}

// Checkpoints lists what members have saved, the oldest first. Members that cannot be reached are named; it is an error if none can.
func Checkpoints(ctx context.Context, members reconcile.Hosts) (list []Checkpoint, unreachable []string, err error) {
	index := map[string]int{}
	for _, h := range members {
		out, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"find", CheckpointDir, "-maxdepth", "1", "-name", "[0-9]*" + checkpointEnd, "-printf", `%s %f\n`}})
		var away *reconcile.UnreachableError
		var exit *reconcile.ExitError
		switch {
		case errors.As(err, &away):
			unreachable = append(unreachable, away.Error())
			continue
		case errors.As(err, &exit) && bytes.Contains(exit.Stderr, []byte("No such file")):
			continue // nothing was ever applied there
		case err != nil:
			return nil, nil, fmt.Errorf("list the checkpoints: %w", err)
		}
		for line := range strings.Lines(string(out)) {
			size, name, _ := strings.Cut(strings.TrimSpace(line), " ")
			id := strings.TrimSuffix(name, checkpointEnd)
			n, _ := strconv.ParseInt(size, 10, 64)
			i, ok := index[id]
			if !ok {
				i = len(list)
				index[id] = i
				list = append(list, Checkpoint{ID: id})
			}
			list[i].On = append(list[i].On, h.Name())
			list[i].Bytes = max(list[i].Bytes, n)
		}
	}
	if len(unreachable) == len(members) && len(members) > 0 {
		return nil, unreachable, fmt.Errorf("no member can be asked: %s", strings.Join(unreachable, "; "))
	}
	slices.SortFunc(list, func(a, b Checkpoint) int { return strings.Compare(a.ID, b.ID) })
	return list, unreachable, nil
}

// ReadCheckpoint reads a checkpoint from the first member that has it.
func ReadCheckpoint(ctx context.Context, members reconcile.Hosts, id string) (XML, error) {
	if id == "" || strings.Trim(id, "0123456789abcdefTZ-") != "" {
		return "", fmt.Errorf("%q is no id of a checkpoint; hactl checkpoint list tells them", id)
	}
	var errs []error
	file := path.Join(CheckpointDir, id+checkpointEnd)
	for _, h := range members {
		found, err := h.ReadFiles(ctx, file)
		f, ok := found[file]
		if err != nil || !ok {
			errs = append(errs, err)
			continue
		}
		z, err := gzip.NewReader(bytes.NewReader(f.Content.Bytes()))
		if err == nil {
			var b []byte
			if b, err = io.ReadAll(io.LimitReader(z, 1<<30)); err == nil {
				return XML(b), nil
			}
		}
		errs = append(errs, fmt.Errorf("%s: %s is damaged: %w", h.Name(), file, err))
	}
	if err := errors.Join(errs...); err != nil {
		return "", fmt.Errorf("read the checkpoint %s: %w", id, err)
	}
	return "", fmt.Errorf("no member has a checkpoint %s; hactl checkpoint list tells which there are", id)
}
