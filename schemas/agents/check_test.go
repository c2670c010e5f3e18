package agents_test

import (
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/schemas/agents"
)

const cluster = "apiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: c}\nspec: {nodes: [{name: node1, addresses: [10.0.0.1]}]}\n"

func TestCheck(t *testing.T) {
	for _, c := range []struct{ name, object, want string }{
		{"right", `
kind: Resource
metadata: {name: x}
spec:
  agent: ocf:heartbeat:IPaddr2
  params: {ip: 10.0.0.9, cidr_netmask: 24, trace_ra: 1, CRM_meta_on_node: x, gone: null}
  operations: [{name: monitor, interval: 10s, params: {OCF_CHECK_LEVEL: 10, anything: 1}}]`, ``},
		{"unknown parameter", `
kind: Resource
metadata: {name: x}
spec:
  agent: ocf:heartbeat:IPaddr2
  params: {ip: 10.0.0.9, cidr_netmsk: 24}`,
			`m:11:39: spec.params.cidr_netmsk: ocf:heartbeat:IPaddr2 has no parameter "cidr_netmsk"; did you mean "cidr_netmask"? [unknown-parameter]`},
		{"a typing error is not also a missing parameter", `
kind: Resource
metadata: {name: x}
spec:
  agent: ocf:heartbeat:IPaddr2
  params: {ipp: 10.0.0.9}`,
			`m:11:17: spec.params.ipp: ocf:heartbeat:IPaddr2 has no parameter "ipp"; did you mean "ip"? [unknown-parameter]`},
		{"an option of the resource", `
kind: Resource
metadata: {name: x}
spec:
  agent: ocf:pacemaker:Dummy
  params: {target_role: Stopped, zzz: 1}`,
			`m:11:25: spec.params.target_role: ocf:pacemaker:Dummy has no parameter "target_role"; target-role is an option of the resource: write it under meta [unknown-parameter]
m:11:39: spec.params.zzz: ocf:pacemaker:Dummy has no parameter "zzz"; it has state, passwd, fake, op_sleep, fail_start_on, envfile [unknown-parameter]`},
		{"missing", `
kind: Resource
metadata: {name: x}
spec:
  agent: ocf:heartbeat:Filesystem
  params: {device: /dev/drbd0}`,
			`m:11:3: spec.params: ocf:heartbeat:Filesystem requires the parameter directory (mount point); add it [missing-parameter]
m:11:3: spec.params: ocf:heartbeat:Filesystem requires the parameter fstype (filesystem type); add it [missing-parameter]`},
		{"null is missing", `
kind: Resource
metadata: {name: x}
spec:
  agent: ocf:heartbeat:IPaddr2
  params: {ip: null}`,
			`m:11:3: spec.params: ocf:heartbeat:IPaddr2 requires the parameter ip (IPv4 or IPv6 address); add it [missing-parameter]`},
		{"given in a set, a secret, a group and a clone", `
kind: ResourceGroup
metadata: {name: g}
spec:
  params: {fstype: ext4}
  clone: {params: {run_fsck: auto}}
  resources:
  - name: x
    agent: ocf:heartbeat:Filesystem
    paramSets: [{id: s, values: [{name: device, value: /dev/sda}]}]
    secrets: {directory: {env: DIR}}`, ``},
		{"sets", `
kind: Resource
metadata: {name: x}
spec:
  agent: ocf:heartbeat:IPaddr2
  params: {ip: 10.0.0.9}
  paramSets: [{id: s, values: [{name: nick, value: eth0}, {name: lvs_support, value: maybe}]}]`,
			`m:12:39: spec.paramSets[0].values[0].name: ocf:heartbeat:IPaddr2 has no parameter "nick"; did you mean "nic"? [unknown-parameter]
m:12:86: spec.paramSets[0].values[1].value: "maybe" is neither true nor false [parameter-type]`},
		{"a shared set may hold what is missing", `
kind: Resource
metadata: {name: x}
spec:
  agent: ocf:heartbeat:IPaddr2
  paramSets: [{idRef: shared}]
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: y}
spec:
  agent: ocf:heartbeat:IPaddr2
  paramSets: [{id: shared, values: [{name: ip, value: 10.0.0.9}]}]`, ``},
		{"template", `
kind: ResourceTemplate
metadata: {name: t}
spec: {agent: "ocf:heartbeat:Filesystem", params: {fstype: ext4, devise: x}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: x}
spec:
  template: t
  params: {directory: /srv, nonsense: 1}`,
			`m:9:74: spec.params.devise: ocf:heartbeat:Filesystem has no parameter "devise"; did you mean "device"? [unknown-parameter]
m:16:3: spec.params: ocf:heartbeat:Filesystem requires the parameter device (block device); add it [missing-parameter]
m:16:39: spec.params.nonsense: ocf:heartbeat:Filesystem has no parameter "nonsense"; it has device, directory, fstype, options, statusfile_prefix, run_fsck, fast_stop, force_clones, force_unmount [unknown-parameter]`},
		{"fence device", `
kind: FenceDevice
metadata: {name: x}
spec:
  agent: fence_virsh
  targets: [node1]
  params: {ipaddr: 10.0.0.9, power_wait: 5s, ssh: ture, pcmk_delay_max: soon, pcmk_host_chek: none}
  secrets: {passwd: {env: P}}`,
			`m:12:3: spec.params: fence_virsh requires the parameter username (Login name); add it [missing-parameter]
m:12:42: spec.params.power_wait: "5s" is no whole number of seconds, and the agent takes no unit; write 5 [parameter-type]
m:12:51: spec.params.ssh: "ture" is neither true nor false [parameter-type]
m:12:73: spec.params.pcmk_delay_max: "soon" is no time span; write a number with a unit, such as 30s [parameter-type]
m:12:95: spec.params.pcmk_host_chek: fence_virsh has no parameter "pcmk_host_chek"; did you mean "pcmk_host_check"? [unknown-parameter]
warning: m:12:20: spec.params.ipaddr: ipaddr is deprecated in fence_virsh; write ip [deprecated-parameter]
warning: m:13:13: spec.secrets.passwd: passwd is deprecated in fence_virsh; write password [deprecated-parameter]`},
		{"a choice", `
kind: FenceDevice
metadata: {name: x}
spec: {agent: fence_ipmilan, targets: [node1], params: {ip: 10.0.0.9, method: onof, privlvl: OPERATOR}}`,
			`m:9:79: spec.params.method: "onof" is not one of onoff, cycle; did you mean "onoff"? [parameter-type]`},
		{"a resource of class stonith", `
kind: Resource
metadata: {name: x}
spec: {agent: "stonith:fence_virsh", params: {ip: a, username: b, pcmk_host_list: node1, plugg: 1}}`,
			`m:9:97: spec.params.plugg: fence_virsh has no parameter "plugg"; did you mean "plug"? [unknown-parameter]`},
		{"unknown agents", `
kind: ResourceGroup
metadata: {name: g}
spec:
  resources:
  - {name: a, agent: "ocf:heartbeat:ipadr2"}
  - {name: b, agent: "ocf:heartbeat:drbd"}
  - {name: c, agent: "ocf:heartbeat:haproxy"}
  - {name: d, agent: "ocf:mine:haproxy", params: {x: 1}}
  - {name: e, agent: "systemd:haproxy", params: {x: 1}}
  - {name: f, agent: "stonith:external/ipmi", params: {hostname: x}}
---
apiVersion: hactl/v1
kind: FenceDevice
metadata: {name: x}
spec: {agent: fence_ipmilann, targets: [node1]}`,
			`m:11:22: spec.resources[0].agent: Debian 12 has no agent ocf:heartbeat:ipadr2; did you mean ocf:heartbeat:IPaddr2? [unknown-agent]
m:12:22: spec.resources[1].agent: Debian 12 has no agent ocf:heartbeat:drbd; did you mean ocf:linbit:drbd? [unknown-agent]
m:13:22: spec.resources[2].agent: Debian 12 has no agent ocf:heartbeat:haproxy; correct the name, or ignore the lint if the nodes have such an agent [unknown-agent]
m:21:15: spec.agent: Debian 12 has no agent fence_ipmilann; did you mean fence_ipmilan? [unknown-agent]`},
		{"ignored", `
kind: Resource
metadata:
  name: x
  ignore:
  - {lint: unknown-parameter, reason: patched}
  - {lint: missing-parameter, reason: patched}
  - {lint: parameter-type, reason: patched}
spec: {agent: "ocf:heartbeat:IPaddr2", params: {mine: 1, lvs_support: maybe}}
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: y, ignore: [{lint: unknown-agent, reason: our own}]}
spec: {agent: "ocf:heartbeat:ours"}
---
apiVersion: hactl/v1
kind: FenceDevice
metadata: {name: z, ignore: [{lint: deprecated-parameter, reason: old nodes}]}
spec: {agent: fence_ipmilan, targets: [node1], params: {ipaddr: 10.0.0.9}}`, ``},
	} {
		t.Run(c.name, func(t *testing.T) {
			sets, err := v1.Load([]v1.File{{Name: "m", Data: []byte(strings.TrimSpace(cluster) + "\n---" + strings.Replace(c.object, "\n", "\napiVersion: hactl/v1\n", 1))}})
			if err != nil {
				t.Fatal(err)
			}
			errs, warnings := agents.Check(sets[0])
			var got []string
			for _, e := range errs {
				got = append(got, e.Error())
			}
			for _, w := range warnings {
				got = append(got, "warning: "+w.Error())
			}
			if d := cmp.Diff(c.want, strings.Join(got, "\n")); d != "" {
				t.Error(d)
			}
		})
	}
}

// A Manifests that was not loaded has no places; nothing may depend on them.
func TestCheckWithoutPlaces(t *testing.T) {
	m := &v1.Manifests{Resources: []*v1.Resource{{Object: v1.Object{Kind: "Resource", Metadata: v1.Metadata{Name: "x"}},
		Spec: v1.ResourceSpec{Primitive: v1.Primitive{Agent: "ocf:heartbeat:IPaddr2"}}}, {}}}
	errs, _ := agents.Check(m)
	want := "Resource/x: spec.params: ocf:heartbeat:IPaddr2 requires the parameter ip (IPv4 or IPv6 address); add it [missing-parameter]"
	if d := cmp.Diff(want, errs.Error()); d != "" {
		t.Error(d)
	}
}

func TestExamplesPass(t *testing.T) {
	dirs, err := filepath.Glob("../../examples/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, dir := range dirs {
		files, err := v1.ReadPaths([]string{dir}, nil)
		if err != nil {
			t.Fatal(err)
		}
		sets, err := v1.Load(files)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
		}
		for _, m := range sets {
			errs, warnings := agents.Check(m)
			for _, e := range append(errs, warnings...) {
				t.Error(e)
			}
		}
	}
}

func many(n int) *v1.Manifests {
	m := &v1.Manifests{}
	for i := range n {
		m.Resources = append(m.Resources, &v1.Resource{Object: v1.Object{Kind: "Resource", Metadata: v1.Metadata{Name: fmt.Sprint("r", i)}},
			Spec: v1.ResourceSpec{Primitive: v1.Primitive{Agent: "ocf:heartbeat:IPaddr2", Params: v1.Options{"ip": {Text: "10.0.0.9"}, "nic": {Text: "eth0"}}}}})
	}
	return m
}

func BenchmarkCheck10000(b *testing.B) {
	m := many(10000)
	for b.Loop() {
		if errs, _ := agents.Check(m); len(errs) > 0 {
			b.Fatal(errs)
		}
	}
	runtime.KeepAlive(m)
}
