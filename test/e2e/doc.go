// Package e2e holds the scenarios: the examples applied to bare machines of the namespace lab and proved by traffic, and the faults that an
// apply must survive. Real systemd, sshd, corosync, Pacemaker and fence agents; see package lab.
package e2e
