// Package vm holds the scenarios that need a kernel of their own: DRBD, LVM, iSCSI and file systems under Pacemaker, on the virtual machines
// of package lab. `make e2e-vm` runs all; `make test` runs those whose names begin with TestShort.
package vm
