# shellcheck shell=bash
# What this machine must have; instead of the namespace lab's list.

PACKAGES=(busybox-static cpio curl iproute2 jq kmod mmdebstrap netcat-openbsd nftables openipmi ipmitool openssh-client python3
          qemu-system-x86 qemu-utils systemd util-linux)

check_programs() {
  local p missing=()
  for p in unshare nsenter ip nft cpio ssh ssh-keygen nc.openbsd jq python3 busybox mke2fs mmdebstrap qemu-system-x86_64 qemu-img ipmi_sim ipmitool; do
    command -v "$p" >/dev/null || missing+=("$p")
  done
  ((${#missing[@]} == 0)) || die "missing: ${missing[*]} (run: $SELF install)"
}
