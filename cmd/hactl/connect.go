package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"slices"
	"strings"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/transport"
	"github.com/hactl/hactl/drivers/transport/local"
	"github.com/hactl/hactl/drivers/transport/ssh"
	"github.com/hactl/hactl/reconcile"
)

// opener connects to all machines of a cluster, members first. A machine that cannot be reached is no error here: it answers so when it is
// asked. The locker keeps other applies off them.
type opener func(ctx context.Context, m *v1.Manifests, sshConfig string) (reconcile.Hosts, reconcile.Locker, io.Closer)

// engine connects to the machines and has them brought to what the manifests say.
func (a *app) engine(ctx context.Context, m *v1.Manifests, secrets reconcile.Secrets) (*reconcile.Engine, io.Closer) {
	hosts, locker, closer := a.open(ctx, m, a.sshConfig)
	return &reconcile.Engine{
		Layers: a.layers(), Hosts: hosts, Manifests: m, Secrets: secrets, Notes: lintNotes(m),
		Locker: locker, Holder: holder(),
	}, closer
}

// connect is the opener of the program: SSH, or this very machine.
func connect(ctx context.Context, m *v1.Manifests, sshConfig string) (reconcile.Hosts, reconcile.Locker, io.Closer) {
	var targets []ssh.Target
	var here reconcile.Hosts
	index := map[string]int{}
	add := func(name, address string, s *v1.SSH) {
		index[name] = len(index)
		if isHere(name, address) {
			here = append(here, local.Open(name))
			return
		}
		targets = append(targets, target(name, address, s, m.Cluster.Spec.SSH))
	}
	for _, n := range m.Cluster.Spec.Nodes {
		add(n.Name, n.Addresses[0], n.SSH)
	}
	for _, h := range m.Cluster.Spec.Hosts {
		add(h.Name, h.Address, h.SSH)
	}
	remote, closer := ssh.Open(ctx, targets, ssh.Config{File: sshConfig})
	hosts := slices.Concat(here, remote)
	slices.SortFunc(hosts, func(x, y reconcile.Host) int { return index[x.Name()] - index[y.Name()] })
	return hosts, transport.Locker{WaitBusy: time.Second}, closer // what ends within that needs no words
}

// target is how a node is reached: what its own ssh block says, then the cluster's, then the user's ssh_config(5).
func target(name, address string, own, all *v1.SSH) ssh.Target {
	t := ssh.Target{Name: name, Fallback: address}
	for _, s := range []*v1.SSH{all, own} {
		if s == nil {
			continue
		}
		if s.Address != "" {
			t.Address = s.Address
		}
		if s.Port != 0 {
			t.Port = s.Port
		}
		if s.User != "" {
			t.User = s.User
		}
		if s.IdentityFile != "" {
			t.IdentityFiles = []string{s.IdentityFile}
		}
	}
	return t
}

// isHere tells whether hactl runs as root on that very node, so that no SSH is needed.
func isHere(name, address string) bool {
	if h, err := os.Hostname(); err != nil || h != name || os.Geteuid() != 0 {
		return false
	}
	addrs, err := net.InterfaceAddrs()
	return err == nil && slices.ContainsFunc(addrs, func(a net.Addr) bool { return strings.HasPrefix(a.String(), address+"/") })
}

func holder() reconcile.Holder {
	who := "unknown"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	if h, err := os.Hostname(); err == nil {
		who = fmt.Sprintf("%s@%s", who, h)
	}
	return reconcile.Holder{Who: who, PID: os.Getpid(), Command: strings.Join(os.Args[1:], " "), Since: time.Now().UTC().Truncate(time.Second)}
}
