package iscsitarget

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

// parse fills in what the script said.
func (m *Machine) parse(out []byte) error {
	sections, err := look.Sections(out)
	if err != nil {
		return fmt.Errorf("iscsi targets: %w", err)
	}
	m.Tools = strings.TrimSpace(sections["tools"]) != ""
	m.units(sections["units"])
	m.Restoring = strings.TrimSpace(sections["restoring"])
	m.Files = map[string]int64{}
	for line := range strings.Lines(sections["files"]) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), "|", 3)
		if len(f) != 3 {
			continue
		}
		size, err := strconv.ParseInt(f[1], 10, 64)
		if err != nil || !strings.HasPrefix(f[0], "regular") {
			size = -1
		}
		m.Files[f[2]] = size
	}
	for _, h := range strings.Fields(sections["hbas"]) {
		if h != "alua" {
			m.HBAs = append(m.HBAs, h)
		}
	}
	links := map[string]string{}
	for line := range strings.Lines(sections["links"]) {
		if from, to, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			links[from] = to
		}
	}
	m.tree(values(sections["values"]), links)
	return nil
}

// units finds the service that restores targets at boot.
func (m *Machine) units(text string) {
	m.Unit, m.Boot = look.Unit(text)
	for _, s := range savedFiles {
		if s.unit == m.Unit {
			m.SavedPath = s.path
		}
	}
}

// values are what grep found: PATH NUL VALUE, several lines for a value of several.
func values(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		p, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "\x00")
		if !ok {
			continue
		}
		if before, more := out[p]; more {
			v = before + "\n" + v
		}
		out[p] = strings.TrimRight(v, "\x00")
	}
	return out
}

var (
	infoFile = regexp.MustCompile(`File: (.*?)  Size: (\d+)  Mode: (\S+)`)
	address  = regexp.MustCompile(`(?m)^\s*Address (\S+)`)
)

// tree sorts the values: core/HBA/BACKSTORE/… and iscsi/IQN/tpgt_N/….
func (m *Machine) tree(vs, links map[string]string) {
	m.Backstores, m.Targets = map[string]FoundBackstore{}, map[string]*Found{}
	ids := map[string]string{} // of backstores, by folder
	for p, v := range vs {
		f := strings.Split(p, "/")
		switch {
		case f[0] == "core" && len(f) == 4 && f[3] == "enable":
			m.backstore(f[1], f[2], v == "1", vs, ids)
		case f[0] == "iscsi" && len(f) > 3 && strings.HasPrefix(f[2], "tpgt_"):
			m.target(f[1], f[2])
		}
	}
	for p, v := range vs { // once the backstores are known
		f := strings.Split(p, "/")
		switch {
		case f[0] == "core" && len(f) == 5 && f[3] == "attrib":
			if b, ok := m.Backstores[ids[f[1]+"/"+f[2]]]; ok {
				b.Attributes[f[4]] = v
			}
		case f[0] == "iscsi" && len(f) > 3 && f[2] == "tpgt_1":
			m.Targets[f[1]].take(f[3:], v)
		}
	}
	for from, to := range links {
		f := strings.Split(from, "/")
		if len(f) < 6 || f[2] != "tpgt_1" {
			continue
		}
		t := m.target(f[1], f[2])
		switch n, ok := numbered(f[len(f)-2], "lun_"); {
		case ok && f[3] == "lun":
			dir := path.Base(path.Dir(to)) + "/" + path.Base(to)
			if ids[dir] == "" {
				ids[dir] = dir
			}
			t.LUNs[n] = ids[dir]
		case ok && f[3] == "acls":
			if lun, ok := numbered(path.Base(to), "lun_"); ok {
				t.acl(f[4]).LUNs[n] = lun
			}
		}
	}
}

func (m *Machine) backstore(hba, name string, enabled bool, vs, ids map[string]string) {
	dir := hba + "/" + name
	at := "core/" + dir
	plugin, _, _ := strings.Cut(hba, "_")
	if plugin == "iblock" {
		plugin = blockDev
	}
	b := FoundBackstore{Dir: dir, Enabled: enabled, Path: vs[at+"/udev_path"], Attributes: map[string]string{}}
	info := vs[at+"/info"]
	if f := infoFile.FindStringSubmatch(info); f != nil {
		b.Size, _ = strconv.ParseInt(f[2], 10, 64)
		b.WriteBack = f[3] == "Buffered-WCE"
	}
	b.ReadOnly = strings.Contains(info, "readonly: 1")
	_, b.Serial, _ = strings.Cut(vs[at+"/wwn/vpd_unit_serial"], ": ")
	ids[dir] = plugin + "/" + name
	m.Backstores[ids[dir]] = b
}

func (m *Machine) target(iqn, group string) *Found {
	t := m.Targets[iqn]
	if t == nil {
		t = &Found{Attributes: map[string]string{}, Parameters: map[string]string{}, LUNs: map[int]string{}, ACLs: map[string]*FoundACL{}}
		m.Targets[iqn] = t
	}
	if group != "tpgt_1" && !slices.Contains(t.Groups, group) {
		t.Groups = append(t.Groups, group)
		slices.Sort(t.Groups)
	}
	return t
}

func (t *Found) acl(initiator string) *FoundACL {
	a := t.ACLs[initiator]
	if a == nil {
		a = &FoundACL{LUNs: map[int]int{}, Attributes: map[string]string{}}
		t.ACLs[initiator] = a
	}
	return a
}

// take reads a value of the first portal group, whose path below it is f.
func (t *Found) take(f []string, v string) {
	switch {
	case f[0] == "enable":
		t.Enabled = v == "1"
	case f[0] == "dynamic_sessions" && v != "":
		t.Guests = slices.Sorted(slices.Values(strings.Fields(v)))
	case f[0] == "attrib" && len(f) == 2:
		t.Attributes[f[1]] = v
	case f[0] == "param" && len(f) == 2:
		t.Parameters[f[1]] = v
	case f[0] == "np" && len(f) == 3 && !slices.Contains(t.Portals, f[1]):
		t.Portals = append(t.Portals, f[1])
		slices.Sort(t.Portals)
	case f[0] == "acls" && len(f) == 3 && f[2] == "info":
		if a := address.FindStringSubmatch(v); a != nil {
			t.acl(f[1]).Session = a[1]
		}
		t.acl(f[1])
	case f[0] == "acls" && len(f) == 4:
		t.acl(f[1]).take(f[2], f[3], v)
	}
}

func (a *FoundACL) take(folder, name, v string) {
	switch {
	case folder == "attrib":
		a.Attributes[name] = v
	case folder != "auth" || v == "NULL": // as the kernel shows what was taken away
	case name == "userid":
		a.User = v
	case name == "password":
		a.Password = reconcile.Secret(v)
	case name == "userid_mutual":
		a.MutualUser = v
	case name == "password_mutual":
		a.MutualPassword = reconcile.Secret(v)
	}
}

func numbered(s, prefix string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(s, prefix))
	return n, err == nil && strings.HasPrefix(s, prefix)
}
