# shellcheck shell=bash
# One node: boot, supervision, power. Everything here runs inside the hub, but
# node_exec, which comes from outside.

# No module, no clock, no raw I/O, no audit, no kernel log: these belong to the
# machine. Whatever enters a node must go through this, `exec` as well as its
# systemd: namespaces alone do not stop `date -s` from setting the machine's clock.
CONFINE=(setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-syslog,-wake_alarm,-audit_control,-audit_read,-mac_admin,-mac_override)

# A node's systemd, dbus and logind hold five inotify instances. The kernel
# counts them for root over all namespaces (128 unless the administrator chose
# another number, which is not the lab's to change), and a boot without them hangs.
node_room() {
  local limit used n need=0
  limit=$(</proc/sys/fs/inotify/max_user_instances)
  used=$( (find /proc/[0-9]*/fd -lname 'anon_inode:inotify' 2>/dev/null || true) | wc -l)   # processes end meanwhile
  for n in "${NODES[@]}"; do [[ -e $LAB_DIR/pids/$n ]] || need=$((need + 5)); done
  ((used + need <= limit)) || die "no room for these nodes: they need $need inotify instances, $used are used and" \
    "fs.inotify.max_user_instances is $limit (take other labs down, or raise it with sysctl)"
}

node_pid() { pid_file_alive "$LAB_DIR/pids/$1"; }      # as the hub's pid namespace sees it

node_exec() {                                   # NODE CMD...
  local n=$1 hub
  shift
  (($#)) || set -- bash -l
  hub=$(hub_pid) || die "lab $LAB_NAME is not up"
  exec nsenter -t "$hub" -m -n -p -u -i -- "$SELF" _call node_enter "$n" "$@"
}
node_enter() {
  local n=$1 p
  shift
  p=$(node_pid "$n") || die "$n is off"
  exec nsenter -t "$p" -m -n -p -u -i -C -- "${CONFINE[@]}" /usr/bin/env -i HOME=/root LANG=C.UTF-8 TERM="${TERM:-dumb}" \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# hub_prepare makes the nodes' disks: memory, gone with the hub.
hub_prepare() {
  mount -t tmpfs -o mode=755 tmpfs "$LAB_DIR/nodes"
  mkdir "$LAB_DIR/nodes/.shared"
  image_build
}

nodes_up() {
  local n
  plan_load
  for n in "${NODES[@]}"; do node_on "$n"; done
  for n in "${NODES[@]}"; do bmc_on "$n"; done
  for n in "${NODES[@]}"; do node_wait_ssh "$n" || die "$n: no ssh; $(tail -n 5 "$LAB_DIR/log/$n.log")"; done
  for n in "${NODES[@]}"; do bmc_wait "$n"; done
}

node_on() {
  node_pid "$1" >/dev/null && return 0
  node_disk "$1"
  setsid "$SELF" _call node_supervise "$1" </dev/null >>"$LAB_DIR/log/$1.log" 2>&1 8<&- &
}

# node_supervise is the mainboard: it boots the node, boots it again when the
# node asked for a reboot, and ends when the node is off.
node_supervise() {
  local n=$1 rc
  # A supervisor whose node was just killed may still be ending: one at a time.
  exec 7>"$LAB_DIR/locks/$n"
  flock -w 10 7 || exit 1
  node_pid "$n" >/dev/null && exit 0
  mkdir -p "$CGROUP/$n"
  echo 0 > "$CGROUP/$n/cgroup.procs"            # 0: ourselves
  while :; do
    rc=0
    # --cgroup comes after the move above: our cgroup becomes the root of the node's
    unshare --mount --net --pid --uts --ipc --cgroup --fork --propagation private "$SELF" _call node_init "$n" 7>&- || rc=$?
    rm -f "$LAB_DIR/pids/$n"
    # reboot(2) in a pid namespace ends its pid 1 by SIGHUP for a restart, by SIGINT for power off
    [[ $rc == 129 ]] || break
  done
  echo "$(date +%T) $n off (rc $rc)"
}

node_shutdown() { local p; p=$(node_pid "$1") && kill -RTMIN+4 "$p"; }    # systemd: orderly power off
node_cable() { ip link set "n${NUM[$1]}-$2" "$3"; }                     # NODE NET up|down

node_init() {                                   # becomes the node's pid 1; /proc is still the hub's
  local n=$1 d=$LAB_DIR/nodes/$1 p _
  plan_load
  read -r p _ < /proc/self/stat
  echo "$p $(start_time "$p")" > "$LAB_DIR/pids/$n.new"
  mv "$LAB_DIR/pids/$n.new" "$LAB_DIR/pids/$n"
  sleep "${LAB_POST:-0}"                        # the firmware's self-test: see chassis
  hostname "$n"
  node_network "$n"
  node_mounts "$n" "$d/root"
  cd "$d/root"
  mkdir -p .old
  pivot_root . .old
  umount -l /.old
  rmdir /.old 2>/dev/null || true
  exec env -i container=hactl-lab PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    "${CONFINE[@]}" /lib/systemd/systemd --log-target=journal </dev/null >/dev/null 2>&1
}

node_network() {
  local n=$1 i=${NUM[$1]} k=0 net addr
  ip link set lo up
  for net in lan ring; do
    if [[ $net == lan ]]; then addr=${LANIP[$n]}/$(net_bits "$LAN"); else addr=${RINGIP[$n]}/$(net_bits "$RING"); fi
    ip -n hub link del "n$i-$net" 2>/dev/null || true   # may be left from a power cut
    # named by number: an interface name has 15 letters, a node's may have more
    ip link add "eth$k" address "02:77:00:0$k:00:$(printf %02x "$i")" type veth peer name "n$i-$net" netns hub
    ip addr add "$addr" brd + dev "eth$k"
    ip -n hub link set "n$i-$net" master "$net" up
    ip link set "eth$k" up
    # a cable that was cut stays cut over a reboot
    if [[ -s $LAB_DIR/nodes/$n/cut.$net ]]; then
      nsenter --net=/run/netns/hub "$SELF" _call partition "$n" "$net" "$(<"$LAB_DIR/nodes/$n/cut.$net")"
    fi
    k=$((k + 1))
  done
  ip route add default via "$(net_last "$LAN")"         # the BMCs are behind it
}

node_mounts() {                                 # NODE ROOT
  local n=$1 r=$2 d=$LAB_DIR/nodes/$1 img=$LAB_DIR/nodes/.image x name major minor
  mount --bind "$r" "$r"
  mount -t overlay "$n-usr" -o "lowerdir=/usr,upperdir=$d/usr/u,workdir=$d/usr/w" "$r/usr"
  for x in etc var; do
    mount -t overlay "$n-$x" -o "lowerdir=$img/$x:/$x,upperdir=$d/$x/u,workdir=$d/$x/w" "$r/$x"
  done
  mount --bind "$LAB_DIR/nodes/.shared" "$r/shared"     # one directory that all nodes see
  mount -t tmpfs -o mode=755 tmpfs "$r/run"
  mount -t tmpfs -o mode=1777 tmpfs "$r/tmp"
  mount -t tmpfs -o mode=755,nosuid tmpfs "$r/dev"
  mkdir "$r"/dev/{pts,shm,mqueue}
  mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$r/dev/pts"
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$r/dev/shm"
  mount -t mqueue mqueue "$r/dev/mqueue"
  # No disk, no loop device, no watchdog: those would be this machine's.
  for x in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    IFS=: read -r name major minor <<<"$x"
    mknod -m 666 "$r/dev/$name" c "$major" "$minor"
  done
  ln -s pts/ptmx "$r/dev/ptmx"
  ln -s /proc/self/fd "$r/dev/fd"
  ln -s fd/0 "$r/dev/stdin"
  ln -s fd/1 "$r/dev/stdout"
  ln -s fd/2 "$r/dev/stderr"
  mount -t proc -o nosuid,noexec,nodev proc "$r/proc"
  mount -t sysfs -o ro,nosuid,noexec,nodev sysfs "$r/sys"
  mount -t cgroup2 -o nosuid,noexec,nodev cgroup2 "$r/sys/fs/cgroup"
  node_shield "$r"
}

# node_shield keeps a node away from the machine's kernel: Pacemaker panics
# through sysrq-trigger, systemd-sysctl and agents write below /proc/sys.
node_shield() {
  local r=$1 x
  mount --bind "$r/proc/sys" "$r/proc/sys"
  mount --bind "$r/proc/sys/net" "$r/proc/sys/net"      # belongs to the net namespace: stays writable
  mount -o remount,bind,ro "$r/proc/sys"
  for x in irq bus acpi scsi mtrr asound; do
    [[ -e $r/proc/$x ]] || continue
    mount --bind "$r/proc/$x" "$r/proc/$x"
    mount -o remount,bind,ro "$r/proc/$x"
  done
  for x in sysrq-trigger kcore kmsg; do
    if [[ -e $r/proc/$x ]]; then mount --bind "$r/dev/null" "$r/proc/$x"; fi
  done
  # else all nodes would have the machine's boot id, and a reboot could not be seen
  cat /proc/sys/kernel/random/uuid > "$r/run/.boot_id"
  mount --bind "$r/run/.boot_id" "$r/proc/sys/kernel/random/boot_id"
}

# node_off pulls the plug: no process of the node gets to do anything any more.
node_off() {
  local n=$1 p i net
  p=$(node_pid "$n") || return 0
  kill -KILL "$p"
  for ((i = 0; i < 500; i++)); do [[ -d /proc/$p ]] || break; sleep 0.01; done
  [[ -d /proc/$p ]] && return 1
  plan_load
  # the net namespace ends some time later: the wire must be dead now
  for net in lan ring; do ip link del "n${NUM[$n]}-$net" 2>/dev/null || true; done
}

node_wait_ssh() {
  local n=$1 line p
  SECONDS=0
  while ((SECONDS < 90)); do
    if ! p=$(node_pid "$n"); then
      ((SECONDS < 5)) || return 1               # it fell over
      sleep 0.02
      continue
    fi
    # The listening socket first: connecting to an address that is not up yet costs 3 s.
    if ! grep -qs ':0016 .* 0A ' "/proc/$p/net/tcp"; then sleep 0.02; continue; fi
    if { exec 9<>"/dev/tcp/${LANIP[$n]}/22"; } 2>/dev/null; then
      read -r -t 2 line <&9 || line=
      exec 9<&-
      [[ $line == SSH-* ]] && return 0
    elif [[ -s $LAB_DIR/nodes/$n/cut.lan ]]; then
      return 0                                  # cut off on purpose
    fi
    sleep 0.05
  done
  return 1
}
