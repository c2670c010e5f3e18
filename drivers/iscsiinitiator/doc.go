// Package iscsiinitiator makes machines log in to iSCSI targets.
package iscsiinitiator
