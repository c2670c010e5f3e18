package corosync

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestConfCorpus(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/corpus/corosync/*.conf")
	if len(files) == 0 {
		t.Skip("NOT TESTED: the corpus of corosync.conf files is not here")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ParseConf(string(b))
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if got := c.Print(); got != string(b) {
			t.Errorf("%s:\n%s", f, cmp.Diff(string(b), got))
		}
		if len(c.fields()) < 8 {
			t.Errorf("%s: only %d fields", f, len(c.fields()))
		}
	}
}

// drawConf makes any text that corosync would read.
func drawConf(t *rapid.T) string {
	var b strings.Builder
	space := rapid.StringMatching(`[ \t]{0,3}`)
	word := rapid.StringMatching(`[a-z_]{1,8}`)
	value := rapid.StringMatching(`[a-z0-9:./_ -]{0,12}`)
	var section func(depth int)
	section = func(depth int) {
		for range rapid.IntRange(0, 4).Draw(t, "lines") {
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				b.WriteString(space.Draw(t, "s") + "#" + value.Draw(t, "v") + "{:}\n")
			case 1:
				b.WriteString(space.Draw(t, "s") + "\n")
			case 2:
				if depth < 3 {
					b.WriteString(space.Draw(t, "s") + word.Draw(t, "w") + space.Draw(t, "s") + "{" + space.Draw(t, "s") + "\n")
					section(depth + 1)
					b.WriteString(space.Draw(t, "s") + "}" + space.Draw(t, "s") + "\n")
				}
			default:
				if depth > 0 {
					b.WriteString(space.Draw(t, "s") + word.Draw(t, "w") + space.Draw(t, "s") + ":" + space.Draw(t, "s") + value.Draw(t, "v") + "\n")
				}
			}
		}
	}
	section(0)
	s := b.String()
	if rapid.Bool().Draw(t, "cut") {
		s = strings.TrimSuffix(s, "\n")
	}
	return s
}

func TestConfPrintsWhatItRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawConf(t)
		c, err := ParseConf(s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if got := c.Print(); got != s {
			t.Fatalf("read %q, printed %q", s, got)
		}
		if got := c.clone().Print(); got != s {
			t.Fatalf("the clone of %q prints %q", s, got)
		}
	})
}

// What is set is read back, everything else stays, and taking it out again leaves the same options.
func TestConfSetAndRemove(t *testing.T) {
	paths := rapid.SampledFrom([]string{"totem.token", "totem.interface[1].knet_link_priority", "quorum.two_node", "quorum.device.net.host",
		"nodelist.node[7].ring0_addr", "logging.logger_subsys[QUORUM].debug"})
	rapid.Check(t, func(t *rapid.T) {
		c, err := ParseConf(drawConf(t))
		if err != nil {
			t.Fatal(err)
		}
		before, path := c.fields(), paths.Draw(t, "path")
		c.setField(path, "17")
		again, err := ParseConf(c.Print())
		if err != nil {
			t.Fatal(err)
		}
		after := again.fields()
		if after[path] != "17" {
			t.Fatalf("%s is %q in\n%s", path, after[path], c.Print())
		}
		for p, v := range before {
			if after[p] != v {
				t.Fatalf("%s was %q and is %q", p, v, after[p])
			}
		}
		again.removeField(path)
		if d := difference(before, again.fields()); len(d) > 0 && before[path] == "" {
			t.Fatalf("left over: %v", d)
		}
	})
}

func FuzzConf(f *testing.F) {
	f.Add("totem {\n\tversion: 2\n}\n")
	f.Add("# c\nnodelist {\n node {\n  ring0_addr: fe80::1\n }\n}")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseConf(s)
		if err != nil {
			return
		}
		if got := c.Print(); got != s {
			t.Errorf("read %q, printed %q", s, got)
		}
	})
}

func TestConfRefuses(t *testing.T) {
	for _, x := range []struct{ text, says string }{
		{"totem {\n", `section "totem" is not closed`},
		{"token: 1\n", "line 1: option \"token\" outside of a section"},
		{"totem {\n}\n}\n", "line 3: unexpected }"},
		{"totem {\n token\n}\n", "line 2: neither an option nor a section"},
		{"totem { token: 1\n}\n", "line 1: a section begins"},
		{"# " + strings.Repeat("x", 600) + "\n", "longer than the 510 bytes"},
	} {
		if _, err := ParseConf(x.text); err == nil || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%q: %v, want %q", x.text, err, x.says)
		}
	}
}

func TestSameValue(t *testing.T) {
	for _, x := range []struct {
		path, a, b string
		same       bool
	}{
		{"logging.to_syslog", "yes", "on", true}, {"logging.to_syslog", "yes", "no", false}, {"logging.debug", "yes", "on", false},
		{"totem.token", "03", "3", true}, {"totem.token", "3", "4", false}, {"totem.cluster_name", "03", "3", false},
		{"nodelist.node[1].ring0_addr", "fe80:0::1", "fe80::1", true}, {"nodelist.node[1].ring0_addr", "10.0.0.1", "10.0.0.2", false},
		{"quorum.two_node", "1", "yes", false},
	} {
		if got := sameValue(x.path, x.a, x.b); got != x.same {
			t.Errorf("%s: %q and %q: %v", x.path, x.a, x.b, got)
		}
	}
}
