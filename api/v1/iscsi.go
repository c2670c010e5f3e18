package v1

import (
	"fmt"
	"regexp"
	"strings"
)

// ISCSITarget is an iSCSI target of the Linux kernel (LIO) on one machine.
type ISCSITarget struct {
	Object
	// Spec is the desired state.
	Spec ISCSITargetSpec `json:"spec"`
}

// ISCSITargetSpec is the desired state of an ISCSITarget.
type ISCSITargetSpec struct {
	// Host is the machine that serves the disks: a node, or one of the Cluster's hosts.
	Host string `json:"host" ref:"machine"`
	// IQN is the target's name, such as iqn.2023-02.com.example:blocks.
	IQN string `json:"iqn" check:"iqn"`
	// Backstores are the disks, by names of their own.
	Backstores []ISCSIBackstore `json:"backstores"`
	// Portals are ADDRESS:PORT; the default is 0.0.0.0:3260.
	Portals []string `json:"portals,omitempty" check:"addressPort"`
	// LUNs say under which numbers initiators see the backstores; the default is their place in the list.
	LUNs []ISCSILUN `json:"luns,omitempty"`
	// ACLs are the initiators that may log in. Without any nobody may, unless attributes say generate_node_acls: 1.
	ACLs []ISCSIACL `json:"acls,omitempty"`
	// Attributes of the target portal group (targetcli's set attribute), word for word.
	Attributes Options `json:"attributes,omitempty"`
	// Parameters of the target portal group (targetcli's set parameter), word for word.
	Parameters Options `json:"parameters,omitempty"`
}

// ISCSIBackstore is a disk that a target serves. Exactly one of FileIO and Block is given.
type ISCSIBackstore struct {
	// Name of the backstore.
	Name string `json:"name" check:"word"`
	// FileIO serves a file.
	FileIO *ISCSIFile `json:"fileio,omitempty"`
	// Block serves a block device.
	Block *ISCSIBlock `json:"block,omitempty"`
	// Attributes of the backstore (targetcli's set attribute), word for word.
	Attributes Options `json:"attributes,omitempty"`
}

// ISCSIFile is a file that is served as a disk. It is made, sparse, where it is missing, and it grows; it never shrinks.
type ISCSIFile struct {
	// Path of the file.
	Path string `json:"path" check:"path"`
	// Size such as 2G.
	Size string `json:"size" check:"size"`
	// WriteBack caches writes in memory, which are lost with the machine's power; LIO's own default is true, hactl's is false.
	WriteBack bool `json:"writeBack,omitempty"`
}

// ISCSIBlock is a block device that is served.
type ISCSIBlock struct {
	// Device is its path.
	Device string `json:"device" check:"path"`
}

// ISCSILUN gives a backstore a number.
type ISCSILUN struct {
	// Number from 0 to 65535.
	Number int `json:"number"`
	// Backstore is its name.
	Backstore string `json:"backstore"`
}

// ISCSIACL lets an initiator log in.
type ISCSIACL struct {
	// Initiator is its name.
	Initiator string `json:"initiator" check:"iqn"`
	// Auth asks for CHAP.
	Auth *CHAP `json:"auth,omitempty"`
	// LUNs that the initiator sees; the default is all.
	LUNs []int `json:"luns,omitempty"`
	// Attributes of the ACL, word for word.
	Attributes Options `json:"attributes,omitempty"`
}

// CHAP is a user and password for iSCSI (RFC 7143, 12.1.3). With the mutual pair the initiator also asks the target.
type CHAP struct {
	// User is who the initiator says it is.
	User string `json:"user" check:"word"`
	// Password is the user's; open-iscsi and LIO take at most 255 characters, and many targets 12 to 16.
	Password SecretRef `json:"password"`
	// MutualUser is who the target says it is.
	MutualUser string `json:"mutualUser,omitempty" check:"word"`
	// MutualPassword is the password that the target shows; it must differ from Password.
	MutualPassword *SecretRef `json:"mutualPassword,omitempty"`
}

// ISCSIInitiator makes machines log in to a target.
type ISCSIInitiator struct {
	Object
	// Spec is the desired state.
	Spec ISCSIInitiatorSpec `json:"spec"`
}

// ISCSIInitiatorSpec is the desired state of an ISCSIInitiator.
type ISCSIInitiatorSpec struct {
	// Target is the target's name (IQN).
	Target string `json:"target" check:"iqn"`
	// Portals are ADDRESS:PORT; a session is made by each.
	Portals []string `json:"portals" check:"addressPort"`
	// Nodes are the machines that log in.
	Nodes []ISCSINode `json:"nodes"`
	// Startup is node.startup: automatic (the default; logs in at boot) or manual.
	Startup string `json:"startup,omitempty" enum:"automatic manual"`
	// Record are further settings of the node record (iscsid.conf(5)), word for word: node.session.timeo.replacement_timeout and others.
	Record Options `json:"record,omitempty"`
}

// ISCSINode is a machine that logs in.
type ISCSINode struct {
	// Name of the node or machine.
	Name string `json:"name" ref:"machine"`
	// InitiatorName goes to /etc/iscsi/initiatorname.iscsi; one machine has one for all targets. Left out, the machine's own stays.
	InitiatorName string `json:"initiatorName,omitempty" check:"iqn"`
	// Auth is what the machine shows.
	Auth *CHAP `json:"auth,omitempty"`
}

// SetDefaults sets nothing but the type.
func (t *ISCSITarget) SetDefaults() { t.setType("ISCSITarget") }

// SetDefaults sets nothing but the type.
func (i *ISCSIInitiator) SetDefaults() { i.setType("ISCSIInitiator") }

// AllLUNs are the LUNs, the default written out.
func (t *ISCSITarget) AllLUNs() []ISCSILUN {
	if len(t.Spec.LUNs) > 0 {
		return t.Spec.LUNs
	}
	luns := make([]ISCSILUN, len(t.Spec.Backstores))
	for i, b := range t.Spec.Backstores {
		luns[i] = ISCSILUN{Number: i, Backstore: b.Name}
	}
	return luns
}

// AllPortals are the portals, the default written out.
func (t *ISCSITarget) AllPortals() []string {
	if len(t.Spec.Portals) > 0 {
		return t.Spec.Portals
	}
	return []string{"0.0.0.0:3260"}
}

// iqnPattern are the three forms of RFC 7143, 4.2.7, in small letters as 4.2.7.1 asks.
var iqnPattern = regexp.MustCompile(`^(iqn\.[0-9]{4}-(0[1-9]|1[0-2])\.[a-z0-9][a-z0-9.-]*(:[^\s_A-Z]+)?|eui\.[0-9A-Fa-f]{16}|naa\.([0-9A-Fa-f]{16}|[0-9A-Fa-f]{32}))$`)

func checkIQN(s string) string {
	switch {
	case len(s) > 223:
		return fmt.Sprintf("the name has %d bytes; iSCSI allows 223", len(s))
	case !iqnPattern.MatchString(s):
		return fmt.Sprintf("%q is no iSCSI name: write iqn.YYYY-MM.DOMAIN:NAME in small letters, such as iqn.2023-02.com.example:blocks", s)
	}
	return ""
}

func checkPath(s string) string {
	if !strings.HasPrefix(s, "/") || strings.Contains(s, "/../") || strings.ContainsAny(s, "\x00\n") {
		return fmt.Sprintf("%q must be an absolute path without ..", s)
	}
	return ""
}

func (t *ISCSITarget) validate(c *checker) {
	o, s := &t.Object, &t.Spec
	names := map[string]bool{}
	for i, b := range s.Backstores {
		path := fmt.Sprintf("spec.backstores[%d]", i)
		if names[b.Name] {
			c.errorf(o, path+".name", "%s is there twice; give one another name", b.Name)
		}
		names[b.Name] = true
		c.exactlyOne(o, path, choice{"fileio", b.FileIO != nil}, choice{"block", b.Block != nil})
	}
	numbers := map[int]bool{}
	for i, l := range s.LUNs {
		path := fmt.Sprintf("spec.luns[%d]", i)
		if l.Number < 0 || l.Number > 65535 {
			c.errorf(o, path+".number", "%d is no LUN; write a number from 0 to 65535", l.Number)
		}
		if numbers[l.Number] {
			c.errorf(o, path+".number", "%d is there twice", l.Number)
		}
		numbers[l.Number] = true
		if !names[l.Backstore] {
			c.errorf(o, path+".backstore", "there is no backstore %q", l.Backstore)
		}
	}
	for _, l := range t.AllLUNs() {
		numbers[l.Number] = true
	}
	initiators := map[string]bool{}
	for i, a := range s.ACLs {
		path := fmt.Sprintf("spec.acls[%d]", i)
		if initiators[a.Initiator] {
			c.errorf(o, path+".initiator", "%s is there twice; remove one", a.Initiator)
		}
		initiators[a.Initiator] = true
		for j, n := range a.LUNs {
			if !numbers[n] {
				c.errorf(o, fmt.Sprintf("%s.luns[%d]", path, j), "there is no LUN %d", n)
			}
		}
	}
}

func (a *CHAP) check(c *checker, o *Object, path string) {
	if (a.MutualUser != "") != (a.MutualPassword != nil) {
		c.errorf(o, path, "mutualUser and mutualPassword belong together")
	}
	c.secret(o, path+".password", a.Password)
	if a.MutualPassword != nil {
		c.secret(o, path+".mutualPassword", *a.MutualPassword)
	}
}

func (i *ISCSIInitiator) validate(c *checker) {
	o := &i.Object
	names := map[string]bool{}
	for j, n := range i.Spec.Nodes {
		if names[n.Name] {
			c.errorf(o, fmt.Sprintf("spec.nodes[%d].name", j), "node %q is listed twice; remove one", n.Name)
		}
		names[n.Name] = true
	}
}
