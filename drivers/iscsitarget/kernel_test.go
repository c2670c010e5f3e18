package iscsitarget

import (
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// kernel is a machine with LIO's configfs in memory. It interprets what the operations send, as the kernel of Debian 12 does, and answers what
// Observe asks. Anything else fails the test.
type kernel struct {
	t     *testing.T
	files map[string]reconcile.File
	sizes map[string]string // of regular files
	// values, dirs and links are below /sys/kernel/config/target.
	values map[string]string
	dirs   map[string]bool
	links  map[string]string
	boot   string
	argv   []string // all that was run
	// dies is after how many operations that change something the machine no longer answers; 0 never.
	dies, done int
}

func newKernel(t *testing.T) *kernel {
	return &kernel{t: t, files: map[string]reconcile.File{}, sizes: map[string]string{}, values: map[string]string{}, dirs: map[string]bool{}, links: map[string]string{}, boot: "disabled"}
}

func (k *kernel) Name() string { return "node2" }

func (k *kernel) change() error {
	if k.done++; k.dies > 0 && k.done > k.dies {
		return fmt.Errorf("killed")
	}
	return nil
}

func (k *kernel) ReadFiles(_ context.Context, globs ...string) (map[string]reconcile.File, error) {
	out := map[string]reconcile.File{}
	for p, f := range k.files {
		if slices.ContainsFunc(globs, func(g string) bool { ok, _ := path.Match(g, p); return ok }) {
			out[p] = f
		}
	}
	return out, nil
}

func (k *kernel) WriteFile(_ context.Context, p string, f reconcile.File) error {
	if err := k.change(); err != nil {
		return err
	}
	k.files[p] = f
	return nil
}

func (k *kernel) Run(_ context.Context, c reconcile.Cmd) ([]byte, error) {
	k.argv = append(k.argv, strings.Join(c.Argv, " "))
	script := ""
	if c.Argv[0] == "sh" {
		script = c.Argv[2]
	}
	if script == lookScript {
		return k.look(c.Argv[4:]), nil
	}
	if err := k.change(); err != nil {
		return nil, err
	}
	switch {
	case script == makeFile:
		k.sizes[c.Argv[4]] = c.Argv[5]
	case script == configure:
		return nil, k.configure(string(c.Stdin))
	case c.Argv[0] == "env" && c.Argv[2] == "systemctl" && c.Argv[3] == "enable": // without init scripts
		k.boot = "enabled"
	case c.Argv[0] == "rm":
		delete(k.files, c.Argv[len(c.Argv)-1])
	default:
		k.t.Errorf("nobody taught the kernel %q", c.Argv)
	}
	return nil, nil
}

func (k *kernel) look(paths []string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "\n==hactl tools\n/usr/bin/targetctl\n\n==hactl units\nId=rtslib-fb-targetctl.service\nLoadState=loaded\nUnitFileState=%s\n\nId=target.service\nLoadState=not-found\n", k.boot)
	b.WriteString("\n==hactl files\n")
	for _, p := range paths {
		if s, ok := k.sizes[p]; ok {
			fmt.Fprintf(&b, "regular file|%s|%s\n", s, p)
		}
	}
	b.WriteString("\n==hactl links\n")
	for _, l := range slices.Sorted(maps.Keys(k.links)) {
		fmt.Fprintf(&b, "%s %s\n", l, k.links[l])
	}
	b.WriteString("\n==hactl hbas\nalua\n")
	for d := range k.dirs {
		if path.Dir(d) == "core" {
			b.WriteString(path.Base(d) + "\n")
		}
	}
	b.WriteString("\n==hactl values\n")
	for _, v := range slices.Sorted(maps.Keys(k.values)) {
		for l := range strings.Lines(k.values[v] + "\n") {
			b.WriteString(v + "\x00" + l)
		}
	}
	b.WriteString("\n==hactl end\n")
	return []byte(b.String())
}

// made are the values that the kernel gives a new folder.
var made = []struct {
	folder *regexp.Regexp
	values map[string]string
}{
	{regexp.MustCompile(`^core/\w+_\d+/[^/]+$`), map[string]string{"enable": "0", "control": "", "udev_path": "", "wwn/vpd_unit_serial": "T10 VPD Unit Serial Number: ", "attrib/emulate_tpu": "0",
		"info": "Status: DEACTIVATED\n        TCM FILEIO ID: 0        File:   Size: 0  Mode: O_DSYNC Async: 0"}},
	{regexp.MustCompile(`^iscsi/[^/]+/tpgt_1$`), map[string]string{"enable": "0", "attrib/authentication": "1", "attrib/generate_node_acls": "0", "param/MaxBurstLength": "262144"}},
	{regexp.MustCompile(`/tpgt_1/np/[^/]+$`), map[string]string{"iser": "0"}},
	{regexp.MustCompile(`/tpgt_1/acls/[^/]+$`), map[string]string{"info": "No active iSCSI Session for Initiator Endpoint", "attrib/authentication": "-1",
		"auth/userid": "", "auth/password": "", "auth/userid_mutual": "", "auth/password_mutual": ""}},
}

func (k *kernel) configure(input string) error {
	lines := strings.Split(strings.TrimSuffix(input, "\n"), "\n")
	for i := 0; i+2 < len(lines); i += 3 {
		if err := k.line(lines[i], lines[i+1], lines[i+2]); err != nil {
			return err
		}
	}
	return nil
}

func (k *kernel) line(verb, p, value string) error {
	switch verb {
	case "mkdir":
		if k.dirs[p] {
			return nil
		}
		if parent := path.Dir(p); !k.dirs[parent] && !slices.Contains([]string{"core", "iscsi", "lun", "acls", "np"}, path.Base(parent)) {
			return fmt.Errorf("mkdir %s: there is no %s", p, parent)
		}
		k.dirs[p] = true
		for _, m := range made {
			for n, v := range m.values {
				if m.folder.MatchString(p) {
					k.values[p+"/"+n] = v
				}
			}
		}
	case "link":
		if !k.dirs[value] {
			return fmt.Errorf("link to %s, which is not there", value)
		}
		k.links[p] = "../../target/" + value
	case "empty", "rmdir":
		for l := range k.links {
			if verb == "empty" && path.Dir(l) == p {
				delete(k.links, l)
			}
		}
		for d := range k.dirs {
			if strings.HasPrefix(d, p+"/") {
				return fmt.Errorf("rmdir %s: there is %s in it", p, d)
			}
		}
		for l, to := range k.links {
			if strings.HasSuffix(to, "/"+p) || strings.HasPrefix(l, p+"/") {
				return fmt.Errorf("rmdir %s: the link %s is there", p, l)
			}
		}
		delete(k.dirs, p)
		maps.DeleteFunc(k.values, func(v, _ string) bool { return strings.HasPrefix(v, p+"/") })
	case "set":
		if _, ok := k.values[p]; !ok {
			return fmt.Errorf("set %s: no such value", p)
		}
		k.values[p] = value
		if path.Base(p) == "vpd_unit_serial" {
			k.values[p] = "T10 VPD Unit Serial Number: " + value
		}
		if path.Base(p) == "control" {
			k.control(path.Dir(p), value)
		}
	default:
		return fmt.Errorf("no verb %q", verb)
	}
	return nil
}

func (k *kernel) control(dir, value string) {
	f := infoFile.FindStringSubmatch(k.values[dir+"/info"])
	for _, kv := range strings.Split(value, ",") {
		n, v, _ := strings.Cut(kv, "=")
		switch n {
		case "fd_dev_name":
			f[1] = v
		case "fd_dev_size":
			f[2] = v
		case "fd_buffered_io":
			f[3] = "Buffered-WCE"
		}
	}
	k.values[dir+"/info"] = fmt.Sprintf("Status: DEACTIVATED\n        TCM FILEIO ID: 0        File: %s  Size: %s  Mode: %s Async: 0", f[1], f[2], f[3])
}
