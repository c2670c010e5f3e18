package iscsitarget

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Importer[State] = Driver{}

// What the kernel gives by itself (Linux 6.1), which a manifest need not tell.
var (
	groupDefaults = map[string]string{"authentication": "1", "cache_dynamic_acls": "0", "default_cmdsn_depth": "64", "default_erl": "0", "demo_mode_discovery": "1",
		"demo_mode_write_protect": "1", "fabric_prot_type": "0", "generate_node_acls": "0", "login_keys_workaround": "1", "login_timeout": "15",
		"netif_timeout": "2", "prod_mode_write_protect": "0", "t10_pi": "0", "tpg_enabled_sendtargets": "1"}
	parameterDefaults = map[string]string{"AuthMethod": "CHAP,None", "DataDigest": "CRC32C,None", "DataPDUInOrder": "Yes", "DataSequenceInOrder": "Yes",
		"DefaultTime2Retain": "20", "DefaultTime2Wait": "2", "ErrorRecoveryLevel": "0", "FirstBurstLength": "65536", "HeaderDigest": "CRC32C,None",
		"IFMarkInt": "Reject", "IFMarker": "No", "ImmediateData": "Yes", "InitialR2T": "Yes", "MaxBurstLength": "262144", "MaxConnections": "1",
		"MaxOutstandingR2T": "1", "MaxRecvDataSegmentLength": "8192", "MaxXmitDataSegmentLength": "262144", "OFMarkInt": "Reject", "OFMarker": "No", "TargetAlias": "LIO Target"}
	aclDefaults = map[string]string{"authentication": "-1", "dataout_timeout": "3", "dataout_timeout_retries": "5", "default_erl": "0", "nopin_response_timeout": "30",
		"nopin_timeout": "15", "random_datain_pdu_offsets": "0", "random_datain_seq_offsets": "0", "random_r2t_offsets": "0"}
	// Others of a backstore follow from its device. (targetcli makes emulate_model_alias 1: the name is the disk's model then, and part of names in /dev/disk/by-id.)
	backstoreDefaults = map[string]string{"alua_support": "1", "block_size": "512", "emulate_3pc": "1", "emulate_caw": "1", "emulate_dpo": "1", "emulate_fua_read": "1",
		"emulate_fua_write": "1", "emulate_model_alias": "0", "emulate_pr": "1", "emulate_rest_reord": "0", "emulate_tas": "1", "emulate_tpu": "0", "emulate_tpws": "0",
		"emulate_ua_intlck_ctrl": "0", "enforce_pr_isids": "1", "force_pr_aptpl": "0", "is_nonrot": "0", "pgr_support": "1", "pi_prot_type": "0"}
)

// other are the values that are known and are not the kernel's own.
func other(have, defaults map[string]string) v1.Options {
	out := v1.Options{}
	for n, d := range defaults {
		if v, ok := have[n]; ok && v != d {
			out[n] = v1.Value{Text: v}
		}
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// Import writes each target as a manifest. What is not served by a target is left out.
func (Driver) Import(have State, into *v1.Manifests) ([]reconcile.ImportedSecret, error) {
	im := importer{names: map[string]bool{}}
	for _, o := range into.Objects() {
		im.names[o.Metadata.Name] = true
	}
	served := Services(into)
	for i := range have.Machines {
		m := &have.Machines[i]
		for _, iqn := range slices.Sorted(maps.Keys(m.Targets)) {
			if served[iqn] == nil { // else it is there where its resources run
				into.Add(im.target(m, iqn, m.Targets[iqn]))
			}
		}
	}
	return im.secrets, nil
}

type importer struct {
	names   map[string]bool
	secrets []reconcile.ImportedSecret
	t       *v1.ISCSITarget
}

var notInName = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// ManifestName makes a name for an object of an IQN: what stands behind its last colon.
func ManifestName(iqn string, taken map[string]bool) string {
	name := strings.Trim(notInName.ReplaceAllString(iqn[strings.LastIndexByte(iqn, ':')+1:], "-"), "-.")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "iscsi-" + name
	}
	for base, n := name, 2; taken[name]; n++ {
		name = fmt.Sprintf("%s-%d", base, n)
	}
	taken[name] = true
	return name
}

func (im *importer) lost(path, format string, args ...any) {
	im.t.Comments = append(im.t.Comments, v1.Comment{Path: path, Lost: true, Text: "Not imported, and left as it is: " + fmt.Sprintf(format, args...) + "."})
}

func (im *importer) target(m *Machine, iqn string, f *Found) *v1.ISCSITarget {
	im.t = &v1.ISCSITarget{Spec: v1.ISCSITargetSpec{Host: m.Name, IQN: iqn, Backstores: []v1.ISCSIBackstore{}}}
	im.t.SetDefaults()
	im.t.Metadata.Name = ManifestName(iqn, im.names)
	s := &im.t.Spec
	if !f.Enabled {
		im.lost("", "the target is not enabled; a plan of this manifest would enable it")
	}
	for _, g := range f.Groups {
		im.lost("", "the portal group %s; hactl has one for each target", g)
	}
	if len(f.Portals) != 1 || f.Portals[0] != "0.0.0.0:3260" {
		s.Portals = f.Portals
	}
	im.luns(m, f)
	for _, i := range slices.Sorted(maps.Keys(f.ACLs)) {
		s.ACLs = append(s.ACLs, im.acl(i, f.ACLs[i]))
	}
	s.Attributes, s.Parameters = other(f.Attributes, groupDefaults), other(f.Parameters, parameterDefaults)
	if s.Parameters["AuthMethod"].Text == map[string]string{"1": "CHAP", "0": "CHAP,None"}[f.Attributes["authentication"]] {
		delete(s.Parameters, "AuthMethod") // the kernel changes it with that attribute (iscsit_ta_authentication in iscsi_target_tpg.c)
	}
	im.authentication(f)
	return im.t
}

// luns writes what the target serves.
func (im *importer) luns(m *Machine, f *Found) {
	s, told := &im.t.Spec, map[string]bool{}
	plain := true
	for _, n := range slices.Sorted(maps.Keys(f.LUNs)) {
		id := f.LUNs[n]
		plugin, name, _ := strings.Cut(id, "/")
		b := m.Backstores[id]
		x := v1.ISCSIBackstore{Name: name, Attributes: other(b.Attributes, backstoreDefaults)}
		switch {
		case plugin == fileIO && !strings.HasPrefix(b.Path, "/dev/"):
			x.FileIO = &v1.ISCSIFile{Path: b.Path, Size: block.FormatSize(b.Size), WriteBack: b.WriteBack}
		case plugin == blockDev && !b.ReadOnly:
			x.Block = &v1.ISCSIBlock{Device: b.Path}
		default:
			im.lost("spec.luns", "LUN %d, a backstore %s of %s, which hactl does not make", n, id, b.Path)
			plain = false
			continue
		}
		if !told[id] {
			told[id] = true
			s.Backstores = append(s.Backstores, x)
		}
		plain = plain && n == len(s.LUNs)
		s.LUNs = append(s.LUNs, v1.ISCSILUN{Number: n, Backstore: name})
	}
	if plain && len(s.LUNs) == len(s.Backstores) {
		s.LUNs = nil // their places in the list
	}
}

func (im *importer) acl(initiator string, a *FoundACL) v1.ISCSIACL {
	x := v1.ISCSIACL{Initiator: initiator, Attributes: other(a.Attributes, aclDefaults)}
	served := map[int]bool{}
	for _, l := range im.t.AllLUNs() {
		served[l.Number] = true
	}
	var luns []int
	for _, n := range slices.Sorted(maps.Keys(a.LUNs)) {
		switch {
		case a.LUNs[n] != n:
			im.lost("spec.acls", "%s sees LUN %d as its LUN %d", initiator, a.LUNs[n], n)
		case served[n]:
			luns = append(luns, n)
		}
	}
	if len(luns) < len(served) {
		x.LUNs = luns
		if len(luns) == 0 {
			im.lost("spec.acls", "%s sees no LUN yet; by this manifest it sees all", initiator)
		}
	}
	if a.User == "" && a.Password.Reveal() == "" {
		return x
	}
	base := "secrets/" + im.t.Metadata.Name + "." + strings.Trim(notInName.ReplaceAllString(initiator[strings.LastIndexByte(initiator, ':')+1:], "-"), "-")
	x.Auth = &v1.CHAP{User: a.User, Password: im.secret(base+".password", a.Password)}
	if a.MutualUser != "" {
		ref := im.secret(base+".mutualPassword", a.MutualPassword)
		x.Auth.MutualUser, x.Auth.MutualPassword = a.MutualUser, &ref
	}
	return x
}

func (im *importer) secret(file string, value reconcile.Text) v1.SecretRef {
	im.secrets = append(im.secrets, reconcile.ImportedSecret{File: file, Value: value})
	return v1.SecretRef{File: file}
}

// authentication tells whether CHAP is asked for where that does not follow from the ACLs.
func (im *importer) authentication(f *Found) {
	s := &im.t.Spec
	delete(s.Attributes, "authentication")
	t := Target{}
	for _, a := range s.ACLs {
		w := ACL{Initiator: a.Initiator}
		if a.Auth != nil {
			w.Auth = &f.ACLs[a.Initiator].CHAP
		}
		t.ACLs = append(t.ACLs, w)
	}
	tell := func(o *v1.Options, v string) {
		if *o == nil {
			*o = v1.Options{}
		}
		(*o)["authentication"] = v1.Value{Text: v}
	}
	live, known := f.Attributes["authentication"]
	if v, follows := t.attributes()["authentication"]; known && (follows && v != live || !follows && live != groupDefaults["authentication"]) {
		tell(&s.Attributes, live)
		t.Attributes = map[string]string{"authentication": live}
	}
	for i := range s.ACLs {
		live, known := f.ACLs[s.ACLs[i].Initiator].Attributes["authentication"]
		if v := t.ACLs[i].attributes(t.attributes())["authentication"]; known && v != "" && v != live {
			tell(&s.ACLs[i].Attributes, live)
		} else if v == live {
			delete(s.ACLs[i].Attributes, "authentication")
		}
	}
	if len(s.Attributes) == 0 {
		s.Attributes = nil
	}
}

// FromSaved is the state of a machine of which nothing is known but rtslib's saveconfig.json.
func FromSaved(machine string, data []byte) (State, error) {
	s, err := readSaved(data)
	if err != nil {
		return State{}, err
	}
	top := s.top
	if _, ok := top["targets"].([]any); !ok {
		return State{}, fmt.Errorf("it has no list of targets; is this rtslib's saveconfig.json?")
	}
	m := Machine{Name: machine, Tools: true, Backstores: map[string]FoundBackstore{}, Targets: map[string]*Found{}}
	for _, o := range objects(top, "storage_objects") {
		m.Backstores[text(o, "plugin")+"/"+text(o, "name")] = FoundBackstore{Path: text(o, "dev"), Size: int64(number(o, "size")), Serial: text(o, "wwn"),
			WriteBack: o["write_back"] == true && text(o, "plugin") == fileIO, ReadOnly: o["readonly"] == true, Enabled: true, Attributes: settings(o, "attributes")}
	}
	for _, o := range objects(top, "targets") {
		if text(o, "fabric") != "iscsi" {
			continue
		}
		for _, g := range objects(o, "tpgs") {
			f := m.target(text(o, "wwn"), fmt.Sprintf("tpgt_%d", number(g, "tag")))
			if number(g, "tag") == 1 {
				f.group(g)
			}
		}
	}
	return State{Machines: []Machine{m}}, nil
}

func settings(o object, name string) map[string]string {
	out := map[string]string{}
	if in, ok := o[name].(object); ok {
		for n, v := range in {
			out[n] = fmt.Sprint(v)
		}
	}
	return out
}

// group reads a portal group.
func (f *Found) group(g object) {
	f.Enabled = g["enable"] == true
	f.Attributes, f.Parameters = settings(g, "attributes"), settings(g, "parameters")
	for _, p := range objects(g, "portals") {
		ip := strings.Trim(text(p, "ip_address"), "[]")
		if strings.Contains(ip, ":") {
			ip = "[" + ip + "]"
		}
		f.Portals = append(f.Portals, fmt.Sprintf("%s:%d", ip, number(p, "port")))
	}
	slices.Sort(f.Portals)
	for _, l := range objects(g, "luns") {
		f.LUNs[number(l, "index")] = strings.TrimPrefix(text(l, "storage_object"), "/backstores/")
	}
	for _, x := range objects(g, "node_acls") {
		a := f.acl(text(x, "node_wwn"))
		a.User, a.MutualUser, a.Attributes = text(x, "chap_userid"), text(x, "chap_mutual_userid"), settings(x, "attributes")
		a.Password, a.MutualPassword = reconcile.Secret(text(x, "chap_password")), reconcile.Secret(text(x, "chap_mutual_password"))
		for _, l := range objects(x, "mapped_luns") {
			a.LUNs[number(l, "index")] = number(l, "tpg_lun")
		}
	}
}
