package cib

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// corpusFiles are the CIBs that import is proved on: real ones and the scheduler's cases, or those in the folder that HACTL_CORPUS names.
func corpusFiles(t testing.TB) []string {
	t.Helper()
	files := seedFiles()
	if len(files) == 0 {
		t.Skip("NOT TESTED: import of real CIBs, because there are none in ../../../shared/corpus or HACTL_CORPUS")
	}
	return files
}

func seedFiles() (files []string) {
	globs := []string{"../../../shared/corpus/scheduler/*.xml", "../../../shared/corpus/cib/*.xml"}
	if dir := os.Getenv("HACTL_CORPUS"); dir != "" {
		globs = []string{filepath.Join(dir, "*.xml"), filepath.Join(dir, "*", "*.xml")}
	}
	for _, g := range globs {
		found, _ := filepath.Glob(g)
		files = append(files, found...)
	}
	return files
}

// secretsOf answers the references of manifests with what was imported.
func secretsOf(m *v1.Manifests, found []reconcile.ImportedSecret) reconcile.Secrets {
	byFile := map[string]reconcile.Text{}
	for _, s := range found {
		byFile[s.File] = s.Value
	}
	values := answers{}
	for _, u := range m.Secrets() {
		values[answerKey{u.Object.Kind, u.Object.Metadata.Name, u.Path}] = byFile[u.Ref.File]
	}
	return values
}

type answerKey struct{ kind, name, path string }

type answers map[answerKey]reconcile.Text

func (a answers) Value(o *v1.Object, path string) reconcile.Text {
	return a[answerKey{o.Kind, o.Metadata.Name, path}]
}

// proof is what came out for one CIB.
type proof struct {
	file     string
	verified bool     // crm_verify takes it
	lost     []string // what import told as lost
	failed   []string // what differs, by proof: (a) to (d)
	// simulated tells that the scheduler took both.
	simulated bool
}

// Importing a CIB and rendering what was imported loses and changes nothing: (a) the scheduler does the same with both, (b) they are equal in
// the canonical form, (c) a plan against the original only takes over, (d) the YAML of the manifests says the same.
func TestCorpus(t *testing.T) {
	files := corpusFiles(t)
	if testing.Short() {
		files = files[:min(40, len(files))]
	}
	proofs := make([]proof, len(files))
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for i, f := range files {
		g.Go(func() error {
			proofs[i] = prove(f)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	all, simulated, verified, passed, passedVerified := len(proofs), 0, 0, 0, 0
	for _, p := range proofs {
		ok := len(p.failed) == 0 && len(p.lost) == 0
		if ok {
			passed++
		}
		if p.simulated {
			simulated++
		}
		if p.verified {
			verified++
			if ok {
				passedVerified++
			}
		}
		// What crm_verify refuses may lose something, but never without a word.
		if p.verified && !ok || len(p.failed) > 0 {
			t.Errorf("%s (crm_verify takes it: %t):\n%s", p.file, p.verified, strings.Join(append(p.lost, p.failed...), "\n"))
		} else if !ok {
			t.Logf("%s, which crm_verify refuses:\n%s", p.file, strings.Join(p.lost, "\n"))
		}
	}
	t.Logf("%d of %d CIBs that crm_verify takes pass everything; of all %d of %d; the scheduler took %d, with what was rendered of them",
		passedVerified, verified, passed, all, simulated)
}

func prove(file string) (p proof) {
	text, err := os.ReadFile(file)
	if err != nil {
		return proof{file: file, failed: []string{err.Error()}}
	}
	p, original, rendered := proveOffline(string(text))
	p.file = filepath.Base(file)
	p.verified = exec.Command("crm_verify", "--xml-file", file).Run() == nil
	if len(p.lost) == 0 && rendered != nil {
		p.simulated, err = sameTransition(original, rendered)
		if err != nil {
			p.failed = append(p.failed, fmt.Sprintf("(a) %v", err))
		}
	}
	return p
}

// proveOffline proves all but (a), which asks the scheduler.
func proveOffline(text string) (p proof, original, rendered *etree.Document) {
	fail := func(format string, args ...any) { p.failed = append(p.failed, fmt.Sprintf(format, args...)) }
	d := New("default")
	have := State{CIB: XML(text)}
	m := &v1.Manifests{}
	secrets, err := d.Import(have, m)
	if err != nil {
		fail("import: %v", err)
		return p, nil, nil
	}
	for _, o := range m.Objects() {
		for _, c := range o.Comments {
			if c.Lost {
				p.lost = append(p.lost, fmt.Sprintf("%s/%s %s: %s", o.Kind, o.Metadata.Name, c.Path, c.Text))
			}
		}
	}
	loaded, err := throughYAML(m)
	if err != nil {
		fail("(d) %v", err)
		return p, nil, nil
	}
	if diff := cmp.Diff(jsonLines(v1.Canonical(m)), jsonLines(v1.Canonical(loaded))); diff != "" {
		fail("(d) the YAML says something else (-imported +loaded):\n%s", diff)
	}
	want, err := d.Desired(loaded, secretsOf(loaded, secrets))
	if err != nil {
		fail("desired: %v", err)
		return p, nil, nil
	}
	if steps, err := d.Plan(want, read(want, text)); err != nil {
		fail("(c) plan: %v", err)
	} else if surprises := notAdopting(steps); len(surprises) > 0 {
		fail("(c) the plan does not only take over:\n%s", strings.Join(surprises, "\n"))
	}
	files, err := d.Render(want, State{})
	if err != nil || len(files) != 1 {
		fail("render: %v", err)
		return p, nil, nil
	}
	original, rendered = etree.NewDocument(), etree.NewDocument()
	if err := errorsOf(original.ReadFromString(text), rendered.ReadFromString(files[0].File.Content.Reveal())); err != nil {
		fail("%v", err)
		return p, nil, nil
	}
	trim(original.Root())
	trim(rendered.Root())
	if diff := cmp.Diff(canonicalCIB(original), canonicalCIB(rendered)); diff != "" && len(p.lost) == 0 {
		fail("(b) the configuration differs (-original +rendered):\n%s", diff)
	}
	return p, original, rendered
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// read is observed for a CIB that may have no nodes.
func read(want State, cib string) State {
	if len(want.Members) == 0 {
		return State{Cluster: want.Cluster, CIB: XML(cib)}
	}
	return observed(want, cib)
}

// throughYAML writes manifests and loads them again.
func throughYAML(m *v1.Manifests) (*v1.Manifests, error) {
	var b bytes.Buffer
	if err := v1.WriteYAML(&b, m.All()); err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	sets, err := v1.Load([]v1.File{{Name: "imported.yaml", Data: b.Bytes()}})
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return sets[0], nil
}

func jsonLines(m *v1.Manifests) []string {
	var lines []string
	for _, o := range m.All() {
		b, err := json.MarshalIndent(o, "", " ")
		if err != nil {
			return []string{err.Error()}
		}
		lines = append(lines, strings.Split(string(b), "\n")...)
	}
	return lines
}

// notAdopting lists the changes that are more than taking over what is equal.
func notAdopting(steps []reconcile.Step) []string {
	var out []string
	for _, s := range steps {
		for _, c := range s.Changes {
			if c.Action != reconcile.Adopt || c.Risk != reconcile.Safe {
				out = append(out, fmt.Sprintf("%s: %s %s: %q to %q (%s)", c.Object, c.Action, c.Path, c.Have, c.Want, c.Risk))
			}
		}
	}
	return out
}

// sameTransition runs the scheduler on the original and on what was rendered, with the original's status and with what is nobody's
// configuration.
func sameTransition(original, rendered *etree.Document) (simulated bool, err error) {
	doc := splice(original, rendered)
	before, err1 := transition(original)
	after, err2 := transition(doc)
	switch {
	case err1 != nil && err2 != nil: // it takes neither
		return false, nil //nolint:nilerr // that is the same
	case err1 != nil || err2 != nil:
		return false, errors.Join(err1, err2)
	}
	if diff := cmp.Diff(before, after); diff != "" {
		return true, fmt.Errorf("does something else (-original +rendered):\n%s", diff)
	}
	return true, nil
}

// splice puts a rendered configuration in the place of the original's. Files of secrets are not there for the scheduler: the values of the
// original stand in for the references.
func splice(original, rendered *etree.Document) *etree.Document {
	doc := original.Copy()
	was := doc.Root().SelectElement("configuration")
	is := rendered.Root().SelectElement("configuration").Copy()
	at := was.Index()
	doc.Root().RemoveChild(was)
	doc.Root().InsertChildAt(at, is)
	dialectOf(original).inWords(is)
	clear := map[string]string{}
	key := func(nv *etree.Element) string {
		for el := nv.Parent(); el != nil; el = el.Parent() {
			if id := attr(el, "id"); id != "" && !slices.Contains(setTags, el.Tag) {
				return id + " " + attr(nv, "name")
			}
		}
		return ""
	}
	for _, nv := range was.FindElements("//nvpair") {
		if secretPair(nv) {
			clear[key(nv)] = attr(nv, "value")
		}
	}
	for _, nv := range is.FindElements("//nvpair") {
		if v := clear[key(nv)]; attr(nv, "value") == lrm && v != "" {
			nv.CreateAttr("value", v)
		}
	}
	sec := is.SelectElement("crm_config")
	bootstrap := sec.SelectElement("cluster_property_set")
	for _, set := range was.FindElements("./crm_config/cluster_property_set") {
		if atRunTime.MatchString(attr(set, "id")) {
			sec.AddChild(set.Copy())
			continue
		}
		for _, nv := range set.ChildElements() {
			if slices.Contains(pacemakersOwn, attr(nv, "name")) || atRunTime.MatchString(attr(nv, "name")) {
				bootstrap.AddChild(nv.Copy())
			}
		}
	}
	for _, n := range was.FindElements("./nodes/node") {
		for _, nv := range n.FindElements("./instance_attributes/nvpair") {
			if atRunTime.MatchString(attr(nv, "name")) {
				for _, m := range is.FindElements("./nodes/node") {
					if attr(m, "id") == attr(n, "id") {
						setIn(m, "instance_attributes", "nodes-"+attr(n, "id")).AddChild(nv.Copy())
					}
				}
			}
		}
	}
	return doc
}

var request = regexp.MustCompile(`request="[^"]*"`)

// transition is what the scheduler does with a CIB, line by line.
func transition(doc *etree.Document) ([]string, error) {
	text, err := doc.WriteToString()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp("", "hactl-*.xml")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	if _, err := f.WriteString(text); err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.Background(), "crm_simulate", "--xml-file", f.Name(), "--simulate", "--output-as=xml")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("crm_simulate: %w: %s", err, stderr.String())
	}
	return strings.Split(request.ReplaceAllString(string(out), ""), "\n"), nil
}
