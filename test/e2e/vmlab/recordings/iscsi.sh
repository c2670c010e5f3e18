# shellcheck shell=bash
# A target on node2 and an initiator on node1, from nothing to a session.

IQN=iqn.2023-02.com.example:blocks INI=iqn.2023-02.com.example:node1.init
look_target() {
  look "iscsitarget/$1" node2 <<'L'
ls targetcli ls
saveconfig sh -c 'targetcli saveconfig /tmp/saveconfig.json >/dev/null && cat /tmp/saveconfig.json; rm -f /tmp/saveconfig.json'
saved cat /etc/rtslib-fb-target/saveconfig.json
configfs sh -c 'cd /sys/kernel/config/target 2>/dev/null && find . -type f -readable ! -path "*statistics/*" | sort | while read -r f; do v=$(tr "\0" " " < "$f" 2>/dev/null) && printf "%s=%s\n" "$f" "$v"; done'
links sh -c 'cd /sys/kernel/config/target 2>/dev/null && find . -type l -printf "%p -> %l\n" | sort'
L
}
look_initiator() {
  look "iscsiinitiator/$1" node1 <<'L'
session iscsiadm -m session
session-p3 iscsiadm -m session -P 3
node iscsiadm -m node
node-p1 iscsiadm -m node -P 1
sysfs sh -c 'cd /sys/class/iscsi_session 2>/dev/null && grep -s ^ */targetname */state */username* */recovery_tmo; cd /sys/class/iscsi_connection && grep -s ^ */address */port */state'
records sh -c 'cd /etc/iscsi && find nodes send_targets -type f -printf "%m %p\n" 2>/dev/null'
lsblk lsblk --json --bytes -o NAME,KNAME,PATH,TYPE,TRAN,SIZE,FSTYPE,SERIAL,WWN,VENDOR,MODEL,HCTL,MOUNTPOINTS
by-path ls -l /dev/disk/by-path
by-id ls -l /dev/disk/by-id
L
}
targets() { "$LAB" exec node2 targetcli >/dev/null; }

fresh
rm -rf "$DRIVERS"/iscsi{target,initiator}/testdata/recorded
keep iscsitarget/blank node2 version targetcli --version
look_target blank
keep iscsiinitiator/blank node1 version iscsiadm --version
keep iscsiinitiator/blank node1 initiatorname cat /etc/iscsi/initiatorname.iscsi
keep iscsiinitiator/blank node1 iscsid.conf cat /etc/iscsi/iscsid.conf
keep iscsiinitiator/blank node1 units systemctl show open-iscsi.service iscsid.service iscsid.socket --property=Id,LoadState,ActiveState,UnitFileState
look_initiator blank
on node2 mkdir -p /var/lib/iscsi_disks
targets <<T
/backstores/fileio create sdb /var/lib/iscsi_disks/sdb.img 64M
/backstores/fileio create sdc /var/lib/iscsi_disks/sdc.img 64M
/backstores/block create blk $(disk node2 1)
/iscsi create $IQN
/iscsi/$IQN/tpg1/luns create /backstores/fileio/sdb
/iscsi/$IQN/tpg1/luns create /backstores/fileio/sdc
/iscsi/$IQN/tpg1/luns create /backstores/block/blk
/iscsi/$IQN/tpg1/acls create $INI
/iscsi/$IQN/tpg1/acls/$INI set auth userid=user1 password=labpass-one
T
look_target no-auth                             # a password alone is not asked for
targets <<T
/iscsi/$IQN/tpg1 set attribute authentication=1
saveconfig
T
look_target one-target
keep iscsitarget/errors node2 create-again targetcli /iscsi create $IQN
keep iscsitarget/errors node2 unknown-path targetcli /iscsi/iqn.2020-01.x:nowhere ls
keep iscsitarget/errors node2 backstore-absent targetcli /backstores/block create x /dev/nowhere
keep iscsitarget/errors node2 bad-iqn targetcli /iscsi create nonsense
keep iscsitarget/errors node2 backstore-in-use targetcli /backstores/fileio create sdb2 /var/lib/iscsi_disks/sdb.img

sh_on node1 "echo InitiatorName=$INI > /etc/iscsi/initiatorname.iscsi; systemctl restart iscsid"
keep iscsiinitiator/errors node1 discovery-refused iscsiadm -m discovery -t st -p 192.168.91.1
keep iscsiinitiator/errors node1 session-none iscsiadm -m session
keep iscsiinitiator/errors node1 login-unknown iscsiadm -m node -T iqn.2020-01.x:nowhere -p 192.168.91.2 --login
keep iscsiinitiator/discovered node1 discovery iscsiadm -m discovery -t st -p 192.168.91.2
look_initiator discovered
keep iscsiinitiator/discovered node1 record sh -c 'cat /etc/iscsi/nodes/*/*/default'
keep iscsiinitiator/errors node1 login-no-chap iscsiadm -m node -T $IQN -p 192.168.91.2 --login
chap() { on node1 sh -c "for o in authmethod=CHAP username=user1 password=$1; do iscsiadm -m node -T $IQN -p 192.168.91.2 -o update -n node.session.auth.\${o%%=*} -v \${o#*=}; done"; }
chap wrong-password
keep iscsiinitiator/errors node1 login-wrong-chap iscsiadm -m node -T $IQN -p 192.168.91.2 --login
chap labpass-one
keep iscsiinitiator/session node1 login iscsiadm -m node -T $IQN -p 192.168.91.2 --login
on node1 udevadm settle
sleep 1
look_initiator session
keep iscsiinitiator/session node1 record sh -c 'cat /etc/iscsi/nodes/*/*/default'
keep iscsiinitiator/errors node1 login-again iscsiadm -m node -T $IQN -p 192.168.91.2 --login
look_target session
# a LUN more, and one that grew
targets <<T
/backstores/fileio create sde /var/lib/iscsi_disks/sde.img 32M
/iscsi/$IQN/tpg1/luns create /backstores/fileio/sde
T
look_target lun-added
look_initiator lun-added
keep iscsiinitiator/rescanned node1 rescan iscsiadm -m session --rescan
on node1 udevadm settle
sleep 1
look_initiator rescanned
# somebody uses a disk of the session
sh_on node1 'd=$(ls /dev/disk/by-path/*lun-0); mkfs.ext4 -q $d; mkdir -p /mnt/i; mount $d /mnt/i; udevadm settle'
look_initiator mounted
sh_on node1 'umount /mnt/i'
keep iscsiinitiator/logged-out node1 logout iscsiadm -m node -T $IQN -p 192.168.91.2 --logout
look_initiator logged-out
keep iscsiinitiator/errors node1 logout-again iscsiadm -m node -T $IQN -p 192.168.91.2 --logout
# mutual CHAP and a second portal
targets <<T
/iscsi/$IQN/tpg1/acls/$INI set auth mutual_userid=back mutual_password=labpass-two
/iscsi/$IQN/tpg1/portals delete 0.0.0.0 3260
/iscsi/$IQN/tpg1/portals create 192.168.90.2
/iscsi/$IQN/tpg1/portals create 192.168.91.2
/iscsi/$IQN/tpg1 set attribute generate_node_acls=0
saveconfig
T
look_target mutual-two-portals
