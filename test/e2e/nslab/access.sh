# shellcheck shell=bash
# Keys and client configuration: any ssh client reaches the nodes from anywhere
# on this machine, with strict host key checking.
#
#   key, key.pub      opens every account of every node
#   hostkeys/NODE     the node's host key, made here so that known_hosts is true from the start
#   ssh_config        for any ssh client; enters the hub's network by itself
#   known_hosts       by name and by address
#   home/.ssh/        the same for a program that already runs in the hub's
#                     network with HOME set to it: no ProxyCommand, no process per connection

access_keys() {
  local n
  chmod 700 "$LAB_DIR"
  mkdir -p "$LAB_DIR/hostkeys" "$LAB_DIR/home/.ssh"
  chmod 700 "$LAB_DIR/home/.ssh"
  [[ -f $LAB_DIR/key ]] || ssh-keygen -q -t ed25519 -N '' -C "hactl-lab-$LAB_NAME" -f "$LAB_DIR/key"
  for n in "${NODES[@]}"; do
    [[ -f $LAB_DIR/hostkeys/$n ]] || ssh-keygen -q -t ed25519 -N '' -C "$n" -f "$LAB_DIR/hostkeys/$n"
  done
}

access_files() {
  local n kind key _ pid
  pid=$(hub_pid)
  net_last "$LAN" > "$LAB_DIR/hub.address"
  for n in "${NODES[@]}"; do
    read -r kind key _ < "$LAB_DIR/hostkeys/$n.pub"
    echo "$n,${LANIP[$n]},${RINGIP[$n]} $kind $key"
  done > "$LAB_DIR/known_hosts"
  ssh_client_config "$LAB_DIR/known_hosts" "$LAB_DIR/key" \
    "/usr/bin/nsenter --net=/proc/$pid/ns/net -- /usr/bin/nc.openbsd -N %h %p" > "$LAB_DIR/ssh_config"
  ssh_client_config "$LAB_DIR/home/.ssh/known_hosts" "$LAB_DIR/home/.ssh/id_ed25519" '' > "$LAB_DIR/home/.ssh/config"
  cp -p "$LAB_DIR/known_hosts" "$LAB_DIR/home/.ssh/known_hosts"
  cp -p "$LAB_DIR/key" "$LAB_DIR/home/.ssh/id_ed25519"
}

ssh_client_config() {                           # KNOWN_HOSTS KEY PROXYCOMMAND
  local n
  for n in "${NODES[@]}"; do
    printf 'Host %s\n  HostName %s\n\n' "$n" "${LANIP[$n]}"
  done
  # One block for all, at the end: the first value wins, and plain addresses work too.
  printf 'Host *\n'
  printf '  %s\n' "User root" "IdentityFile $2" "IdentitiesOnly yes" "BatchMode yes" "ConnectTimeout ${LAB_CONNECT:-10}" \
    "StrictHostKeyChecking yes" "UserKnownHostsFile $1" "GlobalKnownHostsFile /dev/null"
  if [[ $3 ]]; then printf '  ProxyCommand %s\n' "$3"; fi
}
