package cib

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/beevik/etree"
	"pgregory.net/rapid"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/transport/local"
	"github.com/hactl/hactl/reconcile"
)

// cibFile is a machine on which Pacemaker's tools work on a file.
type cibFile struct {
	reconcile.Host
	path string
}

func (f cibFile) Name() string { return "n1" }

func (f cibFile) Run(ctx context.Context, c reconcile.Cmd) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Env = append(os.Environ(), "CIB_file="+f.path, "LC_ALL=C")
	cmd.Stdin = strings.NewReader(string(c.Stdin))
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return out, &reconcile.ExitError{Host: "n1", Argv: c.Argv, Code: cmd.ProcessState.ExitCode(), Stderr: []byte(stderr.String())}
	}
	return out, nil
}

// What is written is what is read, through Pacemaker's own tools: with the characters that mean something to XML, YAML or a shell and other
// alphabets, in parameters, descriptions and attributes of nodes. A second plan has nothing to do, and a changed value is seen. What Pacemaker
// would not keep is refused.
func TestValuesSurvivePacemaker(t *testing.T) {
	for _, tool := range []string{"cibadmin", "crm_verify"} {
		if !local.HasTool(tool) {
			t.Skipf("NOT TESTED: values through Pacemaker's tools: %s is not installed", tool)
		}
	}
	for _, value := range []string{"<a href='x'>&amp; & \"b\"</a>; $(id) `id` %s \\n ]]> <!-- --> {{x}} é 漢 🙂 ' >", " ", "  leading and trailing ", `"`, "'", "&lt;", "&#10;", "ü", "a\u2028b",
		"a\nb", "a\tb", "ü & b", "ü <", "ü\"x"} {
		throughPacemaker(t, t.TempDir(), value)
	}
	dir := t.TempDir()
	chars := rapid.OneOf(rapid.SampledFrom([]rune("<>&\"' ;#x")), rapid.SampledFrom([]rune("<>&\"' ;#xü漢🙂")))
	for seed := range 5 {
		throughPacemaker(t, dir, rapid.StringOfN(chars, 1, 12, -1).Example(seed))
	}
}

// Which values a Pacemaker keeps.
func TestWritable(t *testing.T) {
	const old, new = "3.16.1", "3.19.5"
	for _, c := range []struct {
		value, version, err string
	}{
		{"a < b & \"c\" 'd'", old, ""}, {"a & ü", old, ""}, {"ü > 'x'", old, ""}, {"Müller", old, ""},
		{"a\nb", old, "cannot keep a line break"}, {"a\tb", old, "cannot keep a line break"},
		{"ü & b", old, "writes broken XML"}, {"ü <", old, "writes broken XML"}, {`ü" is-managed="false`, old, "writes broken XML"},
		{"a\nb", new, ""}, {"ü & b", new, ""}, {"a\nb", "3.19.0", "cannot keep"}, {"a\nb", "3.20.0", ""}, {"a\nb", "", "cannot keep"},
	} {
		want := desired(t, head+"kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", params: {fake: "+fmt.Sprintf("%q", c.value)+"}}\n")
		have := observed(want, strings.Replace(live("pacemaker-3.9", "", "", ""), "3.16.1", c.version, 1))
		_, err := New("default").Plan(want, have)
		switch {
		case c.err == "" && err != nil, c.err != "" && (err == nil || !strings.Contains(err.Error(), "m.yaml:10:") || !strings.Contains(err.Error(), c.err)):
			t.Errorf("%q under %s: %v, want %q", c.value, c.version, err, c.err)
		}
	}
}

func throughPacemaker(t *testing.T, dir, value string) {
	t.Helper()
	manifest := func(value string) string {
		v := fmt.Sprintf("%q", value) // YAML reads the escapes of Go's that are used here
		return strings.Replace(head, "addresses: [10.77.0.1]}", "addresses: [10.77.0.1], attributes: {note: "+v+"}}", 1) +
			"kind: Resource\nmetadata: {name: A}\nspec: {agent: \"ocf:pacemaker:Dummy\", description: " + v + ", params: {fake: " + v + "}}\n"
	}
	d := New("default")
	state := func(value string) State {
		ms, err := v1.Load([]v1.File{{Name: "m.yaml", Data: []byte(manifest(value))}})
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		want, err := d.Desired(ms[0], secretValues(""))
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		return want
	}
	h := cibFile{path: filepath.Join(dir, "cib.xml")}
	if err := os.WriteFile(h.path, []byte(strings.Replace(fresh, `<node id="3" uname="n3"/>`, "", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func() string {
		out, err := h.Run(context.Background(), reconcile.Cmd{Argv: query})
		if err != nil {
			b, _ := os.ReadFile(h.path)
			t.Fatalf("%q: %v\n%s", value, err, b)
		}
		return string(out)
	}
	want := state(value)
	plan := func() []reconcile.Step {
		ss, err := d.Plan(want, observed(want, read()))
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		return ss
	}
	carry := func() {
		p := patchOf(plan())
		if p == nil {
			t.Fatalf("%q: nothing to do", value)
		}
		if err := p.Do(context.Background(), h, func(reconcile.Progress) {}); err != nil {
			t.Fatalf("%q: %v", value, err)
		}
	}
	check := func(value string) {
		doc, err := parse(read())
		if err != nil {
			t.Fatalf("%q: %v", value, err)
		}
		for _, at := range []struct{ path, attr string }{{"//primitive[@id='A']", "description"}, {"//primitive//nvpair[@name='fake']", "value"}, {"//node//nvpair[@name='note']", "value"}} {
			el := doc.FindElement(at.path)
			if el == nil || el.SelectAttrValue(at.attr, "") != value {
				t.Fatalf("%s: %q was written, read is %s", at.path, value, elementText(el))
			}
		}
		if ss := plan(); len(ss) > 0 {
			t.Fatalf("%q: the second plan is not empty: %+v\n%s", value, ss, read())
		}
	}
	if mangled(value) != "" {
		if _, err := d.Plan(want, observed(want, read())); err == nil {
			t.Fatalf("%q is not refused", value)
		}
		return
	}
	carry() // made
	check(value)
	want = state(value + "+")
	carry() // changed
	check(value + "+")
}

func elementText(el *etree.Element) string {
	if el == nil {
		return "nothing"
	}
	return source(el)
}
