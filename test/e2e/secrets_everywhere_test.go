package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

const plantedManifest = `
apiVersion: hactl/v1
kind: Cluster
metadata: {name: planted}
spec:
  nodes:
  - {name: node1, addresses: [10.77.0.1, 10.78.0.1]}
  - {name: node2, addresses: [10.77.0.2, 10.78.0.2]}
  - {name: node3, addresses: [10.77.0.3, 10.78.0.3]}
  prepare: {startAtBoot: true}
  properties: {stonith-enabled: true}
---
apiVersion: hactl/v1
kind: FenceDevice
metadata: {name: fence-node1}
spec:
  agent: fence_ipmilan
  targets: [node1]
  avoidTargets: true
  params: {ip: 10.79.0.1, username: admin, lanplus: 1, cipher: 3}
  secrets:
    password:
BMC
  operations: [{name: monitor, interval: 60s}]
---
apiVersion: hactl/v1
kind: Resource
metadata: {name: d-env}
spec:
  agent: ocf:pacemaker:Dummy
  params: {fake: FAKE}
  secrets: {passwd: {env: PLANTED_ENV}}
  operations: [{name: monitor, interval: 10s}]
---
apiVersion: hactl/v1
kind: ResourceGroup
metadata: {name: g}
spec:
  resources:
  - name: d-file
    agent: ocf:pacemaker:Dummy
    secrets: {passwd: {file: planted.file}}
    operations: [{name: monitor, interval: 10s}]
  - name: d-command
    agent: ocf:pacemaker:Dummy
    paramSets: [{id: long, values: [{name: passwd, secret: {command: [cat, COMMAND]}}]}]
    operations: [{name: monitor, interval: 10s}]
`

const leaky = `---
apiVersion: hactl/v1
kind: Resource
metadata: {name: leaky}
spec:
  agent: ocf:lab:Leaky
  secrets: {passwd: {file: planted.leaky}}
  operations: [{name: monitor, interval: 10s}]
`

// leakyAgent tells its secret in the reason of its failure, which goes into Pacemaker's status and log.
const leakyAgent = `#!/bin/sh
. ${OCF_FUNCTIONS_DIR:-/usr/lib/ocf/lib/heartbeat}/ocf-shellfuncs
case $1 in
meta-data) echo '<?xml version="1.0"?><resource-agent name="Leaky" version="1"><version>1.1</version><longdesc lang="en">x</longdesc><shortdesc lang="en">x</shortdesc>
<parameters><parameter name="passwd"><longdesc lang="en">x</longdesc><shortdesc lang="en">x</shortdesc><content type="string"/></parameter></parameters>
<actions><action name="start" timeout="20s"/><action name="stop" timeout="20s"/><action name="monitor" timeout="20s" interval="10s"/></actions></resource-agent>';;
start) ocf_exit_reason "cannot log in with $OCF_RESKEY_passwd"; exit 1;;
stop) exit 0;;
monitor) exit 7;;
esac
`

// hunt is the search for planted secrets in one lab.
type hunt struct {
	t      *testing.T
	l      *lab.Lab
	env    []string
	begun  time.Time
	values []planted
	looked int // texts
}

// Secrets of every form are planted, and looked for in all that hactl says and writes, on this side and on the nodes, and in what anybody can see of
// the processes meanwhile. They stand where agents and daemons read them from, and nowhere else.
func TestSecretsEverywhere(t *testing.T) {
	t.Parallel()
	l := lab.Up(t, 3)
	h := &hunt{t: t, l: l, begun: time.Now()}
	random := func(n int) string {
		b := make([]byte, n)
		_, _ = rand.Read(b)
		return hex.EncodeToString(b)
	}
	odd := func(name string) string { // a value of which every quoting and encoding is different
		v := random(6) + ` '"$x<&%> ` + random(6)
		h.values = append(h.values, plant(name, []byte(v)))
		return v
	}
	bmc, wrong := random(7), random(7) // IPMI 2.0 has room for 20 characters
	h.values = append(h.values, plant("bmc", []byte(bmc)), plant("wrong", []byte(wrong)))
	l.BMCPassword("node1", bmc)
	for _, n := range l.Nodes() {
		l.MustExec(n.Name, "mkdir", "-p", "/usr/lib/ocf/resource.d/lab")
		put(t, l, n.Name, "/usr/lib/ocf/resource.d/lab/Leaky", leakyAgent)
		l.MustExec(n.Name, "chmod", "755", "/usr/lib/ocf/resource.d/lab/Leaky")
	}

	dir := t.TempDir()
	file := func(name, content string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	command := file("planted.command", odd("command")+"\n")
	file("planted.file", odd("file")+"\n")
	file("planted.leaky", odd("leaky")+"\n")
	if out, err := run(l.HactlCmd("secret", "keygen", "-o", filepath.Join(dir, "key"))); err != nil {
		t.Fatal(out)
	}
	key, err := os.ReadFile(filepath.Join(dir, "key"))
	if err != nil {
		t.Fatal(err)
	}
	identity := strings.TrimSpace(string(key[bytes.LastIndex(bytes.TrimSpace(key), []byte("\n")):]))
	h.values = append(h.values, plant("identity", []byte(identity)))
	h.env = []string{"PLANTED_ENV=" + odd("env"), "HACTL_AGE_KEY=" + identity}
	recipient := string(bytes.Fields(key[bytes.Index(key, []byte("age1")):])[0])
	encrypted := func(value string) string {
		c := l.HactlCmd("secret", "encrypt", "-r", recipient)
		c.Stdin = strings.NewReader(value)
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		return "      " + strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", "\n      ")
	}
	written := strings.NewReplacer("BMC\n", encrypted(bmc)+"\n", "COMMAND", command).Replace(plantedManifest)
	f := file("cluster.yaml", strings.Replace(written, "FAKE", "one", 1))
	next := file("next.yaml", strings.Replace(written, "FAKE", "two", 1))
	last := file("last.yaml", strings.Replace(written, "FAKE", "three", 1))
	bad := file("bad.yaml", strings.Replace(written, "FAKE", "one", 1)+leaky)
	refusing := file("refusing.yaml", strings.NewReplacer("BMC\n", encrypted(wrong)+"\n", "COMMAND", command, "FAKE", "one").Replace(plantedManifest))
	failing := file("failing.yaml", strings.NewReplacer("BMC\n", encrypted(bmc)+"\n", "[cat, COMMAND]", "[sh, -c, 'cat "+command+"; exit 3']", "FAKE", "one").Replace(plantedManifest))

	procs := sample(t)
	for _, form := range []string{"text", "json", "markdown"} {
		h.hactl(2, "plan", "-f", f, "-o", form)
	}
	h.hactl(0, "validate", "-f", f)
	h.hactl(0, "render", "-f", f)
	h.hactl(2, "plan", "-f", f, "--steps", "--allow-commands", "--out", filepath.Join(dir, "plan.json"))
	h.hactl(0, "apply", filepath.Join(dir, "plan.json"), "--steps")
	for _, n := range l.Nodes() {
		for _, path := range []string{"/etc/corosync/authkey", "/etc/pacemaker/authkey"} {
			h.values = append(h.values, plant(path, []byte(l.MustExec(n.Name, "cat", path))))
		}
	}
	h.hactl(0, "plan", "-f", f, "--allow-commands")
	h.hactl(0, "snapshot", "-f", f, "-o", filepath.Join(dir, "snapshot.json"))
	h.hactl(2, "plan", "-f", next, "--steps", "--snapshot", filepath.Join(dir, "snapshot.json"))
	h.hactl(0, "import", "--host", "node1", "--output", filepath.Join(dir, "imported"))
	h.hactl(0, "import", "--host", "node1")
	h.hactl(0, "simulate", "-f", f)
	h.hactl(2, "status", "-f", f) // node2 and node3 have no fence device
	h.hactl(2, "status", "-f", f, "-o", "json")

	// What goes wrong is told without them: a password that the device refuses, a command that fails, an agent that repeats its own.
	h.hactl(1, "apply", "-f", refusing, "--yes", "--steps")
	h.hactl(1, "apply", "-f", failing, "--yes")
	h.hactl(1, "apply", "-f", bad, "--yes", "--rollback", "--steps")

	h.hactl(0, "apply", "-f", next, "--yes", "--rollback", "--settle", "1s", "--steps", "-o", "json")
	h.hactl(0, "apply", "-f", last, "--yes", "--confirm-within", "10m", "--steps")
	h.nodes() // with a confirmation pending: its units and its program are there
	h.hactl(0, "confirm", "-f", last)
	h.hactl(0, "history", "-f", f)
	h.hactl(0, "history", "-f", f, "-o", "json")
	var list []struct{ ID string }
	if err := json.Unmarshal([]byte(h.hactl(0, "checkpoint", "list", "-f", f, "-o", "json")), &list); err != nil || len(list) == 0 {
		t.Fatal(err, list)
	}
	for _, c := range list {
		h.hactl(0, "checkpoint", "show", c.ID, "-f", f)
	}
	procs.end()
	h.nodes()
	h.folder(dir)
	h.processes(procs)
	t.Logf("looked for %d secrets in %d texts, and in %d processes seen in %d rounds (%d reads) of %s",
		len(h.values), h.looked, len(procs.seen), procs.rounds, procs.reads, time.Since(h.begun).Round(time.Second))
}

// hactl runs it and looks at what it says.
func (h *hunt) hactl(code int, args ...string) string {
	h.t.Helper()
	c := h.l.HactlCmd(args...)
	c.Env = append(c.Env, h.env...)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	begun := time.Now()
	if err := c.Run(); c.ProcessState.ExitCode() != code {
		h.t.Fatalf("hactl %v: exit code %d (%v), want %d\n%s\n%s", args, c.ProcessState.ExitCode(), err, code, &stdout, &stderr)
	}
	h.t.Logf("%s hactl %s", time.Since(begun).Round(10*time.Millisecond), args[0])
	h.look("stdout of hactl "+strings.Join(args, " "), stdout.Bytes())
	h.look("stderr of hactl "+strings.Join(args, " "), stderr.Bytes())
	if strings.Contains(stderr.String(), "goroutine ") {
		h.t.Errorf("hactl %v: a crash is no answer:\n%s", args, &stderr)
	}
	return stdout.String()
}

// look fails the test where any secret but the allowed ones stands in a text.
func (h *hunt) look(where string, text []byte, allowed ...string) {
	h.t.Helper()
	h.looked++
	for _, v := range h.values {
		if slices.Contains(allowed, v.name) {
			continue
		}
		if found := v.in(text); found != "" {
			h.t.Errorf("%s holds the secret %s", where, found)
		}
	}
}

// nodes looks at everything on all nodes. What is hactl's own holds nothing; what an agent said of itself stands in Pacemaker's logs and status.
func (h *hunt) nodes() {
	h.t.Helper()
	belongs := []string{"/var/lib/pacemaker/lrm/secrets/", "/etc/corosync/authkey", "/etc/pacemaker/authkey"}
	stored := 0
	for _, n := range h.l.Nodes() {
		texts, err := nodeTexts(h.l, n.Name)
		if err != nil {
			h.t.Fatal(err)
		}
		for what, text := range texts {
			if len(text) == 0 && what != "dmesg" {
				h.t.Errorf("%s: %s says nothing", n.Name, what)
			}
			h.look(n.Name+": "+what, text, "leaky")
		}
		count, err := newFiles(h.l, n.Name, h.begun, func(name string, data []byte) {
			if slices.ContainsFunc(belongs, func(p string) bool { return strings.HasPrefix(name, p) }) {
				stored++
				return
			}
			var allowed []string
			if strings.HasPrefix(name, "/var/log/pacemaker/") || strings.HasPrefix(name, "/var/lib/pacemaker/") || strings.HasPrefix(name, "/var/log/syslog") {
				allowed = []string{"leaky"}
			}
			h.look(n.Name+": "+name, data, allowed...)
		})
		if err != nil {
			h.t.Fatal(err)
		}
		h.t.Logf("%s: %d files", n.Name, count)
		for _, must := range []string{"/var/lib/hactl/history", "/var/log/pacemaker/pacemaker.log", "/var/lib/pacemaker/cib/cib.xml"} {
			h.l.MustExec(n.Name, "test", "-s", must) // else the search is worth less than it seems
		}
	}
	if want := 3 * (2 + 4*3); stored < want { // two keys, and four values with a signature and a mark
		h.t.Errorf("%d files of secrets, want at least %d: the search did not see them", stored, want)
	}
}

// folder looks at the files that the commands wrote here. The secrets that import wrote belong there, and are the user's alone.
func (h *hunt) folder(dir string) {
	h.t.Helper()
	secrets := 0
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if filepath.Base(filepath.Dir(p)) == "secrets" {
			secrets++
			if info, err := d.Info(); err != nil || info.Mode().Perm() != 0o600 && d.Name() != ".gitignore" {
				h.t.Errorf("%s: others may read it (%v)", p, err)
			}
			return nil
		}
		if strings.HasPrefix(d.Name(), "planted.") || d.Name() == "key" {
			return nil // the sources
		}
		b, err := os.ReadFile(p)
		h.look(p, b)
		return err
	})
	if err != nil || secrets < 4 {
		h.t.Errorf("%d secrets imported, want 4 (%v)", secrets, err)
	}
}

// processes looks at what was seen of them. The environment of the user's own hactl holds what the user put there, and so does that of the command
// which a secret comes from. Pacemaker hands secrets to resource agents in their environment, and fence_ipmilan hands its own to ipmitool as an argument.
func (h *hunt) processes(s *sampler) {
	h.t.Helper()
	programs := map[string]int{}
	own := 0
	for p := range s.seen {
		programs[p.program()]++
		for _, agent := range []string{"Dummy", "fence_ipmilan"} { // scripts: their interpreter is the program
			if strings.Contains(p.cmdline, "/"+agent) {
				programs[agent]++
			}
		}
		var inArgs, inEnv []string
		switch name := p.program(); {
		case name == "ipmitool":
			inArgs = []string{"bmc", "wrong"}
		case name == "nsenter", name == h.program(), name == "cat" && strings.Contains(p.cmdline, "planted.command"), name == "sh" && strings.Contains(p.cmdline, "planted.command"):
			inEnv = []string{"env", "identity"}
			if strings.Contains(p.environ, "PLANTED_ENV=") {
				own++
			}
		case strings.Contains(p.environ, "OCF_RESOURCE_INSTANCE="):
			inEnv = []string{"env", "file", "command", "leaky"}
			inArgs = []string{"leaky"} // it logs it
		}
		what := strings.ReplaceAll(p.cmdline, "\x00", " ")
		h.look("the arguments of "+what, []byte(p.cmdline), inArgs...)
		h.look("the environment of "+what, []byte(p.environ), inEnv...)
	}
	for _, short := range []string{"ipmitool", "cibadmin", "crm_simulate", "Dummy", "fence_ipmilan"} {
		if programs[short] == 0 {
			h.t.Errorf("the sampler saw no %s: it is too slow to be worth anything", short)
		}
	}
	if own == 0 || s.rounds < 1000 || len(s.seen) < 200 {
		h.t.Errorf("the sampler saw %d processes of the user's hactl, %d processes in all, in %d rounds", own, len(s.seen), s.rounds)
	}
}

// program is the name of hactl's program.
func (h *hunt) program() string {
	c := h.l.HactlCmd()
	return filepath.Base(c.Args[slices.Index(c.Args, "--")+1])
}
