// Package reconcile is the core of hactl: what a machine (Host), a layer (Driver), a Step and a Plan are, and the Engine that observes, plans,
// orders and applies. It knows no tool by name and does no I/O of its own.
package reconcile
