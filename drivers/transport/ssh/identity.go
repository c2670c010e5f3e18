package ssh

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// identities gathers the keys to log in with, in the order of ssh(1): keys of the agent that were named, the agent's others (unless
// IdentitiesOnly), then the files. hactl asks nobody anything, so there are no passwords and no passphrases.
type identities struct {
	signers []ssh.Signer
	tried   []string // what there was, for the error
	close   func()   // the agent's connection; it is needed until the login is done
}

func findIdentities(s settings) *identities {
	ids := &identities{close: func() {}}
	held := ids.askAgent(s)
	var named []ssh.Signer
	var files []ssh.Signer
	used := map[string]bool{}
	for _, path := range s.identities {
		signer, public, err := readIdentity(path)
		switch {
		case errors.Is(err, fs.ErrNotExist) && !s.explicit:
			continue
		case public != nil && held[string(public.Marshal())] != nil:
			named = append(named, held[string(public.Marshal())])
			used[string(public.Marshal())] = true
			ids.tried = append(ids.tried, path+" by the agent")
		case err != nil:
			ids.tried = append(ids.tried, fmt.Sprintf("%s not used: %v", path, err))
		default:
			files = append(files, withCertificates(signer, append(s.certificates, path+"-cert.pub"))...)
			ids.tried = append(ids.tried, path+" "+ssh.FingerprintSHA256(signer.PublicKey()))
		}
	}
	for _, sg := range ids.signers { // the agent's, in its order
		if !s.only && !used[string(sg.PublicKey().Marshal())] {
			named = append(named, sg)
			ids.tried = append(ids.tried, "agent's "+ssh.FingerprintSHA256(sg.PublicKey()))
		}
	}
	ids.signers = slices.Concat(named, files)
	return ids
}

// askAgent fetches the agent's keys, by their public part. An agent that does not answer is told in tried.
func (ids *identities) askAgent(s settings) map[string]ssh.Signer {
	held := map[string]ssh.Signer{}
	if s.agent == "" {
		ids.tried = append(ids.tried, "no agent")
		return held
	}
	conn, err := net.DialTimeout("unix", s.agent, s.timeout)
	if err != nil {
		ids.tried = append(ids.tried, "no agent: "+err.Error())
		return held
	}
	ids.close = func() { _ = conn.Close() } // read only: nothing to lose
	if ids.signers, err = agent.NewClient(conn).Signers(); err != nil {
		ids.tried = append(ids.tried, "agent "+s.agent+": "+err.Error())
		return held
	}
	if len(ids.signers) == 0 {
		ids.tried = append(ids.tried, "agent without keys")
	}
	for _, sg := range ids.signers {
		held[string(sg.PublicKey().Marshal())] = sg
	}
	return held
}

// readIdentity reads a key file. public is set whenever it is known, also for a key that cannot be used without its passphrase.
func readIdentity(path string) (signer ssh.Signer, public ssh.PublicKey, err error) {
	if b, err := os.ReadFile(path + ".pub"); err == nil {
		public = publicKey(b)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, public, err
	}
	if p := publicKey(b); p != nil { // IdentityFile may name the public part of a key that the agent holds
		return nil, p, errors.New("a public key, and the agent does not hold its private one")
	}
	signer, err = ssh.ParsePrivateKey(b)
	var locked *ssh.PassphraseMissingError
	switch {
	case errors.As(err, &locked):
		if locked.PublicKey != nil {
			public = locked.PublicKey
		}
		return nil, public, fmt.Errorf("it has a passphrase: load it into an agent (ssh-add %s)", path)
	case err != nil:
		// The parser's text never holds key material, but it does not help either.
		return nil, public, errors.New("not a private key that this program can read (OpenSSH and PEM formats are)")
	}
	return signer, signer.PublicKey(), nil
}

func publicKey(b []byte) ssh.PublicKey {
	k, _, _, _, err := ssh.ParseAuthorizedKey(bytes.TrimSpace(b))
	if err != nil {
		return nil
	}
	return k
}

// withCertificates puts the certificates for a key before the key itself.
func withCertificates(signer ssh.Signer, files []string) []ssh.Signer {
	var out []ssh.Signer
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // most keys have none
		}
		cert, ok := publicKey(b).(*ssh.Certificate)
		if !ok || !bytes.Equal(cert.Key.Marshal(), signer.PublicKey().Marshal()) {
			continue
		}
		if s, err := ssh.NewCertSigner(cert, signer); err == nil {
			out = append(out, s)
		}
	}
	return append(out, signer)
}

func (ids *identities) String() string {
	if len(ids.tried) == 0 {
		return "none found"
	}
	return strings.Join(ids.tried, "; ")
}
