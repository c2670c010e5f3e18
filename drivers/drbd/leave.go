package drbd

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// field defines awk's f(KEY), the value of KEY:VALUE in a line of `drbdsetup events2`.
const field = `function f(k, i) { for (i = 3; i <= NF; i++) if (index($i, k ":") == 1) return substr($i, length(k) + 2); return "" }
$1 != "exists" { next }
`

// Leave takes a resource down on a node that leaves it, unless it is in use there, or the only copy with all data that its connections know of.
type Leave struct {
	Resource string `json:"resource"`
}

func (l Leave) String() string {
	return fmt.Sprintf("drbdadm down %s (if it is Secondary, and another copy is UpToDate)", l.Resource)
}

const leave = `export LC_ALL=C; r=$1
e=$(drbdsetup events2 --now "$r") || exit 1
why=$(printf '%s\n' "$e" | awk '` + field + `
$2 == "resource" && f("role") == "Primary" { print "it is Primary here, and hactl demotes nothing" }
$2 == "device" && f("disk") == "UpToDate" { mine[f("volume")] = 1 }
$2 == "peer-device" && f("peer-disk") != "DUnknown" { known[f("volume")] = 1 }
$2 == "peer-device" && f("peer-disk") == "UpToDate" { good[f("volume")] = 1 }
END { for (v in mine) if (known[v] && !good[v]) print "no other copy of volume " v " is UpToDate" }')
[ -z "$why" ] || { printf '%s: %s; nothing was changed\n' "$r" "$why" >&2; exit 67; }
drbdadm down "$r"`

// Do looks, and takes it down.
func (l Leave) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	return run(ctx, h, l, leave, 2*time.Minute, l.Resource)
}

// Part has a node let go of those that leave: with DRBD 9 their connections end, and their bitmaps are free for others. The one connection of
// DRBD 8.4 is moved by the adjust that follows.
type Part struct {
	Resource string `json:"resource"`
	Gone     []Gone `json:"gone"`
	// Forget is for DRBD 9.
	Forget bool `json:"forget,omitempty"`
}

func (p Part) String() string {
	var names, does []string
	for _, g := range p.Gone {
		names = append(names, g.String())
		id := strconv.Itoa(g.ID)
		if g.Name != "" {
			does = append(does, "drbdsetup disconnect, del-peer "+p.Resource+" "+id)
		}
		does = append(does, "drbdsetup forget-peer "+p.Resource+" "+id)
	}
	s := fmt.Sprintf("make sure that %s is not in use on %s, and that a copy that stays is UpToDate", p.Resource, strings.Join(names, ", "))
	if p.Forget {
		s += "; " + strings.Join(does, "; ")
	}
	return s
}

// part has the resource, a word if the nodes are to be forgotten, and their node-ids as arguments.
const part = `export LC_ALL=C; r=$1 forget=$2; shift 2
e=$(drbdsetup events2 --now "$r") || exit 1
why=$(printf '%s\n' "$e" | awk -v gone=" $* " '` + field + `
{ away = index(gone, " " f("peer-node-id") " ") > 0 }
$2 == "connection" && away && f("role") == "Primary" { print "it is Primary on the node that leaves (" f("conn-name") ")" }
$2 == "device" { volume[f("volume")] = 1; if (f("disk") == "UpToDate") good[f("volume")] = 1 }
$2 == "peer-device" && !away && f("peer-disk") == "UpToDate" { good[f("volume")] = 1 }
END { for (v in volume) if (!good[v]) print "no copy of volume " v " that stays is UpToDate" }')
[ -z "$why" ] || { printf '%s: %s; nothing was changed\n' "$r" "$why" >&2; exit 67; }
[ -n "$forget" ] || exit 0
for p; do
case "$e" in *"exists connection name:$r peer-node-id:$p "*) drbdsetup disconnect "$r" "$p" && drbdsetup del-peer "$r" "$p" || exit 1;; esac
drbdsetup forget-peer "$r" "$p" || exit 1
done`

// Do looks, and lets go of them.
func (p Part) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	args := []string{p.Resource, ""}
	if p.Forget {
		args[1] = "forget"
	}
	for _, g := range p.Gone {
		args = append(args, strconv.Itoa(g.ID))
	}
	return run(ctx, h, p, part, 2*time.Minute, args...)
}
