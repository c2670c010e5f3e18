package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/schemas/agents"
)

// collection is what a root folder's agents tell.
type collection struct {
	header agents.Header
	agents []*agents.Agent // sorted by name
}

// program is an agent in the root folder.
type program struct {
	name string // as in the data
	pkg  string // Debian package
	argv []string
}

const (
	ocfRoot = "/usr/lib/ocf"
	fencer  = "/usr/lib/pacemaker/pacemaker-fenced"
)

// collect asks each agent of the packages that want names for its metadata.
func collect(ctx context.Context, root string, want func(pkg string) bool) (*collection, error) {
	programs, versions, err := programs(root)
	if err != nil {
		return nil, err
	}
	c := &collection{header: agents.Header{Packages: map[string]string{}, Skipped: map[string]string{}}}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU())
	for _, p := range programs {
		if !want(p.pkg) {
			continue
		}
		c.header.Packages[p.pkg] = versions[p.pkg]
		g.Go(func() error {
			a, err := ask(ctx, root, p)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				c.header.Skipped[p.name] = err.Error()
			} else {
				c.agents = append(c.agents, a)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	slices.SortFunc(c.agents, func(a, b *agents.Agent) int { return strings.Compare(a.Name, b.Name) })
	return c, nil
}

// programs finds the agents of all installed packages, by dpkg's lists of files.
func programs(root string) (found []program, versions map[string]string, err error) {
	versions, err = installed(filepath.Join(root, "var/lib/dpkg/status"))
	if err != nil {
		return nil, nil, err
	}
	lists, err := filepath.Glob(filepath.Join(root, "var/lib/dpkg/info/*.list"))
	if err != nil {
		return nil, nil, err
	}
	for _, list := range lists {
		pkg, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(list), ".list"), ":")
		b, err := os.ReadFile(list)
		if err != nil {
			return nil, nil, err
		}
		for file := range strings.Lines(string(b)) {
			if p, ok := agent(strings.TrimSpace(file)); ok && executable(filepath.Join(root, strings.TrimSpace(file))) {
				p.pkg = pkg
				found = append(found, p)
			}
		}
	}
	if len(found) == 0 {
		return nil, nil, fmt.Errorf("%s: no installed package has an agent", root)
	}
	return found, versions, nil
}

// agent tells by its path whether a file is one, and how to ask it.
func agent(file string) (program, bool) {
	dir, base := path.Split(file)
	switch {
	case file == fencer:
		return program{name: base, argv: []string{file, "metadata"}}, true
	case strings.HasPrefix(base, "fence_") && (dir == "/usr/sbin/" || dir == "/sbin/"):
		return program{name: base, argv: []string{file, "-o", "metadata"}}, true
	}
	if rest, ok := strings.CutPrefix(file, ocfRoot+"/resource.d/"); ok {
		if provider, typ, ok := strings.Cut(rest, "/"); ok && !strings.HasPrefix(typ, ".") && !strings.Contains(typ, "/") {
			return program{name: "ocf:" + provider + ":" + typ, argv: []string{file, "meta-data"}}, true
		}
	}
	return program{}, false
}

func executable(file string) bool {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) { // a link with an absolute target, which counts from the root folder
		info, err = os.Lstat(file)
	}
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}

// ask runs an agent for its metadata. LANG and the clean environment make the answer the same everywhere.
func ask(ctx context.Context, root string, p program) (*agents.Agent, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	argv := p.argv
	if filepath.Clean(root) != "/" {
		argv = append([]string{"chroot", root}, argv...)
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root", "OCF_ROOT=" + ocfRoot,
		"OCF_RESOURCE_INSTANCE=metadata", "OCF_RESOURCE_TYPE=" + path.Base(p.argv[0]), "OCF_RESOURCE_PROVIDER=" + path.Base(path.Dir(p.argv[0]))}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		last := strings.TrimSpace(stderr.String())
		if i := strings.LastIndex(last, "\n"); i >= 0 {
			last = last[i+1:]
		}
		return nil, fmt.Errorf("%w: %s", err, cmp.Or(last, "it prints nothing"))
	}
	a, err := agents.Parse(p.name, string(out))
	if err != nil {
		return nil, err
	}
	for i := range a.Params {
		if madeUp[p.name+" "+a.Params[i].Name] {
			a.Params[i].Default = nil
		}
	}
	return a, nil
}

// madeUp are parameters whose default depends on what else is installed: gcp-ilb takes nc, or socat where there is no nc.
var madeUp = map[string]bool{"ocf:heartbeat:gcp-ilb cat": true}

// installed reads the versions of the installed packages from dpkg's status file.
func installed(status string) (map[string]string, error) {
	f, err := os.Open(status)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	versions := map[string]string{}
	name, in := "", false
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		key, value, _ := strings.Cut(s.Text(), ": ")
		switch key {
		case "Package":
			name = value
		case "Status":
			in = strings.HasSuffix(value, " installed")
		case "Version":
			if in {
				versions[name] = value
			}
		}
	}
	return versions, s.Err()
}

// write writes the form that package agents embeds.
func (c *collection) write(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(c.header); err != nil {
		return err
	}
	for _, a := range c.agents {
		if _, err := fmt.Fprintf(w, "%s\t", a.Name); err != nil {
			return err
		}
		if err := enc.Encode(a); err != nil {
			return err
		}
	}
	return nil
}
