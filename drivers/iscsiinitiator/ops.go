package iscsiinitiator

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

// See logs in where Login says so, else has the session look for disks that are new or larger; then it waits for the disks.
type See struct {
	Target string `json:"target"`
	Portal Portal `json:"portal"`
	Login  bool   `json:"login,omitempty"`
	// LUNs are the disks to wait for, with the bytes that they must have at least.
	LUNs map[int]int64 `json:"luns,omitempty"`
	// Initiator is the name that the target sees; for the error.
	Initiator string `json:"initiator,omitempty"`
}

func (s See) verb() string {
	if s.Login {
		return "--login"
	}
	return "--rescan"
}

func (s See) String() string {
	text := fmt.Sprintf("iscsiadm --mode node --targetname %s --portal %s %s", s.Target, s.Portal, s.verb())
	if len(s.LUNs) > 0 {
		text += fmt.Sprintf("; wait for %d disks", len(s.LUNs))
	}
	return text
}

// see has the verb, the target, the portal, and pairs of path and bytes as arguments. A session that is there already is none to be made:
// iscsiadm(8), exit code 15.
const see = `export LC_ALL=C; verb=$1 target=$2 portal=$3; shift 3
out=$(iscsiadm --mode node --targetname "$target" --portal "$portal" "$verb" 2>&1); rc=$?
[ $rc -eq 0 ] || [ $rc -eq 15 ] || { printf '%s\n' "$out" >&2; exit $rc; }
udevadm settle --timeout=30
while [ $# -gt 0 ]; do i=0
while :; do n=0; [ ! -b "$1" ] || n=$(cat "/sys/class/block/$(basename "$(readlink -f "$1")")/size"); [ $((n * 512)) -lt "$2" ] || [ "$n" = 0 ] || break
i=$((i+1)); [ $i -lt 60 ] || { echo "$1 has $((n * 512)) bytes half a minute later, and is to have $2; does the target show this LUN to this initiator?" >&2; exit 68; }
sleep 0.5; done; shift 2; done`

// Exit codes: iscsiadm(8) ISCSI_ERR_LOGIN_AUTH_FAILED, and that of the script.
const (
	authFailed = 24
	noDisk     = 68
)

// Do does it.
func (s See) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	argv := []string{"sh", "-c", see, "hactl-iscsiinitiator", s.verb(), s.Target, s.Portal.String()}
	for _, n := range slices.Sorted(maps.Keys(s.LUNs)) {
		argv = append(argv, s.Portal.disk(s.Target, n), strconv.FormatInt(max(1, s.LUNs[n]), 10))
	}
	_, err := h.Run(ctx, reconcile.Cmd{Argv: argv, Limit: 4 * time.Minute, Mutates: true})
	var x *reconcile.ExitError
	if errors.As(err, &x) && x.Code == authFailed {
		return fmt.Errorf("%s: %s at %s refused the login (authorization failure): user or password of this machine's auth are not those of the target's ACL for %s, or there is no such ACL; "+
			"the node record is written, so mend either side and apply again", x.Host, s.Target, s.Portal, s.Initiator)
	}
	return short(err, s)
}

// Leave logs out of a portal if nothing uses its disks, and removes the node records.
type Leave struct {
	Target string   `json:"target"`
	Portal Portal   `json:"portal"`
	Files  []string `json:"files,omitempty"`
}

func (l Leave) String() string {
	return fmt.Sprintf("iscsiadm --mode node --targetname %s --portal %s --logout (if nothing uses its disks); rm %s", l.Target, l.Portal, strings.Join(l.Files, " "))
}

// leave has the target, the portal, what the links of its disks begin with, and the records as arguments. What lsblk shows above a disk but
// partitions (LVM, DRBD, multipath), and everything that is mounted, uses it.
const leave = `export LC_ALL=C; target=$1 portal=$2 links=$3; shift 3
for l in "$links"*; do [ -b "$l" ] || continue; case $l in *-part[0-9]*) continue;; esac
used=$(lsblk -n -r -o NAME,TYPE,MOUNTPOINTS "$l" | while read -r name type mounts; do case $type in disk | part) [ -z "$mounts" ] || echo "$name on $mounts";; *) echo "$name ($type)";; esac; done)
[ -z "$used" ] || { echo "$l is in use: $used; nothing was logged out" >&2; exit 67; }
done
out=$(iscsiadm --mode node --targetname "$target" --portal "$portal" --logout 2>&1); rc=$?
[ $rc -eq 0 ] || [ $rc -eq 21 ] || { printf '%s\n' "$out" >&2; exit $rc; }
for f; do rm -f -- "$f"; d=${f%/*}; while [ "${d##*/}" != nodes ] && rmdir "$d" 2>/dev/null; do d=${d%/*}; done; done`

// Do logs out.
func (l Leave) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	argv := append([]string{"sh", "-c", leave, "hactl-iscsiinitiator", l.Target, l.Portal.String(), strings.TrimSuffix(l.Portal.disk(l.Target, 0), "0")}, l.Files...)
	_, err := h.Run(ctx, reconcile.Cmd{Argv: argv, Limit: 2 * time.Minute, Mutates: true})
	return short(err, l)
}

// short has an error say what was done instead of a script; that of a missing disk says all by itself.
func short(err error, op fmt.Stringer) error {
	var x *reconcile.ExitError
	if errors.As(err, &x) && x.Code == noDisk {
		return fmt.Errorf("%s: %s", x.Host, strings.TrimSpace(string(x.Stderr)))
	}
	return look.Named(err, op.String())
}
