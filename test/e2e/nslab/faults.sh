# shellcheck shell=bash
# Faults: the network cut on the hub's side of the cable, and the mains switch.

partition() {                                   # NODE [lan|ring|all] [drop|link]
  local n=$1 nets=${2:-all} mode=${3:-drop} net dev
  plan_load
  case $nets in lan | ring) ;; all) nets='lan ring' ;; *) die "partition: lan, ring or all" ;; esac
  [[ $mode == drop || $mode == link ]] || die "partition: drop or link"
  for net in $nets; do
    dev=n${NUM[$n]}-$net
    echo "$mode" > "$LAB_DIR/nodes/$n/cut.$net"         # node_network applies it at the next boot
    ip link show "$dev" >/dev/null 2>&1 || continue     # the node is off
    if [[ $mode == link ]]; then
      node_cable "$n" "$net" down
    else
      # frames vanish both ways while the carrier stays up, as with a broken switch
      nft -f - <<N
table netdev cut-$dev
delete table netdev cut-$dev
table netdev cut-$dev {
  chain in  { type filter hook ingress device "$dev" priority 0; policy drop; }
  chain out { type filter hook egress  device "$dev" priority 0; policy drop; }
}
N
    fi
  done
}

heal() {                                        # NODE
  local net dev
  plan_load
  for net in lan ring; do
    dev=n${NUM[$1]}-$net
    rm -f "$LAB_DIR/nodes/$1/cut.$net"
    nft delete table netdev "cut-$dev" 2>/dev/null || true
    node_cable "$1" "$net" up 2>/dev/null || true
  done
}

power() {                                       # NODE on|off|reset|status
  plan_load
  case $2 in
    on)            node_on "$1" ;;
    off)           node_off "$1" ;;
    reset | cycle) node_off "$1"; node_on "$1" ;;
    status)        if node_pid "$1" >/dev/null; then echo on; else echo off; fi ;;
    *)             die "power: on, off, reset or status" ;;
  esac
}
