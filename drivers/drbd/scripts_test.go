package drbd

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hactl/hactl/drivers/transport/local"
	"github.com/hactl/hactl/reconcile"
)

// fake puts a drbdadm before the real one that answers from files and notes what it is told to change.
func fake(t *testing.T, answers map[string]string) (h reconcile.Host, done func() string) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range answers {
		write(name, text, 0o600)
	}
	tool := "#!/bin/sh\ncd " + dir + "\ncase $1 in cstate | dstate | role | get-gi | events2 | dump-md) cat \"$1\" 2>/dev/null;; *) echo \"${0##*/} $*\" >>done;; esac\n"
	for _, name := range []string{"drbdadm", "drbdsetup"} {
		write(name, tool, 0o700)
	}
	write("dmesg", "#!/bin/sh\necho 'drbd r0: a reason'\n", 0o700)
	write("sleep", "#!/bin/sh\n", 0o700)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	host := local.Open("here")
	t.Cleanup(func() { _ = host.Close() })
	return host, func() string {
		b, _ := os.ReadFile(filepath.Join(dir, "done"))
		return strings.ReplaceAll(strings.TrimSpace(string(b)), "\n", "; ")
	}
}

// three is what node1's kernel says of itself and two others: its role and disk, their disks, and node3's role.
func three(role, disk, second, third, role3 string) string {
	return "exists resource name:r0 role:" + role + " suspended:no\n" +
		"exists connection name:r0 peer-node-id:1 conn-name:node2 connection:Connected role:Secondary\n" +
		"exists connection name:r0 peer-node-id:2 conn-name:node3 connection:Connected role:" + role3 + "\n" +
		"exists device name:r0 volume:0 minor:0 disk:" + disk + "\n" +
		"exists peer-device name:r0 peer-node-id:1 conn-name:node2 volume:0 replication:Established peer-disk:" + second + "\n" +
		"exists peer-device name:r0 peer-node-id:2 conn-name:node3 volume:0 replication:Established peer-disk:" + third + "\nexists -\n"
}

type op interface {
	Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error
}

// The last good copy is never taken down or overwritten, and nothing in use is demoted, whatever has changed since the plan was made: each
// operation looks once more, and then does nothing.
func TestNothingIsLost(t *testing.T) {
	const split = "5C2C8078F9A8C50E:1111111111111111:0000000000000000:0000000000000000:1:1"
	for name, c := range map[string]struct {
		op   op
		have map[string]string
		text string // of the refusal
		done string // without one
	}{
		"detach, the other is being filled":    {Detach{"r0", 0}, map[string]string{"dstate": "UpToDate/Inconsistent\n"}, "not all copies of r0 are UpToDate", ""},
		"detach, the other is away":            {Detach{"r0", 0}, map[string]string{"dstate": "UpToDate/DUnknown\n"}, "not all copies", ""},
		"detach, the other is outdated":        {Detach{"r0", 0}, map[string]string{"dstate": "UpToDate/Outdated\n"}, "not all copies", ""},
		"detach, one volume of two":            {Detach{"r0", 0}, map[string]string{"dstate": "UpToDate/UpToDate\nInconsistent/UpToDate\n"}, "not all copies", ""},
		"detach":                               {Detach{"r0", 0}, map[string]string{"dstate": "UpToDate/UpToDate\n"}, "", "drbdadm detach r0/0"},
		"another address, the other is away":   {Adjust{Resource: "r0", Careful: true}, map[string]string{"dstate": "UpToDate/DUnknown\n"}, "not all copies", ""},
		"another address":                      {Adjust{Resource: "r0", Careful: true}, map[string]string{"dstate": "UpToDate/UpToDate\n"}, "", "drbdadm adjust r0"},
		"resize, the other is away":            {Resize{"r0", 0}, map[string]string{"dstate": "UpToDate/DUnknown\n"}, "not all copies", ""},
		"first sync, the other has data":       {FirstSync{Resource: "r0"}, map[string]string{"cstate": "Connected\n", "dstate": "Inconsistent/UpToDate\n"}, "a peer of r0 has data", ""},
		"first sync, the other is outdated":    {FirstSync{Resource: "r0"}, map[string]string{"cstate": "Connected\n", "dstate": "Inconsistent/Outdated\n"}, "a peer of r0 has data", ""},
		"first sync, it had data once":         {FirstSync{Resource: "r0"}, map[string]string{"cstate": "Connected\n", "dstate": "Inconsistent/Inconsistent\n", "get-gi": split}, "r0 had data once", ""},
		"first sync, the other is away":        {FirstSync{Resource: "r0"}, map[string]string{"cstate": "WFConnection\n", "dstate": "Inconsistent/DUnknown\n"}, "r0 does not reach its peers (WFConnection)", ""},
		"first sync, another secret":           {FirstSync{Resource: "r0"}, map[string]string{"cstate": "StandAlone\n", "dstate": "Inconsistent/DUnknown\n"}, "drbd r0: a reason", ""},
		"first sync, no disk":                  {FirstSync{Resource: "r0"}, map[string]string{"cstate": "Connected\n", "dstate": "Diskless/Inconsistent\n"}, "a disk of r0 is Diskless/Inconsistent", ""},
		"first sync":                           {FirstSync{Resource: "r0"}, map[string]string{"cstate": "Connected\n", "dstate": "Inconsistent/Inconsistent\n", "get-gi": "0000000000000004:0000000000000000:0:0"}, "", "drbdadm primary --force r0"},
		"first sync, begun":                    {FirstSync{Resource: "r0"}, map[string]string{"cstate": "SyncSource\n", "dstate": "UpToDate/Inconsistent\n"}, "", "drbdadm primary r0"},
		"first sync of a volume":               {FirstSync{Resource: "r0", Volumes: []int{1}, Alone: true}, map[string]string{"cstate": "Connected\n", "dstate": "Inconsistent/Inconsistent\n"}, "", "drbdadm primary --force r0/1"},
		"first sync of a volume, 9":            {FirstSync{Resource: "r0", Volumes: []int{1}, Alone: true, Resync: true}, map[string]string{"cstate": "Connected\n", "dstate": "Inconsistent/Inconsistent\n"}, "", "drbdadm new-current-uuid --force-resync r0/1"},
		"skipped":                              {FirstSync{Resource: "r0", Volumes: []int{0, 1}, Skip: true}, map[string]string{"cstate": "Connected\n", "dstate": "Inconsistent/Inconsistent\n"}, "", "drbdadm new-current-uuid --clear-bitmap r0/0; drbdadm new-current-uuid --clear-bitmap r0/1; drbdadm primary r0"},
		"discard, in use":                      {Discard{"r0", split[:16]}, map[string]string{"cstate": "StandAlone\n", "role": "Primary/Unknown\n", "get-gi": split}, "r0 is Primary here, and hactl demotes nothing", ""},
		"discard, one volume in use":           {Discard{"r0", split[:16]}, map[string]string{"cstate": "StandAlone\n", "role": "Secondary/Unknown\nPrimary/Unknown\n", "get-gi": split}, "r0 is Primary here", ""},
		"discard, it has changed":              {Discard{"r0", "5C2C8078F9A8C500"}, map[string]string{"cstate": "StandAlone\n", "role": "Secondary/Unknown\n", "get-gi": strings.Replace(split, "5C2C", "6C2C", 1)}, "another generation", ""},
		"discard, connected by now":            {Discard{"r0", split[:16]}, map[string]string{"cstate": "Connected\n", "role": "Secondary/Primary\n", "get-gi": split}, "r0 is Connected", ""},
		"discard":                              {Discard{"r0", split[:16]}, map[string]string{"cstate": "StandAlone\n", "role": "Secondary/Unknown\n", "get-gi": split}, "", "drbdadm connect --discard-my-data r0"},
		"discard, waiting":                     {Discard{"r0", split[:16]}, map[string]string{"cstate": "WFConnection\n", "role": "Secondary/Unknown\n", "get-gi": split}, "", "drbdadm disconnect r0; drbdadm connect --discard-my-data r0"},
		"reconnect, the copy is lost by now":   {Reconnect{"r0", split[:16]}, map[string]string{"cstate": "StandAlone\n", "dstate": "Outdated/DUnknown\n", "get-gi": split}, "a disk of r0 is Outdated/DUnknown and not UpToDate", ""},
		"reconnect, it has changed":            {Reconnect{"r0", "6C2C8078F9A8C500"}, map[string]string{"cstate": "StandAlone\n", "dstate": "UpToDate/DUnknown\n", "get-gi": split}, "another generation", ""},
		"leaves, in use":                       {Leave{"r0"}, map[string]string{"events2": three("Primary", "UpToDate", "UpToDate", "UpToDate", "Secondary")}, "r0: it is Primary here, and hactl demotes nothing", ""},
		"leaves, the others are filled by it":  {Leave{"r0"}, map[string]string{"events2": three("Secondary", "UpToDate", "Inconsistent", "Inconsistent", "Secondary")}, "r0: no other copy of volume 0 is UpToDate", ""},
		"leaves, it is filled itself":          {Leave{"r0"}, map[string]string{"events2": three("Secondary", "Inconsistent", "UpToDate", "Inconsistent", "Primary")}, "", "drbdadm down r0"},
		"leaves, cut off":                      {Leave{"r0"}, map[string]string{"events2": three("Secondary", "UpToDate", "DUnknown", "DUnknown", "Unknown")}, "", "drbdadm down r0"},
		"leaves":                               {Leave{"r0"}, map[string]string{"events2": three("Secondary", "UpToDate", "UpToDate", "UpToDate", "Primary")}, "", "drbdadm down r0"},
		"lets go, in use there":                {Part{"r0", []Gone{{"node3", 2}}, true}, map[string]string{"events2": three("Secondary", "UpToDate", "UpToDate", "UpToDate", "Primary")}, "r0: it is Primary on the node that leaves (node3)", ""},
		"lets go of the only good copy":        {Part{"r0", []Gone{{"node3", 2}}, true}, map[string]string{"events2": three("Secondary", "Inconsistent", "Inconsistent", "UpToDate", "Secondary")}, "r0: no copy of volume 0 that stays is UpToDate", ""},
		"lets go, 8.4, of the only good copy":  {Part{"r0", []Gone{{"node2", 0}}, false}, map[string]string{"events2": "exists device name:r0 volume:0 minor:0 disk:Inconsistent\nexists peer-device name:r0 peer-node-id:0 conn-name:peer volume:0 peer-disk:UpToDate\n"}, "r0: no copy of volume 0 that stays", ""},
		"lets go, 8.4":                         {Part{"r0", []Gone{{"node2", 0}}, false}, map[string]string{"events2": "exists device name:r0 volume:0 minor:0 disk:UpToDate\n"}, "", ""},
		"lets go, another one has all":         {Part{"r0", []Gone{{"node3", 2}}, true}, map[string]string{"events2": three("Secondary", "Inconsistent", "UpToDate", "UpToDate", "Secondary")}, "", "drbdsetup disconnect r0 2; drbdsetup del-peer r0 2; drbdsetup forget-peer r0 2"},
		"lets go of one that is not there":     {Part{"r0", []Gone{{"", 12}}, true}, map[string]string{"events2": three("Primary", "UpToDate", "UpToDate", "UpToDate", "Secondary")}, "", "drbdsetup forget-peer r0 12"},
		"removed, in use":                      {Remove{"r0"}, map[string]string{"role": "Primary/Secondary\n"}, "r0 is in use", ""},
		"removed, one volume of two is in use": {Remove{"r0"}, map[string]string{"role": "Secondary/Secondary\nPrimary/Secondary\n"}, "r0 is in use", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h, done := fake(t, c.have)
			err := c.op.Do(t.Context(), h, func(reconcile.Progress) {})
			if c.text != "" {
				if err == nil || !strings.Contains(err.Error(), c.text) || done() != "" {
					t.Errorf("%v; done: %q", err, done())
				}
				return
			}
			if err != nil || done() != c.done {
				t.Errorf("%v; done: %q, want %q", err, done(), c.done)
			}
		})
	}
}
