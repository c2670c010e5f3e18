# shellcheck shell=bash
# The guests' disk image, their kernel and their initramfs, all from Debian's
# packages. One image serves all labs; it lies outside the source tree, below a
# name made of what it is built from, so that a change here makes a new one.
#
#   $IMAGE/base.img   ext4, the lowest layer of every guest's /dev/vda
#   $IMAGE/vmlinuz, initrd.img
#   $IMAGE/build      how long it took and how big it is

SUITE=bookworm
IMAGE_SIZE=3G                                   # sparse
LAB_CACHE=${LAB_CACHE:-/var/cache/hactl-vmlab}

image_key() {
  (cd "$HERE" && find packages image.sh rootfs -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum | cut -c1-16)
}
# A lab that is up keeps the image that it stands on, whatever is edited here meanwhile.
IMAGE=$(cat "$LAB_DIR/image" 2>/dev/null || echo "$LAB_CACHE/$(image_key)")

packages() { sed 's/#.*//' "$HERE/packages" | tr -s ' \n' ',,' | sed 's/^,//; s/,$//'; }

# image_ensure builds the image unless it is there. Two that need it wait for each other.
image_ensure() {
  [[ -e $IMAGE/build ]] && return 0
  mkdir -p "$LAB_CACHE"
  exec 6>"$LAB_CACHE/lock"
  flock 6
  if [[ ! -e $IMAGE/build ]]; then
    image_prune
    echo "lab.sh: building the guests' image in $IMAGE" >&2
    SECONDS=0
    rm -rf "$IMAGE.part"
    mkdir "$IMAGE.part"
    trap 'rm -rf --one-file-system "$IMAGE.part"' EXIT
    # a process of its own: bash forgets set -e in a function whose failure is looked at
    "$SELF" _call image_files "$IMAGE.part" >"$LAB_CACHE/build.log" 2>&1 || die "image: $(tail -n 20 "$LAB_CACHE/build.log")"
    # With a journal: a guest that is fenced loses its power in mid-write, and files get mixed up without one.
    mke2fs -q -t ext4 -J size=16 -m 0 -E lazy_itable_init=1 -d "$IMAGE.part/root" "$IMAGE.part/base.img" "$IMAGE_SIZE"
    rm -rf "$IMAGE.part/root"
    printf 'seconds %s\nbase_mib %s\nkernel %s\n' "$SECONDS" "$(du -m "$IMAGE.part/base.img" | cut -f1)" "$(<"$IMAGE.part/kernel")" > "$IMAGE.part/build"
    mv "$IMAGE.part" "$IMAGE"
    trap - EXIT
    echo "lab.sh: image built in ${SECONDS} s" >&2
  fi
  exec 6>&-
}

# image_prune removes the images that no lab uses: a hub holds a lock on its own.
image_prune() {
  local d
  for d in "$LAB_CACHE"/*/; do
    [[ -d $d && $d != "$IMAGE/" ]] || continue
    (flock -xn 5 && rm -rf --one-file-system "$d") 5<"$d" || true
  done
}

image_files() {                                 # DIR
  image_root "$1/root"
  image_initrd "$1/root" "$1"
}

# image_root makes the root file system in DIR.
image_root() {
  local root=$1 excludes=() x
  for x in /usr/share/man /usr/share/doc /usr/share/locale /usr/share/info; do excludes+=(--dpkgopt="path-exclude=$x/*"); done
  # nothing that a guest has: 9 of 10 MB of the kernel's modules
  # udev would load what fits qemu's chipset, and each module costs a boot 0.1 s
  for x in gpu media net/ethernet net/wireless infiniband iio staging usb sound hid input isdn hwmon mtd ata platform i2c mfd cpufreq crypto \
           bluetooth thunderbolt nvme leds rtc; do
    excludes+=(--dpkgopt="path-exclude=/lib/modules/*/kernel/drivers/$x/*")
  done
  for x in sound net/bluetooth net/wireless net/mac80211 arch/x86/kvm drivers/watchdog/iTCO* ; do
    excludes+=(--dpkgopt="path-exclude=/lib/modules/*/kernel/$x/*" --dpkgopt="path-exclude=/lib/modules/*/kernel/$x.ko")
  done
  # INITRD=No: the guests start with the initramfs below, and making Debian's takes 20 s
  INITRD=No mmdebstrap --quiet --variant=apt --include="$(packages)" --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io "${excludes[@]}" "$SUITE" "$root"
  cp -r --preserve=mode "$HERE/rootfs/." "$root/"
  chmod 440 "$root/etc/sudoers.d/lab"
  image_units "$root"
  image_accounts "$root"
  rm -rf "$root"/etc/ssh/ssh_host_* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/*.log
  rm -f "$root"/etc/corosync/corosync.conf "$root"/etc/machine-id
  : > "$root/etc/machine-id"
  : > "$root/etc/fstab"
  : > "$root/etc/resolv.conf"                   # no name server: an unknown name fails at once
}

# image_units leaves ssh and what belongs to the machine itself, storage included, as Debian
# enables it; whatever a cluster or hactl runs starts when these say so. What only slows a boot goes.
image_units() {
  local root=$1 u e=$1/etc/systemd/system
  for u in $(cd "$e" && ls -d -- *.wants/* | sed 's,.*/,,' | sort -u); do
    case $u in
      lvm2-*|blk-availability*|dm-event*|open-iscsi*|iscsid*|rtslib-fb-targetctl*) ;;
      *) rm -f "$e"/*.wants/"$u" ;;
    esac
  done
  for u in lab-init:sysinit lab-exec:multi-user ssh:multi-user; do
    mkdir -p "$e/${u#*:}.target.wants"
    if [[ -e $e/${u%:*}.service ]]; then ln -sf "../${u%:*}.service" "$e/${u#*:}.target.wants/"
    else ln -sf "/lib/systemd/system/${u%:*}.service" "$e/${u#*:}.target.wants/"; fi
  done
  for u in e2scrub_reap.service getty@.service getty-static.service serial-getty@.service console-getty.service \
           systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-pstore.service systemd-random-seed.service \
           systemd-firstboot.service systemd-machine-id-commit.service systemd-binfmt.service systemd-hwdb-update.service \
           systemd-sysusers.service systemd-remount-fs.service systemd-logind.service \
           kmod-static-nodes.service sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount \
           modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service systemd-ask-password-wall.path systemd-ask-password-console.path; do
    ln -sf /dev/null "$e/$u"
  done
  ln -sf /lib/systemd/system/multi-user.target "$e/default.target"
  # Debian's generator starts each cluster of postgresql at boot, whatever is enabled.
  echo manual > "$root/etc/postgresql/15/main/start.conf"
}

# The namespace lab's accounts: admin has no sudo, operator has it without a password, deputy must give "secret".
image_accounts() {
  local root=$1 u i=7700
  chroot "$root" passwd -q -d root
  sed -i 's/^root:[^:]*:/root:*:/' "$root/etc/shadow"
  for u in admin operator deputy; do
    i=$((i + 1))
    sed -i "/^$u:/d" "$root/etc/group" "$root/etc/gshadow"      # Debian has a group operator
    chroot "$root" useradd -m -u $i -s /bin/bash -p '*' "$u"
    mkdir -m 700 "$root/home/$u/.ssh"
    ln -s /etc/lab/authorized_keys "$root/home/$u/.ssh/authorized_keys"
    chown -R $i:$i "$root/home/$u"
  done
  # shellcheck disable=SC2016
  sed -i 's,^deputy:[^:]*:,deputy:$6$hactllab$QVgW1nKBqGNS5NnyX8bjbAwFhccvF9Ikoq86UM6B1sQZqjug73lXS2bWFCCUM.VXeGP3FrY1SJKIqjf.8n7np/:,' "$root/etc/shadow"
  mkdir -p "$root/root/.ssh"
  chmod 700 "$root/root/.ssh"
  ln -s /etc/lab/authorized_keys "$root/root/.ssh/authorized_keys"
}

# image_initrd: the kernel, and an initramfs of busybox that knows one kind of disk, and the network: lab-init does not wait for udev.
image_initrd() {
  local root=$1 out=$2 i=$2/initramfs v m
  v=$(cd "$root/lib/modules" && ls | sort -V | tail -n 1)
  echo "$v" > "$out/kernel"
  cp "$root/boot/vmlinuz-$v" "$out/vmlinuz"
  rm -rf "${root:?}"/boot/*
  chroot "$root" depmod "$v"
  mkdir -p "$i"/{bin,dev,proc,sys,root,m}
  cp /bin/busybox "$i/bin/"
  ln -s busybox "$i/bin/sh"
  : > "$i/m/order"
  chroot "$root" modprobe -S "$v" -a --show-depends virtio_pci virtio_blk virtio_net ext4 crc32c_generic |
    awk '/^insmod/ && !/crc32c-intel/ && !s[$2]++ {print $2}' | while read -r m; do
      cp "$root$m" "$i/m/"
      basename "$m" >> "$i/m/order"
    done
  cat > "$i/init" <<'INIT'
#!/bin/sh
busybox mount -t devtmpfs dev /dev
busybox mount -t proc proc /proc
while read -r m; do busybox insmod "/m/$m"; done < /m/order
while [ ! -b /dev/vda ]; do busybox usleep 20000; done
busybox mount -t ext4 -o rw,noatime /dev/vda /root
busybox mount --move /dev /root/dev
busybox umount /proc
exec busybox switch_root /root /sbin/init
INIT
  chmod +x "$i/init"
  (cd "$i" && find . | cpio -o -H newc --quiet) > "$out/initrd.img"
  rm -rf "$i"
}
