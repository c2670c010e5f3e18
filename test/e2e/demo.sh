#!/bin/bash
# The demo: three bare machines in the lab become a fenced cluster that serves a
# page on a virtual address. The lab stays up to play with.
set -euo pipefail
cd "$(dirname "$0")/../.."
export LAB_NAME=${LAB_NAME:-demo} IPMI_PASSWORD=secret
lab=test/e2e/nslab/lab.sh
say() { printf '\n$ %s\n' "$*"; }

$lab install
$lab down 2>/dev/null || true
$lab up 3
dir=$($lab dir)
# hactl runs in the lab's network as any SSH client would; no machine of yours is touched.
hactl() { say "hactl $*"; $lab hub env HOME="$dir/home" "$PWD/bin/hactl" "$@"; }

hactl apply -f examples/demo
hactl status -f examples/demo
hactl plan -f examples/demo
say "curl http://10.77.100.10/"
$lab hub curl -fsS http://10.77.100.10/ | grep -i '<h1>'

cat <<T

The lab is up. To play with it:
  export LAB_NAME=$LAB_NAME IPMI_PASSWORD=secret HOME=$dir/home
  $lab ssh node1 crm_mon -1                  a shell or a command on a node
  $lab hub bin/hactl status -f examples/demo hactl in the lab's network
  $lab kill node1                            pull the plug of the node that serves
  make lab-down LAB_NAME=$LAB_NAME                 the end
T
