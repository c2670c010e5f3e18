// Package v1 is the manifest format hactl/v1: one file per kind with its types, defaults and validation, and the loader that turns YAML
// into typed objects, every mistake with its file:line:col.
//
// hactl's own fields are camelCase. Option maps carry the names of corosync.conf(5), the CIB and the agents word for word, and every
// value bound for an option keeps the text that was written (off, 0644, 1.10 and 1e3 arrive so).
package v1

// APIVersion is the only version of this package's kinds.
const APIVersion = "hactl/v1"
