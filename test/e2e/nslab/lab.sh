#!/bin/bash
# lab.sh - a cluster of 1 to 16 "servers" on one machine, for tests and demos.
#
# A server ("node") is a set of Linux namespaces in which a real systemd boots
# from overlays of this machine's own /usr, /etc and /var. So systemctl, sshd,
# corosync, Pacemaker and the agents in it are the real ones, but no change
# inside a node ever reaches the machine. The nodes live in a "hub":
#
#   machine
#    └─ hub    own mount, net, pid, uts, ipc namespaces; bridges lan and ring;
#        │     one IPMI simulator (BMC) per node; all of it dies with its pid 1
#        ├─ node1   own mount, net, pid, uts, ipc, cgroup namespaces
#        └─ ...     eth0 on lan, eth1 on ring
#
#   lab.sh install [peers]      install the Debian packages that the lab needs (nothing is started)
#   lab.sh check                say which needed programs are missing
#   lab.sh up N                 boot node1..nodeN with their BMCs, wait for ssh
#   lab.sh up NODE...           the same for named nodes: NAME or NAME=LAN[,RING[,BMC]]
#   lab.sh ssh NODE [CMD...]    real ssh as root, strict host key checking
#   lab.sh exec NODE CMD...     run CMD inside the node's namespaces (no ssh)
#   lab.sh hub CMD...           run CMD of this machine in the hub's network (hactl, curl, tcpdump)
#   lab.sh backend [PORT...]    HTTP servers on the hub's lan address (default port 8080)
#   lab.sh partition NODE [lan|ring|all] [drop|link]   cut it off; drop loses frames, link pulls the cable
#   lab.sh heal NODE            undo every partition of NODE
#   lab.sh power NODE on|off|reset|status    the mains switch: off is kill -9 of the node's pid 1
#   lab.sh kill NODE            power NODE off
#   lab.sh ipmi NODE ARGS...    ipmitool against the node's BMC, e.g. `ipmi node1 power status`
#   lab.sh password NODE NEW    rotate the password of the node's BMC
#   lab.sh status               what runs, with addresses
#   lab.sh dir                  where key, ssh_config, known_hosts and logs are
#   lab.sh down                 everything off, nothing left behind
#
# Environment:
#   LAB_NAME   name of the lab (default hactl); labs of different names run side by side
#   LAB_LAN    network of eth0 (default 10.77.0.0/16); node number i gets address i
#   LAB_RING   network of eth1 (default 10.78.0.0/16)
#   LAB_BMC    network of the BMCs (default 10.79.0.0/16), routed over lan
#   LAB_OWNER  pid; the lab goes down by itself when that process has ended
# The last address of LAB_LAN and LAB_RING is the hub's. BMC user "admin", password "secret", cipher 3.
# Accounts with the lab's key: root, admin (no sudo), operator (sudo without password),
# deputy (sudo asks for the password "secret").
set -euo pipefail

SELF=$(readlink -f "${BASH_SOURCE[0]}")
HERE=${SELF%/*}
LAB_NAME=${LAB_NAME:-hactl}
LAB_ROOT=${LAB_ROOT:-/var/lib/hactl-lab}      # not /tmp: the lab's key must not lie where others may write
LAB_DIR=$LAB_ROOT/$LAB_NAME
LAB_MAX=16                                     # nodes
CGROUP=/sys/fs/cgroup
[[ -d $CGROUP/unified ]] && CGROUP=$CGROUP/unified
CGROUP=$CGROUP/hactl-lab-$LAB_NAME
export LAB_NAME LAB_ROOT
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:$PATH   # ip, nft live in sbin

die() { echo "lab.sh: $*" >&2; exit 1; }
usage() { sed -n '2,/^set -euo/{/^set/!s/^# \{0,1\}//p}' "$SELF"; }
need_root() { ((EUID == 0)) || die "needs root (namespaces, mounts)"; }

# shellcheck source=plan.sh
. "$HERE/plan.sh"
# shellcheck source=hub.sh
. "$HERE/hub.sh"
# shellcheck source=image.sh
. "$HERE/image.sh"
# shellcheck source=node.sh
. "$HERE/node.sh"
# shellcheck source=bmc.sh
. "$HERE/bmc.sh"
# shellcheck source=faults.sh
. "$HERE/faults.sh"
# shellcheck source=access.sh
. "$HERE/access.sh"
# shellcheck source=install.sh
. "$HERE/install.sh"

[[ $LAB_NAME =~ ^[a-zA-Z0-9][a-zA-Z0-9_-]{0,40}$ ]] || die "LAB_NAME '$LAB_NAME': letters, digits, - and _ only"
cmd=${1:-help}
(($#)) && shift
case $cmd in
  help | -h | --help) usage ;;
  check)     check_programs ;;
  install)   need_root; install_packages "$@" ;;
  up)        need_root; lab_up "$@" ;;
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
  ipmi)      plan_has "${1:-}"; bmc_tool "$@" ;;
  password)  plan_has "${1:-}"; in_hub bmc_password "$1" "${2:?password NODE NEW}" ;;
  # The lab calls itself inside its namespaces; these are not for people.
  _call)     "$@" ;;
  *)         die "unknown call '$cmd' (lab.sh help)" ;;
esac
