// Package hactl_test pins the layout: imports run one way.
package hactl_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/hactl/hactl/"

// mayImport says which of the module's own packages a folder's packages may import, by prefix, besides their own kind.
var mayImport = map[string][]string{
	"api/":               {"api/"},
	"api/lint":           {"api/v1", "schemas/agents"},
	"schemas":            {"api/", "schemas"},
	"reconcile":          {"api/v1", "reconcile"},
	"drivers/transport":  {"reconcile", "drivers/transport"},
	"drivers/system":     {"api/v1", "reconcile", "drivers/look", "drivers/atboot", "drivers/system", "drivers/marked"},
	"drivers/corosync":   {"api/v1", "reconcile", "drivers/look", "drivers/corosync", "drivers/system"},
	"drivers/cib":        {"api/v1", "reconcile", "drivers/cib", "drivers/corosync", "drivers/system", "drivers/drbd", "drivers/lvm", "drivers/iscsi", "schemas/agents"},
	"drivers/look":       {"reconcile"},
	"drivers/atboot":     {"reconcile"},
	"drivers/block":      {"api/v1", "reconcile", "drivers/look", "drivers/block", "drivers/system"},
	"drivers/iscsi":      {"api/v1", "reconcile", "drivers/look", "drivers/atboot", "drivers/iscsi", "drivers/chap", "drivers/block", "drivers/system", "drivers/marked"},
	"drivers/lvm":        {"api/v1", "reconcile", "drivers/look", "drivers/lvm", "drivers/block", "drivers/system", "drivers/marked", "drivers/iscsiinitiator"},
	"drivers/drbd":       {"api/v1", "reconcile", "drivers/look", "drivers/atboot", "drivers/drbd", "drivers/block", "drivers/system", "drivers/marked", "drivers/iscsiinitiator", "drivers/lvm"},
	"drivers":            {"api/v1", "reconcile", "drivers"},
	"cmd/hactl":          {"api/", "reconcile", "drivers", "schemas"},
	"test/":              {"test/"},
	"drivers/drivertest": {"api/v1", "reconcile", "drivers"},

	"reconcile/watch/watchtest": {"api/v1", "reconcile", "drivers"}, // a fixture: simulated clusters for the tests of what shows them
}

func TestImportsRunOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		pkg, ok := strings.CutPrefix(f[0], module)
		if !ok {
			continue // this package
		}
		longest := ""
		for prefix := range mayImport {
			if strings.HasPrefix(pkg, prefix) && len(prefix) > len(longest) {
				longest = prefix
			}
		}
		if longest == "" {
			t.Errorf("%s: no rule says what it may import", pkg)
			continue
		}
		for _, imp := range f[1:] {
			own, ok := strings.CutPrefix(imp, module)
			if ok && !slices.ContainsFunc(mayImport[longest], func(p string) bool { return strings.HasPrefix(own, p) }) {
				t.Errorf("%s must not import %s", pkg, own)
			}
		}
	}
}

// The core does no I/O: it knows machines only as the interface Host.
func TestCoreDoesNoIO(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}} {{join .Imports \" \"}}", "./reconcile", "./reconcile/view").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		for _, bad := range []string{"os", "os/exec", "net", "net/http", "golang.org/x/crypto/ssh"} {
			if slices.Contains(f[1:], bad) {
				t.Errorf("%s imports %s", f[0], bad)
			}
		}
	}
}
