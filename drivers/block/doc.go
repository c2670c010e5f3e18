// Package block is what the storage layers share: block devices of machines, what is on them, and file systems. It is no layer of its own.
//
// Everything is read by util-linux (lsblk(8), wipefs(8)), which is always there. What is on a device is judged by wipefs, which reads the
// device itself, and not by udev's memory of it. Nothing here overwrites a signature that was not seen, allowed, and seen again by the
// operation itself right before.
package block
