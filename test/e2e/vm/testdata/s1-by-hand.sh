#!/bin/bash
# S1 as a tutorial has it typed: examples/s1-drbd-web with the tools that the guests have, node by node, over ssh. An administrator who knows what
# comes next is generous to the clock: what belongs together on a node is one session, and nothing is waited for that the next command does not need.
#
#   s1-by-hand.sh SSH-CONFIG
set -euo pipefail
on() { ssh -F "$config" "$1" 'set -eu; export LC_ALL=C'"
$2"; }
config=$1
NODES=(node1 node2)

# The machines: packages, names, what starts at boot.
for n in "${NODES[@]}"; do
  on "$n" 'dpkg-query -W nginx drbd-utils lvm2 corosync pacemaker >/dev/null || apt-get install -y nginx drbd-utils lvm2
printf "192.168.1.11 node1\n192.168.1.12 node2\n" >>/etc/hosts
systemctl disable nginx drbd
systemctl enable corosync pacemaker'
done

# The cluster: one key, one configuration, the daemons.
on node1 'corosync-keygen -l >/dev/null'
key=$(mktemp) conf=$(mktemp)
trap 'rm -f "$key" "$conf"' EXIT
on node1 'cat /etc/corosync/authkey' >"$key"
cat >"$conf" <<'EOF'
totem {
  version: 2
  cluster_name: mycluster
  transport: knet
  crypto_cipher: aes256
  crypto_hash: sha256
  token: 10000
}
nodelist {
  node {
    name: node1
    nodeid: 1
    ring0_addr: 192.168.1.11
    ring1_addr: 192.168.91.1
  }
  node {
    name: node2
    nodeid: 2
    ring0_addr: 192.168.1.12
    ring1_addr: 192.168.91.2
  }
}
quorum {
  provider: corosync_votequorum
  two_node: 1
  wait_for_all: 1
}
logging {
  to_logfile: yes
  logfile: /var/log/corosync/corosync.log
  to_syslog: yes
  timestamp: on
}
EOF
on node2 'umask 077; cat >/etc/corosync/authkey; chmod 400 /etc/corosync/authkey' <"$key"
for n in "${NODES[@]}"; do
  on "$n" 'cat >/etc/corosync/corosync.conf; corosync -t >/dev/null' <"$conf"
done
for n in "${NODES[@]}"; do on "$n" 'systemctl start corosync pacemaker'; done

# The volumes and DRBD.
for i in 1 2; do
  on "node$i" "disk=/dev/disk/by-id/wwn-0x5000c500770${i}0001
wipefs -n \$disk; pvcreate -q \$disk; vgcreate -q vg0 \$disk; lvcreate -q -n r0 -L 128M vg0
umask 077; cat >/etc/drbd.d/r0.res" <<EOF
resource r0 {
  device /dev/drbd0;
  disk /dev/vg0/r0;
  meta-disk internal;
  net {
    protocol C;
    cram-hmac-alg sha1;
    shared-secret "$DRBD_SECRET";
  }
  disk {
    on-io-error detach;
    resync-rate 100M;
    c-plan-ahead 0;
  }
  startup {
    wfc-timeout 15;
    degr-wfc-timeout 60;
  }
  on node1 { address 192.168.91.1:7788; }
  on node2 { address 192.168.91.2:7788; }
}
EOF
  on "node$i" 'modprobe drbd; drbdadm create-md r0; drbdadm up r0'
done
on node1 'until [ "$(drbdadm cstate r0)" = Connected ]; do sleep 1; done
drbdadm primary --force r0; mkfs.ext4 -q /dev/drbd0; drbdadm secondary r0'

# The resources, stopped from running apart by the order in which they are typed.
on node1 'until crm_mon -1 | grep -q "Online: \[ node1 node2 \]"; do sleep 1; done
crm_attribute -q --type crm_config --name no-quorum-policy --update ignore
crm_attribute -q --type rsc_defaults --name resource-stickiness --update 100'
fence() { # NUMBER MORE
  printf '%s' "<primitive id=\"fence_node$1\" class=\"stonith\" type=\"fence_ipmilan\"><instance_attributes id=\"fence_node$1-params\">\
<nvpair id=\"f$1-1\" name=\"pcmk_host_list\" value=\"node$1\"/><nvpair id=\"f$1-2\" name=\"ip\" value=\"10.79.0.$1\"/>\
<nvpair id=\"f$1-3\" name=\"username\" value=\"admin\"/><nvpair id=\"f$1-4\" name=\"password\" value=\"$IPMI_PASSWORD\"/>\
<nvpair id=\"f$1-5\" name=\"lanplus\" value=\"1\"/><nvpair id=\"f$1-6\" name=\"cipher\" value=\"3\"/>\
<nvpair id=\"f$1-7\" name=\"power_timeout\" value=\"20\"/>$2</instance_attributes><operations>\
<op id=\"f$1-monitor\" name=\"monitor\" interval=\"60s\" timeout=\"60s\"/></operations></primitive>"
}
add() { on node1 "cibadmin --create --scope $1 --xml-pipe" <<<"$2"; }
add resources "$(fence 1 '<nvpair id="f1-8" name="pcmk_delay_base" value="5s"/>')"
add constraints '<rsc_location id="l1" rsc="fence_node1" node="node1" score="-INFINITY"/>'
add resources "$(fence 2 '')"
add constraints '<rsc_location id="l2" rsc="fence_node2" node="node2" score="-INFINITY"/>'
on node1 'crm_attribute -q --type crm_config --name stonith-enabled --update true'
add resources '<clone id="DRBD-clone"><meta_attributes id="DRBD-clone-meta"><nvpair id="d1" name="promotable" value="true"/><nvpair id="d2" name="promoted-max" value="1"/><nvpair id="d3" name="clone-max" value="2"/><nvpair id="d4" name="notify" value="true"/></meta_attributes><primitive id="DRBD" class="ocf" provider="linbit" type="drbd"><instance_attributes id="DRBD-params"><nvpair id="d5" name="drbd_resource" value="r0"/></instance_attributes><operations><op id="d6" name="start" interval="0" timeout="240s"/><op id="d7" name="promote" interval="0" timeout="90s"/><op id="d8" name="demote" interval="0" timeout="90s"/><op id="d9" name="stop" interval="0" timeout="100s"/><op id="d10" name="monitor" interval="29s" timeout="60s" role="Master"/><op id="d11" name="monitor" interval="31s" timeout="60s" role="Slave"/></operations></primitive></clone>'
# Without its constraints in the same change a group may start where there is no DRBD: it is added switched off.
add resources '<group id="WebGroup"><meta_attributes id="WebGroup-meta"><nvpair id="w0" name="target-role" value="Stopped"/></meta_attributes><primitive id="WebFS" class="ocf" provider="heartbeat" type="Filesystem"><instance_attributes id="WebFS-params"><nvpair id="w1" name="device" value="/dev/drbd0"/><nvpair id="w2" name="directory" value="/var/www"/><nvpair id="w3" name="fstype" value="ext4"/></instance_attributes><operations><op id="w4" name="start" interval="0" timeout="60s"/><op id="w5" name="stop" interval="0" timeout="60s"/><op id="w6" name="monitor" interval="20s" timeout="60s"/></operations></primitive><primitive id="VIP" class="ocf" provider="heartbeat" type="IPaddr2"><instance_attributes id="VIP-params"><nvpair id="w7" name="ip" value="192.168.1.100"/><nvpair id="w8" name="cidr_netmask" value="24"/></instance_attributes><operations><op id="w9" name="monitor" interval="30s"/></operations></primitive><primitive id="WebServer" class="ocf" provider="heartbeat" type="nginx"><instance_attributes id="WebServer-params"><nvpair id="w10" name="configfile" value="/etc/nginx/nginx.conf"/></instance_attributes><operations><op id="w11" name="start" interval="0" timeout="40s"/><op id="w12" name="stop" interval="0" timeout="60s"/><op id="w13" name="monitor" interval="10s" timeout="30s"/></operations></primitive></group>'
add constraints '<rsc_colocation id="web-on-drbd" rsc="WebGroup" with-rsc="DRBD-clone" with-rsc-role="Master" score="INFINITY"/>'
add constraints '<rsc_order id="drbd-before-web" first="DRBD-clone" first-action="promote" then="WebGroup" then-action="start"/>'
on node1 'crm_resource --resource WebGroup --meta --delete-parameter target-role'
