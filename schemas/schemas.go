// Package schemas holds the JSON Schema of the manifests, made from the types in api/v1 and their comments. Editors take it as it is, with
// this line at the top of a manifest:
//
//	# yaml-language-server: $schema=hactl.schema.json
//
// Package manual makes hactl explain and docs/reference.md of it and of the types.
package schemas

import _ "embed"

//go:generate go run ./gen

// JSON is the schema (draft 07) of one document of any kind.
//
//go:embed hactl.schema.json
var JSON []byte
