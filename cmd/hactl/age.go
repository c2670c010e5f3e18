package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"golang.org/x/crypto/ssh"

	v1 "github.com/hactl/hactl/api/v1"
)

// What age-encrypted secrets are decrypted with, named after sops' SOPS_AGE_KEY_FILE and SOPS_AGE_KEY: the path of files with identities,
// and the identities themselves, for CI runners that keep secrets in variables. No place is searched for keys: what a plan compares does not depend
// on what lies in somebody's home.
const (
	identityVariable = "HACTL_AGE_IDENTITY"
	keyVariable      = "HACTL_AGE_KEY"
)

// errDamaged is of an age file that is for our key and cannot be decrypted all the same: a mistake in any command.
var errDamaged = errors.New("the age file is damaged; encrypt the value again with hactl secret encrypt")

// ageKeys are the identities that age-encrypted values are decrypted with.
type ageKeys struct {
	ids  []age.Identity
	from []string // where they come from, as a user names it
}

// readAgeKeys reads the identities of the named files, or where there are none, of the environment.
func readAgeKeys(files []string, getenv func(string) string) (*ageKeys, error) {
	var k ageKeys
	add := func(from string, b []byte, err error) error {
		var ids []age.Identity
		if err == nil {
			ids, err = parseIdentities(b)
		}
		if err != nil {
			return fmt.Errorf("age identity %s: %w", from, err)
		}
		k.ids, k.from = append(k.ids, ids...), append(k.from, from)
		return nil
	}
	var errs []error
	if len(files) > 0 {
		for _, path := range files {
			b, err := os.ReadFile(path)
			errs = append(errs, add(path, b, err))
		}
		return &k, errors.Join(errs...)
	}
	for _, path := range filepath.SplitList(getenv(identityVariable)) {
		if path != "" {
			b, err := os.ReadFile(path)
			errs = append(errs, add(path+" ($"+identityVariable+")", b, err))
		}
	}
	if text := getenv(keyVariable); text != "" {
		errs = append(errs, add("$"+keyVariable, []byte(text), nil))
	}
	return &k, errors.Join(errs...)
}

// parseIdentities reads what age -i does: age's own keys, one a line, or an SSH private key; but none that needs a passphrase or a program.
func parseIdentities(b []byte) ([]age.Identity, error) {
	text := string(bytes.TrimSpace(b))
	switch {
	case strings.HasPrefix(text, "age-encryption.org/"), strings.HasPrefix(text, "-----BEGIN AGE ENCRYPTED FILE-----"):
		return nil, fmt.Errorf("is encrypted with a passphrase, which hactl does not ask for; give the key by %s=\"$(age -d FILE)\"", keyVariable)
	case strings.HasPrefix(text, "age1"), strings.HasPrefix(text, "ssh-"):
		return nil, errors.New("is a recipient (a public key); give the private key, which begins with AGE-SECRET-KEY- or -----BEGIN")
	case strings.Contains(text, "AGE-PLUGIN-"):
		return nil, errors.New("is a key of an age plugin, which is another program, and hactl runs none; use a key of age-keygen or an SSH key")
	case strings.HasPrefix(text, "-----BEGIN"):
		id, err := agessh.ParseIdentity(b)
		if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) {
			return nil, errors.New("is an SSH key with a passphrase, which hactl does not ask for; use one without (ssh-keygen -p makes a copy so), or a key of age-keygen")
		}
		if err != nil {
			return nil, fmt.Errorf("cannot be read as an SSH private key (ssh-ed25519 or ssh-rsa): %w", err)
		}
		return []age.Identity{id}, nil
	}
	return age.ParseIdentities(strings.NewReader(strings.ReplaceAll(text, "\r\n", "\n")))
}

// decrypt gives the value of an age-encrypted reference.
func (k *ageKeys) decrypt(armored string) (string, error) {
	file, err := v1.AgeFile(armored)
	if err != nil {
		return "", err
	}
	if len(k.ids) == 0 {
		return "", fmt.Errorf("the value is encrypted and no age identity is given: name its file with --age-identity or $%s, or put the key into $%s", identityVariable, keyVariable)
	}
	r, err := age.Decrypt(bytes.NewReader(file), k.ids...)
	var strange *age.NoIdentityMatchError
	switch {
	case errors.As(err, &strange):
		return "", fmt.Errorf("the value is not encrypted for this key (tried: %s; it is for %s); give the right one with --age-identity, or have the value encrypted for yours, too",
			strings.Join(k.from, ", "), recipients(strange.StanzaTypes))
	case err != nil:
		return "", fmt.Errorf("%w (%w)", errDamaged, err)
	}
	value, err := io.ReadAll(r)
	if err != nil {
		return "", fmt.Errorf("%w (%w)", errDamaged, err)
	}
	return strings.TrimSuffix(string(value), "\n"), nil
}

// recipients counts the recipients of an age file by their types: "2 of X25519, 1 of ssh-ed25519".
func recipients(types []string) string {
	var order []string
	count := map[string]int{}
	for _, t := range types {
		if count[t]++; count[t] == 1 {
			order = append(order, t)
		}
	}
	for i, t := range order {
		order[i] = fmt.Sprintf("%d of %s", count[t], t)
	}
	return strings.Join(order, ", ")
}
