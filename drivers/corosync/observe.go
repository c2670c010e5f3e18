package corosync

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

// look reads everything about the daemons in one process. What lies in Pacemaker's folder matters only where it does not run; of the CIB
// there, nothing is read but its first line and its cluster-name.
const look = `export LC_ALL=C
s() { printf '\n==hactl %s==\n' "$1"; }
all=$1
s tools; for t in corosync pacemakerd; do command -v "$t" >/dev/null && echo "$t"; done
set -- $(systemctl show -p ActiveState --value corosync.service pacemaker.service)
s units; echo "$1 $2"
if [ "$2" != active ] && cd /var/lib/pacemaker/cib 2>/dev/null; then s cib; ls -A
if [ -s cib.xml ]; then s cibhead; head -n 1 cib.xml
s cibname; grep -o -m 1 'name="cluster-name" value="[^"]*"' cib.xml; grep -o -m 1 hactl-seed-dc-deadtime cib.xml; fi; fi
if [ "$1" = active ]; then
if grep -q 'addr:[[:space:]]*127\.' /etc/corosync/corosync.conf; then s example; grep -c '<primitive' /var/lib/pacemaker/cib/cib.xml; fi
s cmap; corosync-cmapctl 2>&1 && echo hactl-ok
s quorum; corosync-quorumtool -s 2>&1
if [ "$all" = all ]; then s links; corosync-cfgtool -n 2>&1; fi; fi
s end`

func lookCmd(all bool) reconcile.Cmd {
	what := ""
	if all {
		what = "all"
	}
	return reconcile.Cmd{Argv: []string{"sh", "-c", look, "hactl-look", what}, Limit: 20 * time.Second}
}

// monitor shows the designated controller. It exits non-zero where Pacemaker does not run. (crmadmin --dc_lookup takes four times as long.)
// The layer of the CIB runs the same command, so that in one round it runs once.
var monitor = reconcile.Cmd{Argv: []string{"crm_mon", "--output-as=xml"}, Limit: 10 * time.Second}

// files are read in one go. The layer of the machines reads the same list, so that in one round it is read once.
var files = []string{"/etc/hosts", "/etc/chrony/sources.d/hactl.sources", "/etc/chrony.conf", confPath, keyPath, pcmkKey, markPath}

// Observe asks all members at once: one process and one read of files on each, and one of them for the designated controller.
func (Driver) Observe(ctx context.Context, hosts reconcile.Hosts, want State) (State, error) {
	have := State{Cluster: want.Cluster}
	members := hosts
	if len(want.Nodes) > 0 {
		members = nil
		for _, n := range want.Nodes {
			h := hosts.Named(n.Name)
			if h == nil {
				return State{}, fmt.Errorf("observe corosync: %s: no such machine among the hosts", n.Name)
			}
			members = append(members, h)
		}
	}
	have.Nodes = make([]NodeState, len(members))
	g, gctx := errgroup.WithContext(ctx)
	dc := ""
	if len(members) > 0 { // most often the first member runs; asked beside the looks, the answer costs no time
		g.Go(func() (err error) {
			dc, err = askDC(gctx, members[0])
			return err
		})
	}
	for i, h := range members {
		g.Go(func() error {
			n, err := observe(gctx, h, len(want.Nodes) == 0)
			var un *reconcile.UnreachableError
			switch {
			case errors.As(err, &un):
				n = NodeState{Name: h.Name(), Unobserved: why(un)}
			case err != nil:
				return fmt.Errorf("observe corosync: %w", err)
			}
			have.Nodes[i] = n
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return State{}, err
	}
	if err := have.setDC(ctx, members, dc); err != nil {
		return State{}, err
	}
	for i, n := range want.Nodes {
		have.Nodes[i].ID, have.Nodes[i].Addresses = n.ID, n.Addresses
	}
	if have.Cluster == "" {
		for _, n := range have.Nodes {
			if n.Running != nil && have.Cluster == "" {
				have.Cluster = n.Running.Config["totem.cluster_name"]
			}
		}
	}
	return have, nil
}

// askDC gives the name of the designated controller if that has quorum; nothing where there is none or the machine cannot be reached.
func askDC(ctx context.Context, h reconcile.Host) (string, error) {
	out, err := h.Run(ctx, monitor)
	var exit *reconcile.ExitError
	var un *reconcile.UnreachableError
	if errors.As(err, &exit) || errors.As(err, &un) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var m crmMon
	if err := xml.Unmarshal(out, &m); err != nil {
		return "", fmt.Errorf("%s: crm_mon: %w", h.Name(), err)
	}
	if !m.DC.Present || !m.DC.Quorum {
		return "", nil
	}
	return m.DC.Name, nil
}

// setDC records the controller with the first member on which Pacemaker works; dc is what the very first member says. One member's word is
// enough here: whether all tell the same is asked by the layer that writes to the cluster.
func (s *State) setDC(ctx context.Context, members reconcile.Hosts, dc string) error {
	for i := range s.Nodes {
		if !s.Nodes[i].works() {
			continue
		}
		if i > 0 {
			var err error
			if dc, err = askDC(ctx, members[i]); err != nil {
				return err
			}
		}
		s.Nodes[i].Running.DC = dc
		return nil
	}
	return nil
}

func observe(ctx context.Context, h reconcile.Host, all bool) (NodeState, error) {
	n := NodeState{Name: h.Name()}
	var out []byte
	var read map[string]reconcile.File
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		out, err = h.Run(gctx, lookCmd(all))
		return err
	})
	g.Go(func() (err error) {
		read, err = h.ReadFiles(gctx, files...)
		return err
	})
	if err := g.Wait(); err != nil {
		return n, err
	}
	sec, err := sections(out)
	if err != nil {
		return n, fmt.Errorf("%s: %w", h.Name(), err)
	}
	n.Installed = len(strings.Fields(sec["tools"])) == 2
	n.Corosync, n.Pacemaker = units(sec["units"])
	n.CIB = storedCIB(sec)
	n.files(read)
	if n.Corosync == "active" {
		if v, ok := sec["example"]; ok {
			if c, err := ParseConf(n.confText()); err == nil && c.example() {
				count, _ := strconv.Atoi(strings.TrimSpace(v))
				n.Example = &Example{Resources: count}
			}
		}
		if n.Running, err = running(sec); err != nil {
			return n, fmt.Errorf("%s: %w", h.Name(), err)
		}
	}
	return n, nil
}

func (n *NodeState) confText() string {
	if n.Conf == nil {
		return ""
	}
	return n.Conf.Content.Reveal()
}

func (n *NodeState) files(files map[string]reconcile.File) {
	if f, ok := files[confPath]; ok {
		f.Content = maskKey(f.Content.Reveal())
		n.Conf = &f
	}
	secret := func(path string) *reconcile.File {
		f, ok := files[path]
		if !ok {
			return nil
		}
		f.Content = reconcile.Secret(f.Content.Reveal())
		return &f
	}
	n.Key, n.PacemakerKey = secret(keyPath), secret(pcmkKey)
	if f, ok := files[markPath]; ok {
		n.Marked = strings.Fields(f.Content.Reveal())
	}
}

var totemKey = regexp.MustCompile(`(?m)^[ \t]*key[ \t]*:[ \t]*(.*)$`)

// maskKey makes the value of totem.key, the key in the open file, a secret.
func maskKey(text string) reconcile.Text {
	var parts []reconcile.Text
	last := 0
	for _, m := range totemKey.FindAllStringSubmatchIndex(text, -1) {
		if m[3] > m[2] {
			parts = append(parts, reconcile.Plain(text[last:m[2]]), reconcile.Secret(text[m[2]:m[3]]))
			last = m[3]
		}
	}
	if parts == nil {
		return reconcile.Plain(text)
	}
	return reconcile.Join(append(parts, reconcile.Plain(text[last:]))...)
}

// sections splits the look's output. An output without its end is an error: what is cut off must not pass for absent.
func sections(out []byte) (map[string]string, error) {
	sec := map[string]string{}
	name := ""
	for _, l := range strings.Split(string(out), "\n") {
		if n, ok := strings.CutPrefix(l, "==hactl "); ok && strings.HasSuffix(n, "==") {
			name = strings.TrimSuffix(n, "==")
			sec[name] = ""
		} else if name != "" {
			sec[name] += l + "\n"
		}
	}
	if _, ok := sec["end"]; !ok {
		return nil, fmt.Errorf("the answer to the look at the daemons is cut off after %d bytes", len(out))
	}
	return sec, nil
}

// units reads both ActiveStates; a unit that systemd does not know is inactive.
func units(s string) (corosync, pacemaker string) {
	f := append(strings.Fields(s), "inactive", "inactive")
	return f[0], f[1]
}

var attr = regexp.MustCompile(`(admin_epoch|epoch|cib-last-written)="([^"]*)"`)

// storedCIB tells what lies in Pacemaker's folder. A seed that Pacemaker never ran with is nothing: it has no signature beside it, and
// Pacemaker signs what it writes.
func storedCIB(sec map[string]string) *StoredCIB {
	names := strings.Fields(sec["cib"])
	if len(names) == 0 {
		return nil
	}
	if len(names) == 1 && names[0] == "cib.xml" && strings.Contains(sec["cibname"], SeedID) {
		return nil
	}
	c := &StoredCIB{}
	var admin, epoch string
	for _, m := range attr.FindAllStringSubmatch(sec["cibhead"], -1) {
		switch m[1] {
		case "admin_epoch":
			admin = m[2]
		case "epoch":
			epoch = m[2]
		default:
			c.Written = m[2]
		}
	}
	if epoch != "" {
		c.Epoch = admin + "." + epoch
	}
	if _, v, ok := strings.Cut(sec["cibname"], `value="`); ok {
		c.Cluster, _, _ = strings.Cut(v, `"`)
	}
	return c
}

// running reads corosync-cmapctl, corosync-quorumtool -s and corosync-cfgtool -n.
func running(sec map[string]string) (*Running, error) {
	cmap := sec["cmap"]
	if !strings.Contains(cmap, "hactl-ok") {
		return nil, fmt.Errorf("corosync runs and does not answer: corosync-cmapctl: %s", strings.TrimSpace(cmap))
	}
	r := &Running{Config: parseCmap(cmap)}
	for k, v := range cmapValues(cmap) {
		if id, ok := strings.CutPrefix(k, "runtime.members."); ok && strings.HasSuffix(id, ".status") && v == "joined" {
			if n, err := strconv.Atoi(strings.TrimSuffix(id, ".status")); err == nil {
				r.Members = append(r.Members, n)
			}
		}
	}
	sort.Ints(r.Members)
	var total, expected string
	for _, l := range strings.Split(sec["quorum"], "\n") {
		k, v, _ := strings.Cut(l, ":")
		v = strings.TrimSpace(v)
		switch k {
		case "Quorate":
			r.Quorate = v == "Yes"
		case "Expected votes":
			expected = v
		case "Total votes":
			total = v
		case "Flags":
			for _, f := range strings.Fields(v) {
				if f != "Quorate" {
					r.Flags = append(r.Flags, f)
				}
			}
		}
	}
	if total == "" {
		return nil, fmt.Errorf("corosync runs and its quorum is not known: corosync-quorumtool: %s", strings.TrimSpace(sec["quorum"]))
	}
	r.Votes = total + "/" + expected
	node := ""
	for _, l := range strings.Split(sec["links"], "\n") {
		if v, ok := strings.CutPrefix(l, "nodeid: "); ok {
			node = strings.Fields(v)[0]
		}
		if t := strings.TrimSpace(l); strings.HasPrefix(t, "LINK:") && !strings.Contains(t, "enabled connected") {
			r.Links = append(r.Links, "to node "+node+": "+t)
		}
	}
	return r, nil
}

// cmapValues reads lines "key (type) = value".
func cmapValues(s string) map[string]string {
	m := map[string]string{}
	for _, l := range strings.Split(s, "\n") {
		k, v, ok := strings.Cut(l, ") = ")
		if !ok {
			continue
		}
		if i := strings.LastIndex(k, " ("); i > 0 {
			m[k[:i]] = v
		}
	}
	return m
}

// parseCmap gives the configuration in cmap by the paths that the file has: interfaces by number, nodes by id, subsystems by name. totem.key
// is left out.
func parseCmap(s string) map[string]string {
	all := cmapValues(s)
	out := map[string]string{}
	for k, v := range all {
		p := strings.Split(k, ".")
		if k == "totem.key" || len(p) < 2 {
			continue
		}
		switch {
		case p[0] == "totem" && p[1] == "interface" && len(p) == 4:
			out["totem.interface["+p[2]+"]."+p[3]] = v
		case p[0] == "nodelist" && p[1] == "node" && len(p) == 4:
			if id := all["nodelist.node."+p[2]+".nodeid"]; id != "" {
				out["nodelist.node["+id+"]."+p[3]] = v
			}
		case p[0] == "logging" && p[1] == "logger_subsys" && len(p) == 4:
			out["logging.logger_subsys["+p[2]+"]."+p[3]] = v
		case p[0] == "totem" || p[0] == "quorum" || p[0] == "logging" || p[0] == "system":
			out[k] = v
		}
	}
	return out
}

// why is the reason alone: what prints it names the machine.
func why(u *reconcile.UnreachableError) string {
	s := u.Err.Error()
	if u.Hint != "" {
		s += " (" + u.Hint + ")"
	}
	return s
}
