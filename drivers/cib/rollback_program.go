package cib

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"al.essio.dev/pkg/shellescape"
	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

//go:embed rollback.sh
var rollbackSh string

// ArmedDir holds the program of each change that waits for confirmation, and of nothing else: it is root's alone and goes with the wait.
const ArmedDir = "/var/lib/hactl/confirm"

// retreatLimit bounds a rollback that hactl asks for, timerLimit one of a timer, which may have to wait for the quorum.
const (
	retreatLimit = 3 * time.Minute
	timerLimit   = 30 * time.Minute
)

var (
	_ reconcile.Reverser[State]  = (*Driver)(nil)
	_ reconcile.Retreater[State] = (*Driver)(nil)
)

// Reverses tells the steps that change the CIB.
func (d *Driver) Reverses(s reconcile.Step) bool {
	return d.Keeps(s) || strings.HasPrefix(s.ID, "cib ") && (strings.HasSuffix(s.ID, " change") || strings.HasSuffix(s.ID, " removal"))
}

// Reverse gives the way back from the patches of steps, which follow one another.
func (d *Driver) Reverse(have State, steps []reconcile.Step) ([]reconcile.Undo, error) {
	var out []reconcile.Undo
	var live *etree.Document
	for _, s := range steps {
		for _, op := range s.Ops {
			p, ok := op.(Patch)
			if !ok {
				continue
			}
			var err error
			if live == nil {
				if live, err = parse(string(have.CIB)); err != nil {
					return nil, fmt.Errorf("the way back: %w", err)
				}
			}
			parts, left, err := wayBack(live, p.Edits)
			if err != nil {
				return nil, fmt.Errorf("the way back: %w", err)
			}
			out = append(out, reconcile.Undo{Step: s.ID, Way: parts})
			live = left
		}
	}
	return out, nil
}

// program is rollback.sh with its data, for one machine.
type program struct {
	id, mark string
	limit    time.Duration
	parts    []part // in the order in which they are taken back
	files    []reconcile.FileUndo
	known    []string // NODE NAME VALUE of the failures before the change
	journal  string
}

// programOf collects what undos say for a machine: the last change is taken back first.
func programOf(host string, undos []reconcile.Undo, known []string) program {
	p := program{limit: retreatLimit, known: known}
	for _, u := range slices.Backward(undos) {
		if parts, ok := u.Way.([]part); ok {
			p.parts = append(p.parts, parts...)
		}
		if u.File != nil && u.Host == host {
			p.files = append(p.files, *u.File)
		}
	}
	return p
}

// end closes the here documents; no line of their data is like it.
const end = "END-OF-HACTL"

func (p program) String() string {
	var b strings.Builder
	put := func(name, text string) {
		fmt.Fprintf(&b, "cat > \"$d/%s\" <<'%s'\n%s", name, end, text)
		if text != "" && !strings.HasSuffix(text, "\n") {
			b.WriteByte('\n')
		}
		b.WriteString(end + "\n")
	}
	fmt.Fprintf(&b, "#!/bin/sh\nid=%s mark=%s limit=%d parts=%d\n", shellescape.Quote(p.id), shellescape.Quote(p.mark), int(p.limit.Seconds()), len(p.parts))
	fmt.Fprintf(&b, "journal=%s\n", shellescape.Quote(p.journal))
	b.WriteString("data() {\n")
	put("awk", rollbackAwk)
	for i, part := range p.parts {
		var lines strings.Builder
		for _, x := range part.pieces {
			lines.WriteString(x.String() + "\n")
		}
		put(fmt.Sprintf("part%d", i+1), lines.String())
	}
	put("known", strings.Join(p.known, "\n"))
	b.WriteString("}\nbefore_part() {\n\tcase $1 in\n")
	for i, part := range p.parts {
		if len(part.stopped) > 0 {
			fmt.Fprintf(&b, "\t%d) inactive %s ;;\n", i+1, shellescape.QuoteCommand(part.stopped))
		}
	}
	b.WriteString("\tesac\n}\nrestore_files() {\n\t:\n")
	for _, f := range p.files {
		argv := []string{"restore", f.Path, f.Ours, "-", "-"}
		if f.Before != nil {
			mode := f.Before.Mode
			if mode == 0 {
				mode = 0o644
			}
			argv = append(argv[:3], fmt.Sprintf("%04o", mode), f.Before.Owner, base64.StdEncoding.EncodeToString(f.Before.Content.Bytes()))
		} else {
			argv = argv[:3]
		}
		b.WriteString("\t" + shellescape.QuoteCommand(argv) + "\n")
	}
	b.WriteString("}\n")
	b.WriteString(rollbackSh)
	return b.String()
}

// knownFailures are those of a CIB's status.
func knownFailures(have State) []string {
	doc, err := parse(string(have.CIB))
	if err != nil {
		return nil
	}
	st := doc.Root().SelectElement("status")
	if st == nil {
		return nil
	}
	var out []string
	for _, n := range st.SelectElements("node_state") {
		for _, nv := range n.FindElements("./transient_attributes/instance_attributes/nvpair") {
			if strings.HasPrefix(attr(nv, "name"), "last-failure-") {
				out = append(out, attr(n, "uname")+" "+attr(nv, "name")+" "+attr(nv, "value"))
			}
		}
	}
	return out
}

// Retreat takes changes back: first the files on all machines, then the CIB from the member whose copy was read, or from any other that can.
// have is what was observed before the first change.
func (d *Driver) Retreat(ctx context.Context, hosts reconcile.Hosts, have State, undos []reconcile.Undo, mark string) ([]reconcile.Undone, error) {
	known := knownFailures(have)
	outs := make([][]reconcile.Undone, len(hosts))
	errs := make([]error, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		p := programOf(h.Name(), undos, known)
		if len(p.files) == 0 {
			continue
		}
		wg.Go(func() {
			p.parts = nil
			outs[i], errs[i] = p.run(ctx, h, "files")
			for j := range outs[i] {
				outs[i][j].What = h.Name() + ": " + outs[i][j].What
			}
		})
	}
	wg.Wait()
	done := slices.Concat(outs...)
	if err := errors.Join(errs...); err != nil {
		return done, err
	}
	p := programOf("", undos, known)
	p.mark = mark
	if len(p.parts) == 0 {
		return done, nil
	}
	members := []string{have.From}
	for _, m := range have.Members {
		if m.Runs == Running && m.Name != have.From {
			members = append(members, m.Name)
		}
	}
	var err error
	for _, name := range members {
		h := hosts.Named(name)
		if h == nil {
			continue
		}
		var out []reconcile.Undone
		if out, err = p.run(ctx, h, "cib"); err == nil {
			return append(done, out...), nil
		}
		var away *reconcile.UnreachableError
		if !errors.As(err, &away) {
			return append(done, out...), err
		}
	}
	return done, err
}

// runScript runs a program that comes on its input; $1 is the mode. No command in it may read the program.
const runScript = `umask 077; t=$(mktemp /run/hactl-undo.XXXXXX) && cat > "$t" && sh "$t" "$1" < /dev/null; rc=$?; rm -f "$t"; exit $rc`

func (p program) run(ctx context.Context, h reconcile.Host, mode string) ([]reconcile.Undone, error) {
	out, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", runScript, "hactl-undo", mode}, Stdin: []byte(p.String()), Limit: p.limit + 30*time.Second, Mutates: true})
	var exit *reconcile.ExitError
	if errors.As(err, &exit) {
		exit.Argv, exit.Stdout = []string{"take the change back"}, nil
	}
	var done []reconcile.Undone
	for line := range strings.Lines(string(out)) {
		became, what, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if ok && became != "same" {
			done = append(done, reconcile.Undone{What: what, Became: became})
		}
	}
	return done, err
}

// armScript takes the program of this machine and has systemd run it after $2 seconds unless it is disarmed. Armed again in the same apply, the
// timer goes on.
const armScript = `set -e
umask 077
mkdir -p "$3"
t=$(mktemp "$3/.new.XXXXXX")
trap 'rm -f "$t"' EXIT
cat > "$t"
mv -f "$t" "$3/$1.sh"
systemctl --quiet is-active "hactl-confirm-$1.timer" ||
  systemd-run --quiet --collect --unit "hactl-confirm-$1" --description "hactl: take the change $1 back unless it is confirmed" \
    --on-active "$2" --timer-property AccuracySec=100ms /bin/sh "$3/$1.sh" timer`

// Arm puts the way back on every member, and a timer that goes it. Members that did not take it are errors beside those that did.
func (d *Driver) Arm(ctx context.Context, hosts reconcile.Hosts, have State, undos []reconcile.Undo, w reconcile.Wait) ([]string, error) {
	known := knownFailures(have)
	journal, err := json.Marshal(w.Entry)
	if err != nil {
		return nil, err
	}
	armed := make([]string, len(hosts))
	errs := make([]error, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		p := programOf(h.Name(), undos, known)
		p.id, p.mark, p.limit, p.journal = w.ID, w.ID, timerLimit, string(journal)
		wg.Go(func() {
			_, err := h.Run(ctx, reconcile.Cmd{Mutates: true, Stdin: []byte(p.String()),
				Argv: []string{"sh", "-c", armScript, "hactl-arm", w.ID, fmt.Sprintf("%d", max(1, int(w.Within.Seconds()))), ArmedDir}})
			var exit *reconcile.ExitError
			if errors.As(err, &exit) {
				exit.Argv = []string{"arm the timer"}
			}
			if errs[i] = err; err == nil {
				armed[i] = h.Name()
			}
		})
	}
	wg.Wait()
	return slices.DeleteFunc(armed, func(s string) bool { return s == "" }), errors.Join(errs...)
}

// disarmScript ends the timer and takes the program away.
const disarmScript = `systemctl stop "hactl-confirm-$1.timer" 2>/dev/null
rm -f -- "$2/$1.sh"`

// Disarm ends the timers of an apply. The mark in the CIB is gone already, or a timer has used it up: what cannot be disarmed does nothing.
func (d *Driver) Disarm(ctx context.Context, hosts reconcile.Hosts, id string) error {
	errs := make([]error, len(hosts))
	var wg sync.WaitGroup
	for i, h := range hosts {
		wg.Go(func() {
			_, err := h.Run(ctx, reconcile.Cmd{Mutates: true, Argv: []string{"sh", "-c", disarmScript, "hactl-disarm", id, ArmedDir}})
			var exit *reconcile.ExitError
			if errors.As(err, &exit) {
				exit.Argv = []string{"disarm the timer"}
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
