package drbd

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// What 8.4 tells of the time left, and what 9 does.
func TestCopySpeed(t *testing.T) {
	want := desired(t, managed)
	have := recorded(t, want, "syncing", "node1", "node2")
	if got := have.Nodes[0].Live["r0"].Peers[0].Volumes[0].Copy; got != (Copy{KiBps: 448, Seconds: 127}) {
		t.Errorf("8.4, source: %+v", got)
	}
	n := have.Nodes[1]
	n.speeds(" 0: cs:SyncTarget ro:Secondary/Primary\n\tfinish: 12:01:05 speed: 1,234,567 (5) want: 7 K/sec (stalled)\n")
	if got := n.Live["r0"].Peers[0].Volumes[0].Copy; got != (Copy{KiBps: 1234567, Seconds: 43265, Stalled: true}) {
		t.Errorf("8.4, stalled: %+v", got)
	}
	live, err := parseEvents("exists resource name:r0 role:Primary suspended:no\n" +
		"exists connection name:r0 peer-node-id:1 conn-name:node2 connection:Connected role:Secondary\n" +
		"exists device name:r0 volume:0 minor:0 disk:UpToDate size:65496\n" +
		"exists peer-device name:r0 peer-node-id:1 conn-name:node2 volume:0 replication:SyncSource peer-disk:Inconsistent done:50.00 out-of-sync:32748 rs-total:130992 dbdt:3.50 dbdt0:4.00 dbdt1:2.00 eta:16\n")
	if err != nil {
		t.Fatal(err)
	}
	if got := live["r0"].Peers[0].Volumes[0].progress(65496); got != "50.0% done, 32.0 MiB of 64.0 MiB to go, about 16s left at 2048 KiB/s" {
		t.Errorf("9: %s", got)
	}
	for _, wrong := range []string{"eta:-1", "eta:nan", "eta:1e300", "dbdt1:inf"} {
		k, v, _ := strings.Cut(wrong, ":")
		if c := speed9(map[string]string{k: v}); c != (Copy{}) {
			t.Errorf("%s: %+v", wrong, c)
		}
	}
}

// While a script waits, its lines are told where they change, and nothing of what it prints otherwise.
func TestWatch(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join("testdata", "recorded", "syncing", "node2", name+".out"))
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for line := range strings.Lines(string(b)) {
			if strings.HasPrefix(line, "2026-") {
				_, line, _ = strings.Cut(line, " ")
			}
			out.WriteString(line)
		}
		return out.String()
	}
	var told []string
	w := teller{told: func(p reconcile.Progress) { told = append(told, p.Text) }}
	for range 2 {
		for line := range strings.SplitSeq("noise\n==events\n"+read("events2")+"==proc\n"+read("proc")+"==told\nnoise", "\n") {
			w.line([]byte(line))
		}
	}
	if !slices.Equal(told, []string{"r0 volume 0: 10.2% done, 57.5 MiB of 64.0 MiB to go, about 1m53s left at 512 KiB/s"}) {
		t.Errorf("%q", told)
	}
}
