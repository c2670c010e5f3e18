# shellcheck shell=bash
# What a node's disk looks like. The machine's /usr, /etc and /var are the
# lowest layer; above /etc and /var lies the image, made once per lab, which
# hides everything that belongs to this machine and not to a fresh server;
# above it lies the node's own layer, which is all that a node writes to and
# which survives a power cycle.

opaque() { setfattr -n trusted.overlay.opaque -v y "$1"; }     # hide what lies below this directory
whiteout() { mkdir -p "${1%/*}"; mknod "$1" c 0 0; }           # hide one file that lies below

# hidden_dir DIR: an empty directory in the image with the machine's owner and mode.
hidden_dir() {
  mkdir -p "$IMG$1"
  opaque "$IMG$1"
  [[ -e $1 ]] || return 0
  chown --reference="$1" "$IMG$1"
  chmod --reference="$1" "$IMG$1"
}

image_build() {
  IMG=$LAB_DIR/nodes/.image
  mkdir -p "$IMG"/{etc,var,root,home}
  image_cluster
  image_qnetd &                                 # 0.2 s of key making, beside the rest
  image_systemd
  image_accounts
  image_ssh
  : > "$IMG/etc/resolv.conf"                    # no name server: an unknown name fails at once
  : > "$IMG/etc/fstab"
  wait $!
}

image_systemd() {
  local u e=$IMG/etc/systemd
  # Nothing that this machine enables or overrides; at boot only ssh, dbus, logind, journald.
  hidden_dir /etc/systemd
  mkdir -p "$e"/system/multi-user.target.wants "$e"/{system-generators,journald.conf.d,system.conf.d} "$e/system/systemd-logind.service.d"
  ln -s /lib/systemd/system/ssh.service "$e/system/multi-user.target.wants/ssh.service"
  ln -s /lib/systemd/system/multi-user.target "$e/system/default.target"
  # Units that reach for hardware or the machine's kernel, and work that only slows a boot.
  for u in systemd-udevd.service systemd-udev-trigger.service systemd-udev-settle.service systemd-udevd-{control,kernel}.socket \
           systemd-hwdb-update.service systemd-journal-flush.service systemd-journal-catalog-update.service systemd-journald-audit.socket \
           systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-update-done.service ldconfig.service \
           systemd-random-seed.service systemd-binfmt.service systemd-networkd.service systemd-timesyncd.service systemd-pstore.service \
           proc-sys-fs-binfmt_misc.automount proc-sys-fs-binfmt_misc.mount dev-hugepages.mount sys-kernel-debug.mount \
           sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount getty.target modprobe@.service \
           kmod-static-nodes.service systemd-modules-load.service systemd-firstboot.service \
           systemd-ask-password-{console,wall}.path; do
    ln -s /dev/null "$e/system/$u"
  done
  for u in systemd-{sysv,gpt-auto,cryptsetup,debug,fstab,getty,hibernate-resume,integritysetup,rc-local,run,system-update,veritysetup,bless-boot}-generator \
           lvm2-activation-generator podman-system-generator openvpn-generator; do
    ln -s /dev/null "$e/system-generators/$u"
  done
  # Audit=no: the audit subsystem is the machine's, not the node's.
  printf '[Journal]\nStorage=volatile\nRuntimeMaxUse=16M\nReadKMsg=no\nAudit=no\nForwardToSyslog=no\nRateLimitBurst=0\n' > "$e/journald.conf.d/lab.conf"
  printf '[Manager]\nDefaultTimeoutStopSec=20s\nShowStatus=no\n' > "$e/system.conf.d/lab.conf"
  # A node may not set the clock: let chronyd run without doing so.
  if [[ -e /lib/systemd/system/chrony.service ]]; then
    mkdir -p "$e/system/chrony.service.d" "$IMG/etc/default"
    printf '[Unit]\nConditionCapability=\n' > "$e/system/chrony.service.d/lab.conf"
    echo 'DAEMON_OPTS="-x -F 1"' > "$IMG/etc/default/chrony"
  fi
}

# Accounts for tests of privilege: admin has no sudo, operator has it without a
# password, deputy must give one ("secret"). Their uids stay clear of real users'.
image_accounts() {
  local e=$IMG/etc u i=0 home
  # No password of this machine's users goes along; '*' instead of '!' because
  # sshd without PAM takes '!' for a locked account, even with a key.
  awk -F: -v OFS=: '{ if ($1 == "root" || $2 ~ /^\$/ || $2 == "") $2 = "*" } 1' /etc/shadow > "$e/shadow"
  chmod 640 "$e/shadow"
  chown root:shadow "$e/shadow"
  cp -p /etc/passwd /etc/group "$e/"
  hidden_dir /etc/sudoers.d
  printf 'Defaults env_reset, secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"\nroot ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n' > "$e/sudoers"
  printf 'operator ALL=(ALL:ALL) NOPASSWD: ALL\ndeputy ALL=(ALL:ALL) ALL\n' > "$e/sudoers.d/lab"
  chmod 440 "$e/sudoers" "$e/sudoers.d/lab"
  mkdir -m 700 "$IMG/root/.ssh"
  cp "$LAB_DIR/key.pub" "$IMG/root/.ssh/authorized_keys"
  for u in admin operator deputy; do
    i=$((i + 1)) home=$IMG/home/$u
    sed -i "/^$u:/d" "$e/passwd" "$e/group" "$e/shadow"
    echo "$u:x:$((7700 + i)):$((7700 + i))::/home/$u:/bin/bash" >> "$e/passwd"
    echo "$u:x:$((7700 + i)):" >> "$e/group"
    # crypt(3) of "secret", for deputy only
    # shellcheck disable=SC2016
    echo "$u:$([[ $u == deputy ]] && echo '$6$hactllab$QVgW1nKBqGNS5NnyX8bjbAwFhccvF9Ikoq86UM6B1sQZqjug73lXS2bWFCCUM.VXeGP3FrY1SJKIqjf.8n7np/' || echo '*'):19000:0:99999:7:::" >> "$e/shadow"
    mkdir -p "$home/.ssh"
    cp "$LAB_DIR/key.pub" "$home/.ssh/authorized_keys"
    chmod 700 "$home" "$home/.ssh"
    chown -R "$((7700 + i)):$((7700 + i))" "$home"
  done
}

image_ssh() {
  # Not one host key of this machine is visible in a node. MaxSessions keeps its
  # default of 10, which clients must live with; MaxStartups only spares tests
  # sshd's random refusals. UsePAM no: a PAM session costs 50 ms a login.
  hidden_dir /etc/ssh
  printf '%s\n' 'HostKey /etc/ssh/ssh_host_ed25519_key' 'PermitRootLogin prohibit-password' 'UsePAM no' 'UseDNS no' \
    'MaxStartups 100' 'Subsystem sftp /usr/lib/openssh/sftp-server' > "$IMG/etc/ssh/sshd_config"
}

# A bare node knows no cluster, whatever this machine has.
image_cluster() {
  local d
  for d in /etc/corosync /etc/pacemaker /etc/booth /var/lib/corosync /var/lib/pacemaker /var/lib/pcsd /var/log /var/tmp; do
    hidden_dir "$d"
  done
  mkdir -p "$IMG/etc/corosync/uidgid.d"
  if [[ $LAB_ROOT == /var/* ]]; then whiteout "$IMG$LAB_ROOT"; fi       # the lab's own key and state
  # Directories that packages made come back empty: daemons and crmsh fail without them.
  for d in /var/lib/pacemaker /var/log; do
    [[ -d $d ]] || continue
    (cd "$d" && find . -mindepth 1 -type d -print0 | cpio -0pdm --quiet "$IMG$d" 2>/dev/null) || true
  done
}

# The package of corosync-qnetd makes its certificate database when it is
# installed, so a fresh server has one; this is one that the machine never had.
image_qnetd() {
  command -v corosync-qnetd-certutil >/dev/null || return 0
  # shellcheck disable=SC2016
  unshare --mount sh -ec 'mount --bind "$1" /etc/corosync
    corosync-qnetd-certutil -i -G
    cd /etc/corosync/qnetd/nssdb
    chgrp coroqnetd . cert9.db key4.db
    chmod 750 .
    chmod 640 cert9.db key4.db' qnetd "$IMG/etc/corosync" </dev/null >"$LAB_DIR/log/qnetd.log" 2>&1 ||
    echo "no certificate database for corosync-qnetd, see $LAB_DIR/log/qnetd.log"
}

# node_disk makes the node's own layer, once.
node_disk() {
  local n=$1 d=$LAB_DIR/nodes/$1 l
  [[ -e $d/prepared ]] && return 0
  mkdir -p "$d"/{etc,var,usr}/{u,w} "$d"/root/{usr,etc,var,tmp,run,proc,sys,dev,mnt,srv,opt,media,shared}
  for l in bin sbin lib lib32 lib64 libx32; do
    if [[ -L /$l ]]; then ln -s "usr/$l" "$d/root/$l"; fi
  done
  cp -a "$LAB_DIR/nodes/.image/root" "$LAB_DIR/nodes/.image/home" "$d/root/"
  chmod 700 "$d/root/root"
  mkdir "$d/etc/u/ssh"
  cp "$LAB_DIR/hostkeys/$n" "$d/etc/u/ssh/ssh_host_ed25519_key"
  cp "$LAB_DIR/hostkeys/$n.pub" "$d/etc/u/ssh/ssh_host_ed25519_key.pub"
  echo "$n" > "$d/etc/u/hostname"
  md5sum <<<"$LAB_NAME/$n" | cut -c1-32 > "$d/etc/u/machine-id"
  # Only itself: that the nodes know each other's names is for the administrator to see to.
  printf '127.0.0.1 localhost\n%s %s\n' "${LANIP[$n]}" "$n" > "$d/etc/u/hosts"
  touch "$d/prepared"
}
