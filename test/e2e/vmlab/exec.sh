# shellcheck shell=bash
# Commands in a guest over the lab's own network, which no fault cuts, and over
# one connection for all of them: a login costs half a second under emulation.

exec_ssh() {                                    # NODE SSH-ARGS...: options that need the plan loaded
  local n=$1
  shift
  set -- -i "$LAB_DIR/key" -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=20 -o LogLevel=ERROR \
    -o StrictHostKeyChecking=yes -o "UserKnownHostsFile=$LAB_DIR/known_hosts" -o GlobalKnownHostsFile=/dev/null -o "HostKeyAlias=$n" \
    -o ServerAliveInterval=10 -o ServerAliveCountMax=3 -S "$LAB_DIR/mux/${NUM[$n]}" -l root "$@"
  ssh -F none "$@"
}

# node_mux opens the connection that node_exec's share. It lives in the hub, so that it ends with the lab.
node_mux() {
  plan_load
  mkdir -p "$LAB_DIR/mux"
  [[ ! -S $LAB_DIR/mux/${NUM[$1]} ]] || return 0
  exec_ssh "$1" -fNM "$MGMT.${NUM[$1]}" </dev/null >/dev/null 2>&1 8<&-
}
node_mux_close() {
  [[ -S $LAB_DIR/mux/${NUM[$1]} ]] || return 0
  exec_ssh "$1" -O exit "$MGMT.${NUM[$1]}" >/dev/null 2>&1 || true
  rm -f "$LAB_DIR/mux/${NUM[$1]}"
}

node_exec() {                                   # NODE CMD...
  local n=$1 a line='' tty=()
  shift
  if ! (($#)); then
    set -- bash -l
    if [[ -t 0 ]]; then tty=(-t); fi
  fi
  for a; do line+=" '${a//\'/\'\\\'\'}'"; done
  [[ ${LAB_IN_HUB:-} ]] || hub_pid >/dev/null || die "lab $LAB_NAME is not up"
  [[ -S $LAB_DIR/mux/${NUM[$n]} ]] || in_hub node_mux "$n" || die "$n does not answer: $(in_hub power "$n" status)"
  exec_ssh "$n" "${tty[@]}" "$MGMT.${NUM[$n]}" "env -i HOME=/root LANG=C.UTF-8 TERM=${TERM:-dumb} \
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin$line"
}

node_wait_ssh() {
  local n=$1 line
  SECONDS=0
  while ((SECONDS < LAB_BOOT)); do
    node_pid "$n" >/dev/null || return 1        # it fell over
    if [[ -s $LAB_DIR/nodes/$n/cut.lan ]]; then
      node_mux "$n" && return 0                 # cut off on purpose
    else
      # Patiently: each connection costs the guest a fork and an exec of sshd, and a starved one would never get done with impatient ones.
      read -r -n 4 line < <(nc.openbsd -w 20 "${LANIP[$n]}" 22 </dev/null 2>/dev/null) || true
      if [[ $line == SSH- ]] && node_mux "$n"; then return 0; fi
    fi
    sleep 0.3
  done
  return 1
}
