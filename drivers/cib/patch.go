package cib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// exitOld is Pacemaker's exit code where the CIB moved on since it was read (include/crm/common/results.h, CRM_EX_OLD).
const exitOld = 103

// maxTries bounds how often a patch is made anew when only the status or other objects moved meanwhile.
const maxTries = 300

// judgedTries is how many of them have the very configuration judged that comes of them. Where others write more often than that takes, every patch
// would come too late; from then on what was judged a moment ago, less what they changed since, is enough beside Pacemaker's own look at its schema.
const judgedTries = 3

// Patch carries edits out on the live CIB, all or none.
type Patch struct {
	Cluster string `json:"cluster"`
	// Schema is the value of validate-with that the words were chosen for.
	Schema string `json:"schema"`
	Edits  []Edit `json:"edits"`
	// Judged is the digest of the configuration that comes of the edits on the CIB that was observed. crm_verify judges that one in Predict,
	// which every plan goes through; the operation has any other judged before it writes.
	Judged string `json:"judged,omitempty"`
	// Pins are what must be as it was when the edits were planned.
	Pins []Pin `json:"pins,omitempty"`
}

func (p Patch) String() string {
	lines := []string{fmt.Sprintf("cibadmin --patch: %d edits of the CIB of %s, if it is still as observed", len(p.Edits), p.Cluster)}
	for _, e := range p.Edits {
		lines = append(lines, "  "+e.String())
	}
	return strings.Join(lines, "\n")
}

// Do reads the live CIB, refuses with a *reconcile.StaleError if what the plan was made against was changed, has crm_verify judge the
// result, and patches. It tries again at once when something else moved in between.
func (p Patch) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	verified := p.Judged // a moved status needs no second look
	for try := 1; ; try++ {
		done, err := p.try(ctx, h, &verified, try <= judgedTries)
		if err != nil {
			return err
		}
		if done {
			progress(reconcile.Progress{Text: "CIB changed"})
			return nil
		}
		if try == maxTries {
			return fmt.Errorf("the CIB of %s changes so fast that %d patches came too late; find out what writes to it (journalctl -u pacemaker | grep cib) and run apply again", p.Cluster, try)
		}
		if try == 1 || try%20 == 0 {
			progress(reconcile.Progress{Text: fmt.Sprintf("the CIB moved on meanwhile (tries: %d); trying again", try)})
		}
	}
}

// try gives false where the CIB moved on between reading and patching. With judge the result is judged unless that was done already.
func (p Patch) try(ctx context.Context, h reconcile.Host, verified *string, judge bool) (done bool, err error) {
	out, err := h.Run(ctx, reconcile.Cmd{Argv: query})
	if err != nil {
		return false, err
	}
	live, err := parse(string(out))
	if err != nil {
		return false, fmt.Errorf("read the CIB: %w", err)
	}
	if err := p.check(live); err != nil {
		return false, err
	}
	proposed, err := applyAll(live, p.Edits)
	if err != nil {
		return false, &reconcile.StaleError{Object: Options(p.Cluster), What: err.Error()}
	}
	if d := digest(proposed.Root().SelectElement("configuration"), nil); judge && d != *verified {
		if err := verifyNew(ctx, h, live, proposed); err != nil {
			return false, err
		}
		*verified = d
	}
	diff, err := patchset(live, proposed)
	if err != nil {
		return false, err
	}
	_, err = h.Run(ctx, reconcile.Cmd{Argv: []string{"cibadmin", "--patch", "--xml-pipe"}, Stdin: []byte(diff), Mutates: true})
	var exit *reconcile.ExitError
	switch {
	case err == nil:
		return true, nil
	case errors.As(err, &exit) && exit.Code == exitOld:
		return false, nil
	case errors.As(err, &exit):
		exit.Stdout, exit.Stderr = nil, withoutXML(exit.Stderr) // it may quote the patch
		return false, fmt.Errorf("the change was refused by Pacemaker, nothing was changed: %w", exit)
	}
	return false, err
}

// check refuses to write where too little is known, or where the plan is old.
func (p Patch) check(live *etree.Document) error {
	cib := live.Root()
	if attr(cib, "have-quorum") != "1" {
		return fmt.Errorf("the partition of this node has no quorum: the change would be lost when the others come back; bring the missing nodes back")
	}
	if attr(cib, "dc-uuid") == "" {
		return fmt.Errorf("the cluster has no designated controller; wait until it has elected one (crm_mon)")
	}
	if s := attr(cib, "validate-with"); s != p.Schema {
		return &reconcile.StaleError{Object: Options(p.Cluster), What: "the schema is " + s + " instead of " + p.Schema}
	}
	t := newTree(live)
	for _, pin := range p.Pins {
		if what := pin.moved(t); what != "" {
			return &reconcile.StaleError{Object: pin.Object, What: what}
		}
	}
	return nil
}

// withoutXML drops the lines of a tool's output that quote XML.
func withoutXML(b []byte) []byte {
	lines := slices.DeleteFunc(strings.Split(string(b), "\n"), func(s string) bool { return strings.Contains(s, "<") })
	return []byte(strings.Join(lines, "\n"))
}
