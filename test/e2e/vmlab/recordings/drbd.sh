# shellcheck shell=bash
# A DRBD 8.4 pair from its metadata to a split brain.

look_drbd() {                                   # STATE NODE...
  local state=drbd/$1 n
  shift
  for n; do
    look "$state" "$n" <<'L'
status drbdsetup status --verbose --statistics
events2 drbdsetup events2 --now --timestamps --statistics
show drbdsetup show
proc cat /proc/drbd
adm-status drbdadm status r0
role drbdadm role all
cstate drbdadm cstate all
dstate drbdadm dstate all
get-gi drbdadm get-gi r0
show-gi drbdadm show-gi r0
adjust drbdadm --dry-run adjust r0
L
  done
}
both() { local p; sh_on node1 "$@" & p=$!; sh_on node2 "$@"; wait $p; }
resource() {                                    # RESYNC-RATE
  local n
  for n in node1 node2; do
    sh_on $n "cat > /etc/drbd.d/r0.res" <<R
resource r0 {
  device /dev/drbd0;
  disk /dev/vg0/r0;
  meta-disk internal;
  disk { on-io-error detach; resync-rate $1; c-plan-ahead 0; }
  net { protocol C; cram-hmac-alg sha1; shared-secret "s3cret"; }
  on node1 { address 192.168.91.1:7788; }
  on node2 { address 192.168.91.2:7788; }
}
R
  done
}

fresh
rm -rf "$DRIVERS/drbd/testdata/recorded"
D1=$(disk node1 1) D2=$(disk node2 1)
sh_on node1 "pvcreate -q -y $D1; vgcreate -q vg0 $D1; lvcreate -q -y -n r0 -L 64M vg0"
sh_on node2 "pvcreate -q -y $D2; vgcreate -q vg0 $D2; lvcreate -q -y -n r0 -L 64M vg0"
keep drbd/version node1 drbdadm drbdadm --version
keep drbd/version node1 modinfo modinfo drbd
keep drbd/version node1 not-loaded drbdsetup status
keep drbd/version node1 proc-not-loaded cat /proc/drbd
resource 200M
keep drbd/dump node1 dump drbdadm dump r0
keep drbd/dump node1 dump-xml drbdadm dump-xml r0
keep drbd/dump node1 sh-resources drbdadm sh-resources
keep drbd/dump node1 sh-nop drbdadm sh-nop
keep drbd/errors node1 dump-md-none drbdadm dump-md r0
keep drbd/errors node1 up-no-metadata drbdadm up r0
keep drbd/errors node1 unknown-resource drbdadm status nowhere
look_drbd no-metadata node1
both 'drbdadm create-md r0 </dev/null >/dev/null 2>&1; modprobe drbd'
keep drbd/errors node1 create-md-again drbdadm create-md r0
keep drbd/down node1 dump-md drbdadm dump-md r0
keep drbd/down node1 blkid blkid -p -o export /dev/vg0/r0
keep drbd/down node1 lsblk lsblk --json --bytes -o NAME,KNAME,PATH,TYPE,SIZE,RO,FSTYPE,FSVER,UUID,PKNAME,MOUNTPOINTS
look_drbd down node1
on node1 drbdadm up r0; sleep 1
look_drbd alone node1
on node2 drbdadm up r0
until_on node1 60 'drbdadm cstate r0 | grep -q Connected'
look_drbd inconsistent node1 node2
keep drbd/errors node1 primary-inconsistent drbdadm primary r0
resource 500k
both drbdadm adjust r0
on node1 drbdadm primary --force r0
until_on node1 30 'grep -q "sync.ed:" /proc/drbd'
look_drbd syncing node1 node2
resource 200M
keep drbd/syncing node1 adjust-rate drbdadm --dry-run adjust r0
both drbdadm adjust r0
until_on node1 120 'drbdadm dstate r0 | grep -q UpToDate/UpToDate'
look_drbd uptodate node1 node2
keep drbd/errors node2 primary-second drbdadm primary r0
keep drbd/errors node1 resize-same drbdadm resize r0
sh_on node1 'mkfs.ext4 -q /dev/drbd0; mkdir -p /mnt/r0; mount /dev/drbd0 /mnt/r0; echo one > /mnt/r0/file; sync'
look_drbd mounted node1
keep drbd/mounted node1 lsblk lsblk --json --bytes -o NAME,KNAME,PATH,TYPE,SIZE,RO,FSTYPE,FSVER,UUID,PKNAME,MOUNTPOINTS
keep drbd/mounted node1 blkid blkid -p -o export /dev/drbd0
keep drbd/mounted node1 blkid-lower blkid -p -o export /dev/vg0/r0
keep drbd/errors node1 secondary-mounted drbdadm secondary r0
keep drbd/errors node1 down-mounted drbdadm down r0
on node2 drbdadm detach r0
look_drbd diskless node1 node2
keep drbd/errors node1 detach-last drbdadm detach r0
on node2 drbdadm attach r0
until_on node1 60 'drbdadm dstate r0 | grep -q UpToDate/UpToDate'
on node2 drbdadm disconnect r0; sleep 2
look_drbd standalone node1 node2
# both write without the other: split brain
sh_on node2 'drbdadm primary --force r0; dd if=/dev/urandom of=/dev/drbd0 bs=1M count=1 seek=20 oflag=direct 2>/dev/null; drbdadm secondary r0'
sh_on node1 'dd if=/dev/urandom of=/mnt/r0/two bs=1M count=1 2>/dev/null; sync'
on node2 drbdadm connect r0; sleep 4
look_drbd split-brain node1 node2
keep drbd/split-brain node1 dmesg sh -c 'dmesg | grep -i "drbd r0\|block drbd0" | tail -n 30'
keep drbd/split-brain node2 dmesg sh -c 'dmesg | grep -i "drbd r0\|block drbd0" | tail -n 30'
sh_on node1 'drbdadm disconnect r0 || true; drbdadm connect r0'
on node2 sh -c 'drbdadm disconnect r0; drbdadm connect --discard-my-data r0'
until_on node1 60 'drbdadm dstate r0 | grep -q UpToDate/UpToDate'
"$LAB" power node2 off
until_on node1 60 '! drbdadm cstate r0 | grep -q "^Connected"'
look_drbd peer-lost node1
"$LAB" power node2 on
"$LAB" wait node2
