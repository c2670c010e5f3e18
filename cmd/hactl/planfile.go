package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/drbd"
	"github.com/hactl/hactl/reconcile"
)

// planFileVersion is the version of a saved plan's form.
const planFileVersion = "hactl/planfile/v1"

// planFile is a plan that was saved, with what it was made from. Secrets are only referred to. Nothing in it is ever carried out: apply plans
// again, from its manifests, and compares.
type planFile struct {
	Version string `json:"version"`
	Hactl   string `json:"hactl"`
	Cluster string `json:"cluster"`
	Owner   string `json:"owner"`
	// Prune tells that it deletes what the manifests tell no more.
	Prune bool `json:"prune,omitempty"`
	// Discard are the victims of split brains that it ends.
	Discard []drbd.Victim `json:"discard,omitempty"`
	// Selector chose from the manifests.
	Selector string    `json:"selector,omitempty"`
	MadeAt   time.Time `json:"madeAt"`
	// Manifests are the files as they were read.
	Manifests []savedManifest `json:"manifests"`
	// Plan is the plan's JSON form (reconcile.PlanVersion).
	Plan json.RawMessage `json:"plan"`
	// SHA256 is of all the rest, so that a damaged file is told from a cluster that moved.
	SHA256 string `json:"sha256"`
}

type savedManifest struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Text   string `json:"text"`
}

func newPlanFile(p *reconcile.Plan, files []v1.File, a *app) (planFile, error) {
	f := planFile{Version: planFileVersion, Hactl: programVersion(), Cluster: p.Cluster, Owner: a.owner, Prune: a.prune, Discard: a.discard, Selector: a.selector,
		MadeAt: time.Now().UTC().Truncate(time.Second)}
	for _, m := range files {
		f.Manifests = append(f.Manifests, savedManifest{m.Name, digest(m.Data), string(m.Data)})
	}
	var err error
	if f.Plan, err = json.Marshal(p); err != nil {
		return f, err
	}
	f.SHA256, err = f.digest()
	return f, err
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (f planFile) digest() (string, error) {
	f.SHA256 = ""
	b, err := json.Marshal(f)
	return digest(b), err
}

// readPlanFile reads what plan --out wrote, and refuses what is damaged or of another version.
func (a *app) readPlanFile(ctx context.Context, path string) (*planFile, error) {
	r, err := a.record(ctx, path, maxSnapshot)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(r.data), []byte("{")) {
		return nil, fmt.Errorf("%s: is no plan file; hactl plan --out makes one, and manifests are named with -f", r.name)
	}
	var f planFile
	if err := decodeFile(r, "plan file", planFileVersion, &f); err != nil {
		return nil, err
	}
	if f.Hactl != programVersion() {
		return nil, fmt.Errorf("%s: was made by hactl %s, and this is %s, which may plan otherwise; make it anew with hactl plan --out", r.name, f.Hactl, programVersion())
	}
	if sum, err := f.digest(); err != nil || sum != f.SHA256 {
		return nil, fmt.Errorf("%s: was changed after it was made; make it anew with hactl plan --out", r.name)
	}
	for _, m := range f.Manifests {
		if digest([]byte(m.Text)) != m.SHA256 {
			return nil, fmt.Errorf("%s: the manifest %s in it was changed after it was made; make it anew with hactl plan --out", r.name, m.Name)
		}
	}
	return &f, nil
}

// manifests loads the manifests of the file. References to files of secrets are followed from where they stood: apply it in the same folder.
func (f *planFile) manifests() (*v1.Manifests, error) {
	files := make([]v1.File, len(f.Manifests))
	for i, m := range f.Manifests {
		files[i] = v1.File{Name: m.Name, Data: []byte(m.Text)}
	}
	sets, err := v1.Load(files)
	if err != nil {
		return nil, err
	}
	m, err := one(sets, "a plan file")
	if err == nil && m.Cluster.Metadata.Name != f.Cluster {
		err = fmt.Errorf("the plan file is of the cluster %q, and its manifests are of %q", f.Cluster, m.Cluster.Metadata.Name)
	}
	return m, err
}
