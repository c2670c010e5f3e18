# shellcheck shell=bash
# Snapshots of all guests at one moment: memory and disks. Restoring one takes
# seconds, as often as wanted and in any lab, side by side too: names, addresses
# and keys are the snapshot's.
#
#   $IMAGE/snapshots/NAME/   nets, plan, key, hostkeys; for each NODE: memory, disks, seed
#
# They belong to the image: with it they go.

SNAPSHOTS=$IMAGE/snapshots

snapshot_name() { [[ ${1:-} =~ ^[a-zA-Z0-9][a-zA-Z0-9._-]{0,80}$ ]] || die "snapshot '${1:-}': letters, digits, dots, - and _ only"; }

snapshot_list() { if [[ -d $SNAPSHOTS ]]; then ls "$SNAPSHOTS"; fi; }

snapshot_drop() {
  snapshot_name "$1"
  rm -rf --one-file-system "${SNAPSHOTS:?}/$1"
}

# snapshot_save keeps the lab running: it goes on from what was saved. A snapshot of that name is replaced.
snapshot_save() {
  local s=$SNAPSHOTS/$1 n
  plan_load
  for n in "${NODES[@]}"; do node_pid "$n" >/dev/null || die "save: $n is off"; done
  rm -rf --one-file-system "$s.$$"
  mkdir -p "$s.$$/hostkeys"
  chmod 700 "$s.$$"
  cp -p "$LAB_DIR"/{nets,plan,key,key.pub} "$s.$$/"
  cp -p "$LAB_DIR"/hostkeys/* "$s.$$/hostkeys/"
  snapshot_all sync                             # a later power cut shall find what was written before
  for n in "${NODES[@]}"; do node_mux_close "$n"; done
  for n in "${NODES[@]}"; do node_pause "$n"; done              # all at one moment
  for n in "${NODES[@]}"; do
    mkdir "$s.$$/$n"
    qmp "$n" migrate-set-parameters '{"max-bandwidth": 100000000000}' >/dev/null
    qmp "$n" migrate "{\"uri\": \"exec:cat > '$s.$$/$n/memory'\"}" >/dev/null
  done
  for n in "${NODES[@]}"; do
    qmp_until "$n" query-migrate completed
    node_off "$n"
    snapshot_disks "$n" "$s.$$/$n"
  done
  snapshot_drop "$1"
  mv "$s.$$" "$s"
  snapshot_thaw "$1"
  for n in "${NODES[@]}"; do node_wait_ssh "$n" || die "$n: no ssh after save"; done
}

# snapshot_disks moves the disks of a guest that is off. They stand on the image
# alone: a snapshot of a restored lab does not need the one that it came from.
snapshot_disks() {                              # NODE DIR
  local d=$LAB_DIR/nodes/$1 f
  for f in "$d"/*.qcow2; do
    case $(qemu-img info --output=json "$f" | jq -r '."backing-filename" // ""') in
      '' | "$IMAGE/base.img") ;;
      *) if [[ ${f##*/} == root.qcow2 ]]; then qemu-img rebase -F raw -b "$IMAGE/base.img" "$f"; else qemu-img rebase -b '' "$f"; fi ;;
    esac
    mv "$f" "$2/"
  done
  cp "$d/seed" "$2/seed"
}

# snapshot_thaw starts the guests from a snapshot and continues all at one moment.
snapshot_thaw() {
  local s=$SNAPSHOTS/$1 n f d
  plan_load
  for n in "${NODES[@]}"; do
    d=$LAB_DIR/nodes/$n
    node_off "$n"
    mkdir -p "$d"
    rm -f "$d"/*.qcow2 "$d"/*.base
    cp "$s/$n/seed" "$d/seed"
    # A link of the lab's own: the snapshot may be dropped or replaced while the lab stands.
    for f in "$s/$n"/*.qcow2; do
      cp --link "$f" "$d/${f##*/}.base" 2>/dev/null || cp "$f" "$d/${f##*/}.base"
      qemu-img create -q -f qcow2 -b "$d/${f##*/}.base" -F qcow2 "$d/${f##*/}"
    done
    node_on "$n" -S -incoming "exec:cat '$s/$n/memory'"
  done
  for n in "${NODES[@]}"; do qmp_until "$n" query-status paused; done
  for n in "${NODES[@]}"; do node_resume "$n"; done
  # The guests slept since then: tell them what time it is.
  snapshot_all date -s "@$(date +%s)"
}

# snapshot_all runs a command in all guests at once.
snapshot_all() {
  local n p pids=()
  for n in "${NODES[@]}"; do
    (node_exec "$n" "$@" >/dev/null) &
    pids+=($!)
  done
  for p in "${pids[@]}"; do wait "$p"; done     # not a bare wait: the qemus are children too
}

# snapshot_restore puts a running lab back, or brings one up.
snapshot_restore() {
  local s=$SNAPSHOTS/$1 n
  [[ -e $s/plan ]] || die "no snapshot '$1' of this image (has: $(snapshot_list | xargs))"
  if hub_pid >/dev/null; then
    { cmp -s "$s/plan" "$LAB_DIR/plan" && cmp -s "$s/key" "$LAB_DIR/key"; } || die "restore: lab $LAB_NAME has other nodes; take it down first"
    for n in lan ring; do rm -f "$LAB_DIR"/nodes/*/cut.$n; done
    LAB_SNAPSHOT=$1 in_hub nodes_up
    return
  fi
  mkdir -p "$LAB_DIR"
  cp -p "$s"/{nets,plan,key,key.pub} "$LAB_DIR/"
  cp -pr "$s/hostkeys" "$LAB_DIR/"
  plan_load
  LAB_SNAPSHOT=$1 lab_up "${NODES[@]}"
}

qmp_until() {                                   # NODE QUERY STATUS
  local i r=
  for ((i = 0; i < 1200; i++)); do
    r=$(qmp "$1" "$2" 2>/dev/null | jq -r .status) || r=
    [[ $r == "$3" ]] && return 0
    [[ $r != failed ]] || break
    sleep 0.05
  done
  die "$1: $2 is '$r', not $3: $(tail -n 5 "$LAB_DIR/log/$1.log")"
}
