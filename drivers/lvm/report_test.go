package lvm

import (
	"fmt"
	"os"
	"strings"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
)

// The states that the real tools were recorded in.
func TestReports(t *testing.T) {
	for _, c := range []struct {
		state  string
		groups string // name(disks, volumes)
		loose  int
	}{
		{"blank", "[]", 0}, {"pv", "[]", 1}, {"vg", "[vg0(2,[])]", 0}, {"lv", "[vg0(2,[data rest])]", 0}, {"thin", "[vg0(2,[data pool rest thin])]", 0},
		{"missing-pv", "[vg_part(2,[span])]", 0}, {"partition", "[vg_part(1,[])]", 0},
	} {
		b, err := os.ReadFile("testdata/recorded/" + c.state + "/node1/fullreport.out")
		if err != nil {
			t.Fatal(err)
		}
		groups, loose, err := parseReport(b)
		if err != nil {
			t.Errorf("%s: %v", c.state, err)
			continue
		}
		got := []string{}
		for _, g := range groups {
			names := []string{}
			for _, v := range g.Volumes {
				names = append(names, v.Name)
			}
			got = append(got, fmt.Sprintf("%s(%d,%v)", g.Name, len(g.Disks), names))
			if missing := g.trouble() != ""; missing != (c.state == "missing-pv") {
				t.Errorf("%s: trouble is %q", c.state, g.trouble())
			}
		}
		if fmt.Sprint(got) != c.groups || len(loose) != c.loose {
			t.Errorf("%s: %v and %d loose, want %s and %d", c.state, got, len(loose), c.groups, c.loose)
		}
	}
	if _, _, err := parseReport([]byte(`{"report":[{"vg":[{"vg_name":"a","vg_extent_size":"4.00m"}]}]}`)); err == nil || !strings.Contains(err.Error(), "--units b") {
		t.Errorf("sizes with a unit: %v", err)
	}
}

func TestSize(t *testing.T) {
	for s, want := range map[string]int64{"100": 100 << 20, "1k": 1024, "1.5G": 3 << 29, "3s": 1536, "7b": 7, "2T": 2 << 40, "0.1k": 103} {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%s: %d %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "x", "1e3", "-1", "0", "1/2", "9999999999E"} {
		if n, err := parseSize(s); err == nil {
			t.Errorf("%q is %d", s, n)
		}
	}
	for _, n := range []int64{1, 4096, 5 << 20, 3 << 30, 7 << 40, 3<<30 + 1} {
		if back, err := parseSize(formatSize(n)); err != nil || back != n {
			t.Errorf("%d is written %s and read %d (%v)", n, formatSize(n), back, err)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"report":[{"vg":[{"vg_name":"a"}],"pv":[],"lv":[{"lv_name":"x","lv_size":"1"}]}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := FromReport("n1", b); err == nil {
			into := &v1.Manifests{Cluster: &v1.Cluster{}}
			if _, err := New("").Import(s, into); err != nil {
				t.Error(err)
			}
			New("").Status(s)
		}
	})
}
