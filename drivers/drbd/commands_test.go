package drbd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What the scripts ask drbdadm for, DRBD 9's takes as well: no kernel with it is needed to see what it would run.
func TestCommandsOfNine(t *testing.T) {
	if _, err := exec.LookPath("drbdadm"); err != nil {
		t.Skip("NOT TESTED: DRBD 9's commands, because drbdadm is not installed here")
	}
	const conf = `resource r0 { volume 0 { device minor 0; } volume 1 { device minor 1; }
on node1 { node-id 0; address 192.168.91.1:7788; volume 0 { disk /dev/a; meta-disk internal; } volume 1 { disk /dev/b; meta-disk internal; } }
on node2 { node-id 1; address 192.168.91.2:7788; volume 0 { disk /dev/a; meta-disk internal; } volume 1 { disk /dev/b; meta-disk internal; } } }
`
	file := filepath.Join(t.TempDir(), "drbd.conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
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
	} {
		cmd := exec.Command("drbdadm", append([]string{"-c", file, "-d"}, strings.Fields(args)...)...)
		cmd.Env = append(os.Environ(), "__DRBD_NODE__=node1", "DRBD_DRIVER_VERSION_OVERRIDE=9.1.0")
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out)+" ", want) {
			t.Errorf("drbdadm %s: %v, want %s\n%s", args, err, want, out)
		}
	}
}

// A shell can read each of the scripts.
func TestScripts(t *testing.T) {
	for name, script := range map[string]string{"look": lookScript, "firstSync": firstSync, "detach": detach, "adjust": adjust, "discard": discard, "reconnect": reconnect,
		"release": release, "remove": remove, "createMetadata": createMetadata} {
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
