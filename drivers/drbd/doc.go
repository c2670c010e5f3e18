// Package drbd reconciles DRBD resources: their files, their metadata, the first sync, and changes of what runs.
//
// A new resource is made on blank devices only, and a mark on each node (markDir) stands from before the first byte is written until the
// resource was handed over. So an apply that died goes on where it was, and no other layer takes a resource for done before it is. Only what
// carries the mark is ever promoted by hactl, and by force only if no node of it has data.
//
// A resource that Pacemaker manages (a resource with the agent ocf:linbit:drbd in the manifests) is Pacemaker's once it was handed over: it is
// never brought up, taken down, promoted or demoted here. Its file is written on all nodes, and `drbdadm adjust` is run where the kernel
// has it. Split brain is told with what both sides know, and left, unless the victim is named (Driver.Discarding).
//
// Nodes join a resource in use as those that are filled, and leave it if they are not in use and those that stay have all data: first the node
// that leaves is taken down, then the files of the others forget it, then their kernels (members.go). DRBD 8.4 replaces its one peer so.
//
// DRBD 8.4 is proved on kernels, DRBD 9 with drbdadm alone.
package drbd
