package ssh

import (
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// proxyConn is the standard input and output of a ProxyCommand as a connection (ssh_config(5)).
type proxyConn struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr lastWords

	once sync.Once
}

// startProxy runs the command by the shell, as ssh(1) does. An interrupt from the keyboard is not for it.
func startProxy(command string) (net.Conn, error) {
	p := &proxyConn{cmd: exec.Command("/bin/sh", "-c", "exec "+command)}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.cmd.Stderr = &p.stderr
	p.cmd.WaitDelay = time.Second
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("ProxyCommand: %w", err)
	}
	if p.out, err = p.cmd.StdoutPipe(); err != nil {
		return nil, fmt.Errorf("ProxyCommand: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("ProxyCommand: %w", err)
	}
	return p, nil
}

func (p *proxyConn) Read(b []byte) (int, error)  { return p.out.Read(b) }
func (p *proxyConn) Write(b []byte) (int, error) { return p.in.Write(b) }

// proxyGrace is how long a ProxyCommand may take to end once its input has.
const proxyGrace = time.Second

// Close ends the command. How it ended is of no interest.
func (p *proxyConn) Close() error {
	p.once.Do(func() {
		_ = p.in.Close()
		impatient := time.AfterFunc(proxyGrace, func() { _ = p.cmd.Process.Kill() })
		_ = p.cmd.Wait()
		impatient.Stop()
	})
	return nil
}

// said is what the command wrote to standard error, complete once Close has returned.
func (p *proxyConn) said() string { return p.stderr.String() }

func (p *proxyConn) LocalAddr() net.Addr              { return proxyAddr{} }
func (p *proxyConn) RemoteAddr() net.Addr             { return proxyAddr{} }
func (p *proxyConn) SetDeadline(time.Time) error      { return nil } // the caller closes it instead
func (p *proxyConn) SetReadDeadline(time.Time) error  { return nil }
func (p *proxyConn) SetWriteDeadline(time.Time) error { return nil }

type proxyAddr struct{}

func (proxyAddr) Network() string { return "proxy" }
func (proxyAddr) String() string  { return "0.0.0.0:0" }

// lastWords keeps the last 2 KiB.
type lastWords struct {
	mu sync.Mutex
	b  []byte
}

func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	if over := len(l.b) - 2048; over > 0 {
		l.b = l.b[over:]
	}
	return len(p), nil
}

func (l *lastWords) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(string(l.b))
}
