package conf

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const host = `device minor 1; disk /dev/x; meta-disk internal; `

// The same meaning, written in other ways.
func TestEqual(t *testing.T) {
	two := "on a { " + host + "address 10.0.0.1:7; } on b { " + host + "address 10.0.0.2:7; }"
	for _, x := range []struct {
		name, a, b string
		only       Dialect
	}{
		{"minor and device", "resource r { " + two + " }", "resource r { " + strings.ReplaceAll(two, "device minor 1", "device /dev/drbd1") + " }", 0},
		{"short device", "resource r { " + two + " }", "resource r { " + strings.ReplaceAll(two, "device minor 1", "device drbd1 minor 1") + " }", 0},
		{"from the resource", "resource r { " + two + " }", "resource r { " + host + "on a { address 10.0.0.1:7; } on b { address 10.0.0.2:7; } }", 0},
		{"common", "common { net { protocol C; } } resource r { " + two + " }", "resource r { protocol C; " + two + " }", 0},
		{"overridden common", "common { net { protocol A; } } resource r { protocol C; " + two + " }", "resource r { protocol C; " + two + " }", 0},
		{"common disk and volume", "common { disk { al-extents 1000; } } resource r { volume 0 { " + host + " } on a { address 1.1.1.1:1; } on b { address 1.1.1.2:1; } }",
			"resource r { volume 0 { " + host + " disk { al-extents 1000; } } on b { address 1.1.1.2:1; } on a { address ipv4 1.1.1.1:1; } }", 0},
		{"quotes and flags", `resource r { net { verify-alg "sha1"; no-tcp-cork; always-asbp; } ` + two + " }", `resource "r" { net { always-asbp yes; tcp-cork no; verify-alg sha1; } ` + two + " }", 0},
		{"units", "resource r { disk { resync-rate 10M; } " + two + " }", "resource r { disk { resync-rate 10240; } " + two + " }", 0},
		{"syncer", "resource r { syncer { rate 10M; verify-alg md5; } " + two + " }", "resource r { disk { resync-rate 10M; } net { verify-alg md5; } " + two + " }", V84},
		{"the last counts", "resource r { net { timeout 5; timeout 6; } " + two + " }", "resource r { net { timeout 6; } " + two + " }", 0},
		{"names' order", "resource r { on a c { " + host + "address 10.0.0.1:7; } }", "resource r { on c a { " + host + "address 10.0.0.1:7; } }", 0},
		{"meta-disk of 9", "resource r { " + two + " }", "resource r { " + strings.ReplaceAll(two, "meta-disk internal;", "") + " }", V9},
		{"flexible", "resource r { " + strings.ReplaceAll(two, "meta-disk internal", "flexible-meta-disk /dev/m") + " }", "resource r { " + strings.ReplaceAll(two, "internal", "/dev/m") + " }", 0},
		{"node ids of 9", "resource r { " + two + " }", "resource r { " + strings.Replace(strings.Replace(two, "on b {", "on b { node-id 1;", 1), "on a {", "on a { node-id 0;", 1) + " }", V9},
		{"ipv6", "resource r { on a { " + host + "address ipv6 [fd00:0::1]:7; } }", "resource r { on a { " + host + "address ipv6 [FD00::1]:7; } }", 0},
		{"mesh and connections", "resource r { net { timeout 7; } on a { node-id 0; address 1.1.1.1:7; } on b { node-id 1; address 1.1.1.2:7; } on c { node-id 2; address 1.1.1.3:7; } connection-mesh { hosts a b c; net { protocol A; } } }",
			"resource r { protocol A; on a { node-id 0; address 1.1.1.1:7; } on b { node-id 1; address 1.1.1.2:7; } on c { node-id 2; address 1.1.1.3:7; } " +
				"connection { host b; host a; net { timeout 7; } } connection { host c address 1.1.1.3:7; host a; net { timeout 7; } } connection { path { host b; host c port 7; } net { timeout 7; } } }", V9},
		{"peer options", "resource r { disk { c-max-rate 5M; } on a { node-id 0; " + host + " address 1.1.1.1:7; } on b { node-id 1; " + host + " address 1.1.1.2:7; } }",
			"resource r { on a { node-id 0; " + host + " address 1.1.1.1:7; } on b { node-id 1; " + host + " address 1.1.1.2:7; } connection { host a; host b; volume 0 { disk { c-max-rate 5M; } } } }", V9},
		{"small protocol", "resource r { protocol c; " + two + " }", "resource r { net { protocol C; } " + two + " }", 0},
		{"skipped", "skip { resource q { } } resource r { " + two + " }", "resource r { " + two + " }", 0},
	} {
		for _, d := range []Dialect{V84, V9} {
			if x.only != 0 && x.only != d {
				continue
			}
			if changes := Diff(mustParse(t, "a", x.a), mustParse(t, "b", x.b), d); len(changes) > 0 {
				t.Errorf("%s, %s: %v", x.name, d, changes)
			}
		}
	}
}

func TestDiff(t *testing.T) {
	have := mustParse(t, "have", `global { usage-count no; }
resource r { protocol A; net { timeout 60; } disk { c-max-rate 5M; on-io-error detach; }
 on a { node-id 0; volume 0 { device minor 1; disk /dev/x; } address 10.0.0.1:7; }
 on b { node-id 1; volume 0 { device minor 1; disk /dev/x; } address 10.0.0.2:7; }
 on c { node-id 2; volume 0 { device minor 1; disk none; } address 10.0.0.3:7; }
 connection-mesh { hosts a b c; } }
resource gone { }`)
	want := mustParse(t, "want", `global { usage-count no; }
resource r { protocol C; disk { c-max-rate 5M; on-io-error pass_on; }
 on a { node-id 0; volume 0 { device minor 1; disk /dev/y; } address 10.0.0.1:7; }
 on b { node-id 1; volume 0 { device minor 1; disk /dev/x; } address 10.0.0.9:7; }
 on c { node-id 2; volume 0 { device minor 1; disk none; } address 10.0.0.3:7; }
 connection { host a; host b; net { verify-alg sha1; } } connection { host a; host c; } connection { host b; host c; } }`)
	var got []string
	for _, c := range Diff(have, want, V9) {
		got = append(got, fmt.Sprintf("%s: %q -> %q (%s)", c.Path, c.Have, c.Want, c.Pos))
	}
	wanted := []string{
		`gone: "present" -> "" (have:7:1)`,
		`r/connection a -- b/net/verify-alg: "" -> "sha1" (want:6:37)`,
		`r/connection a -- b/path 0/b: "ipv4 10.0.0.2:7" -> "ipv4 10.0.0.9:7" (want:6:15)`,
		`r/connection b -- c/path 0/b: "ipv4 10.0.0.2:7" -> "ipv4 10.0.0.9:7" (want:6:102)`,
		`r/disk/on-io-error: "detach" -> "pass_on" (want:2:48)`,
		`r/net/protocol: "A" -> "C" (want:2:14)`,
		`r/net/timeout: "60" -> "" (have:2:32)`,
		`r/on a/volume 0/disk: "/dev/x" -> "/dev/y" (want:3:20)`,
		`r/on b/address: "ipv4 10.0.0.2:7" -> "ipv4 10.0.0.9:7" (want:4:2)`,
	}
	if diff := cmp.Diff(wanted, got); diff != "" {
		t.Error(diff)
	}
	if !Equal(nil, &Config{}, V9) || Equal(nil, want, V9) {
		t.Error("nothing is an empty configuration")
	}
}

// The ids that drbdadm gives two hosts without any.
func TestImplicitNodeIDs(t *testing.T) {
	adm := newDrbdadm(t)
	for i := range 30 {
		text := fmt.Sprintf("resource r { device minor 1; disk /dev/x; on a { address 10.%d.3.%d:7; } on b { address 192.168.%d.%d:7; } }", i, 200-i, i*7, i+1)
		dump, complaint, ok := adm.run(t, V9, "dump", text)
		if !ok {
			t.Fatal(complaint)
		}
		c := mustParse(t, "f", text)
		r := c.Resources[0]
		ids := r.nodeIDs(r.links(V9, c), V9)
		want := fmt.Sprintf("on a {\n        node-id %d;", *ids[0])
		if !strings.Contains(dump, want) {
			t.Errorf("%s\n%s", want, dump)
		}
	}
}
