#!/bin/bash
# all.sh [signatures] [lvm] [drbd] [iscsi] - makes drivers/*/testdata/recorded anew: what
# the real tools of Debian 12 print in every state that a driver must know.
# It takes a lab of its own through these states. `make recordings` calls it.
set -euo pipefail
HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
LAB=$HERE/../lab.sh
DRIVERS=$(readlink -f "$HERE/../../../../drivers")
export LAB_NAME=${LAB_NAME:-recordings}

on() { "$LAB" exec "$@"; }
sh_on() { local n=$1; shift; "$LAB" exec "$n" bash -euc "$*"; }   # NODE SHELL
# keep DRIVER/STATE NODE NAME CMD...
keep() { local d=$DRIVERS/${1%%/*}/testdata/recorded/${1#*/} n=$2 name=$3; shift 3; "$LAB" record "$d" "$n" "$name" -- "$@"; }
# look DRIVER/STATE NODE: many at once, lines "NAME CMD..." on standard input
look() { "$LAB" record "$DRIVERS/${1%%/*}/testdata/recorded/${1#*/}" "$2"; }
disk() { on "$1" readlink -f "/dev/disk/by-id/wwn-0x5000c50077$(printf %02x "${1#node}")000$2"; }
until_on() {                                    # NODE SECONDS SHELL
  on "$1" timeout "$2" bash -c "until { $3; } >/dev/null 2>&1; do sleep 0.5; done" || { echo "waited in vain on $1 for: $3" >&2; return 1; }
}
fresh() { "$LAB" restore recordings-blank; }

if [[ ! -e $("$LAB" dir)/plan ]]; then "$LAB" up 2; "$LAB" save recordings-blank; trap '"$LAB" down; "$LAB" drop recordings-blank' EXIT; fi
(($#)) || set -- signatures lvm drbd iscsi
for part; do
  echo "== $part (${SECONDS} s)"
  # shellcheck source=/dev/null
  . "$HERE/$part.sh"
done
echo "== done (${SECONDS} s)"
