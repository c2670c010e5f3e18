// Package lvm reconciles volume groups: partitions, physical volumes, groups, logical volumes and the file systems on them.
//
// A group that hactl made or took over carries the tag hactl.owner=OWNER, and hactl.disk=PATH=IDENTITY for each disk that it was given by a
// name that may be another disk after the next boot. What is still being made has the tag hactl.new, so that a run that died is gone on with:
//
//   - a volume has it until its file system is made (then hactl.fs=TYPE);
//   - a group that several nodes see, or that Pacemaker activates, has it until all is there and it was deactivated. From then on hactl never
//     activates or deactivates it: that is for ocf:heartbeat:LVM-activate.
//
// A shared group is worked on from one node only: its owner by system ID (lvmsystemid(7)), or the first that sees the disks. Nothing is ever
// made smaller, and nothing is written to a device that holds something, unless that was allowed for the group by name.
package lvm
