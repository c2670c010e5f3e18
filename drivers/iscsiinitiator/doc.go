// Package iscsiinitiator makes machines log in to iSCSI targets (open-iscsi): the initiator's name, node records with CHAP, sessions, and the
// disks that come with them.
//
// A node record is a file that hactl writes itself, since iscsiadm would take the passwords as arguments that every process can read. A new
// one holds what iscsid.conf says of nodes; of one that is there only the lines change that a manifest tells. Sessions are never cut to
// change a setting: it counts at the next login. hactl logs out only of what its record (recordDir) names, and only if nothing uses the
// disks.
package iscsiinitiator
