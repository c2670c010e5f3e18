# shellcheck shell=bash
# What the lab needs from Debian. The packages' daemons run inside the nodes
# only: on this machine nothing is started, stopped, restarted or enabled.

PACKAGES=(attr cpio curl iproute2 kmod netcat-openbsd nftables openssh-client openssh-server sudo systemd util-linux
          corosync corosync-qdevice corosync-qnetd pacemaker pacemaker-cli-utils resource-agents fence-agents
          openipmi ipmitool nginx-light haproxy memcached postgresql-15)
PEERS=(pcs crmsh)                               # tools that hactl is measured against
POLICY=/usr/sbin/policy-rc.d

check_programs() {
  local p missing=()
  for p in unshare nsenter setpriv ip nft setfattr cpio ssh ssh-keygen sshd nc.openbsd sudo /lib/systemd/systemd \
           corosync pacemakerd crm_mon fence_ipmilan ipmi_sim ipmitool nginx haproxy memcached; do
    command -v "$p" >/dev/null || missing+=("$p")
  done
  ((${#missing[@]} == 0)) || die "missing: ${missing[*]} (run: $SELF install)"
}

install_packages() {
  local want=("${PACKAGES[@]}") missing=() p
  # chrony replaces any other time daemon: only on a machine that has none
  dpkg-query -W -f '${db:Status-Abbrev} ${Provides} ${Package}\n' 2>/dev/null | grep -qE '^ii .*(time-daemon|systemd-timesyncd)' || want+=(chrony)
  case ${1:-} in
    '') ;;
    peers) want+=("${PEERS[@]}") ;;
    drbdadm) want=(drbd-utils) ;;               # not the lab: the tests of drivers/drbd ask it
    git) want=(git openssh-client openssh-server) ;; # not the lab: the tests of reconcile/watch/source
    browser) want=(chromium fonts-dejavu-core) ;; # not the lab: test/e2e/web
    promtool) want=(prometheus) ;;              # not the lab: the rules of examples/watch are checked with its promtool
    *) die "install: nothing, 'peers', 'drbdadm', 'git', 'browser' or 'promtool'" ;;
  esac
  for p in "${want[@]}"; do
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$p" 2>/dev/null) == ii* ]] || missing+=("$p")
  done
  ((${#missing[@]})) || return 0
  # An old package of the machine that comes along must not be restarted either.
  if [[ -e $POLICY || -L $POLICY ]]; then mv "$POLICY" "$POLICY.before-hactl-lab"; fi
  trap policy_restore EXIT
  printf '#!/bin/sh\n# put here by lab.sh install, removed when it ends\nexit 101\n' > "$POLICY"
  chmod 755 "$POLICY"
  local before left log
  before=$(enabled_links)
  log=$(mktemp)
  # the lists may be absent or stale: fetch them only when the first try fails
  if ! { apt_get install "${missing[@]}" || { apt_get update && apt_get install "${missing[@]}"; }; } >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    die "install: apt-get failed"
  fi
  rm -f "$log"
  disable_new "$before"
  left=$(new_links "$before")
  [[ -z $left ]] || die "install: still starts at boot of this machine: $left"
  policy_restore
  trap - EXIT
  echo "installed: ${missing[*]}"
}
apt_get() {
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -y -o Dpkg::Use-Pty=0 --no-install-recommends "$@"
}

policy_restore() {
  rm -f "$POLICY"
  if [[ -e $POLICY.before-hactl-lab || -L $POLICY.before-hactl-lab ]]; then mv "$POLICY.before-hactl-lab" "$POLICY"; fi
}

# enabled_links lists what starts at boot: systemd's links and those of old init scripts.
enabled_links() {
  find /etc/systemd/system -mindepth 2 -type l -path '*.wants/*' 2>/dev/null | sed 's,.*/,unit ,' | sort -u
  find /etc/rc[2-5].d -name 'S*' 2>/dev/null | sed 's,.*/S[0-9]*,init ,' | sort -u
}
new_links() { comm -13 <(sort <<<"$1") <(enabled_links | sort); }
disable_new() {                                 # what is enabled now and was not in $1
  local kind name
  while read -r kind name; do
    case $kind in
      unit)
        systemctl disable --quiet "$name" 2>/dev/null || true
        if [[ -d /run/systemd/system ]]; then systemctl stop "$name" || true; fi ;;
      init) update-rc.d "$name" disable >/dev/null 2>&1 || true ;;     # complains where no unit has the name
    esac
  done < <(new_links "$1")
}
