// Package cib is the layer of Pacemaker's configuration: cluster options, defaults, node attributes, resources, constraints, fence
// devices and their levels, ACLs, tags and alerts, all of which live in one XML document, the CIB.
//
// What is wanted is kept as XML too, one or more elements per object, with the place in the manifest of every field. A field is an
// attribute, a name-value pair, an operation, an attribute set of the long form or a block: elements that are compared as one text (block.go).
// It has a path in the manifest's words ("params.ip", "operations[monitor/10s].timeout", "paramSets[by-night].rule", "location.rules"); fields
// of what is wanted, of the live CIB and of the inventory are compared by these paths (fields.go) and in meaning (meaning.go). Differences become edits (edit.go), all of a plan in one operation (patch.go) that reads the live CIB anew,
// refuses if an object that it touches was changed, has crm_verify judge the result and sends a patch that Pacemaker takes only if the
// CIB is still the one that was read.
//
// # Inventory
//
// What hactl manages is recorded in the CIB itself, in a cluster_property_set with the id hactl behind cib-bootstrap-options, one nvpair
// per object:
//
//	<nvpair id="hactl-Resource.VIP" name="hactl-Resource.VIP"
//	        value="owner=default .=agent params=ip,cidr_netmask operations[monitor/10s]=,timeout clone= clone.meta=notify"/>
//
// The value names the owner, protect=true where the manifest says so, and the fields that were last applied, never their values: space-separated GROUP=NAME,NAME…, where a field's
// path is GROUP.NAME (. is the top group); an empty NAME is the group itself (an operation, the clone). Bytes other than letters, digits and _-./#:@[]~ are
// %XX.
package cib
