package cib

import (
	"crypto/md5" //nolint:gosec // the checksum that Pacemaker checks (lib/common/cib_secrets.c), no protection
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/drivers/corosync"
	"github.com/hactl/hactl/reconcile"
)

// lrm is the value of a parameter that Pacemaker reads from a file on the node instead (cibsecret(8)).
const lrm = "lrm://"

// secretsDir holds RESOURCE/PARAM and RESOURCE/PARAM.sign, the md5 of the value.
const secretsDir = "/var/lib/pacemaker/lrm/secrets"

// maxSecret is the size of Pacemaker's buffer (lib/common/cib_secrets.c, MAX_VALUE_LEN).
const maxSecret = 1023

// unfit says why Pacemaker could not read a value back from its file: it cuts long ones and drops white space at the end.
func unfit(t reconcile.Text) string {
	s := t.Reveal()
	switch {
	case !t.Comparable():
		return ""
	case s == "":
		return "the secret is empty; Pacemaker reads no empty secret, leave the parameter out instead"
	case len(s) > maxSecret:
		return fmt.Sprintf("the secret has %d bytes; Pacemaker reads at most %d", len(s), maxSecret)
	case strings.TrimRight(s, " \t\r\n\v\f") != s:
		return "the secret ends in white space, which Pacemaker drops; remove it"
	case strings.ContainsAny(s, "\x00\n"):
		return "the secret holds a line break or a zero byte, which no agent can take; remove it"
	}
	return ""
}

func secretPath(rsc, param string) string { return path.Join(secretsDir, rsc, param) }

func signature(value string) string {
	h := md5.Sum([]byte(value)) //nolint:gosec // see above
	return hex.EncodeToString(h[:])
}

// storedSecrets reads the files of a member.
func storedSecrets(node string, files map[string]reconcile.File) []Secret {
	var found []Secret
	for p, f := range files {
		rest, ok := strings.CutPrefix(p, secretsDir+"/")
		rsc, param, ok2 := strings.Cut(rest, "/")
		if !ok || !ok2 || strings.HasSuffix(param, ".sign") || strings.HasSuffix(param, registrationSuffix) {
			continue
		}
		id, owner := decodeRegistration(files[p+registrationSuffix].Content.Reveal())
		value := strings.TrimRight(f.Content.Reveal(), " \t\r\n\v\f")
		sign, signed := files[p+".sign"]
		found = append(found, Secret{Node: node, Resource: rsc, Param: param, Value: reconcile.Secret(value),
			Signed:  signed && strings.HasPrefix(strings.TrimSpace(sign.Content.Reveal()), signature(value)),
			Private: f.Mode&0o077 == 0 && strings.HasPrefix(f.Owner, "root:"), ID: id, Owner: owner})
	}
	return found
}

// planSecrets makes a step for each member that lacks a value: the files must be on all members before the CIB refers to them.
func (p *planner) planSecrets() (steps []reconcile.Step, needs []reconcile.Ref, pending string) {
	if p.have.Recorded { // what lies on the members is not known
		return nil, nil, ""
	}
	for _, m := range p.want.Members {
		have := p.have.member(m.Name)
		var changes []reconcile.Change
		var ops []reconcile.Op
		var why string
		for _, s := range p.want.Secrets {
			action, known := p.secretAction(m.Name, s)
			if have != nil && have.Runs == Unreachable {
				action = reconcile.Create
				why = "cannot be written to a node that does not answer, and a secret must be on all members: " + have.Why
			}
			if action == "" {
				continue
			}
			ref := secretRef(m.Name, s.Resource, s.Param)
			changes = append(changes, reconcile.Change{Object: ref, Action: action, Path: "value", Have: maskIf(action == reconcile.Update),
				Want: reconcile.Mask, Source: s.Source})
			needs = append(needs, ref)
			if !known && why == "" {
				why = "the value of a secret is not known here"
			}
			at := secretPath(s.Resource, s.Param)
			mark := encodeRegistration(p.registration(s), p.want.Owner)
			ops = append(ops, // the mark first, so that a crash after any of these is seen by the next run
				reconcile.Write{Path: at + registrationSuffix, File: reconcile.File{Content: reconcile.Plain(mark), Mode: 0o600, Owner: "root:root"}},
				reconcile.Write{Path: at, File: reconcile.File{Content: s.Value, Mode: 0o600, Owner: "root:root"}},
				reconcile.Write{Path: at + ".sign", File: reconcile.File{Content: reconcile.Secret(signature(s.Value.Reveal()) + "\n"), Mode: 0o600, Owner: "root:root"}})
		}
		if len(changes) == 0 {
			continue
		}
		st := reconcile.Step{ID: "cib " + m.Name + " secrets", Host: m.Name, Changes: changes, Ops: ops}
		if have == nil || have.Runs == NotInstalled || have.Runs == "" || !p.have.formed() {
			if why == "" {
				why = "known after Pacemaker runs"
			}
			if !p.have.formed() {
				st.Needs = []reconcile.Ref{corosync.Formed(p.want.Cluster)}
			}
		}
		if why != "" {
			st.Ops, st.Pending = nil, why
			pending = fmt.Sprintf("waits for secrets on %s: %s", m.Name, why)
		}
		steps = append(steps, st)
	}
	return steps, needs, pending
}

func maskIf(b bool) string {
	if b {
		return reconcile.Mask
	}
	return ""
}

// secretAction says what a wanted secret needs on a node: "" nothing. known is false where its value is not known.
func (p *planner) secretAction(node string, s Secret) (a reconcile.Action, known bool) {
	if h := p.storedSecret(node, s.Resource, s.Param); h != nil {
		if !s.Value.Comparable() || !h.Value.Comparable() {
			p.note(reconcile.Note{Kind: reconcile.NoteWarning, Object: s.Object, Path: "params." + s.Param, Source: s.Source,
				Text: "the secret is not compared: its value is not known here"})
			return "", false
		}
		if s.Value.Equal(h.Value) && h.Signed && h.Private {
			return "", true
		}
		return reconcile.Update, true
	}
	return reconcile.Create, s.Value.Comparable()
}

// storedSecret is the secret that was found on a node, or nil.
func (p *planner) storedSecret(node, rsc, param string) *Secret {
	if p.stored == nil {
		p.stored = make(map[[3]string]*Secret, len(p.have.Secrets))
		for i := range p.have.Secrets {
			h := &p.have.Secrets[i]
			p.stored[[3]string{h.Node, h.Resource, h.Param}] = h
		}
	}
	return p.stored[[3]string{node, rsc, param}]
}

// rotate makes Pacemaker read a changed secret of a fence device. pacemaker-fenced keeps a secret that it has read once until it
// registers the device anew, which any change of the device in the CIB makes it do (seen on 2.1.5: the old password was used for as long as
// one looked). So the parameter that refers to the secret gets a new id, which means nothing and restarts nothing. Other resources
// read their secrets for each operation.
func (p *planner) rotate(o Object) {
	if o.Fence == nil || !p.have.formed() {
		return
	}
	for _, s := range p.want.Secrets {
		if s.Resource != o.Ref.Name {
			continue
		}
		nv, id := p.secretPair(s), p.registration(s)
		if id == "" || p.work.find(attr(nv, "id")) == nil {
			continue
		}
		fresh := nv.Copy()
		fresh.CreateAttr("id", id)
		p.pinElement(p.live.findIn("resources", o.Ref.Name), o.Ref)
		p.do(Edit{Do: create, At: address(nv.Parent()), After: attr(nv, "id"), XML: Fragment(source(fresh))})
		p.do(Edit{Do: remove, At: address(nv)})
		p.change(&o, reconcile.Update, "params."+s.Param, reconcile.Mask, reconcile.Mask, reconcile.ReloadRisk, "the fence device is registered anew with its changed secret")
		p.await(o.Ref.Name)
		if !slices.ContainsFunc(p.probes, func(x Object) bool { return x.Ref == o.Ref }) { // another change of it may have asked for one
			p.probes = append(p.probes, o)
		}
	}
}

// registrationSuffix names the file beside a secret that says who wrote it, and, of a fence device's changed secret, the id that its nvpair
// gets. The CIB changes after the files: while it has another id there, the fencer still uses the old value, and the next run goes on.
const registrationSuffix = ".hactl"

func encodeRegistration(id, owner string) string { return id + "\nowner=" + owner + "\n" }

func decodeRegistration(s string) (id, owner string) {
	id, rest, _ := strings.Cut(s, "\n")
	owner, _ = strings.CutPrefix(strings.TrimSpace(rest), "owner=")
	return strings.TrimSpace(id), owner
}

// registration is the id that the nvpair of a changed secret of a fence device must get, "" where it has it or nothing changed.
func (p *planner) registration(s Secret) string {
	key := s.Resource + "/" + s.Param
	id, ok := p.registered[key]
	if !ok {
		id = p.newRegistration(s)
		p.registered[key] = id
	}
	return id
}

func (p *planner) newRegistration(s Secret) string {
	nv := p.secretPair(s)
	if nv == nil || s.Object.Kind != FenceDevice("").Kind || !p.have.formed() {
		return ""
	}
	for _, h := range p.have.Secrets {
		if h.Resource == s.Resource && h.Param == s.Param && h.ID != "" && h.ID != attr(nv, "id") {
			return h.ID
		}
	}
	changed := false
	for _, m := range p.want.Members {
		a, known := p.secretAction(m.Name, s)
		changed = changed || a == reconcile.Update && known
	}
	if !changed {
		return ""
	}
	return p.uniqueID(s.Resource + "-instance_attributes-" + s.Param)
}

// secretPair is the nvpair in the live CIB that refers to a secret.
func (p *planner) secretPair(s Secret) *etree.Element {
	live := p.live.findIn("resources", s.Resource)
	if live == nil {
		return nil
	}
	for _, nv := range live.FindElements("./instance_attributes/nvpair") {
		if attr(nv, "name") == s.Param && attr(nv, "value") == lrm {
			return nv
		}
	}
	return nil
}
