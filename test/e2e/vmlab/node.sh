# shellcheck shell=bash
# One guest: its disks, its network, its qemu, its power. Everything here runs
# inside the hub, but node_exec, which comes from outside.
#
#   $LAB_DIR/nodes/NODE/   root.qcow2 over the image's base.img, disk1.qcow2..., seed, qmp; its console is in log/
#   $LAB_DIR/pids/NODE     qemu's pid as the hub's pid namespace sees it

LAB_MEM=${LAB_MEM:-1024}                        # MiB for each guest
LAB_DISKS=${LAB_DISKS:-512M 512M 512M 1G}       # sda, sdb, ...: blank and sparse
MGMT=169.254.77                                 # the lab's own way in, a network that the guests' commands do not see

node_pid() { pid_file_alive "$LAB_DIR/pids/$1"; }

# node_room refuses guests for which there is no memory: the machine would swap or kill one of them.
node_room() {
  local n need=0 free
  free=$(awk '/^MemAvailable:/ {print int($2 / 1024)}' /proc/meminfo)
  for n in "${NODES[@]}"; do [[ -e $LAB_DIR/pids/$n ]] || need=$((need + LAB_MEM + 100)); done
  ((need <= free)) || die "no room for these nodes: they need $need MiB of memory, $free are free"
}

# hub_prepare: the hub holds a lock on the image that its guests stand on, and has the network of the lab's own way in.
hub_prepare() {
  exec 5<"$IMAGE"
  flock -s 5
  echo "$IMAGE" > "$LAB_DIR/image"
  ip link add mgmt type bridge stp_state 0 forward_delay 0
  ip addr add "$MGMT.254/24" dev mgmt
  ip link set mgmt up
}

nodes_up() {
  local n
  plan_load
  for n in "${NODES[@]}"; do bmc_on "$n"; done
  if [[ ${LAB_SNAPSHOT:-} ]]; then snapshot_thaw "$LAB_SNAPSHOT"; else for n in "${NODES[@]}"; do node_on "$n"; done; fi
  for n in "${NODES[@]}"; do node_wait_ssh "$n" || die "$n: no ssh; $(tail -n 5 "$LAB_DIR/log/$n.log")"; done
  for n in "${NODES[@]}"; do bmc_wait "$n"; done
}

# node_on takes more arguments for qemu, see snapshot.sh.
node_on() {
  local n=$1 net
  shift
  exec 7>"$LAB_DIR/locks/$n"                    # two switches at once: one after the other
  flock 7
  if ! node_pid "$n" >/dev/null; then
    node_disk "$n"
    for net in lan ring mgmt; do
      if ! ip link show "n${NUM[$n]}-$net" >/dev/null 2>&1; then ip tuntap add "n${NUM[$n]}-$net" mode tap; fi
      ip link set "n${NUM[$n]}-$net" master "$net" up
    done
    node_qemu "$n" "$@"
    # a cable that was pulled stays so over a power cycle; a broken switch is the tap's, which stays
    for net in lan ring; do
      if [[ $(cat "$LAB_DIR/nodes/$n/cut.$net" 2>/dev/null) == link ]]; then node_cable "$n" "$net" down; fi
    done
  fi
  exec 7>&-
}

# node_off pulls the plug: nothing in the guest gets to do anything any more.
node_off() {
  local n=$1 p i
  exec 7>"$LAB_DIR/locks/$n"
  flock 7
  if p=$(node_pid "$n"); then
    kill -KILL "$p"
    for ((i = 0; i < 1000; i++)); do [[ -d /proc/$p ]] || break; sleep 0.01; done
    [[ ! -d /proc/$p ]] || die "qemu of $n does not die"
  fi
  node_mux_close "$n"
  rm -f "$LAB_DIR/pids/$n"
  exec 7>&-
}

node_shutdown() { node_exec "$1" systemctl poweroff; }  # there is no logind that would hear the power button
node_cable() {                                  # NODE NET up|down; a guest that is off gets it when it starts
  node_pid "$1" >/dev/null || return 0
  qmp "$1" set_link "{\"name\": \"$2\", \"up\": $([[ $3 == up ]] && echo true || echo false)}" >/dev/null
}
node_pause() { qmp "$1" stop >/dev/null; }
node_resume() { qmp "$1" cont >/dev/null; }

# node_disk makes the guest's disks and what the guest is told at its first boot, once.
node_disk() {
  local n=$1 d=$LAB_DIR/nodes/$1 i=0 size s
  [[ -e $d/seed ]] && return 0
  mkdir -p "$d"
  qemu-img create -q -f qcow2 -b "$IMAGE/base.img" -F raw "$d/root.qcow2"
  for size in $LAB_DISKS; do
    i=$((i + 1))
    qemu-img create -q -f qcow2 "$d/disk$i.qcow2" "$size"
  done
  s=$d/seed.d
  mkdir -p "$s/etc/ssh" "$s/etc/lab"
  echo "$n" > "$s/etc/hostname"
  # Only itself: that the nodes know each other's names is for the administrator to see to.
  printf '127.0.0.1 localhost\n%s %s\n' "${LANIP[$n]}" "$n" > "$s/etc/hosts"
  printf '%s\n' "LAN=${LANIP[$n]}/$(net_bits "$LAN")" "RING=${RINGIP[$n]}/$(net_bits "$RING")" \
    "GATEWAY=$(net_last "$LAN")" "MGMT=$MGMT.${NUM[$n]}/24" > "$s/etc/lab/network"
  cp "$LAB_DIR/key.pub" "$s/etc/lab/authorized_keys"
  install -m 600 "$LAB_DIR/hostkeys/$n" "$s/etc/ssh/ssh_host_ed25519_key"
  cp "$LAB_DIR/hostkeys/$n.pub" "$s/etc/ssh/ssh_host_ed25519_key.pub"
  tar c --owner=0 --group=0 -C "$s" etc/hostname etc/hosts etc/lab/network etc/lab/authorized_keys \
    etc/ssh/ssh_host_ed25519_key etc/ssh/ssh_host_ed25519_key.pub > "$d/seed.part"
  rm -rf "$s"
  mv "$d/seed.part" "$d/seed"
}

# node_qemu starts the guest. The clock is the ACPI timer: the kernel measures the speed of the TSC while it boots, and a guest that did not get
# the processor just then has a clock that runs at double speed.
node_qemu() {
  local n=$1 d=$LAB_DIR/nodes/$1 i net k=0 args=() num
  shift
  num=$(printf %02x "${NUM[$n]}")
  for ((i = 1; ; i++)); do
    [[ -e $d/disk$i.qcow2 ]] || break
    # a SCSI disk as in a server: /dev/sdX, a serial number and a WWN, so all names in /dev/disk/by-id
    args+=(-drive "if=none,id=disk$i,file=$d/disk$i.qcow2,format=qcow2,cache=unsafe,discard=unmap,detect-zeroes=unmap"
           -device "scsi-hd,bus=scsi.0,scsi-id=$i,drive=disk$i,serial=$n-disk$i,wwn=0x5000c50077${num}000$i")
  done
  for net in lan ring mgmt; do
    args+=(-netdev "tap,id=$net,ifname=n${NUM[$n]}-$net,script=no,downscript=no"
           -device "virtio-net-pci,netdev=$net,mac=52:54:00:77:0$k:$num,romfile=")
    k=$((k + 1))
  done
  rm -f "$d/qmp"
  setsid nice -n "${LAB_NICE:-0}" qemu-system-x86_64 -name "$LAB_NAME-$n" -nodefaults -no-user-config -display none \
    -machine q35,hpet=off,vmport=off -accel tcg,thread=multi,tb-size=256 -cpu qemu64,+rdrand -smp 1 -m "$LAB_MEM" \
    -kernel "$IMAGE/vmlinuz" -initrd "$IMAGE/initrd.img" -append "console=ttyS0 quiet loglevel=3 net.ifnames=0 panic=5 \
mitigations=off nokaslr clocksource=acpi_pm no_timer_check noreplace-smp 8250.nr_uarts=1 cryptomgr.notests random.trust_cpu=on audit=0 \
apparmor=0 selinux=0 systemd.show_status=false systemd.machine_id=$(md5sum <<<"$LAB_NAME/$n" | cut -c1-32)" \
    -drive "if=virtio,file=$d/root.qcow2,format=qcow2,cache=unsafe" -device virtio-scsi-pci,id=scsi "${args[@]}" \
    -fw_cfg "name=opt/lab/seed,file=$d/seed" -device virtio-rng-pci \
    -chardev "file,id=console,path=$LAB_DIR/log/$n.console.log,append=on" -serial chardev:console \
    -qmp "unix:$d/qmp,server=on,wait=off" "$@" </dev/null >>"$LAB_DIR/log/$n.log" 2>&1 5<&- 7>&- 8<&- &
  echo "$! $(start_time $!)" > "$LAB_DIR/pids/$n"
  for ((i = 0; i < 500; i++)); do
    [[ -S $d/qmp ]] && return 0
    kill -0 $! 2>/dev/null || break
    sleep 0.01
  done
  die "qemu of $n does not start: $(tail -n 5 "$LAB_DIR/log/$n.log")"
}

# qmp NODE COMMAND [ARGUMENTS]: one command to a guest's qemu, its answer as JSON.
qmp() { python3 "$HERE/qmp.py" "$LAB_DIR/nodes/$1/qmp" "${@:2}"; }

node_grow() {                                   # NODE DISK SIZE, as qemu-img writes sizes
  plan_load
  qmp "$1" block_resize "{\"device\": \"disk$2\", \"size\": $(numfmt --from=iec "$3")}" >/dev/null
}

node_wait() {
  plan_load
  node_wait_ssh "$1" || die "$1: no ssh within ${LAB_BOOT} s; $(tail -n 5 "$LAB_DIR/log/$1.log")"
}
