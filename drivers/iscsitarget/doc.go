// Package iscsitarget reconciles targets of the kernel's iSCSI server (LIO): backstores, portals, LUNs, ACLs with CHAP, attributes.
//
// The running target is changed through configfs, one value after the other, so that no session is disturbed that the change is not about:
// targetcli's restoreconfig clears everything first, and a start of Python for each change costs seconds on a slow machine. Passwords reach
// the kernel by standard input. What the kernel has is then written into rtslib's saveconfig.json, where it is merged with what others have
// there, and which rtslib's own service reads at boot. rtslib's `save` would also make targets permanent that Pacemaker starts and stops.
//
// A record of names (recordDir) tells what hactl made: only that is removed when it leaves the manifest. Files that were served are never
// removed and never made smaller.
package iscsitarget
