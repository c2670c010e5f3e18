package servers

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// SSHD is a real sshd(8) on a loopback port. Who comes in is root.
type SSHD struct {
	Port    int
	HostKey string // private key file
	Dir     string // its own
	Log     string // file

	t   testing.TB
	cmd *exec.Cmd
}

// StartSSHD starts one that lets in a public key, and ends it with the test. more are lines for its sshd_config. Without sshd or root the test is
// skipped.
func StartSSHD(t testing.TB, public string, more ...string) *SSHD {
	t.Helper()
	if _, err := os.Stat("/usr/sbin/sshd"); err != nil {
		t.Skip("NOT TESTED: a real sshd: install openssh-server")
	}
	if os.Getuid() != 0 {
		t.Skip("NOT TESTED: a real sshd: it needs root")
	}
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
		t.Fatal(err)
	}
	s := &SSHD{t: t, Dir: t.TempDir(), Port: FreePort(t)}
	s.HostKey, s.Log = Key(t, s.Dir, "host"), filepath.Join(s.Dir, "log")
	conf := append(more, // the first value of a keyword counts
		fmt.Sprintf("Port %d", s.Port), "ListenAddress 127.0.0.1", "HostKey "+s.HostKey, "PidFile none", "UsePAM no",
		"AuthorizedKeysFile "+s.Dir+"/authorized_keys", "StrictModes no", "PermitRootLogin prohibit-password", "PasswordAuthentication no",
		"KbdInteractiveAuthentication no", "MaxStartups 100",
		// bash runs ~/.bashrc under sshd only at the first level; that of the machine that tests run on is not ours to measure.
		"SetEnv SHLVL=5")
	write(t, s.Dir+"/sshd_config", strings.Join(conf, "\n")+"\n")
	write(t, s.Dir+"/authorized_keys", public)
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start starts it again, and waits until it listens.
func (s *SSHD) Start() {
	s.t.Helper()
	s.cmd = exec.Command("/usr/sbin/sshd", "-D", "-E", s.Log, "-f", s.Dir+"/sshd_config")
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", s.Port))
		if err == nil {
			c.Close()
			return
		}
		if time.Now().After(end) {
			s.Stop()
			log, _ := os.ReadFile(s.Log)
			s.t.Fatalf("sshd does not listen: %v\n%s", err, log)
		}
	}
}

// Stop kills it. What it started for those who came in goes on.
func (s *SSHD) Stop() {
	s.cmd.Process.Kill()
	s.cmd.Wait()
}

// Line is its line for known_hosts.
func (s *SSHD) Line() string { return KnownHost(s.t, s.Port, s.HostKey) }

// KnownHost is the line for known_hosts of one on a loopback port.
func KnownHost(t testing.TB, port int, hostKey string) string {
	t.Helper()
	b, err := os.ReadFile(hostKey + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("[127.0.0.1]:%d %s\n", port, strings.TrimSpace(string(b)))
}

// Key makes a key pair, and gives the private one's path; the public one is in PATH.pub.
func Key(t testing.TB, dir, name string) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	p, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	write(t, path, string(pem.EncodeToMemory(block)))
	write(t, path+".pub", string(ssh.MarshalAuthorizedKey(p)))
	return path
}

// FreePort is a loopback port that nobody listened on a moment ago.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
