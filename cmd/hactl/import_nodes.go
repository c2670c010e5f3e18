package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/cib"
	"github.com/hactl/hactl/drivers/corosync"
	"github.com/hactl/hactl/drivers/transport/local"
	"github.com/hactl/hactl/drivers/transport/ssh"
	"github.com/hactl/hactl/reconcile"
)

// importNodes imports from a running cluster.
func (a *app) importNodes(ctx context.Context, f importFlags) (*imported, error) {
	from, err := a.clusterToImport(ctx, f)
	if err != nil {
		return nil, err
	}
	e, closer := a.engine(ctx, from, secretValues{})
	defer func() { _ = closer.Close() }()
	// The CIB comes before storage: a target that resources serve is theirs.
	e.Layers = append(layers(a.owner, "corosync", "cib"), layers(a.owner, "iscsitarget", "iscsiinitiator", "lvm", "drbd")...)
	e.Manifests = nil // everything
	var names []string
	for _, n := range from.Cluster.Spec.Nodes {
		names = append(names, n.Name)
	}
	e.Hosts = slices.DeleteFunc(e.Hosts, func(h reconcile.Host) bool { return !slices.Contains(names, h.Name()) })
	a.progress("reading %s", strings.Join(names, ", "))
	o, err := e.Observe(ctx)
	if err != nil {
		return nil, err
	}
	if err := runs(o); err != nil {
		return nil, err
	}
	im := &imported{source: "the nodes " + strings.Join(names, ", "), m: &v1.Manifests{Cluster: &v1.Cluster{}}}
	im.m.Cluster.Metadata.Name = f.name
	s := &im.m.Cluster.Spec
	s.SSH, s.Hosts, s.Prepare = from.Cluster.Spec.SSH, from.Cluster.Spec.Hosts, from.Cluster.Spec.Prepare
	if im.secrets, err = e.Import(o, im.m); err != nil {
		return nil, err
	}
	for i := range s.Nodes {
		for _, n := range from.Cluster.Spec.Nodes {
			if n.Name == s.Nodes[i].Name {
				s.Nodes[i].SSH = n.SSH
			}
		}
	}
	for _, u := range o.Unreachable {
		im.warnings = append(im.warnings, u.Error()+"; what only it knows is missing")
	}
	im.warnings = append(im.warnings, e.Standing(o).Trouble...)
	return im, nil
}

// runs refuses to take a cluster whose configuration could not be read for one that has none.
func runs(o *reconcile.Observation) error {
	s := o.Have["cib"].(cib.State)
	if s.CIB != "" {
		return nil
	}
	var why []string
	for _, m := range s.Members {
		why = append(why, fmt.Sprintf("%s: %s", m.Name, strings.TrimPrefix(m.Why, m.Name+": ")))
	}
	return fmt.Errorf("Pacemaker runs on none of the nodes, so its configuration cannot be read (%s); start it, or import from files with --cib and --corosync-conf", //nolint:staticcheck // a name
		strings.Join(why, "; "))
}

// clusterToImport finds the nodes: in a manifest, or in the corosync.conf of one that the user names.
func (a *app) clusterToImport(ctx context.Context, f importFlags) (*v1.Manifests, error) {
	if len(f.hosts) == 0 {
		sets, err := a.load()
		if err != nil {
			return nil, err
		}
		m, err := one(sets, "import")
		if err == nil && len(m.Cluster.Spec.Nodes) == 0 {
			err = fmt.Errorf("%s: the Cluster names no nodes; name one with --host instead", m.Cluster.Pos("spec"))
		}
		return m, err
	}
	seeds := make([]seed, len(f.hosts))
	for i, h := range f.hosts {
		var err error
		if seeds[i], err = parseSeed(h); err != nil {
			return nil, err
		}
	}
	hosts, closer := a.connectSeeds(ctx, seeds)
	defer func() { _ = closer() }()
	var m *v1.Manifests
	var errs []error
	for i, h := range hosts {
		a.progress("looking for the cluster's nodes on %s", h.Name())
		conf, name, err := ask(ctx, h)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		seeds[i].node = name
		if m != nil || conf == "" {
			continue
		}
		m = &v1.Manifests{Cluster: &v1.Cluster{}}
		if _, err := (corosync.Driver{}).Import(corosync.FromConf(conf), m); err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name(), err)
		}
	}
	if m == nil && len(errs) == 0 {
		errs = append(errs, fmt.Errorf("%s: there is no %s; is this a node of a cluster?", strings.Join(f.hosts, ", "), confPath))
	}
	if m == nil {
		return nil, errors.Join(errs...)
	}
	reach(m.Cluster, seeds)
	return m, nil
}

const confPath = "/etc/corosync/corosync.conf"

// ask reads a machine's corosync.conf ("" if there is none) and its name.
func ask(ctx context.Context, h reconcile.Host) (conf, name string, err error) {
	out, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"uname", "-n"}})
	if err != nil {
		return "", "", err
	}
	found, err := h.ReadFiles(ctx, confPath)
	if err != nil {
		return "", "", err
	}
	return found[confPath].Content.Reveal(), strings.TrimSpace(string(out)), nil
}

// seed is a machine as the user names it, [user@]host[:port].
type seed struct {
	text, user, host string
	port             int
	node             string // its name as a node, once it was asked
}

func parseSeed(text string) (seed, error) {
	s := seed{text: text, host: text}
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		s.user, s.host = text[:i], text[i+1:]
	}
	if h, p, err := net.SplitHostPort(s.host); err == nil {
		port, err := strconv.Atoi(p)
		if err != nil || port < 1 || port > 65535 {
			return s, fmt.Errorf("--host %q: %q is no port", text, p)
		}
		s.host, s.port = h, port
	}
	s.host = strings.Trim(s.host, "[]")
	if s.host == "" || strings.HasPrefix(s.host, "-") || strings.HasPrefix(text, "@") {
		return s, fmt.Errorf("--host %q: write [user@]host[:port]", text)
	}
	return s, nil
}

func (a *app) connectSeeds(ctx context.Context, seeds []seed) (reconcile.Hosts, func() error) {
	hosts := make(reconcile.Hosts, len(seeds))
	var targets []ssh.Target
	var remote []int
	me, _ := os.Hostname()
	for i, s := range seeds {
		if os.Geteuid() == 0 && s.user == "" && s.port == 0 && (s.host == "localhost" || s.host == me) {
			hosts[i] = local.Open(s.host)
			continue
		}
		targets = append(targets, ssh.Target{Name: s.host, User: s.user, Port: s.port})
		remote = append(remote, i)
	}
	opened, closer := ssh.Open(ctx, targets, ssh.Config{File: a.sshConfig})
	for j, h := range opened {
		hosts[remote[j]] = h
	}
	return hosts, closer.Close
}

// reach writes down how the user reached the nodes, where that does not follow from their names and addresses.
func reach(c *v1.Cluster, seeds []seed) {
	for _, s := range seeds {
		if c.Spec.SSH == nil && (s.user != "" || s.port != 0) {
			c.Spec.SSH = &v1.SSH{User: s.user, Port: s.port}
		}
	}
	known := false
	for i := range c.Spec.Nodes {
		n := &c.Spec.Nodes[i]
		for _, s := range seeds {
			if n.Name != s.node && !slices.Contains(n.Addresses, s.host) {
				continue
			}
			known = true
			if s.node != "" && s.host != n.Name && s.host != n.Addresses[0] && s.host != "localhost" {
				n.SSH = &v1.SSH{Address: s.host}
			}
		}
	}
	if known {
		return
	}
	// corosync.conf names no nodes, or others: there are those that the user named, at least.
	c.Spec.Nodes = nil
	for _, s := range seeds {
		if s.node != "" {
			c.Spec.Nodes = append(c.Spec.Nodes, v1.Node{Name: s.node, Addresses: []string{s.host}})
		}
	}
}

// progress tells on standard error what takes time.
func (a *app) progress(format string, args ...any) {
	_, _ = fmt.Fprintf(a.err, "hactl: "+format+"\n", args...)
}
