// Package conf reads, compares and writes DRBD's configuration as drbd-utils does: the language of drbd.conf(5) for DRBD 8.4 and 9.
//
// Parse reads a file with what it includes into a Config. It accepts the union of both dialects and keeps options that it does not know,
// word for word and in order: what is on a machine must be readable. Check says what drbdadm would refuse for one dialect, Write prints the
// canonical text for it, and Diff compares two configurations by what they come to, not by how they are written.
//
// Sources: drbd.conf(5) of 8.4 and 9.0, and what drbdadm 9.22 accepts, prints and refuses: the tests ask it. The options with their ranges
// are in options.txt, which a test compares with drbdsetup xml-help.
package conf
