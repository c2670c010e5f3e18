package source

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"regexp"
	"strings"
	"unicode"

	"al.essio.dev/pkg/shellescape"
)

// remote is where a repository is.
type remote struct {
	url    string
	scheme string // of https, http, ssh, git, file
	host   string // with its port
	user   string
}

var (
	password = regexp.MustCompile(`(//[^@:]*):[^@]*@`)
	scpLike  = regexp.MustCompile(`^(?:([^@/:\[]+)@)?([^@/:\[]+|\[[^]]+\]):[^:].*$`)
)

// redacted is a URL without a password, also where it is none.
func redacted(u string) string { return password.ReplaceAllString(u, "$1:***@") }

func parseRemote(s string) (remote, error) {
	switch {
	case s == "":
		return remote{}, errors.New("which repository is to be followed? give its URL")
	case strings.ContainsFunc(s, unicode.IsControl), strings.HasPrefix(s, "-"):
		return remote{}, fmt.Errorf("%q is no URL", redacted(s))
	case strings.HasPrefix(s, "/"):
		return remote{url: s, scheme: "file"}, nil
	case !strings.Contains(s, "://"):
		m := scpLike.FindStringSubmatch(s)
		if m == nil || strings.HasPrefix(m[2], "-") {
			return remote{}, fmt.Errorf("%q is no URL; write https://…, ssh://…, user@host:path, or an absolute path", redacted(s))
		}
		return remote{url: s, scheme: "ssh", host: m[2], user: m[1]}, nil
	}
	u, err := url.Parse(s)
	if err != nil { // its text may hold the password
		return remote{}, fmt.Errorf("%q is no URL; write special characters in it as %%XX", redacted(s))
	}
	if _, has := u.User.Password(); has {
		return remote{}, fmt.Errorf("%s: a password does not belong in the URL, which is logged; give it as a token", redacted(s))
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return remote{}, errors.New("the URL holds ? or #; what stands behind it means nothing to git")
	}
	switch u.Scheme {
	case "https", "http", "ssh", "git":
		if h := u.Hostname(); h == "" || strings.HasPrefix(h, "-") {
			return remote{}, fmt.Errorf("%s names no host", s)
		}
	case "file":
	default:
		return remote{}, fmt.Errorf("%s: the transport %s is not supported; use https, ssh or file", redacted(s), u.Scheme)
	}
	return remote{url: s, scheme: u.Scheme, host: u.Host, user: u.User.Username()}, nil
}

// loopback tells whether no network is between.
func (r remote) loopback() bool {
	host := (&url.URL{Host: r.host}).Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// checkPlaintext refuses what anybody on the way could read or replace.
func (g Git) checkPlaintext(r remote) error {
	if r.scheme != "http" && r.scheme != "git" || r.loopback() || g.Plaintext {
		return nil
	}
	if g.Token != nil && r.scheme == "http" {
		return fmt.Errorf("%s: the token would cross the network in clear text; use https", r.url)
	}
	if g.AllowedSigners == "" {
		return fmt.Errorf("%s: anybody on the way could replace what comes over %s; use https or ssh, or have signatures verified", r.url, r.scheme)
	}
	return nil
}

// checkRef refuses what git-check-ref-format(1) does, and patterns.
func checkRef(ref string) error {
	bad := strings.ContainsAny(ref, " ~^:?*[\\") || strings.ContainsFunc(ref, unicode.IsControl) || strings.HasPrefix(ref, "-") ||
		strings.Contains(ref, "..") || strings.Contains(ref, "@{") || strings.Contains(ref, "//") || strings.HasPrefix(ref, "/") ||
		strings.HasSuffix(ref, "/") || strings.HasSuffix(ref, ".") || strings.HasSuffix(ref, ".lock")
	if bad {
		return fmt.Errorf("%q is no name of a branch or a tag", ref)
	}
	return nil
}

// treePath is a folder of a tree, without a slash at its ends; "" is all of it.
func treePath(p string) (string, error) {
	clean := path.Clean("/" + p)[1:]
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." || strings.ContainsFunc(part, unicode.IsControl) {
			return "", fmt.Errorf("the path %q leads out of the repository, or is none", p)
		}
	}
	return clean, nil
}

// sshCommand is the command that git gives to the shell. The user's ssh_config(5) holds where nothing is said here.
func sshCommand(key, knownHosts string) (string, error) {
	for _, p := range []string{key, knownHosts} {
		if strings.ContainsAny(p, "\"%$\n\r") {
			return "", fmt.Errorf("the path %q holds a character that ssh would take for more than it is; rename the file", p)
		}
	}
	argv := []string{"ssh"}
	options := []string{"BatchMode=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=15", "ServerAliveInterval=10", "ServerAliveCountMax=3",
		"ControlMaster=no", "ForwardAgent=no", "ForwardX11=no", "ClearAllForwardings=yes", "PermitLocalCommand=no"}
	if key != "" {
		options = append(options, `IdentityFile="`+key+`"`, "IdentitiesOnly=yes", "IdentityAgent=none")
	}
	if knownHosts != "" {
		options = append(options, `UserKnownHostsFile="`+knownHosts+`"`, "GlobalKnownHostsFile=/dev/null")
	}
	for _, o := range options {
		argv = append(argv, "-o", o)
	}
	return shellescape.QuoteCommand(argv), nil
}
