package conf

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// Every error says where.
func TestErrorsHavePlaces(t *testing.T) {
	for _, x := range []struct{ text, want string }{
		{"resorce r0 {}", `f:1:1: unknown keyword "resorce": global, common, resource, skip, include`},
		{"resource r0 {\n  ons a { }\n}", `f:2:3: unknown keyword "ons": protocol, on, volume`},
		{"resource r0 {\n  on a {\n    adress 1.2.3.4:5;\n }\n}", `f:3:5: unknown keyword "adress": volume, device, disk`},
		{"resource r0 {\n  on a { address 1.2.3.4:5 }\n}", `f:2:28: address: ; is expected, not "}"`},
		{"resource r0 { on net { } }", `f:1:18: on: a host's name is expected: the keyword "net" must stand in quotes to be a name`},
		{"resource r0 { on a { address 1.2.3.4:70000; } }", `f:1:38: address: the port is 70000, but must be a number from 1 to 65535`},
		{"resource r0 { on a { address ipv6 fd00::1:5; } }", `f:1:35: address: [ is expected, not "fd00::1:5"`},
		{"resource r0 { on a { node-id 32; } }", `f:1:30: node-id: the node id is 32, but must be a number from 0 to 31`},
		{"resource r0 { net { timeout 5; } \n net { } }", `f:2:2: r0: section net is given twice: the first is at f:1:15`},
		{"resource r0 { }\nresource r0 { }", `f:2:1: resource r0 is given twice: the first is at f:1:1`},
		{"resource r0 { volume 0 { } volume 0 { } }", `f:1:28: volume 0 is given twice`},
		{"resource r0 { volume 0 { }\n disk /dev/x; }", `f:2:2: disk stands beside volume sections`},
		{"resource r0 { device /dev/sda; }", `f:1:22: the device /dev/sda must begin with /dev/drbd`},
		{"resource r0 { device /dev/drbd_x; }", `f:1:22: /dev/drbd_x does not tell the minor number`},
		{"resource r0 { device /dev/drbd1 minor 2; }", `f:1:22: /dev/drbd1 and minor 2 do not go together`},
		{"resource r0 { connection { host a; host b; host c; } }", `f:1:44: a third host: a path joins two`},
		{"resource \"r0 {\n}", `f:1:10: a quoted string without its end`},
		{"# ä\nresource \"ä\" é { }", `f:2:14: resource: ; is expected, not "é"`},
		{"global { usage-count maybe; }", `f:1:22: usage-count: yes, no or ask is expected, not "maybe"`},
		{"common { on a { } }", `f:1:1: the common section must not have sections for hosts`},
		{"resource r0 { on a {", `f:1:21: the file ends inside of "on", which begins at line 1`},
		{"skip { { }", `f:1:11: the file ends inside of the skip section that begins at line 1`},
		{"resource r { net { shared-secret pass:word; } }", `f:1:38: shared-secret: ; is expected after the value; a value with`},
		{"resource r { net { shared-secret pass$word; } }", `f:1:38: shared-secret: ; is expected, not "$"`},
		{"}", `f:1:1: unexpected }`},
		{";", `f:1:1: a keyword is expected, not ";"`},
		{strings.Repeat("x{", 100), `sections inside of more than 32 sections`},
		{strings.Repeat("x", 200), `f:1:1: a word of 200 characters: drbdadm reads at most 128`},
		{`include "other";`, `f:1:9: other cannot be included: only this file is read here`},
	} {
		_, err := Parse("f", []byte(x.text), nil)
		if err == nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s\n got: %v\nwant: %s", x.text, err, x.want)
		}
	}
}

// What a dialect refuses, and where.
func TestCheck(t *testing.T) {
	const on = ` on a { device minor 1; disk /dev/x; meta-disk internal; address 1.1.1.1:7; } on b { device minor 1; disk /dev/x; meta-disk internal; address 1.1.1.2:7; } }`
	for _, x := range []struct {
		d          Dialect
		text, want string
	}{
		{V9, "resource r {" + on, ""},
		{V84, "resource r {" + on, ""},
		{V9, "resource r { net { tiemout 5; }" + on, `f:1:20: resource r: net: unknown option "tiemout"`},
		{V9, "resource r { disk { fencing resource-only; }" + on, `f:1:21: resource r: disk: unknown option "fencing": it belongs into the section net`},
		{V84, "resource r { net { fencing resource-only; }" + on, `unknown option "fencing": it belongs into the section disk`},
		{V84, "resource r { options { quorum off; }" + on, `unknown option "quorum": only DRBD 9 knows it`},
		{V9, "resource r { net { protocol D; }" + on, `net: protocol D: it must be one of A, B, C`},
		{V9, "resource r { net { timeout 601; }" + on, `net: timeout 601: it must be a number from 1 to 600`},
		{V9, "resource r { disk { resync-rate 10X; }" + on, `disk: resync-rate 10X: it must be a number from 1 to 8388608 (in 1024 bytes`},
		{V9, "resource r { disk { resync-rate 8G; }" + on, ``},
		{V9, "resource r { disk { resync-rate 9G; }" + on, `resync-rate 9G: it must be`},
		{V9, "resource r { net { allow-two-primaries true; }" + on, `must be yes or no`},
		{V84, "resource r { connection { host a; host b; }" + on, `f:1:14: resource r: connection: DRBD 8.4 does not know it`},
		{V9, "resource r { connection { host a; host c; }" + on, `f:1:35: resource r: connection: there is no section for the host "c"`},
		{V9, "resource r { connection { host a; }" + on, `it has 1 ends, and needs two`},
		{V9, "resource r { connection-mesh { hosts a c; }" + on, `there is no section for the host "c"`},
		{V9, "resource r { volume 5 { device minor 9; disk /dev/q; }" + on, `statements outside of them that mean volume 0`},
		{V9, "resource r { on c { device minor 1; disk /dev/x; address 1.1.1.3:7; }" + on, `node-id is missing`},
		{V9, "resource r {" + on + "resource s {" + strings.ReplaceAll(on, ":7", ":8"), `minor 1 on a is also used by resource r: a`},
		{V84, "resource r {" + on + "resource s {" + strings.ReplaceAll(on, "minor 1", "minor 2"), `ipv4 1.1.1.1:7 is also used by resource r: a`},
		{V9, "resource r {" + on + "resource s {" + strings.ReplaceAll(on, "minor 1", "minor 2"), `ipv4 1.1.1.1:7 is also used by resource r`},
		{V84, "resource r {" + strings.Replace(on, "meta-disk internal;", "", 1), `meta-disk is missing`},
		{V9, "resource r {" + strings.Replace(on, "meta-disk internal;", "", 1), ``},
		{V9, "resource r {" + strings.Replace(on, "device minor 1;", "", 1), `device is missing`},
		{V9, "resource u { stacked-on-top-of r { device minor 2; address 1.1.1.1:9; node-id 1; }" + on, `there is no resource "r"`},
		{V9, "global { minor-count 0; }", `global: minor-count 0: it must be a number from 1 to 255`},
	} {
		c, err := Parse("f", []byte(x.text), nil)
		if err != nil {
			t.Fatal(err)
		}
		err = c.Check(x.d)
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %s\n got: %v\nwant: %s", x.d, x.text, err, x.want)
		}
	}
}

// What 8.4 cannot say is not printed for it.
func TestWriteRefuses(t *testing.T) {
	c := mustParse(t, "f", "resource r { on a { node-id 1; address 1.1.1.1:7; } }")
	if s, err := c.Resource("r").Write(V84); err == nil || s != "" || !strings.Contains(err.Error(), "f:1:14: resource r: a: node-id: DRBD 8.4 does not know it") {
		t.Errorf("%q, %v", s, err)
	}
	c.Resources[0].Hosts[0].NodeID = nil
	if _, err := c.Resource("r").Write(V84); err != nil {
		t.Error(err)
	}
	c.Resources[0].Sections = Sections{"net": {{Name: "shared-secret", Value: "two\nlines"}}}
	if _, err := c.Resource("r").Write(V84); err == nil {
		t.Error("a value of two lines is printed")
	}
}

// folder is a Reader over files in memory.
func folder(files map[string]string) Reader {
	return func(glob string) (map[string][]byte, error) {
		out := map[string][]byte{}
		for name, text := range files {
			if ok, err := path.Match(glob, name); err != nil {
				return nil, err
			} else if ok {
				out[name] = []byte(text)
			}
		}
		return out, nil
	}
}

func TestInclude(t *testing.T) {
	files := map[string]string{
		"/etc/drbd.d/global_common.conf": "global { usage-count no; }\ncommon { protocol C; }",
		"/etc/drbd.d/b.res":              "resource b { }",
		"/etc/drbd.d/a.res":              "resource a { template-file \"../t\"; }\ninclude \"more/*.res\";",
		"/etc/drbd.d/more/c.res":         "resource c { }\ninclude \"../*.res\"; include \"/etc/drbd.conf\";",
		"/etc/drbd.conf":                 "never read: it is the file itself",
		"/etc/t":                         "common { net { protocol A; } }",
	}
	c, err := Parse("/etc/drbd.conf", []byte("include \"drbd.d/global_common.conf\";\ninclude \"drbd.d/*.res\";\n"+
		"include \"none.d/*.res\"; include \"drbd.d/b.res\";"), folder(files))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range c.Resources {
		names = append(names, r.Name+"@"+r.Pos.String())
	}
	want := "a@/etc/drbd.d/a.res:1:1 c@/etc/drbd.d/more/c.res:1:1 b@/etc/drbd.d/b.res:1:1"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if v, _ := c.Resource("a").Template["net"].Get("protocol"); v != "A" || len(c.Common["net"]) != 1 || len(c.Global) != 1 {
		t.Errorf("template %v, common %v, global %v", c.Resource("a").Template, c.Common, c.Global)
	}
	delete(files, "/etc/drbd.d/b.res")
	_, err = Parse("/etc/drbd.conf", []byte(`include "drbd.d/b.res";`), folder(files))
	if err == nil || err.Error() != "/etc/drbd.conf:1:9: the file /etc/drbd.d/b.res does not exist" {
		t.Error(err)
	}
}

// An include that makes a new name each time ends.
func TestIncludeIsBounded(t *testing.T) {
	n := 0
	_, err := Parse("/0", []byte("include \"*\";"), func(string) (map[string][]byte, error) {
		n++
		return map[string][]byte{fmt.Sprint("/", n): []byte("include \"*\";")}, nil
	})
	if err == nil || n > 2*maxFiles {
		t.Errorf("%d files, %v", n, err)
	}
}

// sameMeaning ignores what printing normalizes.
var sameMeaning = cmp.Options{cmpopts.IgnoreUnexported(Config{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Option{}, "Pos"), cmpopts.IgnoreFields(Resource{}, "Pos"),
	cmpopts.IgnoreFields(Volume{}, "Pos"), cmpopts.IgnoreFields(Host{}, "Pos"), cmpopts.IgnoreFields(Connection{}, "Pos", "Name"),
	cmpopts.IgnoreFields(Path{}, "Pos"), cmpopts.IgnoreFields(End{}, "Pos"), cmpopts.IgnoreFields(Mesh{}, "Pos"), cmpopts.IgnoreFields(Proxy{}, "Pos"),
	cmpopts.IgnoreFields(PeerVolume{}, "Pos")}

// Whatever is read and printed is read as the same, and printed as the same.
func checkRoundTrip(t *testing.T, text string) {
	c, err := Parse("f", []byte(text), nil)
	if err != nil {
		return
	}
	for _, d := range []Dialect{V84, V9} {
		_ = c.Check(d) // must not panic
		printed, err := c.Write(d)
		if err != nil {
			continue
		}
		again, err := Parse("f", []byte(printed), nil)
		if err != nil {
			t.Fatalf("%s: %v\n--- from\n%s\n--- printed\n%s", d, err, text, printed)
		}
		if diff := cmp.Diff(c, again, sameMeaning); diff != "" {
			t.Fatalf("%s: %s\n--- from\n%s\n--- printed\n%s", d, diff, text, printed)
		}
		if changes := Diff(c, again, d); len(changes) > 0 {
			t.Fatalf("%s: %v\n%s", d, changes, text)
		}
		if twice, err := again.Write(d); err != nil || twice != printed {
			t.Fatalf("%s: printed again: %v\n%s", d, err, cmp.Diff(printed, twice))
		}
	}
}

// What drbdsetup 8.4 and 9 show of a running resource is read as well.
func TestShow(t *testing.T) {
	for name, x := range map[string]struct{ text, want string }{
		"8.4": {"resource r0 {\n options { }\n net { cram-hmac-alg \"sha1\"; }\n _remote_host { address ipv4 10.0.0.2:7788; }\n _this_host { address ipv4 10.0.0.1:7788;" +
			" volume 0 { device minor 0; disk \"/dev/vg/r0\"; meta-disk internal; disk { size 0s; } } } }", "_remote_host _this_host"},
		"9": {"resource r0 {\n _this_host { node-id 0; volume 0 { device minor 1; disk \"none\"; } }\n connection { _peer_node_id 1; path { _this_host ipv4 10.0.0.1:1;" +
			" _remote_host ipv4 10.0.0.2:1; } _is_standalone; net { _name \"b\"; } volume 0 { disk { resync-rate 1M; } } } }", "_this_host"},
	} {
		c := mustParse(t, name, x.text)
		var kinds []string
		for _, h := range c.Resources[0].Hosts {
			kinds = append(kinds, string(h.Kind))
		}
		if got := strings.Join(kinds, " "); got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
		checkRoundTrip(t, x.text)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, text := range configs(t) {
		checkRoundTrip(t, text)
	}
}

func FuzzRoundTrip(f *testing.F) {
	for _, text := range configs(f) {
		f.Add(text)
	}
	f.Add(`resource "a\"b" { net { shared-secret "\\"; no-timeout; x "yes"; } proxy { plugin { a "b c" : [ ; } } on "net" 'x { } }`)
	f.Fuzz(checkRoundTrip)
}

// A model made by hand is printed and read back.
func TestWriteOfModel(t *testing.T) {
	zero, one := 0, 1
	r := &Resource{Name: "r0", Volumes: []*Volume{{Implicit: true, Device: "/dev/drbd0", MetaDisk: "internal"}},
		Hosts: []*Host{
			{Kind: On, Names: []string{"alice"}, NodeID: &zero, Address: Address{"ipv4", "10.0.0.1", 7788}, Volumes: []*Volume{{Implicit: true, Disk: "/dev/a"}}},
			{Kind: On, Names: []string{"via"}, NodeID: &one, Address: Address{"ipv6", "fd00::2", 7788}, Volumes: []*Volume{{Implicit: true, Disk: "/dev/b c"}}},
		},
		Sections: Sections{"net": {{Name: "protocol", Value: "C"}, {Name: "shared-secret", Value: "yes"}}}}
	got, err := r.Write(V9)
	want := `resource r0 {
    device               /dev/drbd0;
    meta-disk            internal;
    on alice {
        node-id 0;
        disk             /dev/a;
        address          ipv4 10.0.0.1:7788;
    }
    on "via" {
        node-id 1;
        disk             "/dev/b c";
        address          ipv6 [fd00::2]:7788;
    }
    net {
        protocol           C;
        shared-secret    "yes";
    }
}
`
	if err != nil || got != want {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
	c := mustParse(t, "f", got)
	if !Equal(c, &Config{Resources: []*Resource{r}}, V9) {
		t.Error(Diff(c, &Config{Resources: []*Resource{r}}, V9))
	}
}
