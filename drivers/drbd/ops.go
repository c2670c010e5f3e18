package drbd

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

// CreateMetadata makes DRBD's metadata for a volume whose disk holds what the plan saw. drbdmeta looks at the disk, too, and stops at anything that
// it knows; nobody answers its questions.
type CreateMetadata struct {
	Resource string       `json:"resource"`
	Volume   int          `json:"volume"`
	Device   block.Device `json:"device"`
	// Peers is for how many other nodes there is to be room (DRBD 9); 0 leaves it to drbdadm.
	Peers int `json:"peers,omitempty"`
}

func (c CreateMetadata) args() []string {
	var out []string
	if c.Peers > 0 {
		out = append(out, fmt.Sprintf("--max-peers=%d", c.Peers))
	}
	return append(out, fmt.Sprintf("%s/%d", c.Resource, c.Volume))
}

func (c CreateMetadata) String() string {
	s := "drbdadm create-md " + strings.Join(c.args(), " ")
	if len(c.Device.Signatures) > 0 {
		s = "wipe " + c.Device.Holds() + " from " + c.Device.Path + "; " + s
	}
	return s
}

// createMetadata: drbdmeta also asks about "some data", which is any byte in the first 128 KiB (check_for_existing_data in drbdmeta.c) and no
// signature of anything: what an earlier file system or volume left there. As the disk holds nothing that anybody knows, those bytes are cleared.
const createMetadata = `if out=$(drbdadm create-md "$@" </dev/null 2>&1); then exit 0; fi
case $out in *"Found some data"*) ;; *) printf '%s\n' "$out" >&2; exit 1;; esac
dd if=/dev/zero of="$dev" bs=128k count=1 conv=notrunc,fsync 2>/dev/null
drbdadm create-md "$@" </dev/null >/dev/null`

// Do looks at the disk once more, and makes it.
func (c CreateMetadata) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: block.Guard(createMetadata, c.Device, c.args()...),
		Limit: 2 * time.Minute, Mutates: true})
	return block.Failure(c, err)
}

// FirstSync makes this node's copy of a new resource the good one, and this node its primary. It does so only if all nodes are connected and
// none has data.
type FirstSync struct {
	Resource string `json:"resource"`
	// Volumes are their numbers; Alone: this one volume of a resource whose others have data already.
	Volumes []int `json:"volumes"`
	Alone   bool  `json:"alone,omitempty"`
	// Skip takes all copies for equal; else this one goes to the others.
	Skip bool `json:"skip,omitempty"`
	// Resync makes a single volume's copy good without a change of the role, which with DRBD 9 is that of all volumes.
	Resync bool `json:"resync,omitempty"`
}

// of is what drbdadm calls it.
func (f FirstSync) of() string {
	if !f.Alone {
		return f.Resource
	}
	return fmt.Sprintf("%s/%d", f.Resource, f.Volumes[0])
}

func (f FirstSync) how() string {
	switch {
	case f.Skip && f.Resync:
		return "skip-only"
	case f.Skip:
		return "skip"
	case f.Resync:
		return "resync"
	}
	return "from"
}

func (f FirstSync) String() string {
	skip := ""
	for _, v := range f.Volumes {
		skip += fmt.Sprintf(" %s/%d", f.Resource, v)
	}
	does := map[string]string{"skip-only": "new-current-uuid --clear-bitmap" + skip, "skip": "new-current-uuid --clear-bitmap" + skip + ", primary",
		"resync": "new-current-uuid --force-resync " + f.of(), "from": "primary --force " + f.of()}
	return "drbdadm " + does[f.how()] + " (once all nodes are connected, and if none has data)"
}

// refused is the exit code of a script that found a reason not to go on.
const refused = 67

// firstSync has the resource or one of its volumes, a word of FirstSync.how and the volumes' numbers as arguments. With cstate and dstate, drbdadm tells of each volume in a line: the states of
// the connection, and "LOCAL/PEER[/PEER…]" of the disks. Only DRBD 9 tells of peers without a disk.
const firstSync = `export LC_ALL=C; r=$1
i=0; while :; do c=$(drbdadm cstate "${r%/*}" | sort -u | tr '\n' ' ') || exit 1
case " $c" in
*" StandAlone "*) echo "$r is StandAlone: the other node refused the connection, or was refused. The kernel says:" >&2
dmesg | grep "drbd ${r%/*}[ :/]" | grep -iv 'susp\|conn(\|starting\|terminat' | tail -n 4 >&2; exit 67;;
*" WFConnection "* | *" Connecting "* | *" Unconnected "* | *" WFReportParams "* | *" NetworkFailure "* | *" BrokenPipe "* | *" Timeout "* | *" TearDown "* | *" ProtocolError "* | *" Disconnecting "*) ;;
*) break;;
esac
i=$((i+1)); [ $i -lt 120 ] || { echo "$r does not reach its peers (${c% }) within a minute; is the resource up there, and the port open?" >&2; exit 67; }
sleep 0.5; done
blank=; for d in $(drbdadm dstate "$r"); do
case $d in
UpToDate/*) ;;
Inconsistent/*) case ${d#*/} in *UpToDate* | *Outdated* | *Consistent* | *DUnknown*) echo "a peer of $r has data, or is not known to have none ($d); nothing was changed" >&2; exit 67;; esac; blank=1;;
*) echo "a disk of $r is $d; nothing was changed" >&2; exit 67;;
esac; done
if [ -n "$blank" ]; then
case $(drbdadm dstate "$r") in *UpToDate*) ;; *) for g in $(drbdadm get-gi "$r" | grep -o '[0-9A-F]\{16\}:[0-9A-F:]*'); do case $g in 0000000000000004:*) ;;
*) echo "$r had data once (its generation ids are $g); nothing was changed" >&2; exit 67;; esac; done;; esac
how=$2; shift 2
case $how in
skip*) for v; do case $(drbdadm dstate "${r%/*}/$v") in Inconsistent/*) drbdadm new-current-uuid --clear-bitmap "${r%/*}/$v" || exit 1;; esac; done
[ $how = skip-only ] || drbdadm primary "$r";;
resync) drbdadm new-current-uuid --force-resync "$r";;
*) drbdadm primary --force "$r";;
esac
else case $2 in skip-only | resync) ;; *) drbdadm primary "$r";; esac; fi`

func numbers(volumes []int) (out []string) {
	for _, v := range volumes {
		out = append(out, strconv.Itoa(v))
	}
	return out
}

// Do waits for the peers and does it.
func (f FirstSync) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	return run(ctx, h, f, firstSync, 3*time.Minute, append([]string{f.of(), f.how()}, numbers(f.Volumes)...)...)
}

// run runs a script of this layer; in a failure what was done stands in place of the script.
func run(ctx context.Context, h reconcile.Host, op fmt.Stringer, script string, limit time.Duration, args ...string) error {
	return runWith(ctx, h, op, script, limit, nil, args...)
}

// runWith is run, with a function for each line that the script prints.
func runWith(ctx context.Context, h reconcile.Host, op fmt.Stringer, script string, limit time.Duration, line func([]byte), args ...string) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: append([]string{"sh", "-c", script, "hactl-drbd"}, args...), Limit: limit, Mutates: true, Line: line})
	var x *reconcile.ExitError
	if !errors.As(err, &x) {
		return err
	}
	if x.Code == refused {
		return fmt.Errorf("%s: %s", x.Host, strings.TrimSpace(string(x.Stderr)))
	}
	short := *x
	short.Argv = []string{op.String()}
	return &short
}

// FileSystem makes a file system on a new resource's device, unless an apply that died has made it already.
type FileSystem struct {
	block.MakeFileSystem
}

func (f FileSystem) String() string { return f.MakeFileSystem.String() + " (unless it is there)" }

// Do looks first.
func (f FileSystem) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	devices, err := block.Look(ctx, h, []string{f.Device.Path})
	if err != nil {
		return err
	}
	if d := devices[f.Device.Path]; d.Has(f.MakeFileSystem.FileSystem.Type) {
		return nil
	}
	return f.MakeFileSystem.Do(ctx, h, progress)
}

// Detach takes a volume's disk away, if another node has all data.
type Detach struct {
	Resource string `json:"resource"`
	Volume   int    `json:"volume"`
}

func (d Detach) String() string {
	return fmt.Sprintf("drbdadm detach %s/%d (if all copies are UpToDate)", d.Resource, d.Volume)
}

const detach = whole + `careful; drbdadm detach "$r/$2"`

// Do detaches.
func (d Detach) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	return run(ctx, h, d, detach, time.Minute, d.Resource, strconv.Itoa(d.Volume))
}

// whole defines the test whether all copies are UpToDate; a node that never had a disk counts as nothing.
const whole = `export LC_ALL=C; r=$1
` + isWhole + `careful() { ok || { echo "not all copies of $r are UpToDate ($(drbdadm dstate "$r" | tr '\n' ' ')); nothing was changed" >&2; exit 67; }; }
`

const isWhole = `ok() { for d in $(drbdadm dstate "$r"); do case $d in *Inconsistent* | *Outdated* | *Failed* | *DUnknown* | *Negotiating* | *Attaching* | Diskless/Diskless*) return 1;; esac; done; }
`

// Adjust makes what the kernel has of a resource equal to its file.
type Adjust struct {
	Resource string `json:"resource"`
	// Careful: a disk or a connection goes away meanwhile, so another node must have all data. Wait until this node has all again.
	Careful bool `json:"careful,omitempty"`
	Wait    bool `json:"wait,omitempty"`
	// Connect: wait until the nodes are connected.
	Connect bool `json:"connect,omitempty"`
}

func (a Adjust) String() string {
	s := "drbdadm adjust " + a.Resource
	if a.Careful {
		s += " (if all copies are UpToDate)"
	}
	if a.Wait {
		s += ", wait until all copies are UpToDate"
	}
	if a.Connect {
		s += ", wait until the nodes are connected"
	}
	return s
}

const adjust = whole + tell + `[ -z "$2" ] || careful
drbdadm adjust "$r" || exit 1
case $3 in
connect) i=0; while :; do c=$(drbdadm cstate "$r" | sort -u | tr '\n' ' ')
case " $c" in *" StandAlone "* | *" WFConnection "* | *" WFReportParams "* | *" Connecting "* | *" Unconnected "*) ;; *) exit 0;; esac
i=$((i+1)); [ $i -lt 30 ] || { echo "$r is not connected (${c% }). The kernel says:" >&2; dmesg | grep "drbd $r[ :/]" | grep -iv 'susp\|conn(\|starting\|terminat' | tail -n 4 >&2; exit 67; }
tell; sleep 1; done;;
wait) ;;
*) exit 0;;
esac
i=0; while ! ok; do i=$((i+1)); [ $i -lt 3500 ] || { echo "$r is not UpToDate on all nodes after an hour ($(drbdadm dstate "$r" | tr '\n' ' '))" >&2; exit 67; }; tell; sleep 1; done`

// Do adjusts.
func (a Adjust) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	careful, wait, limit := "", "", 2*time.Minute
	if a.Careful {
		careful = "careful"
	}
	switch {
	case a.Wait:
		wait, limit = "wait", time.Hour+time.Minute
	case a.Connect:
		wait = "connect"
	}
	return watch(ctx, h, a, progress, adjust, limit, a.Resource, careful, wait)
}
