// Package lab gives a test a cluster of its own: 1 to 16 servers on this
// machine, each a set of Linux namespaces with a real systemd, sshd, corosync,
// Pacemaker and a BMC whose power switch works. The nodes start bare: no
// corosync.conf, no keys, no CIB, nothing enabled but ssh.
//
// What needs a kernel of its own (DRBD, LVM, iSCSI) gets virtual machines
// instead: UpVM and FromSnapshot give the same Lab, and a little more.
//
// It drives ../nslab/lab.sh and ../vmlab/lab.sh, which tell how the labs are
// made. A lab needs root on Linux and the packages of `lab.sh install`. Where
// one of these is missing the test is skipped, loudly; with HACTL_E2E=require
// it fails instead.
//
// HACTL_LAB_KEEP=1 keeps the lab of a failed test running, to look at it with
// LAB_NAME=... lab.sh.
package lab

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Options choose more than the number of nodes. The zero value of each field
// takes lab.sh's default.
type Options struct {
	// Nodes are NAME or NAME=LAN[,RING[,BMC]], in order.
	Nodes []string
	// LAN, Ring and BMC are the networks of eth0, eth1 and of the BMCs, as
	// ADDRESS/BITS. Node number i has address i where Nodes does not say.
	LAN, Ring, BMC string
}

// Node is one server as it was planned. Its name and addresses never change.
type Node struct {
	Name, LAN, Ring string
	BMC             BMC
}

// BMC is what fence_ipmilan needs: IPMI 2.0 (lanplus) with cipher suite 3,
// reachable from the nodes and from the hub.
type BMC struct {
	Address, User, Password string
	Cipher                  int
}

// Lab is a running lab. Its methods fail the test when the lab itself does not
// do what was asked; what a command in a node answers is returned.
type Lab struct {
	// Name is the LAB_NAME to give lab.sh; unique to this lab.
	Name string
	// Dir holds the lab's key, logs and client configuration.
	Dir string
	// SSHConfig works for any ssh client anywhere on this machine.
	SSHConfig string
	// Home is for a program in the hub's network: with HOME set to it,
	// ~/.ssh holds config, known_hosts and id_ed25519, without a proxy.
	Home string
	// KnownHosts has every node by name, LAN and ring address.
	KnownHosts string
	// Key is the private key that opens root, admin, operator and deputy.
	Key string
	// HubAddress is the hub's address on LAN, where Backend listens.
	HubAddress string

	t      testing.TB
	kind   kind
	nodes  []Node
	hubPID int
	hactl  func() (string, error)
}

// counter makes the names of one process's labs unique.
var counter atomic.Int64

// Up boots node1 to nodeN and returns when all answer on ssh. The lab goes
// down with the test.
func Up(t testing.TB, n int) *Lab {
	t.Helper()
	nodes := make([]string, n)
	for i := range nodes {
		nodes[i] = fmt.Sprintf("node%d", i+1)
	}
	return UpNamed(t, Options{Nodes: nodes})
}

// UpNamed is Up for nodes with chosen names, addresses and networks.
func UpNamed(t testing.TB, o Options) *Lab {
	t.Helper()
	require(t, namespaces)
	l := newLab(t, namespaces)
	l.up(o)
	return l
}

// newLab makes a Lab that is not up yet.
func newLab(t testing.TB, k kind) *Lab {
	t.Helper()
	root := stateRoot()
	name := fmt.Sprintf("go-%d-%02d", os.Getpid(), counter.Add(1))
	l := &Lab{
		t: t, kind: k, Name: name, Dir: filepath.Join(root, name),
		SSHConfig: filepath.Join(root, name, "ssh_config"), Home: filepath.Join(root, name, "home"),
		KnownHosts: filepath.Join(root, name, "known_hosts"), Key: filepath.Join(root, name, "key"),
	}
	l.hactl = sync.OnceValues(l.buildHactl)
	removeOrphans(t, root)
	t.Cleanup(l.cleanup)
	return l
}

func (l *Lab) up(o Options) {
	l.t.Helper()
	up := l.script(append([]string{"up"}, o.Nodes...)...)
	for k, v := range map[string]string{"LAB_LAN": o.LAN, "LAB_RING": o.Ring, "LAB_BMC": o.BMC} {
		if v != "" {
			up.Env = append(up.Env, k+"="+v)
		}
	}
	l.start(up)
}

// start runs a call of lab.sh that brings the lab up.
func (l *Lab) start(up *exec.Cmd) {
	l.t.Helper()
	// The test process dying by -timeout or a kill must not leave daemons behind.
	if os.Getenv("HACTL_LAB_KEEP") == "" {
		up.Env = append(up.Env, "LAB_OWNER="+strconv.Itoa(os.Getpid()))
	}
	if out, err := up.CombinedOutput(); err != nil {
		if bytes.Contains(out, []byte("no room for these nodes")) {
			unavailable(l.t, string(bytes.TrimSpace(out)))
		}
		l.t.Fatalf("lab %v: %v\n%s", up.Args[1:], err, out)
	}
	if err := l.readPlan(); err != nil {
		l.t.Fatalf("lab %v: %v", up.Args[1:], err)
	}
}

// Nodes are the lab's servers in order.
func (l *Lab) Nodes() []Node { return append([]Node(nil), l.nodes...) }

// Node finds a server by its name.
func (l *Lab) Node(name string) Node {
	l.t.Helper()
	for _, n := range l.nodes {
		if n.Name == name {
			return n
		}
	}
	l.t.Fatalf("lab %s has no node %q", l.Name, name)
	return Node{}
}

// BMC is how to reach the named node's power switch.
func (l *Lab) BMC(node string) BMC { l.t.Helper(); return l.Node(node).BMC }

// Down ends the lab before its test ends. Nothing of it is left.
func (l *Lab) Down() {
	l.t.Helper()
	if out, err := l.script("down").CombinedOutput(); err != nil {
		l.t.Errorf("lab down: %v\n%s", err, out)
	}
}

func (l *Lab) cleanup() {
	if _, err := os.Stat(l.Dir); errors.Is(err, os.ErrNotExist) {
		return // ended by the test itself
	}
	if l.t.Failed() {
		l.dump()
		if os.Getenv("HACTL_LAB_KEEP") != "" {
			l.t.Logf("kept: LAB_NAME=%s %s status", l.Name, l.kind.script())
			return
		}
	}
	l.Down()
}

// readPlan reads what `up` decided.
func (l *Lab) readPlan() error {
	plan, err := os.ReadFile(filepath.Join(l.Dir, "plan"))
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(plan)) {
		f := strings.Fields(line)
		if len(f) != 5 {
			return fmt.Errorf("plan: want number, name and three addresses, have %q", line)
		}
		l.nodes = append(l.nodes, Node{Name: f[1], LAN: f[2], Ring: f[3],
			BMC: BMC{Address: f[4], User: "admin", Password: "secret", Cipher: 3}})
	}
	pid, err := os.ReadFile(filepath.Join(l.Dir, "hub.pid"))
	if err != nil {
		return err
	}
	if _, err := fmt.Sscan(string(pid), &l.hubPID); err != nil {
		return fmt.Errorf("hub.pid: %w", err)
	}
	hub, err := os.ReadFile(filepath.Join(l.Dir, "hub.address"))
	l.HubAddress = string(bytes.TrimSpace(hub))
	return err
}

// script is one call of lab.sh for this lab.
func (l *Lab) script(args ...string) *exec.Cmd {
	c := exec.Command(l.kind.script(), args...)
	c.Env = append(os.Environ(), "LAB_NAME="+l.Name, "LAB_ROOT="+stateRoot())
	return c
}
