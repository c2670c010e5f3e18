// Package manual tells what manifests are made of, for hactl explain and docs/reference.md: the structure comes from the types of api/v1,
// the texts from the JSON Schema, which has them from the types' comments.
package manual
