# shellcheck shell=bash
# The hub: the namespaces that hold a lab's bridges, BMCs and nodes. It knows
# nothing of what a node is; each lab's node.sh tells that: hub_prepare,
# nodes_up, node_room, node_pid, node_on, node_off, node_shutdown, node_cable.

# A pid is trusted only together with its start time: a recycled pid is never killed or entered.
start_time() {
  local s
  { read -r s < "/proc/$1/stat"; } 2>/dev/null || return 1
  s=${s##*) }                                   # the process name may hold blanks and brackets
  # shellcheck disable=SC2086
  set -- $s
  echo "${20}"
}
ps_parent() { awk '/^PPid:/ {print $2}' "/proc/$1/status"; }
pid_file_alive() {                              # pid_file_alive FILE -> the pid, if that very process lives
  local p t
  { read -r p t < "$1"; } 2>/dev/null || return 1
  [[ $p && $(start_time "$p") == "$t" ]] || return 1
  echo "$p"
}
hub_pid() { pid_file_alive "$LAB_DIR/hub.pid"; }

# in_hub FUNCTION ARGS... runs one of the lab's functions inside the hub; the
# BMCs' power switch is there already.
in_hub() {
  local p
  if [[ ${LAB_IN_HUB:-} ]]; then "$@"; return; fi
  p=$(hub_pid) || die "lab $LAB_NAME is not up"
  LAB_IN_HUB=1 nsenter -t "$p" -m -n -p -u -i -- "$SELF" _call "$@"
}

lab_up() {
  (($#)) || die "up: how many nodes, or which?"
  [[ $# -gt 1 || $1 != 0 ]] || die "up: 1 to $LAB_MAX nodes"
  check_programs
  mkdir -p "$LAB_DIR"
  chmod 711 "$LAB_ROOT"
  exec 8<"$LAB_DIR"
  flock 8                                       # two `up` of one lab follow each other
  trap 'hub_pid >/dev/null || lab_down' EXIT    # a refused or failed first `up` leaves nothing either
  plan_nets
  plan_load
  plan_add "$@"
  node_room
  plan_save
  access_keys
  hub_up
  trap - EXIT
  access_files
  in_hub nodes_up
  exec 8<&-
}

hub_up() {
  local i
  hub_pid >/dev/null && return 0
  mkdir -p "$LAB_DIR"/{nodes,log,bmc,pids,locks} "$CGROUP/hub" || die "cannot make cgroup $CGROUP (is cgroup2 mounted and writable?)"
  rm -f "$LAB_DIR"/{hub.pid,hub.ready} "$LAB_DIR"/pids/*
  # setsid: the hub must outlive the shell or test that asked for it
  setsid unshare --mount --net --pid --uts --ipc --fork --propagation private \
    "$SELF" _call hub_init </dev/null >"$LAB_DIR/log/hub.log" 2>&1 8<&- &
  for ((i = 0; i < 500; i++)); do
    [[ -e $LAB_DIR/hub.ready ]] || ! kill -0 $! 2>/dev/null && break
    sleep 0.01
  done
  hub_pid >/dev/null && [[ -e $LAB_DIR/hub.ready ]] || die "the hub did not start: $(cat "$LAB_DIR/log/hub.log")"
  rm -f "$LAB_DIR/hub.ready"
  if [[ ${LAB_OWNER:-} ]]; then
    setsid "$SELF" _call guard "$LAB_OWNER" "$(start_time "$LAB_OWNER" || echo gone)" </dev/null >/dev/null 2>&1 8<&- &
  fi
}

hub_init() {                                    # pid 1 of the hub
  local p _ bridge net
  # /proc is still the machine's, so this is our pid as the machine sees it
  read -r p _ < /proc/self/stat
  echo "$p $(start_time "$p")" > "$LAB_DIR/hub.pid"
  echo 0 > "$CGROUP/hub/cgroup.procs"                   # 0 is the writer itself, in any pid namespace
  mount -t proc -o nosuid,noexec,nodev proc /proc
  hostname hub
  mount -t tmpfs -o mode=755 tmpfs /run                 # keeps the machine's daemons out of reach
  mkdir -p /run/netns
  touch /run/netns/hub
  mount --bind /proc/self/ns/net /run/netns/hub
  echo 0 > /proc/sys/net/ipv4/ip_forward                # a partition of ring must not be healed over lan
  ip link set lo up
  plan_load
  for bridge in lan:"$LAN" ring:"$RING"; do
    net=${bridge#*:} bridge=${bridge%%:*}
    ip link add "$bridge" type bridge stp_state 0 forward_delay 0
    ip addr add "$(net_last "$net")/$(net_bits "$net")" dev "$bridge"
    ip link set "$bridge" up
  done
  hub_prepare
  touch "$LAB_DIR/hub.ready"
  trap 'exit 0' TERM
  while :; do sleep 3600 & wait $! || true; done        # bash as pid 1 also reaps orphans
}

# guard ends the lab of a process that died without ending it (go test -timeout, kill -9).
guard() {
  echo "$$ $(start_time $$)" > "$LAB_DIR/guard.pid"
  while [[ $(start_time "$1") == "$2" ]]; do
    hub_pid >/dev/null || exit 0
    sleep 1
  done
  lab_down
}

wait_gone() {                                   # PID: until it runs no more
  local i s
  for ((i = 0; i < 1000; i++)); do
    { read -r s < "/proc/$1/stat"; } 2>/dev/null || return 0
    s=${s##*) }
    [[ $s != Z* ]] || return 0                  # in a container, pid 1 may never reap it
    sleep 0.01
  done
  die "process $1 does not die"
}

lab_down() {
  local p i guard= outer=
  if guard=$(pid_file_alive "$LAB_DIR/guard.pid") && ((guard != $$)); then
    kill -KILL -- "-$guard" 2>/dev/null || true # the whole session, its sleep too
  else
    guard=
  fi
  # The hub's pid 1 takes every process, mount and device below it along; the
  # cgroup catches an `up` that was interrupted before hub.pid was written.
  p=$(hub_pid) && outer=$(ps_parent "$p") && kill -KILL "$p"
  [[ -e $CGROUP/cgroup.kill ]] && echo 1 > "$CGROUP/cgroup.kill"
  for i in $p $outer $guard; do wait_gone "$i"; done
  for ((i = 0; i < 200; i++)); do               # cgroups are all that the kernel does not remove by itself
    [[ -d $CGROUP ]] || break
    find "$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || sleep 0.02
  done
  [[ -d $CGROUP ]] && die "cgroup $CGROUP is still in use"
  rm -rf --one-file-system "$LAB_DIR"
  rmdir "$LAB_ROOT" 2>/dev/null || true         # the last lab takes the directory along
}

lab_status() {
  local p n state
  p=$(hub_pid) || { echo "lab $LAB_NAME is down"; return 0; }
  plan_load
  echo "lab $LAB_NAME is up, hub pid $p, files in $LAB_DIR"
  for n in "${NODES[@]}"; do
    state=$(in_hub power "$n" status)
    printf '%-16s %-4s lan %-15s ring %-15s bmc %s\n' "$n" "$state" "${LANIP[$n]}" "${RINGIP[$n]}" "${BMCIP[$n]}"
  done
}

# backend answers HTTP on the hub, as the web servers behind a load balancer.
backend() {
  local port d=$LAB_DIR/backend addr p
  (($#)) || set -- 8080
  plan_load
  addr=$(net_last "$LAN")
  mkdir -p "$d"
  for port; do
    [[ $port =~ ^[0-9]+$ ]] || die "backend: '$port' is not a port"
    p=$(pid_file_alive "$d/$port.alive") && continue
    cat > "$d/$port.conf" <<C
user root;
pid $d/$port.pid;
error_log $d/$port.log;
worker_processes 1;
events {}
http {
  access_log off;
  server { listen $addr:$port; location / { default_type text/plain; return 200 "backend $port\n"; } }
}
C
    nginx -q -p "$d" -c "$d/$port.conf" 8<&-
    p=$(<"$d/$port.pid")
    echo "$p $(start_time "$p")" > "$d/$port.alive"
    echo "http://$addr:$port/"
  done
}
