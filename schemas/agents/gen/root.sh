#!/bin/sh
# root.sh DIR - put a Debian 12 with all packages that bring cluster agents into DIR, where their metadata can be read. Needs root and
# debootstrap, and 3 GB of disk; nothing is started. The packages with agents are those that apt-file finds for usr/lib/ocf/resource.d and
# sbin/fence_; the python3 ones are what some fence agents import before they print anything.
set -eu
dir=$1
agents='resource-agents resource-agents-paf ceph-resource-agents pacemaker pacemaker-resource-agents drbd-utils booth-pacemaker ldirectord
	glusterfs-common rabbitmq-server fence-agents fence-virt'
imports='python3-adal python3-azure python3-keystoneauth1 python3-keystoneclient python3-novaclient python3-kubernetes libnet-telnet-perl libxml2-utils'

command -v debootstrap >/dev/null || apt-get install -y -qq debootstrap
if ! [ -e "$dir/etc/debian_version" ]; then
	mkdir -p "$dir"
	debootstrap --variant=minbase bookworm "$dir"
	for suite in bookworm bookworm-updates; do
		echo "deb http://deb.debian.org/debian $suite main"
	done >"$dir/etc/apt/sources.list"
	echo 'deb http://deb.debian.org/debian-security bookworm-security main' >>"$dir/etc/apt/sources.list"
	printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d" # start no daemon
	chmod +x "$dir/usr/sbin/policy-rc.d"
fi
chroot "$dir" apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive chroot "$dir" apt-get install -y -qq --no-install-recommends $agents $imports >/dev/null
