package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// lab is hactl on a cluster that is a folder ($LAB): cib.xml, and beside it a folder of files for each node. Pacemaker's own tools answer, with
// CIB_file; after a change the scheduler's simulation takes the place of what a cluster would do. A node of which there is a file NODE.down
// does not answer.
func lab() {
	open := func(_ context.Context, m *v1.Manifests, _ string) (reconcile.Hosts, reconcile.Locker, io.Closer) {
		var hosts reconcile.Hosts
		for _, n := range m.Cluster.Spec.Nodes {
			hosts = append(hosts, labNode{n.Name, os.Getenv("LAB"), m.Cluster})
		}
		return hosts, labLocker{}, io.NopCloser(nil)
	}
	os.Exit((&app{stdin: os.Stdin, out: os.Stdout, err: os.Stderr, open: open}).run(os.Args[1:]))
}

type labNode struct {
	name, dir string
	cluster   *v1.Cluster
}

func (n labNode) Name() string { return n.name }

func (n labNode) down() error {
	if _, err := os.Stat(filepath.Join(n.dir, n.name+".down")); err == nil {
		return &reconcile.UnreachableError{Host: n.name, Err: errors.New("connection refused")}
	}
	return nil
}

func (n labNode) Run(ctx context.Context, c reconcile.Cmd) ([]byte, error) {
	if err := n.down(); err != nil {
		return nil, err
	}
	switch {
	case c.Argv[0] == "sh" && strings.Contains(c.Argv[2], "s clock;"):
		return n.machine(c.Argv[4]), nil
	case c.Argv[0] == "sh" && strings.Contains(c.Argv[2], "s cmap;"):
		return n.corosync(), nil
	case c.Argv[0] == "crm_resource", c.Argv[0] == "stonith_admin": // there are no agents here
		return nil, &reconcile.ExitError{Host: n.name, Argv: c.Argv, Code: 1}
	case strings.HasPrefix(c.Argv[0], "/usr/sbin/fence_"):
		return nil, nil
	case c.Mutates && c.Argv[0] != "cibadmin": // checkpoints, journals, rights of files
		return nil, nil
	}
	out, err := n.pacemaker(ctx, c)
	if err == nil && c.Mutates { // the cluster does what it means to
		cib := filepath.Join(n.dir, "cib.xml")
		_, err = n.pacemaker(ctx, reconcile.Cmd{Argv: []string{"crm_simulate", "--xml-file", cib, "--simulate", "--save-output", cib + ".new"}})
		if err == nil {
			err = os.Rename(cib+".new", cib)
		}
	}
	return out, err
}

// pacemaker runs a tool of this machine on the folder's CIB.
func (n labNode) pacemaker(ctx context.Context, c reconcile.Cmd) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "env", c.Argv...)
	cmd.Env = append(os.Environ(), "CIB_file="+filepath.Join(n.dir, "cib.xml"), "LC_ALL=C", "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	cmd.Stdin = bytes.NewReader(c.Stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, &reconcile.ExitError{Host: n.name, Argv: c.Argv, Code: exit.ExitCode(), Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}
	}
	return stdout.Bytes(), err
}

// machine is the answer to the look of the machines' layer: all packages that are asked for are there.
func (n labNode) machine(packages string) []byte {
	var b strings.Builder
	addrs := make([]string, 0, 1)
	for _, x := range n.cluster.Spec.Nodes {
		if x.Name == n.name {
			addrs = append(addrs, fmt.Sprintf(`{"local":%q}`, x.Addresses[0]))
		}
	}
	fmt.Fprintf(&b, "\n==hactl clock==\n%d.0\n\n==hactl hostname==\n%s\n\n==hactl os==\nID=debian\n\n==hactl tools==\ncorosync\npacemakerd\nrunning\n", time.Now().Unix(), n.name)
	fmt.Fprintf(&b, "\n==hactl disk==\n9 9 9 /etc\n9 9 9 /var\n\n==hactl addr==\n[{\"ifname\":\"eth0\",\"mtu\":1500,\"addr_info\":[%s]}]\n\n==hactl packages==\n", strings.Join(addrs, ","))
	for _, p := range strings.Fields(packages) {
		if p != "systemd-timesyncd" {
			fmt.Fprintf(&b, "ii  %s 1.0\n", p)
		}
	}
	b.WriteString("\n==hactl end==\n")
	return []byte(b.String())
}

// corosync is the answer to the look of corosync's layer: it runs with what is in the file.
func (n labNode) corosync() []byte {
	cmap, _ := os.ReadFile(filepath.Join(n.dir, "cmap"))
	return fmt.Appendf(nil, "\n==hactl tools==\ncorosync\npacemakerd\n\n==hactl units==\nactive active\n\n==hactl cmap==\n%shactl-ok\n\n==hactl quorum==\n"+
		"Quorate:          Yes\nExpected votes:   2\nTotal votes:      2\nFlags:            2Node Quorate WaitForAll\n\n    Nodeid      Votes Name\n         1          1 n1\n         2          1 n2\n\n==hactl end==\n", cmap)
}

func (n labNode) ReadFiles(_ context.Context, globs ...string) (map[string]reconcile.File, error) {
	if err := n.down(); err != nil {
		return nil, err
	}
	root := filepath.Join(n.dir, n.name)
	found := map[string]reconcile.File{}
	err := filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		at := strings.TrimPrefix(p, root)
		for _, g := range globs {
			if ok, _ := path.Match(g, at); !ok {
				continue
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			f := reconcile.File{Content: reconcile.Plain(string(b)), Mode: 0o644, Owner: "root:root"}
			switch {
			case at == "/etc/pacemaker/authkey":
				f.Mode, f.Owner = 0o640, "root:haclient"
			case strings.HasSuffix(at, "authkey"):
				f.Mode = 0o400
			case strings.Contains(at, "/secrets/"):
				f.Mode = 0o600
			}
			found[at] = f
		}
		return nil
	})
	return found, err
}

func (n labNode) WriteFile(_ context.Context, p string, f reconcile.File) error {
	at := filepath.Join(n.dir, n.name, p)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		return err
	}
	return os.WriteFile(at, f.Content.Bytes(), 0o600)
}

type labLocker struct{}

func (labLocker) Lock(_ context.Context, hosts reconcile.Hosts, _ reconcile.Holder) (reconcile.Lock, error) {
	return labLock{hosts}, nil
}

type labLock struct{ hosts reconcile.Hosts }

func (l labLock) Err() error     { return nil }
func (l labLock) Held() []string { return l.hosts.Names() }
func (l labLock) Release()       {}
