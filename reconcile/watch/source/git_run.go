package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"
)

// runner runs git(1), always with the same surroundings: what the user or the system has configured must not decide what a controller does.
type runner struct {
	limit  time.Duration
	lock   *dirLock
	env    []string
	config map[string]string
	token  string
}

// grace is how long git may take to end when it is told to.
const grace = 2 * time.Second

// environment is what git inherits, and what it is told by variables (git(1), ENVIRONMENT VARIABLES).
func environment(r remote, ssh string) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK",
		"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	protocols := r.scheme
	if protocols == "http" {
		protocols = "http:https" // a server may send us to the better one
	}
	return append(env, "LC_ALL=C", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=",
		"GIT_ALLOW_PROTOCOL="+protocols, "GIT_OPTIONAL_LOCKS=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_SSH_VARIANT=ssh", "GIT_SSH_COMMAND="+ssh)
}

// settings are git's configuration, of all its repositories.
func settings(g Git) map[string]string {
	s := map[string]string{
		"core.hooksPath": "/dev/null", "core.fsmonitor": "false", "core.askPass": "", "credential.helper": "", "safe.directory": "*",
		"core.bigFileThreshold": strconv.Itoa(MaxFile + 1), // what is larger passes through git piece by piece: it holds none of it in memory
		"gc.auto":               "0", "maintenance.auto": "false", "fetch.unpackLimit": "1", "fetch.recurseSubmodules": "false", "protocol.version": "2",
		"http.lowSpeedLimit": "1000", "http.lowSpeedTime": "30", "transfer.bundleURI": "false",
		"gpg.minTrustLevel": "fully", "gpg.ssh.allowedSignersFile": g.AllowedSigners,
		// Whatever is in the keyrings of the machine: only the allowed signers count.
		"gpg.program": "false", "gpg.openpgp.program": "false", "gpg.x509.program": "false",
	}
	if g.CAFile != "" {
		s["http.sslCAInfo"] = g.CAFile
	}
	return s
}

// authenticate makes git find the token, by a credential helper for this server alone (gitcredentials(7)). Its text is constant; the token
// is in its environment, never in an argument, and goes to no server that this one redirects to.
func (r *runner) authenticate(ctx context.Context, to remote, token func(context.Context) (string, error)) error {
	if token == nil || to.scheme != "http" && to.scheme != "https" {
		return nil
	}
	t, err := token(ctx)
	if err != nil {
		return fmt.Errorf("the token: %w", err)
	}
	t = strings.TrimSpace(t)
	if t == "" || strings.ContainsFunc(t, unicode.IsControl) {
		return errors.New("the token: it is empty, or has more than one line")
	}
	r.token = t
	r.config["credential."+to.scheme+"://"+to.host+".helper"] =
		`!f() { if test "$1" = get; then printf 'username=%s\npassword=%s\n' "$HACTL_GIT_USER" "$HACTL_GIT_TOKEN"; fi; }; f`
	r.env = slices.DeleteFunc(r.env, func(e string) bool { return strings.HasPrefix(e, "HACTL_GIT_") })
	user := to.user
	if user == "" {
		user = "git"
	}
	r.env = append(r.env, "HACTL_GIT_USER="+user, "HACTL_GIT_TOKEN="+t)
	return nil
}

// command is one run of git.
type command struct {
	dir   string // the repository; empty for none
	args  []string
	stdin string
	read  func(io.Reader) error // its output as it comes; an error ends git
	said  *string               // gets its standard error, unless nil
}

// run returns what read returned, or what git said when it failed.
func (r *runner) run(ctx context.Context, c command) error {
	limited, cancel := context.WithTimeout(ctx, r.limit)
	defer cancel()
	dir := c.dir
	if dir == "" {
		dir = "/nonexistent"
	}
	cmd := exec.CommandContext(limited, "git", c.args...)
	cmd.Dir = "/"
	cmd.Env = append(slices.Clone(r.env), "GIT_DIR="+dir, fmt.Sprintf("GIT_CONFIG_COUNT=%d", len(r.config)))
	for i, key := range slices.Sorted(maps.Keys(r.config)) {
		cmd.Env = append(cmd.Env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, key), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, r.config[key]))
	}
	cmd.Stdin = strings.NewReader(c.stdin)
	out, in := io.Pipe()
	var stderr lastWords
	cmd.Stdout, cmd.Stderr = in, &stderr
	cmd.ExtraFiles = r.lock.files() // a git that outlives a killed hactl keeps the lock until it ends
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	group := func(s syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, s) }
	cmd.Cancel = func() error { return group(syscall.SIGTERM) } // git removes its temporary files
	cmd.WaitDelay = grace
	read := make(chan error, 1)
	go func() {
		err := c.read(out)
		_ = out.CloseWithError(err)
		read <- err
	}()
	err := cmd.Run()
	if limited.Err() != nil && cmd.Process != nil {
		_ = group(syscall.SIGKILL)
	}
	if c.said != nil {
		*c.said = stderr.String()
	}
	if err != nil {
		err = r.failure(limited, c.args[0], err, stderr.String())
	}
	_ = in.CloseWithError(err)
	if readErr := <-read; readErr != nil {
		return readErr
	}
	return err
}

func (r *runner) failure(ctx context.Context, verb string, err error, said string) error {
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return refusal{errors.New("git is not installed on this machine; install the package git")}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("git %s took longer than %v%s", verb, r.limit, r.saying(said))
	case ctx.Err() != nil:
		return ctx.Err()
	case strings.Contains(said, "No space left on device"), strings.Contains(said, "Disk quota exceeded"):
		return fmt.Errorf("the disk that holds the cache %s is full: git %s%s", filepath.Clean(r.lock.dir), verb, r.saying(said))
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() && said != "" {
		return fmt.Errorf("git %s%s", verb, r.saying(said))
	}
	return fmt.Errorf("git %s: %w%s", verb, err, r.saying(said))
}

// saying is what git and the server said, on one line, without the token.
func (r *runner) saying(said string) string {
	if r.token != "" {
		said = strings.ReplaceAll(said, r.token, "***")
	}
	var lines []string
	for _, l := range strings.FieldsFunc(said, func(r rune) bool { return r == '\n' || r == '\r' }) {
		if l = strings.TrimSpace(strings.Map(printable, strings.ToValidUTF8(l, "?"))); l != "" {
			lines = append(lines, l)
		}
	}
	if len(lines) == 0 {
		return ""
	}
	return ": " + strings.Join(lines, "; ")
}

func printable(r rune) rune {
	if unicode.IsControl(r) {
		return -1
	}
	return r
}

// output runs git and gives what it writes, which must be short.
func (r *runner) output(ctx context.Context, dir string, args ...string) (string, error) {
	const most = 1 << 20
	var b bytes.Buffer
	err := r.run(ctx, command{dir: dir, args: args, read: func(out io.Reader) error {
		n, err := io.Copy(&b, io.LimitReader(out, most))
		if err == nil && n == most {
			err = refusal{fmt.Errorf("git %s: more than %d bytes came", args[0], most)}
		}
		return err
	}})
	return strings.TrimSpace(b.String()), err
}

// ignore reads nothing into an output.
func ignore(out io.Reader) error {
	_, err := io.Copy(io.Discard, out)
	return err
}

// refusal is an error for which the cache is not to blame.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

func refuse(format string, args ...any) error { return refusal{fmt.Errorf(format, args...)} }

// lastWords keeps the last 2 KiB of standard error.
type lastWords struct{ b []byte }

func (l *lastWords) Write(p []byte) (int, error) {
	l.b = append(l.b, p...)
	l.b = l.b[max(0, len(l.b)-2048):]
	return len(p), nil
}

func (l *lastWords) String() string { return string(l.b) }
