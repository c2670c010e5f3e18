// Package v1 is the manifest format hactl/v1: one file per kind with its types, defaults and validation, and the loader that turns YAML
// into typed objects, every mistake with its file:line:col.
//
// hactl's own fields are camelCase. Option maps carry the names of corosync.conf(5), the CIB and the agents word for word, and every
// value bound for an option keeps the text that was written (off, 0644, 1.10 and 1e3 arrive so).
//
// The loader, the validation and the JSON Schema all read the types: a field without omitempty is required; `enum:"a b"` lists the words
// that a text may be; `check:"NAME"` asks for a format of formats.go; `options:"NAME"` names a table of upstream options (options.go);
// `ref:"SORT"` tells what the text is the name of (references.go); a method check on a struct tells how its fields exclude each other. What
// Pacemaker takes and hardly anybody means is a lint (lint.go), which the object can silence. A new kind is a type with SetDefaults and
// validate, an entry in kinds (load.go), its list in Manifests, its ids (ids.go), and a place in package v1test. WatchPolicy
// is the one kind that is about hactl and not about a cluster (policies.go). After a change of types
// or comments run go generate ./schemas.
package v1

// APIVersion is the only version of this package's kinds.
const APIVersion = "hactl/v1"
