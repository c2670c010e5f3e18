package drbd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hactl/hactl/drivers/drbd/conf"
)

// What the scripts ask drbdadm for, DRBD 9's takes as well: no kernel with it is needed to see what it would run.
func TestCommandsOfNine(t *testing.T) {
	if _, err := exec.LookPath("drbdadm"); err != nil {
		t.Skip("NOT TESTED: DRBD 9's commands, because drbdadm is not installed here")
	}
	const text = `resource r0 { volume 0 { device minor 0; } volume 1 { device minor 1; }
on node1 { node-id 0; address 192.168.91.1:7788; volume 0 { disk /dev/a; meta-disk internal; } volume 1 { disk /dev/b; meta-disk internal; } }
on node2 { node-id 1; address 192.168.91.2:7788; volume 0 { disk /dev/a; meta-disk internal; } volume 1 { disk /dev/b; meta-disk internal; } } }
`
	file := filepath.Join(t.TempDir(), "drbd.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"new-current-uuid --force-resync r0/1": "drbdsetup new-current-uuid 1 --force-resync",
		"new-current-uuid --clear-bitmap r0/1": "drbdsetup new-current-uuid 1 --clear-bitmap",
		"primary --force r0":                   "drbdsetup primary r0 --force",
		"primary r0":                           "drbdsetup primary r0",
		"secondary r0":                         "drbdsetup secondary r0",
		"cstate r0":                            "drbdsetup cstate r0 1",
		"dstate r0/1":                          "drbdsetup dstate 1",
		"get-gi r0/1":                          "drbdsetup get-gi r0 1 1",
		"disconnect r0":                        "drbdsetup disconnect r0 1",
		"connect --discard-my-data r0":         "drbdsetup connect r0 1 --discard-my-data",
		"connect r0":                           "drbdsetup connect r0 1",
		"detach r0/1":                          "drbdsetup detach 1",
		"resize r0/1":                          "drbdsetup resize 1",
		"down r0":                              "drbdsetup down r0",
		"create-md r0/1":                       "drbdmeta 1 v09 /dev/b internal create-md 1",
		"create-md --max-peers=7 r0/1":         "drbdmeta 1 v09 /dev/b internal create-md 7",
		"dump-md r0/1":                         "drbdmeta 1 v09 /dev/b internal dump-md",
		"del-peer r0:node2":                    "drbdsetup del-peer r0 1",
		"forget-peer r0:node2":                 "drbdsetup forget-peer r0 1",
	} {
		cmd := exec.Command("drbdadm", append([]string{"-c", file, "-d"}, strings.Fields(args)...)...)
		cmd.Env = append(os.Environ(), "__DRBD_NODE__=node1", "DRBD_DRIVER_VERSION_OVERRIDE=9.1.0")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out)+" ", want) {
			t.Errorf("drbdadm %s: %v, want %s\n%s", args, err, want, out)
		}
	}
}

// What drbdadm would do with the files of nodes that come and go is what the plan takes it for, and what the world of the tests does.
func TestAdjustOfNine(t *testing.T) {
	adm, err := exec.LookPath("drbdadm")
	if err != nil {
		t.Skip("NOT TESTED: DRBD 9's adjust, because drbdadm is not installed here")
	}
	const kernel = `resource "r0" { options { } _this_host { node-id 0; volume 0 { device minor 0; disk "/dev/vg0/r0"; meta-disk internal; } }
`
	peer := func(id, name string) string {
		return `connection { _peer_node_id ` + id + `; path { _this_host ipv4 192.168.91.1:7788; _remote_host ipv4 192.168.91.` + name[4:] + `:7788; } net { _name "` + name + `"; } volume 0 { disk { } } }
`
	}
	for _, c := range []struct{ name, text, kernel, commands string }{
		{"joins", trio, kernel + peer("1", "node2") + "}", "new-peer r0 2; new-path r0 2; connect r0 2"},
		{"leaves", lone, kernel + peer("1", "node2") + peer("2", "node3") + "}", "del-peer r0 2"},
		{"another with the same id", other, kernel + peer("1", "node2") + "}", "disconnect r0 1; del-path r0 1; new-path r0 1; connect r0 1"},
		{"another, after the old one was let go of", other, kernel + "}", "new-peer r0 1; new-path r0 1; connect r0 1"},
	} {
		dir := t.TempDir()
		want := desired(t, c.text)
		text, err := want.Resources[0].file(conf.V9, "default", nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, data := range map[string]string{"drbd.conf": text.Reveal(), "show": c.kernel} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(adm, "-c", filepath.Join(dir, "drbd.conf"), "-d", "adjust", "r0")
		cmd.Env = append(os.Environ(), "__DRBD_NODE__=node1", "DRBD_DRIVER_VERSION_OVERRIDE=9.1.0", "FAKE_DRBDSETUP_SHOW="+filepath.Join(dir, "show"))
		out, err := cmd.Output()
		var got []string
		for line := range strings.Lines(string(out)) {
			if f := strings.Fields(line); len(f) > 3 && !strings.HasSuffix(f[1], "-options") {
				got = append(got, strings.Join(f[1:4], " "))
			}
		}
		if s := strings.Join(got, "; "); err != nil || s != c.commands {
			t.Errorf("%s: %v: %s\n%s", c.name, err, s, out)
		}
	}
}

// DRBD 8.4's adjust moves the one connection to another peer, and does nothing else: the kernel here is what was recorded on a real one.
func TestAdjustOfEight(t *testing.T) {
	adm, err := exec.LookPath("drbdadm")
	if err != nil {
		t.Skip("NOT TESTED: DRBD 8.4's adjust, because drbdadm is not installed here")
	}
	show, err := filepath.Abs(filepath.Join("testdata", "recorded", "uptodate", "node1", "show.out"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text, err := desired(t, other).Resources[0].file(conf.V84, "default", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"drbd.conf": text.Reveal(), "drbdsetup-84": "#!/bin/sh\ncase $1 in show) cat '" + show + "';; esac\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(adm, "-c", filepath.Join(dir, "drbd.conf"), "-d", "adjust", "r0")
	cmd.Dir = dir // where drbdadm looks for drbdsetup-84, too
	cmd.Env = append(os.Environ(), "__DRBD_NODE__=node1", "DRBD_DRIVER_VERSION_OVERRIDE=8.4.11", "PATH="+dir+":"+os.Getenv("PATH"))
	out, err := cmd.Output()
	var got []string
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) > 3 && strings.HasSuffix(f[0], "drbdsetup-84") && !strings.HasSuffix(f[1], "-options") {
			got = append(got, strings.Join(f[1:4], " "))
		}
	}
	const want = "disconnect ipv4:192.168.91.1:7788 ipv4:192.168.91.2:7788; connect r0 ipv4:192.168.91.1:7788"
	if s := strings.Join(got, "; "); err != nil || s != want || !strings.Contains(string(out), "192.168.91.3:7788") {
		t.Errorf("%v: %s, want %s\n%s", err, s, want, out)
	}
}

// A shell can read each of the scripts.
func TestScripts(t *testing.T) {
	for name, script := range map[string]string{"look": lookScript, "firstSync": firstSync, "detach": detach, "adjust": adjust, "discard": discard, "reconnect": reconnect,
		"release": release, "remove": remove, "createMetadata": createMetadata, "leave": leave, "part": part, "slots": slotsScript} {
		if out, err := exec.Command("sh", "-n", "-c", script).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}

// To skip the first sync, each volume is named: drbdadm takes none without a number.
func TestSkip(t *testing.T) {
	want := desired(t, strings.Replace(several, "initialSync: {from: node1}", "initialSync: {skip: true}", 1))
	if got := printed(t, want, blank(want, "node1", "node2")); !strings.Contains(got, "$ drbdadm new-current-uuid --clear-bitmap r0/0 r0/1, primary (once") {
		t.Error(got)
	}
}
