package conf

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// drbdadm asks the real one to read a text for a dialect, on a machine that is none of the hosts.
type drbdadm struct {
	path string
	dir  string
}

func newDrbdadm(t testing.TB) *drbdadm {
	t.Helper()
	path, err := exec.LookPath("drbdadm")
	if err != nil {
		path = "/usr/sbin/drbdadm"
	}
	if _, err := os.Stat(path); err != nil {
		t.Skip("NOT TESTED: drbdadm is not here (apt-get install --no-install-recommends drbd-utils)")
	}
	return &drbdadm{path: path, dir: t.TempDir()}
}

// run gives what a command of drbdadm prints without comments and places, and whether it accepts the text.
func (a *drbdadm) run(t testing.TB, d Dialect, command, text string) (out, complaint string, ok bool) {
	t.Helper()
	file := filepath.Join(a.dir, "x.res")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(a.path, "-c", file, command)
	c.Env = append(os.Environ(), "__DRBD_NODE__=nobody", "DRBD_DRIVER_VERSION_OVERRIDE="+map[Dialect]string{V84: "8.4.11", V9: "9.1.13"}[d])
	var stderr bytes.Buffer
	c.Stderr = &stderr
	b, err := c.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") && !strings.Contains(line, "<config file=") {
			lines = append(lines, placeRE.ReplaceAllString(line, ""))
		}
	}
	return strings.Join(lines, ""), noiseRE.ReplaceAllString(stderr.String(), ""), err == nil
}

var (
	placeRE = regexp.MustCompile(` conf-file-line="[^"]*"`)
	noiseRE = regexp.MustCompile(`(?m)^(modinfo:.*|   found __DRBD_NODE__.*|   PRETENDING.*|)\n`)
)

// configs are the tests' own files, the corpus, and what drbd-utils installs.
func configs(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, glob := range []string{"testdata/*.res", "../../../../shared/corpus/drbd/*.res", "/usr/share/doc/drbd-utils/examples/*"} {
		files, _ := filepath.Glob(glob)
		if len(files) == 0 {
			t.Logf("NOT TESTED: there is nothing at %s", glob)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.Base(f)] = string(b)
		}
	}
	return out
}

func mustParse(t testing.TB, name, text string) *Config {
	t.Helper()
	c, err := Parse(name, []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What drbdadm reads from the printed text is what it reads from the original.
func TestDumpOfPrinted(t *testing.T) {
	adm := newDrbdadm(t)
	for name, text := range configs(t) {
		accepted := 0
		for _, d := range []Dialect{V84, V9} {
			want, complaint, ok := adm.run(t, d, "dump", text)
			if !ok {
				t.Logf("%s: %s refuses it: %s", name, d, complaint)
				continue
			}
			accepted++
			wantXML, _, _ := adm.run(t, d, "dump-xml", text)
			c := mustParse(t, name, text)
			if err := c.Check(d); err != nil {
				t.Errorf("%s: %s: drbdadm accepts it, but: %v", name, d, err)
			}
			printed, err := c.Write(d)
			if err != nil {
				t.Errorf("%s: %s: %v", name, d, err)
				continue
			}
			got, complaint, ok := adm.run(t, d, "dump", printed)
			if !ok {
				t.Errorf("%s: %s refuses what was printed: %s\n%s", name, d, complaint, printed)
				continue
			}
			if diff := lineDiff(want, got); diff != "" {
				t.Errorf("%s: %s: dump:\n%s", name, d, diff)
			}
			if gotXML, _, _ := adm.run(t, d, "dump-xml", printed); gotXML != wantXML {
				t.Errorf("%s: %s: dump-xml:\n%s", name, d, lineDiff(wantXML, gotXML))
			}
		}
		if accepted == 0 {
			t.Errorf("%s: no dialect of drbdadm reads it", name)
		}
	}
}

// The words of one text that are not in the other, which is enough for people.
func lineDiff(a, b string) string {
	if a == b {
		return ""
	}
	x, y := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(x), len(y)) {
		var l, r string
		if i < len(x) {
			l = x[i]
		}
		if i < len(y) {
			r = y[i]
		}
		if l != r {
			return "- " + l + "\n+ " + r + "\n(and maybe more)"
		}
	}
	return cmp.Or(a, b)
}

// options.txt is what drbdsetup says.
func TestOptionsAreDrbdsetups(t *testing.T) {
	newDrbdadm(t)
	option := regexp.MustCompile(`(?s)<option name="([^"]+)" type="([^"]+)">(.*?)</option>`)
	tag := regexp.MustCompile(`<(min|max|unit_prefix|handler|symbol)>([^<]*)<`)
	for _, x := range []struct {
		d                         Dialect
		program, command, section string
	}{
		{V9, "/usr/sbin/drbdsetup", "net-options", "net"}, {V9, "/usr/sbin/drbdsetup", "new-peer", "net"},
		{V9, "/usr/sbin/drbdsetup", "attach", "disk"}, {V9, "/usr/sbin/drbdsetup", "peer-device-options", "peer"},
		{V9, "/usr/sbin/drbdsetup", "new-resource", "options"},
		{V84, "/lib/drbd/drbdsetup-84", "connect", "net"}, {V84, "/lib/drbd/drbdsetup-84", "attach", "disk"},
		{V84, "/lib/drbd/drbdsetup-84", "resource-options", "options"},
	} {
		out, err := exec.Command(x.program, "xml-help", x.command).Output()
		if len(out) == 0 {
			t.Logf("NOT TESTED: %s: %v", x.program, err)
			continue
		}
		for _, m := range option.FindAllStringSubmatch(string(out), -1) {
			name, typ := m[1], m[2]
			if typ == "address" || name == "set-defaults" || x.d == V84 && (name == "discard-my-data" || name == "tentative") {
				continue
			}
			def := lookup(x.d, x.section, name)
			if def == nil {
				t.Errorf("%s: %s: %s is not in options.txt", x.d, x.section, name)
				continue
			}
			var have []string
			for _, v := range tag.FindAllStringSubmatch(m[3], -1) {
				have = append(have, v[2])
			}
			if name == "resync-after" { // a resource's name in drbd.conf, a minor number for drbdsetup
				continue
			}
			if strings.HasPrefix(typ, "numeric") {
				if typ == "numeric-or-symbol" { // these have no unit
					have = append([]string{have[0], have[1], "1"}, have[2:]...)
				}
				if n, ok := units(have[0]+strings.Trim(have[2], "1"), 1); !strings.HasPrefix(have[0], "-") && (!ok || n != def.least*def.unit) {
					t.Errorf("%s: %s: %s from %d, drbdsetup says %v", x.d, x.section, name, def.least, have)
				}
				if n, ok := units(have[1], 1); !ok || n != def.most {
					t.Errorf("%s: %s: %s up to %d, drbdsetup says %v", x.d, x.section, name, def.most, have)
				}
				have = have[3:]
			}
			if strings.Join(have, " ") != strings.Join(def.words, " ") {
				t.Errorf("%s: %s: %s is one of %v, drbdsetup says %v", x.d, x.section, name, def.words, have)
			}
		}
	}
}
