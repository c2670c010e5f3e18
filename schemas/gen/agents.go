package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/hactl/hactl/schemas/agents"
)

// common are the agents whose parameters stand in the schema, so that editors complete them and flag what is no parameter: those of the
// scenarios that people build (an address, a file system or a shared LV, a replicated disk, a web server, a database, a message broker,
// exports over NFS and iSCSI, containers and virtual machines, SAP), those that come with Pacemaker and are in most of its documentation, and
// the fence agents of the common kinds of hardware, hypervisors and clouds. With all 255 the schema would be ten times as large, and
// editors slow. hactl validate knows the others too.
var common = []string{
	"ocf:heartbeat:IPaddr2", "ocf:heartbeat:IPsrcaddr", "ocf:heartbeat:Filesystem", "ocf:heartbeat:LVM-activate",
	"ocf:heartbeat:lvmlockd", "ocf:linbit:drbd", "ocf:heartbeat:apache", "ocf:heartbeat:nginx",
	"ocf:heartbeat:tomcat", "ocf:heartbeat:pgsql", "ocf:heartbeat:pgsqlms", "ocf:heartbeat:mysql",
	"ocf:heartbeat:mariadb", "ocf:heartbeat:galera", "ocf:heartbeat:redis", "ocf:heartbeat:rabbitmq-cluster",
	"ocf:heartbeat:nfsserver", "ocf:heartbeat:exportfs", "ocf:heartbeat:iSCSITarget", //nolint:misspell // its name
	"ocf:heartbeat:iSCSILogicalUnit", "ocf:heartbeat:VirtualDomain", "ocf:heartbeat:docker", "ocf:heartbeat:podman",
	"ocf:heartbeat:SAPInstance", "ocf:heartbeat:SAPDatabase", "ocf:heartbeat:MailTo", "ocf:heartbeat:Dummy",
	"ocf:pacemaker:Dummy", "ocf:pacemaker:Stateful", "ocf:pacemaker:ping", "ocf:pacemaker:ClusterMon",
	"ocf:pacemaker:remote", "ocf:pacemaker:controld",
	"fence_ipmilan", "fence_virsh", "fence_xvm", "fence_aws", "fence_gce", "fence_azure_arm",
	"fence_vmware_rest", "fence_scsi", "fence_mpath", "fence_sbd",
}

// Parameters beside those of the metadata, see agents.Agent.Takes.
const (
	takenByAll   = `^(CRM_meta_.+|OCF_CHECK_LEVEL|trace_ra|trace_dir|trace_file)$`
	takenByFence = `^(CRM_meta_.+|OCF_CHECK_LEVEL|trace_ra|trace_dir|trace_file|pcmk_.+|action|plug|port|nodename|stonith-timeout|priority|provides)$`
)

// agentParams adds the parameters of the common agents to the definitions that have an agent, as a condition for each, and those that
// Pacemaker takes of every fence device.
func (g *generator) agentParams() error {
	fencing := g.defs["FenceDeviceSpec"].Properties["params"]
	g.params(fencing, agents.FenceParams())
	for _, name := range slices.Sorted(slices.Values(common)) {
		a, ok := agents.Find(name)
		if !ok {
			return fmt.Errorf("%s: there is no such agent", name)
		}
		if err := g.agent(a, strings.HasPrefix(name, "fence_")); err != nil {
			return err
		}
	}
	return nil
}

func (g *generator) agent(a *agents.Agent, fence bool) error {
	params := &jsonschema.Schema{Type: "object", Description: "The parameters of " + a.Name + ": " + a.Description + ".",
		// A null takes a parameter away, whatever its name is. Editors of VS Code's kin show errorMessage for anything else.
		AdditionalProperties: &jsonschema.Schema{Type: "null", Extra: map[string]any{"errorMessage": a.Name + " has no such parameter"}}}
	g.params(params, a.Params)
	besides, users := takenByAll, []string{"ResourceSpec", "GroupMember", "ResourceTemplateSpec"}
	if fence {
		besides, users = takenByFence, []string{"FenceDeviceSpec"}
	}
	params.PatternProperties = map[string]*jsonschema.Schema{besides: {Ref: "#/definitions/Value"}}
	g.defs[a.Name] = params
	is := any(a.Name)
	for _, u := range users {
		if g.defs[u] == nil {
			return fmt.Errorf("there is no definition of %s", u)
		}
		g.defs[u].AllOf = append(g.defs[u].AllOf, &jsonschema.Schema{
			If:   &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{"agent": {Const: &is}}, Required: []string{"agent"}},
			Then: &jsonschema.Schema{Properties: map[string]*jsonschema.Schema{"params": {Ref: "#/definitions/" + a.Name}}},
		})
	}
	return nil
}

// params describes parameters as properties of s. Whether one is required cannot be said: it may stand under secrets or come from elsewhere.
func (g *generator) params(s *jsonschema.Schema, params []agents.Param) {
	s.Properties = map[string]*jsonschema.Schema{}
	for _, p := range params {
		about := p.Description
		if about == "" {
			about = p.Name
		}
		if p.Default != nil && *p.Default != "" {
			about += " Default: " + *p.Default + "."
		}
		v := &jsonschema.Schema{Description: about}
		typ := p.Type
		if p.Wrong("?") == "" { // of a type that means nothing, anything is right
			typ = ""
		}
		typed(v, typ, p.Values)
		if p.Deprecated {
			v.Deprecated = true
			if p.ReplacedBy != "" {
				v.Extra = map[string]any{"deprecationMessage": "deprecated; write " + p.ReplacedBy}
			}
		}
		s.Properties[p.Name] = v
		s.PropertyOrder = append(s.PropertyOrder, p.Name)
	}
}

func typed(v *jsonschema.Schema, typ string, values []string) {
	switch typ {
	case "boolean":
		v.Enum = []any{true, false, "yes", "no", "on", "off", "true", "false", 1, 0, "1", "0", nil}
	case "integer", "second":
		v.Types = []string{"integer", "string", "null"}
		v.Pattern = `^\s*[+-]?[0-9]+\s*$`
	case "select":
		for _, w := range values {
			v.Enum = append(v.Enum, w)
			if n, err := strconv.Atoi(w); err == nil { // written without quotes, it is YAML's own number
				v.Enum = append(v.Enum, n)
			}
		}
		v.Enum = append(v.Enum, nil)
	default:
		v.Types = []string{"string", "number", "boolean", "null"}
	}
}
