# shellcheck shell=bash
# One disk with each kind of signature: what must never be taken for a blank one.

look_disk() {                                   # STATE NODE DEVICE
  look "lvm/$1" "$2" <<L
lsblk lsblk --json --bytes --output-all $3
blkid blkid -p -o export $3
wipefs wipefs --json $3
sfdisk sfdisk --json $3
L
}

D=$(disk node1 1) E=$(disk node1 2)
rm -rf "$DRIVERS/lvm/testdata/recorded/signatures"
look_disk signatures/blank node1 "$D"
while read -r -u 3 kind make; do                # not on standard input, which ssh reads
  sh_on node1 "exec >/dev/null 2>&1; D=$D E=$E; $make; udevadm settle"
  look_disk "signatures/$kind" node1 "$D"
  if [[ $kind == gpt* || $kind == dos ]]; then look_disk "signatures/$kind-part1" node1 "${D}1"; fi
  sh_on node1 "exec >/dev/null 2>&1; D=$D E=$E
    mdadm --stop --scan; mdadm --zero-superblock \$D \$E || true; vgremove -ff -y sig || true; wipefs -a -f \${D}1 || true; wipefs -a -f \$D \$E
    dd if=/dev/zero of=\$D bs=1M count=2; dd if=/dev/zero of=\$D bs=1M seek=\$((\$(blockdev --getsz \$D)/2048-2)) || true; blockdev --rereadpt \$D; udevadm settle"
done 3<<'K'
ext4 mkfs.ext4 -q -L data $D
xfs mkfs.xfs -q $D
gfs2 mkfs.gfs2 -O -q -p lock_dlm -t lab:disk -j 2 -J 8 $D
lvm pvcreate -q -y $D
lvm-vg pvcreate -q -y $D; vgcreate -q sig $D
gpt-lvm sgdisk -n 1:0:0 -t 1:8e00 $D
gpt-linux sgdisk -n 1:0:+64M -t 1:8300 $D
dos echo 'type=83' | sfdisk -q $D
swap mkswap $D
luks echo secret | cryptsetup -q --pbkdf pbkdf2 --iter-time 100 luksFormat $D -
drbd printf 'resource r0 { device /dev/drbd0; disk %s; meta-disk internal; on node1 { address 192.168.91.1:7788; } on node2 { address 192.168.91.2:7788; } }' $D > /etc/drbd.d/r0.res; drbdadm --force create-md r0; rm /etc/drbd.d/r0.res
drbd-over-ext4 mkfs.ext4 -q $D 400M; printf 'resource r0 { device /dev/drbd0; disk %s; meta-disk internal; on node1 { address 192.168.91.1:7788; } on node2 { address 192.168.91.2:7788; } }' $D > /etc/drbd.d/r0.res; yes yes | drbdadm --force create-md r0; rm /etc/drbd.d/r0.res
mdraid mdadm --create /dev/md0 -R --level=1 --raid-devices=2 --metadata=1.2 $D $E
K
