package corosync

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

// lookScript reads everything about the daemons in one process. What lies in Pacemaker's folder matters only where it does not run; of the CIB
// there, nothing is read but its first line and its cluster-name.
const lookScript = `export LC_ALL=C
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
	return reconcile.Cmd{Argv: []string{"sh", "-c", lookScript, "hactl-look-daemons", what}}
}

// monitor shows the designated controller. It exits non-zero where Pacemaker does not run. (crmadmin --dc_lookup takes four times as long.)
// The layer of the CIB runs the same command, so that in one round it runs once.
var monitor = reconcile.Cmd{Argv: []string{"crm_mon", "--output-as=xml"}}

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
				return State{}, fmt.Errorf("%s: no such machine among the hosts", n.Name)
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
				n = NodeState{Name: h.Name(), Unobserved: un.Why()}
			case err != nil:
				return err
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

// setDC records the controller with the first member on which Pacemaker works and that knows one: a member that has just come back knows
// none yet, while the others do. dc is what the very first member says. One member's word is enough here: whether all tell the same is
// asked by the layer that writes to the cluster.
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
		if dc != "" {
			s.Nodes[i].Running.DC = dc
			return nil
		}
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
	sec, err := look.Sections(out)
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
