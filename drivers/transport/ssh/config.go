package ssh

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	sshconfig "github.com/kevinburke/ssh_config"
)

// clientConfig is the user's and the system's configuration of ssh (ssh_config(5)).
//
// Understood are Host, Match host and Match all, Include, HostName, User, Port, IdentityFile, CertificateFile, IdentitiesOnly, IdentityAgent, ProxyJump, ProxyCommand,
// ConnectTimeout, HostKeyAlias, UserKnownHostsFile and GlobalKnownHostsFile. StrictHostKeyChecking is not: hactl runs commands as root
// and always wants a known key, also where the file says "no" or "accept-new".
type clientConfig struct {
	files []*sshconfig.UserSettings // the first that knows a keyword decides
	home  string
	user  string // on this machine
}

// loadConfig reads path, or ~/.ssh/config and /etc/ssh/ssh_config when it is empty. Files that do not exist are empty, but for a path that
// was asked for.
func loadConfig(path string) (*clientConfig, error) {
	me, err := user.Current()
	if err != nil {
		return nil, fmt.Errorf("who runs this: %w", err)
	}
	// Unlike ssh(1), which asks the password database, $HOME counts, as for every other file that hactl reads of a user.
	home := os.Getenv("HOME")
	if home == "" {
		home = me.HomeDir
	}
	c := &clientConfig{home: home, user: me.Username}
	paths := []string{path}
	if path == "" {
		paths = []string{filepath.Join(c.home, ".ssh", "config"), "/etc/ssh/ssh_config"}
	}
	for i, p := range paths {
		if _, err := os.Stat(p); err != nil {
			if path == "" && errors.Is(err, fs.ErrNotExist) {
				continue
			}
			return nil, fmt.Errorf("ssh config: %w", err)
		}
		s := &sshconfig.UserSettings{}
		s.ConfigFinder(func() string { return p })
		if _, err := s.GetStrict("x", "Port"); err != nil {
			if i == 1 {
				// Red Hat's /etc/ssh/ssh_config.d has "Match final all", which the library does not know, for a choice of ciphers.
				continue
			}
			return nil, fmt.Errorf("ssh config: %s: %w; hactl understands Host, Match host and Match all: give it a file of its own", p, err)
		}
		c.files = append(c.files, s)
	}
	return c, nil
}

// get is the first value of a keyword for any of the aliases, or "".
func (c *clientConfig) get(key string, aliases ...string) string {
	if v := c.all(key, aliases...); len(v) > 0 {
		return v[0]
	}
	return ""
}

// all lists the values of a keyword that may stand many times. The library fills in defaults that cannot be told from what was written,
// so those are taken out: this package has its own.
func (c *clientConfig) all(key string, aliases ...string) []string {
	var values []string
	for _, f := range c.files {
		for _, a := range aliases {
			if a == "" {
				continue
			}
			v := f.GetAll(a, key)
			if len(v) == 1 && v[0] == sshconfig.Default(key) {
				continue
			}
			for _, x := range v {
				if !slices.Contains(values, x) { // "Host *" matches name and address
					values = append(values, x)
				}
			}
		}
	}
	return values
}

// settings are what one connection needs, all decided.
type settings struct {
	name          string // for errors
	host          string // to connect to
	port          int
	user          string
	identities    []string // files
	explicit      bool     // identities were named by someone, and are not the default names
	certificates  []string
	only          bool // IdentitiesOnly
	agent         string
	jump          []string // hops in order; nil means direct
	proxy         string   // ProxyCommand, expanded
	timeout       time.Duration
	keyHost       string // name to look up in known_hosts, with its port
	knownHosts    []string
	userHostsFile string // where a new key would be added
}

// resolve decides the settings for a target. What the target says wins; the rest is looked up under its name, then under its address.
func (c *clientConfig) resolve(t Target, timeout time.Duration) (settings, error) {
	names := []string{t.Name, t.Address}
	s := settings{name: t.Name, host: t.Address, port: t.Port, user: t.User, timeout: timeout}
	if s.host == "" {
		s.host = t.Name
	}
	if h := c.get("HostName", s.host); h != "" {
		s.host = strings.NewReplacer("%%", "%", "%h", s.host).Replace(h)
	} else if t.Address == "" && t.Fallback != "" {
		s.host = t.Fallback
	}
	if s.user == "" {
		if s.user = c.get("User", names...); s.user == "" {
			s.user = c.user
		}
	}
	if s.port == 0 {
		s.port = 22
		if p := c.get("Port", names...); p != "" {
			n, err := strconv.Atoi(p)
			if err != nil || n < 1 || n > 65535 {
				return s, fmt.Errorf("ssh config: port %q", p)
			}
			s.port = n
		}
	}
	if s.timeout == 0 {
		s.timeout = DefaultConnectTimeout
		if v := c.get("ConnectTimeout", names...); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 1 {
				return s, fmt.Errorf("ssh config: ConnectTimeout %q: not a number of seconds", v)
			}
			s.timeout = time.Duration(n) * time.Second
		}
	}
	c.resolveIdentities(&s, t, names)
	c.resolveHostKeys(&s, t, names)
	if j := c.get("ProxyJump", names...); j != "" && !strings.EqualFold(j, "none") {
		for hop := range strings.SplitSeq(j, ",") {
			s.jump = append(s.jump, strings.TrimSpace(hop))
		}
	} else if p := c.get("ProxyCommand", names...); j == "" && p != "" && !strings.EqualFold(p, "none") {
		s.proxy = c.expand(p, s, t)
	}
	return s, nil
}

func (c *clientConfig) resolveIdentities(s *settings, t Target, names []string) {
	files := append(append([]string{}, t.IdentityFiles...), c.all("IdentityFile", names...)...)
	s.explicit = len(files) > 0
	if !s.explicit {
		files = []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}
	}
	for _, f := range files {
		if !strings.EqualFold(f, "none") {
			s.identities = append(s.identities, c.path(f, *s, t))
		}
	}
	for _, f := range c.all("CertificateFile", names...) {
		s.certificates = append(s.certificates, c.path(f, *s, t))
	}
	s.only = strings.EqualFold(c.get("IdentitiesOnly", names...), "yes")
	switch a := c.get("IdentityAgent", names...); {
	case a == "" || a == "SSH_AUTH_SOCK":
		s.agent = os.Getenv("SSH_AUTH_SOCK")
	case strings.EqualFold(a, "none"):
	case strings.HasPrefix(a, "$"):
		s.agent = os.Getenv(strings.Trim(a, "${}"))
	default:
		s.agent = c.path(a, *s, t)
	}
}

func (c *clientConfig) resolveHostKeys(s *settings, t Target, names []string) {
	s.keyHost = fmt.Sprintf("[%s]:%d", s.host, s.port)
	if a := c.get("HostKeyAlias", names...); a != "" {
		s.keyHost = fmt.Sprintf("[%s]:22", a) // an alias stands without a port in known_hosts
	}
	users := c.get("UserKnownHostsFile", names...)
	if users == "" {
		users = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
	}
	global := c.get("GlobalKnownHostsFile", names...)
	if global == "" {
		global = "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2"
	}
	for i, list := range []string{users, global} {
		for f := range strings.FieldsSeq(list) {
			if strings.EqualFold(f, "none") {
				continue
			}
			f = c.path(strings.Trim(f, `"`), *s, t)
			if i == 0 && s.userHostsFile == "" {
				s.userHostsFile = f
			}
			if _, err := os.Stat(f); err == nil {
				s.knownHosts = append(s.knownHosts, f)
			}
		}
	}
}

// path expands a file name: ~, ${VAR} and the percent tokens.
func (c *clientConfig) path(p string, s settings, t Target) string {
	if p == "~" || strings.HasPrefix(p, "~/") {
		p = c.home + p[1:]
	}
	for strings.Contains(p, "${") {
		before, rest, _ := strings.Cut(p, "${")
		name, after, ok := strings.Cut(rest, "}")
		if !ok {
			break
		}
		p = before + os.Getenv(name) + after
	}
	return c.expand(p, s, t)
}

// expand replaces the percent tokens of ssh_config(5) that make sense here.
func (c *clientConfig) expand(p string, s settings, t Target) string {
	port := strconv.Itoa(s.port)
	return strings.NewReplacer("%%", "%", "%d", c.home, "%h", s.host, "%n", t.Name, "%p", port, "%r", s.user, "%u", c.user,
		"%i", strconv.Itoa(os.Getuid())).Replace(p)
}

// hopTarget reads one hop of ProxyJump: [user@]host[:port], or as an ssh:// URI.
func hopTarget(hop string) (Target, error) {
	hop = strings.TrimSuffix(strings.TrimPrefix(hop, "ssh://"), "/")
	var t Target
	if i := strings.LastIndexByte(hop, '@'); i >= 0 {
		t.User, hop = hop[:i], hop[i+1:]
	}
	host, port := hop, ""
	if strings.HasPrefix(hop, "[") {
		h, rest, ok := strings.Cut(hop[1:], "]")
		if !ok {
			return t, fmt.Errorf("ProxyJump %q: no closing bracket", hop)
		}
		host, port = h, strings.TrimPrefix(rest, ":")
	} else if strings.Count(hop, ":") == 1 {
		host, port, _ = strings.Cut(hop, ":")
	}
	if port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return t, fmt.Errorf("ProxyJump %q: port %q", hop, port)
		}
		t.Port = n
	}
	if host == "" {
		return t, fmt.Errorf("ProxyJump %q: no host", hop)
	}
	t.Name = host
	return t, nil
}
