package cib

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/beevik/etree"
	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Recorder[State] = (*Driver)(nil)

// Withheld is what a record of a running cluster leaves out, beside the secrets themselves.
type Withheld struct {
	// Blind are the resources whose agents reload some parameters, as far as their passwords are masked: whether a change reloads or
	// restarts one of them cannot be predicted from the record; it is predicted as a restart.
	Blind []string `json:"blind,omitempty"`
	// Unforeseen says why nothing can be predicted from the record.
	Unforeseen string `json:"unforeseen,omitempty"`
}

// clearSecret matches options with a password among others ("username=x,password=y").
var clearSecret = regexp.MustCompile(`(?i)\b(passw(or)?d|passphrase|secret|token)=[^,;\s]`)

// Record masks the passwords in the CIB: those whose names say so, those that the manifests call secrets, and every value that holds the
// text of a secret that is known here. It then asks the scheduler of the cluster whether it means to do the same with the masked CIB.
func (d *Driver) Record(ctx context.Context, hosts reconcile.Hosts, want, have State) (State, error) {
	if !have.formed() {
		return have, nil
	}
	doc, err := parse(string(have.CIB))
	if err != nil {
		return State{}, err
	}
	have.Withheld = &Withheld{}
	known := knownSecrets(want, have)
	var owners []*etree.Element
	eachElement(doc.Root(), func(el *etree.Element) {
		v := attr(el, "value")
		if v == "" || v == lrm || !secretPair(el) && !clearSecret.MatchString(v) && !holds(known, v) && !calledSecret(want, el) {
			return
		}
		el.CreateAttr("value", reconcile.Mask)
		owners = append(owners, el.Parent().Parent())
	})
	have.Monitor = discreetMonitor(have.Monitor, known)
	if len(owners) > 0 {
		if err := have.Withheld.check(ctx, hosts.Named(have.From), string(have.CIB), doc, owners); err != nil {
			return State{}, err
		}
	}
	text, err := doc.WriteToString()
	if err != nil {
		return State{}, err
	}
	have.CIB = XML(text)
	return have, nil
}

// Recall finds the wanted members in a record.
func (d *Driver) Recall(want, have State) State {
	if len(want.Members) == 0 {
		return have
	}
	var members []Member
	for _, w := range want.Members {
		m := Member{Name: w.Name, Runs: Unreachable, Why: reconcile.NotInSnapshot}
		if h := have.member(w.Name); h != nil {
			m = *h
		}
		m.ID = w.ID
		members = append(members, m)
	}
	have.Members, have.Cluster = members, want.Cluster
	return have
}

// knownSecrets are the texts of secrets that are known here: from the manifests, and from the nodes.
func knownSecrets(want, have State) []string {
	var texts []string
	for _, list := range [][]Secret{want.Secrets, want.Inline, have.Secrets} {
		for _, s := range list {
			if v := s.Value.Reveal(); s.Value.Comparable() && v != "" {
				texts = append(texts, v)
			}
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// short is the length in bytes below which a secret is looked for as a whole value only: "1" is in many.
const short = 5

func holds(known []string, text string) bool {
	return slices.ContainsFunc(known, func(s string) bool { return text == s || len(s) >= short && strings.Contains(text, s) })
}

func withoutSecrets(known []string, text string) string {
	for _, s := range known {
		if len(s) >= short {
			text = strings.ReplaceAll(text, s, reconcile.Mask)
		}
	}
	return text
}

// calledSecret tells whether a manifest calls a parameter a secret, whatever its name.
func calledSecret(want State, nv *etree.Element) bool {
	if nv.Tag != "nvpair" || nv.Parent() == nil || nv.Parent().Parent() == nil {
		return false
	}
	owner, name := attr(nv.Parent().Parent(), "id"), attr(nv, "name")
	return slices.ContainsFunc(slices.Concat(want.Secrets, want.Inline), func(s Secret) bool {
		return s.Object.Name == owner && (s.Param == name || strings.HasSuffix(s.Field, "."+name))
	})
}

func eachElement(el *etree.Element, do func(*etree.Element)) {
	do(el)
	for _, c := range el.ChildElements() {
		eachElement(c, do)
	}
}

// check compares what the scheduler means to do with the live CIB and with the masked one. Where that differs, the operations of the masked
// resources get the digests of the masked parameters, so that the scheduler takes these for what was started.
func (w *Withheld) check(ctx context.Context, h reconcile.Host, live string, doc *etree.Document, owners []*etree.Element) error {
	if h == nil {
		w.Unforeseen = "the snapshot leaves out passwords, and there was no machine to ask whether that matters"
		return nil
	}
	want, same, err := sameFuture(ctx, h, live, doc)
	if err != nil || same {
		return w.silent(ctx, err)
	}
	ids := below(doc, owners)
	digests, err := freshDigests(ctx, h, doc)
	if err != nil {
		return w.silent(ctx, err)
	}
	for _, op := range doc.FindElements("/cib/status/node_state/lrm/lrm_resources/lrm_resource/lrm_rsc_op") {
		id, digest := resourceOf(op), digests[resultKey(op)]
		if digest == "" || !slices.Contains(ids, id) {
			continue
		}
		op.CreateAttr("op-digest", digest)
		if has(op, "op-restart-digest") { // it may be one of the password: nothing makes it anew, and without it any change is a restart
			op.RemoveAttr("op-restart-digest")
			op.RemoveAttr("op-force-restart")
			if !slices.Contains(w.Blind, id) {
				w.Blind = append(w.Blind, id)
			}
		}
	}
	text, err := doc.WriteToString()
	if err != nil {
		return err
	}
	then, err := simulate(ctx, h, text)
	if err == nil && !alike(want, then) {
		w.Unforeseen = "the snapshot leaves out passwords, and without them the scheduler would do something else"
	}
	return w.silent(ctx, err)
}

// digestScript gives the CIB as it is after one transition, see simulateScript.
const digestScript = `set -e
umask 077
trap 'exit 143' HUP INT TERM # and so to the trap of EXIT
d=$(mktemp -d /run/hactl-simulate.XXXXXX 2>/dev/null || mktemp -d "${XDG_RUNTIME_DIR:-/dev/shm}/hactl-simulate.XXXXXX")
trap 'rm -rf "$d"' EXIT
cat > "$d/0"
crm_simulate --xml-file "$d/0" --simulate --save-output "$d/1" > /dev/null
cat "$d/1"`

// freshDigests are the digests that operations have once the scheduler has restarted all whose parameters it takes for changed. (Without a digest
// it takes them for changed, too.)
func freshDigests(ctx context.Context, h reconcile.Host, doc *etree.Document) (map[[3]string]string, error) {
	text, err := doc.WriteToString()
	if err != nil {
		return nil, err
	}
	out, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", digestScript}, Stdin: []byte(text)})
	if err != nil {
		return nil, err
	}
	after, err := parse(string(out))
	if err != nil {
		return nil, err
	}
	digests := map[[3]string]string{}
	for _, op := range after.FindElements("/cib/status/node_state/lrm/lrm_resources/lrm_resource/lrm_rsc_op") {
		digests[resultKey(op)] = attr(op, "op-digest")
	}
	return digests, nil
}

// resultKey is where an operation's result stands: node, resource, and id.
func resultKey(op *etree.Element) [3]string {
	rsc := op.Parent()
	return [3]string{attr(rsc.Parent().Parent().Parent(), "uname"), attr(rsc, "id"), attr(op, "id")}
}

// silent makes a scheduler without an answer a reason for no prediction; only an ended ctx is an error.
func (w *Withheld) silent(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		w.Unforeseen = "the snapshot leaves out passwords, and the cluster's scheduler did not answer whether that matters: " + err.Error()
	}
	return nil
}

func sameFuture(ctx context.Context, h reconcile.Host, live string, doc *etree.Document) (want []simulation, same bool, err error) {
	text, err := doc.WriteToString()
	if err != nil {
		return nil, false, err
	}
	var then []simulation
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) { want, err = simulate(gctx, h, live); return err })
	g.Go(func() (err error) { then, err = simulate(gctx, h, text); return err })
	if err := g.Wait(); err != nil {
		return nil, false, err
	}
	return want, alike(want, then), nil
}

// alike compares what is done, not why.
func alike(a, b []simulation) bool {
	return slices.EqualFunc(a, b, func(x, y simulation) bool {
		return slices.Equal(x.actions, y.actions) && slices.Equal(x.transition, y.transition)
	})
}

// below lists the primitives in these elements, and those that are made from them as a template.
func below(doc *etree.Document, owners []*etree.Element) []string {
	var ids []string
	all := doc.FindElements("./cib/configuration/resources//primitive")
	for _, o := range owners {
		switch {
		case o == nil:
		case o.Tag == "primitive":
			ids = append(ids, attr(o, "id"))
		case o.Tag == "template":
			for _, p := range all {
				if attr(p, "template") == attr(o, "id") {
					ids = append(ids, attr(p, "id"))
				}
			}
		default: // a group, a clone, a bundle, or something that all inherit
			within := o.FindElements(".//primitive")
			if len(within) == 0 {
				within = all
			}
			for _, p := range within {
				ids = append(ids, attr(p, "id"))
			}
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// resourceOf is the resource whose operation an lrm_rsc_op tells, without the number of an instance.
func resourceOf(op *etree.Element) string {
	id, _, _ := strings.Cut(attr(op.Parent(), "id"), ":")
	return id
}

// foresee tells what a prediction from a record leaves open.
func (p *planner) foresee(pr reconcile.Prediction) reconcile.Prediction {
	w := p.have.Withheld
	switch {
	case w == nil || pr.Unavailable != "":
		return pr
	case w.Unforeseen != "":
		return reconcile.Prediction{Unavailable: w.Unforeseen, Unknown: pr.Unknown}
	}
	for _, id := range w.Blind {
		pr.Unknown = append(pr.Unknown, "whether a change of "+id+" needs no more than a reload: the snapshot leaves out its password")
	}
	return pr
}
