package ssh

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
	xknownhosts "golang.org/x/crypto/ssh/knownhosts"
)

// hostKeys checks a machine's key against the known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): hashed names, [host]:port,
// @cert-authority and @revoked. There is no way to switch it off.
type hostKeys struct {
	s    settings
	db   *knownhosts.HostKeyDB
	seen ssh.PublicKey // what the machine offered
	err  error         // why it was refused
}

func newHostKeys(s settings) (*hostKeys, error) {
	db, err := knownhosts.NewDB(s.knownHosts...)
	if err != nil {
		return nil, fmt.Errorf("known hosts: %w", err)
	}
	return &hostKeys{s: s, db: db}, nil
}

// algorithms asks the machine for a kind of key that is known, so that having another kind too is not taken for a changed key. For an
// unknown machine the common kinds are named, best first: the one that it answers with is shown to the user.
func (k *hostKeys) algorithms() []string {
	if a := k.db.HostKeyAlgorithms(k.s.keyHost); len(a) > 0 {
		return a
	}
	return []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
	}
}

// check is the ssh.HostKeyCallback. The address is left out: known_hosts is asked for the name only, like ssh does behind a proxy.
func (k *hostKeys) check(_ string, _ net.Addr, key ssh.PublicKey) error {
	k.seen = key
	k.err = k.db.HostKeyCallback()(k.s.keyHost, &net.TCPAddr{IP: net.IPv4zero}, key)
	return k.err
}

// explain turns a refused key into an error and a hint. ok is false when the key was not the reason.
func (k *hostKeys) explain(err error) (reason error, hint string, ok bool) {
	var key *xknownhosts.KeyError
	var revoked *xknownhosts.RevokedError
	var algo *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(k.err, &revoked):
		return fmt.Errorf("the host key %s is revoked", fingerprint(k.seen)),
			fmt.Sprintf("%s:%d", revoked.Revoked.Filename, revoked.Revoked.Line), true
	case errors.As(k.err, &key) && len(key.Want) > 0:
		return fmt.Errorf("the host key has changed: %s", fingerprint(k.seen)),
			"known is " + places(key.Want) + "; if the machine was installed anew, check its key on its console and remove that line with ssh-keygen -R " +
				"'" + xknownhosts.Normalize(k.s.keyHost) + "', else somebody may be listening in", true
	case errors.As(k.err, &key):
		// The name is quoted as known_hosts wants it.
		return fmt.Errorf("unknown host key %s", fingerprint(k.seen)),
			fmt.Sprintf("compare it with 'ssh-keygen -lf /etc/ssh/ssh_host_%s_key.pub' on the machine's console (over the network ssh-keyscan -p %d %s only shows it again), then add to %s: %s",
				kind(k.seen), k.s.port, k.s.host, k.s.userHostsFile, knownhosts.Line([]string{k.s.keyHost}, k.seen)), true
	case k.err != nil:
		return fmt.Errorf("host key refused: %w", k.err), "see the @cert-authority lines in " + strings.Join(k.s.knownHosts, ", "), true
	case errors.As(err, &algo) && strings.Contains(err.Error(), "host key"):
		return fmt.Errorf("the machine has no host key of the kind that is known: %w", err),
			"the keys in " + strings.Join(k.s.knownHosts, ", ") + " for this machine are of another kind: check its key on its console and add it", true
	}
	return nil, "", false
}

func fingerprint(k ssh.PublicKey) string { return k.Type() + " " + ssh.FingerprintSHA256(k) }

// kind is the word in the name of Debian's and Red Hat's host key files.
func kind(k ssh.PublicKey) string {
	switch t := k.Type(); {
	case strings.Contains(t, "ecdsa"):
		return "ecdsa"
	case strings.Contains(t, "rsa"):
		return "rsa"
	}
	return "ed25519"
}

func places(keys []xknownhosts.KnownKey) string {
	var out []string
	for _, k := range keys {
		out = append(out, fmt.Sprintf("%s:%d: %s", k.Filename, k.Line, fingerprint(k.Key)))
	}
	return strings.Join(out, ", ")
}
