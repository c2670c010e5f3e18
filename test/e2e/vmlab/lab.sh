#!/bin/bash
# lab.sh - a cluster of 1 to 4 virtual machines, for what needs a kernel of its
# own: DRBD, device-mapper, LIO, iSCSI, DLM, GFS2, a watchdog.
#
# It is the namespace lab (../nslab) with another kind of node: the same hub,
# networks, BMCs, keys, faults and calls. A node is a Debian 12 guest of qemu,
# emulated (TCG), since KVM is rarely there where tests run.
#
#   lab.sh install              install the Debian packages that the lab needs (nothing is started)
#   lab.sh check                say which needed programs are missing
#   lab.sh image                build the guests' image where there is none (2 minutes); `up` does so too
#   lab.sh up N                 boot node1..nodeN with their BMCs, wait for ssh
#   lab.sh up NODE...           the same for named nodes: NAME or NAME=LAN[,RING[,BMC]]
#   lab.sh save NAME            snapshot of all guests at one moment; the lab goes on
#   lab.sh restore NAME         back to it in seconds; brings the lab up where it is down
#   lab.sh snapshots            their names; drop NAME removes one
#   lab.sh ssh NODE [CMD...]    real ssh as root, strict host key checking
#   lab.sh exec NODE CMD...     run CMD in the guest, over a network that no fault cuts
#   lab.sh hub CMD...           run CMD of this machine in the hub's network (hactl, curl, tcpdump)
#   lab.sh backend [PORT...]    HTTP servers on the hub's lan address (default port 8080)
#   lab.sh partition NODE [lan|ring|all] [drop|link]   cut it off; drop loses frames, link pulls the cable
#   lab.sh heal NODE            undo every partition of NODE
#   lab.sh power NODE on|off|reset|status    the mains switch: off is kill -9 of qemu
#   lab.sh kill NODE            power NODE off
#   lab.sh pause NODE           it stops without knowing, as a host that hangs; resume NODE
#   lab.sh grow NODE N SIZE     its disk N (1 is sda) gets larger while it runs
#   lab.sh wait NODE            until it answers on ssh, after a power cycle
#   lab.sh ipmi NODE ARGS...    ipmitool against the node's BMC, e.g. `ipmi node1 power status`
#   lab.sh password NODE NEW    rotate the password of the node's BMC
#   lab.sh record DIR NODE NAME -- CMD...    keep what CMD prints as test data; without
#                               NAME and CMD, lines "NAME CMD..." from standard input. See record.sh
#   lab.sh status               what runs, with addresses
#   lab.sh dir                  where key, ssh_config, known_hosts and logs are
#   lab.sh down                 everything off, nothing left behind but image and snapshots
#
# Environment:
#   LAB_NAME   name of the lab (default hactl-vm); labs of different names run side by side
#   LAB_LAN    network of eth0 (default 192.168.90.0/24); node number i gets address i
#   LAB_RING   network of eth1, for storage and the second ring (default 192.168.91.0/24)
#   LAB_BMC    network of the BMCs (default 10.79.0.0/16), routed over lan
#   LAB_MEM    MiB for each guest (default 1024)
#   LAB_DISKS  sizes of sda, sdb, ... (default "512M 512M 512M 1G"); they are blank and sparse
#   LAB_NICE   niceness of qemu, where others need the processors more
#   LAB_BOOT   seconds that a guest may take to answer on ssh (default 180)
#   LAB_OWNER  pid; the lab goes down by itself when that process has ended
#   LAB_CACHE  where image and snapshots are (default /var/cache/hactl-vmlab)
# The last address of LAB_LAN and LAB_RING is the hub's. BMC user "admin", password "secret", cipher 3.
# Accounts with the lab's key: root, admin (no sudo), operator (sudo without password),
# deputy (sudo asks for the password "secret").
set -euo pipefail

SELF=$(readlink -f "${BASH_SOURCE[0]}")
HERE=${SELF%/*}
COMMON=$(readlink -f "$HERE/../nslab")
LAB_NAME=${LAB_NAME:-hactl-vm}
LAB_ROOT=${LAB_ROOT:-/var/lib/hactl-lab}
LAB_DIR=$LAB_ROOT/$LAB_NAME
LAB_LAN=${LAB_LAN:-192.168.90.0/24} LAB_RING=${LAB_RING:-192.168.91.0/24}
LAB_MAX=4
LAB_BOOT=${LAB_BOOT:-180}
LAB_CONNECT=${LAB_CONNECT:-60}                  # seconds for a login: an emulated guest on a busy machine needs 20
CGROUP=/sys/fs/cgroup
[[ -d $CGROUP/unified ]] && CGROUP=$CGROUP/unified
CGROUP=$CGROUP/hactl-lab-$LAB_NAME
export LAB_NAME LAB_ROOT
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH   # ip, nft live in sbin

die() { echo "lab.sh: $*" >&2; exit 1; }
usage() { sed -n '2,/^set -euo/{/^set/!s/^# \{0,1\}//p}' "$SELF"; }
need_root() { ((EUID == 0)) || die "needs root (namespaces, mounts)"; }

for part in "$COMMON"/{plan,hub,bmc,faults,access,install}.sh "$HERE"/{host,image,node,exec,snapshot,record}.sh; do
  # shellcheck source=/dev/null
  . "$part"
done

[[ $LAB_NAME =~ ^[a-zA-Z0-9][a-zA-Z0-9_-]{0,40}$ ]] || die "LAB_NAME '$LAB_NAME': letters, digits, - and _ only"
cmd=${1:-help}
(($#)) && shift
case $cmd in
  help | -h | --help) usage ;;
  check)     check_programs ;;
  install)   need_root; install_packages ;;
  image)     need_root; check_programs; image_ensure; cat "$IMAGE/build" ;;
  up)        need_root; check_programs; image_ensure; lab_up "$@" ;;
  save)      need_root; snapshot_name "${1:-}"; in_hub snapshot_save "$1" ;;
  restore)   need_root; snapshot_name "${1:-}"; image_ensure; snapshot_restore "$1" ;;
  snapshots) snapshot_list ;;
  drop)      need_root; snapshot_drop "${1:-}" ;;
  down)      need_root; lab_down ;;
  status)    lab_status ;;
  dir)       echo "$LAB_DIR" ;;
  ssh)       plan_has "${1:-}"; exec ssh -F "$LAB_DIR/ssh_config" "$@" ;;
  exec)      plan_has "${1:-}"; node_exec "$@" ;;
  hub)       exec nsenter --net="/proc/$(hub_pid || die "lab $LAB_NAME is not up")/ns/net" -- "$@" ;;
  backend)   in_hub backend "$@" ;;
  partition) plan_has "${1:-}"; in_hub partition "$@" ;;
  heal)      plan_has "${1:-}"; in_hub heal "$1" ;;
  power)     plan_has "${1:-}"; in_hub power "$1" "${2:-status}" ;;
  kill)      plan_has "${1:-}"; in_hub power "$1" off ;;
  pause)     plan_has "${1:-}"; in_hub node_pause "$1" ;;
  resume)    plan_has "${1:-}"; in_hub node_resume "$1" ;;
  grow)      plan_has "${1:-}"; in_hub node_grow "$1" "${2:?grow NODE N SIZE}" "${3:?grow NODE N SIZE}" ;;
  wait)      plan_has "${1:-}"; in_hub node_wait "$1" ;;
  ipmi)      plan_has "${1:-}"; bmc_tool "$@" ;;
  password)  plan_has "${1:-}"; in_hub bmc_password "$1" "${2:?password NODE NEW}" ;;
  record)    plan_has "${2:-}"; record "$@" ;;
  # The lab calls itself inside its namespaces; these are not for people.
  _call)     "$@" ;;
  *)         die "unknown call '$cmd' (lab.sh help)" ;;
esac
