package cib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/beevik/etree"
	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

// query reads a node's own copy of the CIB; `-l` keeps Pacemaker from asking another node.
var query = []string{"cibadmin", "--query", "--local"}

// monitor tells the status: nodes, where resources run, failures, the fencing history.
var monitor = []string{"crm_mon", "--output-as=xml"}

// exitDisconnected is Pacemaker's exit code where its daemons do not run (include/crm/common/results.h, CRM_EX_DISCONNECT).
const exitDisconnected = 102

// rootsOwn is readable by root and hacluster only: others would get a filtered CIB without an error (ACLs).
const rootsOwn = "/var/lib/pacemaker/cib/cib.xml.sig"

// settle is how long copies of the configuration may differ: a change is on its way to all nodes.
const settle = 300 * time.Millisecond

// QueryCommand is the command whose answer is a node's CIB, for a record of it.
func QueryCommand() []string { return slices.Clone(query) }

// UnreadableError tells that what a machine gave as its CIB is none, or only a part of one.
type UnreadableError struct {
	Host string
	Err  error
}

func (e *UnreadableError) Error() string { return fmt.Sprintf("%s: read the CIB: %v", e.Host, e.Err) }

func (e *UnreadableError) Unwrap() error { return e.Err }

// answer is what one machine says of the CIB.
type answer struct {
	member   Member
	text     string // the CIB; empty: none was read
	isDC     bool
	secrets  []Secret
	recorded bool // the machine is a record that knows no secrets
	noStatus bool
}

// Observe reads every member's own copy of the CIB and its secrets, in parallel, and the status from one of them.
func (d *Driver) Observe(ctx context.Context, hosts reconcile.Hosts, want State) (State, error) {
	members := slices.Clone(want.Members)
	if len(members) == 0 {
		for _, h := range hosts {
			members = append(members, Member{Name: h.Name()})
		}
	}
	views := make([]answer, len(members))
	var read copies
	var g errgroup.Group
	for i, m := range members {
		h := hosts.Named(m.Name)
		views[i].member = m
		if h == nil {
			views[i].member.Runs, views[i].member.Why = Unreachable, "no machine of that name"
			continue
		}
		g.Go(func() error { return views[i].look(ctx, h, &read, false) })
		g.Go(func() error { return views[i].lookAtSecrets(ctx, h) })
	}
	if err := g.Wait(); err != nil {
		return State{}, err
	}
	if err := settled(ctx, hosts, &read, views); err != nil {
		return State{}, err
	}
	have := State{Cluster: want.Cluster}
	best := -1
	for i := range views {
		v := &views[i]
		if v.noStatus && !v.recorded { // a file may leave out what Pacemaker makes anew at each start
			return State{}, &UnreadableError{v.member.Name, errHidden}
		}
		have.Members = append(have.Members, v.member)
		have.Secrets = append(have.Secrets, v.secrets...)
		if v.text != "" && (best < 0 || v.rank() > views[best].rank()) {
			best = i
		}
	}
	slices.SortFunc(have.Secrets, func(a, b Secret) int {
		return strings.Compare(a.Node+"/"+a.Resource+"/"+a.Param, b.Node+"/"+b.Resource+"/"+b.Param)
	})
	if best < 0 {
		return have, nil
	}
	have.From, have.CIB, have.Recorded = views[best].member.Name, XML(views[best].text), views[best].recorded
	mon, err := hosts.Named(statusFrom(views, best)).Run(ctx, reconcile.Cmd{Argv: monitor})
	var unknown *reconcile.NotRecordedError
	if errors.As(err, &unknown) {
		return have, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("read the status: %w", err)
	}
	have.Monitor = string(mon)
	return have, nil
}

// statusFrom is the first member in the partition of the best: the status is the same on all of them, and the layer below may have asked the
// first one already in this round.
func statusFrom(views []answer, best int) string {
	for i := range views {
		if m := views[i].member; views[i].text != "" && m.Quorate && m.DC == views[best].member.DC {
			return m.Name
		}
	}
	return views[best].member.Name
}

// rank prefers the designated controller in a quorate partition, then any quorate member.
func (v *answer) rank() int {
	r := 0
	if v.member.Quorate {
		r += 2
	}
	if v.isDC {
		r++
	}
	return r
}

// nodeName gives the name of a node id.
func nodeName(doc *etree.Document, id string) string {
	nodes := section(doc, "nodes")
	if nodes == nil {
		return ""
	}
	for _, n := range nodes.ChildElements() {
		if attr(n, "id") == id {
			return attr(n, "uname")
		}
	}
	return ""
}

// copies are the CIBs that were read. In a settled cluster all members give the very same text, which is then taken apart once.
type copies struct {
	mu    sync.Mutex
	byCIB map[string]func() (reading, error)
}

// reading is what a copy of the CIB says of the member that gave it. The tree is dropped: sixteen of them would be most of hactl's memory.
type reading struct {
	member   Member // what does not depend on who gave it
	dc       string // the designated controller's name
	noStatus bool
}

func (c *copies) read(text string) (reading, error) {
	c.mu.Lock()
	if c.byCIB == nil {
		c.byCIB = map[string]func() (reading, error){}
	}
	f, ok := c.byCIB[text]
	if !ok {
		f = sync.OnceValues(func() (reading, error) { return readCopy(text) })
		c.byCIB[text] = f
	}
	c.mu.Unlock()
	return f()
}

// errHidden: Pacemaker leaves out what an ACL does not let the user see, without an error; its schema requires these sections of a CIB.
var errHidden = errors.New("parts of it are hidden or missing: a CIB has the sections crm_config, nodes, resources, constraints and status; " +
	"read it whole, and as root or hacluster (cibadmin --query)")

func readCopy(text string) (reading, error) {
	doc, err := parse(text)
	if err != nil {
		return reading{}, err
	}
	cib := doc.Root()
	conf := cib.SelectElement("configuration")
	if conf == nil {
		return reading{}, errHidden
	}
	for _, s := range []string{"crm_config", "nodes", "resources", "constraints"} {
		if conf.SelectElement(s) == nil {
			return reading{}, errHidden
		}
	}
	m := Member{Runs: Running, Quorate: attr(cib, "have-quorum") == "1", DC: attr(cib, "dc-uuid"), Version: version(cib),
		Digest: configurationDigest(doc), Settled: true}
	r := reading{member: m, noStatus: cib.SelectElement("status") == nil}
	if m.DC != "" {
		r.dc = nodeName(doc, m.DC)
	}
	return r, nil
}

// look reads the CIB of one machine. again makes the engine's memory of equal reads let it through.
func (v *answer) look(ctx context.Context, h reconcile.Host, read *copies, again bool) error {
	c := reconcile.Cmd{Argv: query}
	if again {
		c.Line = func([]byte) {}
	}
	out, err := h.Run(ctx, c)
	m := &v.member
	var exit *reconcile.ExitError
	var away *reconcile.UnreachableError
	switch {
	case errors.As(err, &away):
		m.Runs, m.Why = Unreachable, away.Error()
		return nil
	case errors.As(err, &exit) && (exit.Code == 127 || exit.Code == 126):
		m.Runs, m.Why = NotInstalled, "Pacemaker's command line tools are not installed"
		return nil
	case errors.As(err, &exit) && (exit.Code == exitDisconnected || exit.Code == 124 || strings.Contains(string(exit.Stderr), "Could not connect")):
		m.Runs, m.Why = Stopped, firstLine(exit.Stderr)
		return nil
	case err != nil:
		return fmt.Errorf("read the CIB: %w", err)
	}
	text := string(out)
	r, err := read.read(text)
	if err != nil {
		return &UnreadableError{h.Name(), err}
	}
	name, id := m.Name, m.ID
	*m = r.member
	m.Name, m.ID = name, id
	v.text, v.noStatus, v.isDC = text, r.noStatus, r.dc != "" && r.dc == name
	return nil
}

// lookAtSecrets reads the secrets of one machine, and finds out whether it is read with sufficient rights.
func (v *answer) lookAtSecrets(ctx context.Context, h reconcile.Host) error {
	files, err := h.ReadFiles(ctx, secretsDir+"/*/*", rootsOwn)
	var away *reconcile.UnreachableError
	var unknown *reconcile.NotRecordedError
	switch {
	case errors.As(err, &away):
		return nil // look tells it
	case errors.As(err, &unknown):
		v.recorded = true
		return nil
	case err != nil:
		return fmt.Errorf("%s: read Pacemaker's secrets (they and the CIB must be read as root): %w", h.Name(), err)
	}
	v.secrets = storedSecrets(h.Name(), files)
	return nil
}

// settled reads again where copies of the configuration differ. Members of other partitions (another designated controller) are compared
// all the same: two partitions that both take changes are what must be found.
func settled(ctx context.Context, hosts reconcile.Hosts, read *copies, views []answer) error {
	for try := 0; try < 3 && differ(views); try++ {
		t := time.NewTimer(settle)
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		}
		var g errgroup.Group
		for i := range views {
			if views[i].text == "" {
				continue
			}
			g.Go(func() error { return views[i].look(ctx, hosts.Named(views[i].member.Name), read, true) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
	}
	if differ(views) {
		for i := range views {
			views[i].member.Settled = false
		}
	}
	return nil
}

func differ(views []answer) bool {
	first := ""
	for i := range views {
		switch {
		case views[i].text == "":
		case first == "":
			first = views[i].member.Digest
		case first != views[i].member.Digest:
			return true
		}
	}
	return false
}

func firstLine(b []byte) string {
	s, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	return s
}
