package cib

import (
	"maps"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// fenceDevice makes a primitive of class stonith and, with avoidTargets, a location constraint for each node that it fences.
func (b *builder) fenceDevice(f *v1.FenceDevice) {
	id := f.Metadata.Name
	o := b.object(FenceDevice(id), &f.Object, "spec", "")
	o.files = []string{id}
	el := element("primitive", id)
	setAgent(el, "stonith:"+f.Spec.Agent)
	o.says("agent", "agent")
	o.attrs(el, &f.Spec, "", "")

	params := v1.Options{}
	maps.Copy(params, f.Spec.Params)
	if len(f.Spec.Targets) > 0 {
		params["pcmk_host_list"] = v1.Value{Text: strings.Join(f.Spec.Targets, ",")}
	}
	if len(f.Spec.TargetPlugs) > 0 {
		var pairs []string
		for _, n := range slices.Sorted(maps.Keys(f.Spec.TargetPlugs)) {
			pairs = append(pairs, n+":"+f.Spec.TargetPlugs[n])
		}
		params["pcmk_host_map"] = v1.Value{Text: strings.Join(pairs, ";")}
	}
	set := id + "-instance_attributes"
	o.pairs(el, "instance_attributes", set, "params", "params", params)
	o.secretParams(el, set, "params", "", f.Spec.Secrets)
	o.sets(el, "instance_attributes", set, "params", "params", nil, f.Spec.ParamSets)
	if len(f.Spec.Targets) > 0 {
		o.says("params.pcmk_host_list", "targets")
	}
	if len(f.Spec.TargetPlugs) > 0 {
		o.says("params.pcmk_host_map", "targetPlugs")
	}
	o.sets(el, "meta_attributes", id+"-meta_attributes", "meta", "meta", f.Spec.Meta, f.Spec.MetaSets)
	o.operations(el, id, "", "", f.Spec.Operations, "", "")
	o.part("", "resources", el)

	targets := f.Nodes()
	if f.Spec.AvoidTargets {
		for _, n := range targets {
			avoid := element("rsc_location", id+"-avoids-"+n)
			avoid.CreateAttr("rsc", id)
			avoid.CreateAttr("node", n)
			avoid.CreateAttr("score", "-INFINITY")
			prefix := avoids(n)
			o.says(prefix, "avoidTargets")
			o.part(prefix, "constraints", avoid)
		}
	}
	o.x.Fence = &Device{Agent: f.Spec.Agent, Plugs: o.plugs(f, targets), Params: o.probeParams(f)}
	for _, m := range b.state.Members {
		if !f.Spec.AvoidTargets || !slices.Contains(targets, m.Name) {
			o.x.Fence.Nodes = append(o.x.Fence.Nodes, m.Name)
		}
	}
	o.done()
}

func avoids(node string) string { return "avoidTargets[" + node + "]" }

func (b *objectBuilder) plugs(f *v1.FenceDevice, targets []string) []Plug {
	var plugs []Plug
	hostMap := map[string]string{}
	for _, e := range strings.FieldsFunc(f.Spec.Params.Get("pcmk_host_map"), func(r rune) bool { return strings.ContainsRune("; \t\n", r) }) {
		if n, p, ok := strings.Cut(e, ":"); ok {
			hostMap[n] = strings.Split(p, ",")[0]
		}
	}
	maps.Copy(hostMap, f.Spec.TargetPlugs)
	for _, n := range targets {
		p := hostMap[n]
		if p == "" {
			p = n
		}
		plugs = append(plugs, Plug{n, p})
	}
	if len(plugs) > 0 {
		return plugs
	}
	for _, n := range splitHosts(f.Spec.Params.Get("pcmk_host_list")) {
		p := hostMap[n]
		if p == "" {
			p = n
		}
		plugs = append(plugs, Plug{n, p})
		delete(hostMap, n)
	}
	for _, n := range slices.Sorted(maps.Keys(hostMap)) {
		plugs = append(plugs, Plug{n, hostMap[n]})
	}
	return plugs
}

func (b *objectBuilder) probeParams(f *v1.FenceDevice) []Param {
	var ps []Param
	for _, n := range f.Spec.Params.Names() {
		if v := f.Spec.Params[n]; !v.Null && (!strings.HasPrefix(n, "pcmk_") || n == "pcmk_host_argument" || n == "pcmk_status_timeout") {
			t := reconcile.Plain(v.Text)
			if secretName.MatchString(n) {
				t = reconcile.Secret(v.Text)
			}
			ps = append(ps, Param{n, t})
		}
	}
	for _, n := range slices.Sorted(maps.Keys(f.Spec.Secrets)) {
		ps = append(ps, Param{n, b.builder.secrets.Value(b.o, joinPath(b.at, "secrets."+n))})
	}
	return ps
}
