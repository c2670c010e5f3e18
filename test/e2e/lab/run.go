package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Command is a command in the node as root. It needs no network of the node's,
// so it works in one that is cut off; the node must be on.
func (l *Lab) Command(node string, argv ...string) *exec.Cmd {
	return l.script(append([]string{"exec", node}, argv...)...)
}

// Exec runs a command in the node, as Command does, and returns its stdout. The
// error of one that failed holds its stderr.
func (l *Lab) Exec(node string, argv ...string) (string, error) {
	out, err := l.Command(node, argv...).Output()
	if ee, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%s: %s: %w: %s", node, strings.Join(argv, " "), err, bytes.TrimSpace(ee.Stderr))
	}
	return string(out), err
}

// MustExec is Exec that fails the test when the command does.
func (l *Lab) MustExec(node string, argv ...string) string {
	l.t.Helper()
	out, err := l.Exec(node, argv...)
	if err != nil {
		l.t.Fatal(err)
	}
	return out
}

// Hub is a command of this machine (its files, its processes) in the hub's
// network, from where all nodes are reached directly.
func (l *Lab) Hub(argv ...string) *exec.Cmd {
	return exec.Command("nsenter", append([]string{fmt.Sprintf("--net=/proc/%d/ns/net", l.hubPID), "--"}, argv...)...)
}

// SSH is a real ssh client on this machine, with strict host key checking.
func (l *Lab) SSH(node string, argv ...string) *exec.Cmd {
	return exec.Command("ssh", append([]string{"-F", l.SSHConfig, node}, argv...)...)
}

// Partition cuts the node off a network: "lan", "ring" or "all". Frames vanish
// while the link stays up; it lasts over reboots, until Heal.
func (l *Lab) Partition(node, network string) { l.t.Helper(); l.must("partition", node, network) }

// Heal undoes every partition of the node.
func (l *Lab) Heal(node string) { l.t.Helper(); l.must("heal", node) }

// Kill pulls the node's plug. Its disk is kept.
func (l *Lab) Kill(node string) { l.t.Helper(); l.must("power", node, "off") }

// Power turns the node "on", "off" or does a "reset"; "status" only asks. It
// returns "on" or "off". On does not wait for the boot to end: see WaitSSH.
func (l *Lab) Power(node, what string) string {
	l.t.Helper()
	if what != "status" {
		l.must("power", node, what)
	}
	return strings.TrimSpace(l.must("power", node, "status"))
}

// BMCPassword rotates the password of the node's BMC.
func (l *Lab) BMCPassword(node, password string) { l.t.Helper(); l.must("password", node, password) }

// WaitSSH returns when the node answers on ssh; after 30 s, a virtual machine
// after 3 min, it fails the test.
func (l *Lab) WaitSSH(node string) {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), l.kind.boot())
	defer cancel()
	addr := net.JoinHostPort(l.Node(node).LAN, "22")
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if l.banner(ctx, addr) {
			return
		}
		select {
		case <-ctx.Done():
			l.t.Fatalf("%s does not answer on ssh", node)
		case <-tick.C:
		}
	}
}

func (l *Lab) banner(ctx context.Context, addr string) bool {
	// A node that is not up yet answers no ARP: a short limit keeps the polling quick.
	ctx, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
	defer cancel()
	c, err := l.Dial(ctx, "tcp", addr)
	if err != nil {
		return false
	}
	defer c.Close()
	// A starved guest needs its time, and each new connection makes it slower.
	if err := c.SetReadDeadline(time.Now().Add(l.kind.boot() / 10)); err != nil {
		return false
	}
	b := make([]byte, 4)
	_, err = io.ReadFull(c, b)
	return err == nil && string(b) == "SSH-"
}

// Backend starts HTTP servers on HubAddress that answer "backend PORT\n".
func (l *Lab) Backend(ports ...int) {
	l.t.Helper()
	args := []string{"backend"}
	for _, p := range ports {
		args = append(args, fmt.Sprint(p))
	}
	l.must(args...)
}

// HTTPGet asks from the hub's network, giving up after 5 s, on a connection of
// its own.
func (l *Lab) HTTPGet(url string) (status int, body string, err error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DialContext: l.Dial, DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err
}

// Hactl runs hactl in the hub's network. A code of -1 means that it did not run
// or was killed.
func (l *Lab) Hactl(args ...string) (stdout, stderr string, code int) {
	l.t.Helper()
	var o, e bytes.Buffer
	c := l.HactlCmd(args...)
	c.Stdout, c.Stderr = &o, &e
	err := c.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		l.t.Fatalf("hactl %v: %v", args, err)
	}
	return o.String(), e.String(), c.ProcessState.ExitCode()
}

// HactlCmd is Hactl's command, for a test that wants its own environment,
// folder or streams. HOME is l.Home, so that ~/.ssh is the lab's. The program
// is $HACTL_BIN, or else built from this tree, once per lab.
func (l *Lab) HactlCmd(args ...string) *exec.Cmd {
	l.t.Helper()
	bin, err := l.hactl()
	if err != nil {
		l.t.Fatal(err)
	}
	c := l.Hub(append([]string{bin}, args...)...)
	// An agent of the developer's would offer its own keys first.
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "HOME=") || strings.HasPrefix(v, "SSH_AUTH_SOCK=")
	})
	c.Env = append(c.Env, "HOME="+l.Home)
	return c
}

func (l *Lab) buildHactl() (string, error) { return program(l.Dir) }

// Program is hactl for tests without nodes: $HACTL_BIN, or built from this tree.
func Program(t testing.TB) string {
	t.Helper()
	bin, err := program(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func program(dir string) (string, error) {
	if bin := os.Getenv("HACTL_BIN"); bin != "" {
		return filepath.Abs(bin)
	}
	bin := filepath.Join(dir, "hactl")
	c := exec.Command("go", "build", "-o", bin, "./cmd/hactl")
	c.Dir = moduleRoot()
	if out, err := c.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build hactl: %w\n%s", err, out)
	}
	return bin, nil
}

// Peer is the path of another tool that results are compared with. Without it the test is skipped, or fails where it must run.
func Peer(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		unavailable(t, name+" is not installed; run lab.sh install peers")
	}
	return path
}

// must runs a call of lab.sh that has no reason to fail.
func (l *Lab) must(args ...string) string {
	l.t.Helper()
	out, err := l.script(args...).CombinedOutput()
	if err != nil {
		l.t.Fatalf("lab %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}
