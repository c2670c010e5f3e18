# shellcheck shell=bash
# The address plan: which nodes exist, their number and their addresses.
# It is decided once, by `up`, and read by every later call, so that only `up`
# needs the LAB_LAN, LAB_RING and LAB_BMC it was started with.
#
# $LAB_DIR/nets: one line "LAN RING BMC" in CIDR form
# $LAB_DIR/plan: one line per node "NUMBER NAME LAN RING BMC"

ip2int() { local a b c d; IFS=. read -r a b c d <<<"$1"; echo $(((a << 24) + (b << 16) + (c << 8) + d)); }
int2ip() { echo "$(($1 >> 24 & 255)).$(($1 >> 16 & 255)).$(($1 >> 8 & 255)).$(($1 & 255))"; }
is_ip() {
  local o
  [[ $1 =~ ^([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})$ ]] || return 1
  for o in "${BASH_REMATCH[@]:1}"; do ((10#$o < 256)) || return 1; done
}
net_bits() { echo "${1#*/}"; }
net_host() {                                    # net_host CIDR I -> the I-th address of it
  echo "$(int2ip $(($(ip2int "${1%/*}") + $2)))"
}
net_last() { net_host "$1" $(((1 << (32 - $(net_bits "$1"))) - 2)); }   # the hub's address
net_has() { local m=$((0xffffffff << (32 - $(net_bits "$1")))); (( ($(ip2int "$2") & m) == ($(ip2int "${1%/*}") & m) )); }

plan_nets() {
  local n
  if [[ -s $LAB_DIR/nets ]]; then
    read -r LAN RING BMC < "$LAB_DIR/nets"
    return
  fi
  LAN=${LAB_LAN:-10.77.0.0/16} RING=${LAB_RING:-10.78.0.0/16} BMC=${LAB_BMC:-10.79.0.0/16}
  for n in "$LAN" "$RING" "$BMC"; do
    [[ $n =~ ^[0-9.]+/[0-9]+$ ]] && is_ip "${n%/*}" && (($(net_bits "$n") >= 8 && $(net_bits "$n") <= 26)) ||
      die "network '$n': want ADDRESS/BITS with 8 to 26 bits"
  done
  echo "$LAN $RING $BMC" > "$LAB_DIR/nets"
}

# plan_load fills NODES (names in order) and the maps NUM, LANIP, RINGIP, BMCIP.
plan_load() {
  local i n l r b
  declare -ga NODES=()
  declare -gA NUM=() LANIP=() RINGIP=() BMCIP=()
  [[ -s $LAB_DIR/plan ]] || return 0
  read -r LAN RING BMC < "$LAB_DIR/nets"
  while read -r i n l r b; do
    NODES+=("$n") NUM[$n]=$i LANIP[$n]=$l RINGIP[$n]=$r BMCIP[$n]=$b
  done < "$LAB_DIR/plan"
}
plan_has() {
  plan_load
  [[ ${1:-} && ${NUM[$1]:-} ]] || die "no node '${1:-}' in lab $LAB_NAME (has: ${NODES[*]:-none})"
}

# plan_add adds the nodes asked for; one that is there already keeps its number
# and addresses, so that `up 4` after `up 3` adds one node. Nothing is written
# before plan_save: a refused `up` leaves a running lab's plan as it was.
plan_add() {
  local want=() spec n i l r b o
  if [[ $# == 1 && $1 =~ ^[0-9]+$ ]]; then
    for ((i = 1; i <= $1; i++)); do want+=("node$i"); done
  else
    want=("$@")
  fi
  for spec in "${want[@]}"; do
    n=${spec%%=*}
    [[ $n =~ ^[a-zA-Z][a-zA-Z0-9.-]{0,50}$ ]] || die "node name '$n' is not a host name"
    [[ ${NUM[$n]:-} ]] && continue
    i=$((${#NODES[@]} + 1))
    ((i <= LAB_MAX)) || die "a lab has 1 to $LAB_MAX nodes"
    l='' r='' b=''
    [[ $spec == *=* ]] && IFS=, read -r l r b <<<"${spec#*=}"
    l=${l:-$(net_host "$LAN" "$i")} r=${r:-$(net_host "$RING" "$i")} b=${b:-$(net_host "$BMC" "$i")}
    is_ip "$l" && is_ip "$r" && is_ip "$b" || die "node $n: addresses '$l', '$r', '$b' are not all IPv4 addresses"
    net_has "$LAN" "$l" || die "node $n: $l is not in LAB_LAN $LAN"
    net_has "$RING" "$r" || die "node $n: $r is not in LAB_RING $RING"
    for o in "${LANIP[@]}" "${RINGIP[@]}" "${BMCIP[@]}" "$(net_last "$LAN")" "$(net_last "$RING")"; do
      [[ $o != "$l" && $o != "$r" && $o != "$b" ]] || die "node $n: address $o is taken"
    done
    NODES+=("$n") NUM[$n]=$i LANIP[$n]=$l RINGIP[$n]=$r BMCIP[$n]=$b
  done
}

plan_save() {
  local n
  for n in "${NODES[@]}"; do
    echo "${NUM[$n]} $n ${LANIP[$n]} ${RINGIP[$n]} ${BMCIP[$n]}"
  done > "$LAB_DIR/plan.new"
  mv "$LAB_DIR/plan.new" "$LAB_DIR/plan"
}
