# shellcheck shell=bash
# From a blank disk to thin volumes, and what LVM says where it refuses.

look_lvm() {                                    # STATE
  look "lvm/$1" node1 <<L
fullreport lvm fullreport --reportformat json --units b --nosuffix --all
pvs pvs --reportformat json --units b --nosuffix -o pv_name,pv_uuid,vg_name,pv_size,pv_free,dev_size,pv_attr,pv_missing,pv_duplicate,pv_tags,pv_in_use
vgs vgs --reportformat json --units b --nosuffix -o vg_name,vg_uuid,vg_size,vg_free,vg_extent_size,vg_extent_count,vg_free_count,vg_attr,vg_systemid,vg_lock_type,vg_lock_args,vg_autoactivation,vg_tags,pv_count,lv_count,vg_missing_pv_count
lvs lvs --all --reportformat json --units b --nosuffix -o lv_name,vg_name,lv_uuid,lv_path,lv_size,lv_attr,segtype,pool_lv,origin,data_percent,metadata_percent,lv_metadata_size,lv_active,lv_tags,lv_autoactivation,devices
lsblk lsblk --json --bytes -o NAME,KNAME,PATH,TYPE,SIZE,RO,FSTYPE,FSVER,LABEL,UUID,PTTYPE,PARTTYPE,PARTUUID,PARTFLAGS,SERIAL,WWN,PKNAME,MOUNTPOINTS
L
}
fail_lvm() { keep "lvm/errors" node1 "$@"; }    # NAME CMD...

fresh
D=$(disk node1 1) E=$(disk node1 2) F=$(disk node1 3)
rm -rf "$DRIVERS"/lvm/testdata/recorded/{blank,pv,vg,lv,thin,filesystems,system-id,partition,missing-pv,errors}
keep lvm/blank node1 version lvm version
keep lvm/blank node1 by-id ls -l /dev/disk/by-id
keep lvm/blank node1 lvmconfig lvmconfig --type full
look_lvm blank
on node1 pvcreate -q -y "$D";                           look_lvm pv
on node1 vgcreate -q --addtag hactl vg0 "$D" "$E";      look_lvm vg
sh_on node1 'lvcreate -q -y -n data -L 100M vg0; lvcreate -q -y -n rest -l 10%FREE --addtag hactl vg0'; look_lvm lv
sh_on node1 'lvcreate -q -y --type thin-pool -L 200M -n pool vg0 2>/dev/null; lvcreate -q -y -V 1G --thinpool pool -n thin vg0 2>/dev/null'; look_lvm thin
sh_on node1 'lvcreate -q -y -n xfs -L 320M vg0; mkfs.ext4 -q /dev/vg0/data; mkfs.xfs -q /dev/vg0/xfs; mkdir -p /mnt/data; mount /dev/vg0/data /mnt/data; udevadm settle'
look_lvm filesystems
look lvm/filesystems node1 <<'L'
findmnt findmnt --json --real --output-all
blkid-data blkid -p -o export /dev/vg0/data
blkid-xfs blkid -p -o export /dev/vg0/xfs
blkid-blank blkid -p -o export /dev/vg0/rest
wipefs-data wipefs --json /dev/vg0/data
wipefs-xfs wipefs --json /dev/vg0/xfs
dumpe2fs dumpe2fs -h /dev/vg0/data
xfs_info xfs_info /dev/vg0/xfs
L

fail_lvm vgs-unknown vgs --reportformat json nowhere
fail_lvm lvs-unknown lvs --reportformat json vg0/nowhere
fail_lvm pvcreate-in-vg pvcreate "$D"
fail_lvm pvcreate-absent pvcreate /dev/nowhere
fail_lvm vgcreate-exists vgcreate vg0 "$F"
fail_lvm lvcreate-exists lvcreate -n data -L 10M vg0
fail_lvm lvcreate-too-large lvcreate -n big -L 10G vg0
fail_lvm lvextend-too-large lvextend -L 10G vg0/data
fail_lvm lvextend-same lvextend -L 100M vg0/data
fail_lvm lvreduce lvreduce -L 50M vg0/data
fail_lvm lvremove-mounted lvremove -y vg0/data
fail_lvm vgremove-in-use vgremove vg0
fail_lvm vgchange-n-mounted vgchange -an vg0
fail_lvm pvremove-in-vg pvremove "$D"
fail_lvm lvcreate-thin-no-pool lvcreate -V 100M --thinpool nopool -n t vg0
fail_lvm vgcreate-shared-no-lockd vgcreate --shared vgs "$F"
on node1 mkfs.ext4 -q "$F"
fail_lvm pvcreate-signature pvcreate "$F"
fail_lvm mkfs-ext4-signature mkfs.ext4 -n "$F"
fail_lvm mkfs-xfs-signature mkfs.xfs "$F"
fail_lvm pvcreate-mounted sh -c "mkdir -p /mnt/f && mount $F /mnt/f && pvcreate -y $F; e=\$?; umount /mnt/f; exit \$e"
fail_lvm lvcreate-signature sh -c "lvcreate -q -y -n sig -L 20M vg0 && mkfs.ext4 -q /dev/vg0/sig && lvremove -q -y vg0/sig && lvcreate -n sig -L 20M vg0 </dev/null"

# a group of another machine
sh_on node1 "wipefs -qa $F; pvcreate -q -y $F; vgcreate -q --systemid node2 foreign $F"; look_lvm system-id
fail_lvm lvcreate-foreign lvcreate -n x -L 10M foreign
fail_lvm vgchange-foreign vgchange -ay foreign
keep lvm/system-id node1 vgs-foreign vgs --foreign --reportformat json -o vg_name,vg_systemid
keep lvm/system-id node1 systemid lvm systemid
sh_on node1 "mkdir -p /etc/lvm; printf 'global { system_id_source = \"uname\" }\n' > /etc/lvm/lvmlocal.conf"
keep lvm/system-id node1 systemid-uname lvm systemid

# a partition with the LVM flag, and a disk that vanishes
fresh
D=$(disk node1 1) E=$(disk node1 2)
sh_on node1 "sgdisk -n 1:0:0 -t 1:8e00 $D >/dev/null; udevadm settle; pvcreate -q -y ${D}1; vgcreate -q vg_part ${D}1"; look_lvm partition
keep lvm/partition node1 sfdisk sfdisk --json "$D"
keep lvm/partition node1 sgdisk sgdisk -p "$D"
keep lvm/partition node1 parted parted -s -m "$D" unit B print
sh_on node1 "pvcreate -q -y $E; vgextend -q vg_part $E; lvcreate -q -y -n span -l 100%FREE vg_part; lvchange -an vg_part/span; echo 1 > /sys/block/${E##*/}/device/delete; udevadm settle"
look_lvm missing-pv
fail_lvm vgchange-missing-pv vgchange -ay vg_part
