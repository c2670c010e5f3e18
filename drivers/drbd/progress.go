package drbd

import (
	"context"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// Copy is the kernel's own measure of how fast a volume is copied.
type Copy struct {
	KiBps   int64 `json:"kibps,omitempty"`
	Seconds int64 `json:"seconds,omitempty"` // that are left, at this speed
	Stalled bool  `json:"stalled,omitempty"`
}

// speed9 reads what DRBD 9 adds to a peer device while it is copied: MiB per second of the last seconds, and the seconds left (drbdsetup.c of
// drbd-utils).
func speed9(kv map[string]string) (c Copy) {
	number := func(key string) float64 {
		x, err := strconv.ParseFloat(kv[key], 64)
		if err != nil || math.IsNaN(x) || x < 0 || x > 1<<40 {
			return 0
		}
		return x
	}
	c.KiBps, c.Seconds = int64(number("dbdt1")*1024), int64(number("eta"))
	if c.KiBps == 0 {
		c.KiBps = int64(number("dbdt") * 1024)
	}
	return c
}

var (
	procMinor  = regexp.MustCompile(`^\s*(\d+): cs:`)
	procFinish = regexp.MustCompile(`^\s*finish: (\d+):(\d\d):(\d\d) speed: ([\d,]+) .*K/sec( \(stalled\))?`)
)

// speeds reads /proc/drbd of DRBD 8.4 (drbd_syncer_progress in drbd_proc.c): below the line of a minor, "finish: H:MM:SS speed: KIB …". There is
// one peer.
func (n *NodeState) speeds(text string) {
	minor, byMinor := -1, map[int]Copy{}
	for line := range strings.Lines(text) {
		if m := procMinor.FindStringSubmatch(line); m != nil {
			minor, _ = strconv.Atoi(m[1])
		}
		if m := procFinish.FindStringSubmatch(line); m != nil {
			var t [3]int64
			for i := range t {
				t[i], _ = strconv.ParseInt(m[1+i], 10, 32)
			}
			speed, _ := strconv.ParseInt(strings.ReplaceAll(m[4], ",", ""), 10, 64)
			byMinor[minor] = Copy{KiBps: speed, Seconds: t[0]*3600 + t[1]*60 + t[2], Stalled: m[5] != ""}
		}
	}
	for _, l := range n.Live {
		for number, v := range l.Volumes {
			c, ok := byMinor[v.Minor]
			if !ok || len(l.Peers) != 1 {
				continue
			}
			if p, ok := l.Peers[0].Volumes[number]; ok {
				p.Copy = c
				l.Peers[0].Volumes[number] = p
			}
		}
	}
}

// copying tells of a volume that is copied to or from a peer, or waits for its turn.
func (p PeerVolume) copying() bool {
	return strings.HasPrefix(p.Replication, "Sync") || strings.HasPrefix(p.Replication, "PausedSync")
}

// progress says how much of a copy is there, and how long the rest will take.
func (p PeerVolume) progress(size int64) string {
	s := bytes(p.OutOfSync) + " to go"
	if size > 0 {
		s = fmt.Sprintf("%.1f%% done, %s of %s to go", float64(size-p.OutOfSync)*100/float64(size), bytes(p.OutOfSync), bytes(size))
	}
	switch {
	case strings.HasPrefix(p.Replication, "Paused"):
		s += ", paused"
	case p.Copy.Stalled:
		s += ", stalled"
	case p.Copy.KiBps > 0 && p.Copy.Seconds > 0:
		s += fmt.Sprintf(", about %s left at %s/s", time.Duration(p.Copy.Seconds)*time.Second, bytes(p.Copy.KiBps))
	}
	return s
}

func bytes(kib int64) string {
	switch {
	case kib >= 10<<20:
		return fmt.Sprintf("%.1f GiB", float64(kib)/(1<<20))
	case kib >= 10<<10:
		return fmt.Sprintf("%.1f MiB", float64(kib)/(1<<10))
	}
	return fmt.Sprintf("%d KiB", kib)
}

// tell defines what a script prints while it waits, for watch to read: what look reads of one resource.
const tell = `tell() { echo "==events"; drbdsetup events2 --now --statistics "$r"; echo "==proc"; cat /proc/drbd; echo "==told"; }
`

// copied ends a script: it waits until all copies are UpToDate, or one is being made for a minute already.
const copied = tell + isWhole + `i=0; while :; do
ok && exit 0
c=$(drbdadm cstate "$r" | sort -u | tr '\n' ' ')
case " $c" in *" StandAlone "*) echo "$r is StandAlone again: the other node refused the connection, or was refused. The kernel says:" >&2
dmesg | grep "drbd $r[ :/]" | grep -iv 'susp\|conn(\|starting\|terminat' | tail -n 4 >&2; exit 67;; esac
i=$((i+1))
[ $i -lt 60 ] || case $c in *Sync*) exit 0;; *) echo "$r is not copied after a minute (${c% }, $(drbdadm dstate "$r" | tr '\n' ' '))" >&2; exit 67;; esac
tell; sleep 1; done`

// watch runs a script that tells how far it is, and passes that on where it changes.
func watch(ctx context.Context, h reconcile.Host, op fmt.Stringer, told func(reconcile.Progress), script string, limit time.Duration, args ...string) error {
	t := teller{told: told}
	return runWith(ctx, h, op, script, limit, t.line, args...)
}

// teller makes progress of what tell prints.
type teller struct {
	told func(reconcile.Progress)
	part string
	text map[string]string
	last string
}

func (t *teller) line(b []byte) {
	switch s := string(b); {
	case s == "==events":
		t.part, t.text = s, map[string]string{}
	case s == "==proc":
		t.part = s
	case s == "==told":
		t.tell()
		t.part = ""
	case t.part != "":
		t.text[t.part] += s + "\n"
	}
}

func (t *teller) tell() {
	live, err := parseEvents(t.text["==events"])
	if err != nil {
		return // it is only not told
	}
	n := NodeState{Live: live}
	n.speeds(t.text["==proc"])
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(live)) {
		l := live[name]
		for _, p := range l.Peers {
			if p.Connection != "Connected" {
				parts = append(parts, name+" waits for its peer ("+p.Connection+")")
			}
			for _, v := range slices.Sorted(maps.Keys(p.Volumes)) {
				if x := p.Volumes[v]; x.copying() {
					parts = append(parts, fmt.Sprintf("%s volume %d: %s", name, v, x.progress(l.Volumes[v].KiB)))
				}
			}
		}
	}
	if s := strings.Join(parts, "; "); s != "" && s != t.last {
		t.last = s
		t.told(reconcile.Progress{Text: s})
	}
}
