package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// maxValue is more than any option of a cluster takes.
const maxValue = 1 << 20

func (a *app) secretCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "secret",
		Short: "Encrypt values for manifests, with age",
		Long: `secret makes what stands as age: in a manifest: a value that only the holders of
some keys can read. The keys are those of age and SSH, and every age file of
other tools does as well (age -a -r RECIPIENT).`,
		SuggestionsMinimumDistance: 2,
		Args:                       noSuchCommand,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.encryptCmd(), a.keygenCmd())
	return c
}

func (a *app) encryptCmd() *cobra.Command {
	var to, files []string
	c := &cobra.Command{
		Use:   "encrypt -r RECIPIENT < VALUE",
		Short: "Encrypt a value, as a block to paste into a manifest",
		Long: `encrypt reads a value from standard input, or asks for it on a terminal, and
prints it encrypted, ready to stand where a manifest refers to a secret.

A recipient is what age-keygen prints as public key (age1…), or an SSH public
key (ssh-ed25519 or ssh-rsa). With several, each of their keys opens it. One
newline at the end of the value is dropped when it is used.`,
		Example: `  hactl secret encrypt -r age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun < password
  hactl secret encrypt -R team.keys           asks for the value
  hactl secret encrypt -R ~/.ssh/id_ed25519.pub < password`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			rs, err := readRecipients(to, files)
			if err != nil {
				return err
			}
			value, err := a.secretValue()
			if err != nil {
				return err
			}
			block, err := encrypt(value, rs)
			if err != nil {
				return err
			}
			_, err = io.WriteString(a.out, block)
			return err
		},
	}
	c.Flags().StringArrayVarP(&to, "recipient", "r", nil, "encrypt for this `RECIPIENT`: age1… or an SSH public key (repeatable)")
	c.Flags().StringArrayVarP(&files, "recipients-file", "R", nil, "encrypt for the recipients in this `FILE`, one a line (repeatable)")
	return c
}

// readRecipients reads recipients as age's -r and -R do.
func readRecipients(to, files []string) ([]age.Recipient, error) {
	var rs []age.Recipient
	add := func(s string) error {
		var r age.Recipient
		var err error
		switch {
		case strings.HasPrefix(s, "ssh-"):
			r, err = agessh.ParseRecipient(s)
		case strings.HasPrefix(s, "AGE-SECRET-KEY-"), strings.HasPrefix(s, "AGE-PLUGIN-"):
			return errors.New("is a private key; give its public key, which age-keygen -y prints")
		default:
			var one []age.Recipient
			if one, err = age.ParseRecipients(strings.NewReader(s)); err == nil {
				r = one[0]
			}
		}
		if err != nil {
			return errors.New("is no recipient: it must be a public key of age (age1…) or SSH (ssh-ed25519 …, ssh-rsa …)")
		}
		rs = append(rs, r)
		return nil
	}
	for _, s := range to {
		if err := add(strings.TrimSpace(s)); err != nil {
			return nil, fmt.Errorf("--recipient: %w", err)
		}
	}
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("--recipients-file: %w", err)
		}
		for i, line := range strings.Split(string(b), "\n") {
			if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
				continue
			}
			if err := add(line); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
			}
		}
	}
	if len(rs) == 0 {
		return nil, errors.New("for whom? name at least one recipient with -r or -R (hactl secret keygen makes a key)")
	}
	return rs, nil
}

// secretValue reads the value that is to be encrypted; on a terminal without showing it.
func (a *app) secretValue() ([]byte, error) {
	var value []byte
	var err error
	if fd := int(a.stdin.Fd()); term.IsTerminal(fd) {
		_, _ = fmt.Fprint(a.err, "Value (it is not shown): ")
		value, err = term.ReadPassword(fd)
		_, _ = fmt.Fprintln(a.err)
	} else {
		value, err = io.ReadAll(io.LimitReader(a.stdin, maxValue+1))
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the value: %w", err)
	case len(bytes.TrimSuffix(value, []byte("\n"))) == 0:
		return nil, errors.New("the value is empty; give it on standard input")
	case len(value) > maxValue:
		return nil, fmt.Errorf("the value has more than %d bytes, which is no secret of a cluster", maxValue)
	}
	return value, nil
}

// encrypt gives the field of a manifest that holds a value encrypted.
func encrypt(value []byte, to []age.Recipient) (string, error) {
	var file bytes.Buffer
	lines := armor.NewWriter(&file)
	w, err := age.Encrypt(lines, to...)
	if err != nil {
		return "", err
	}
	_, err = w.Write(value)
	if err := errors.Join(err, w.Close(), lines.Close()); err != nil {
		return "", err
	}
	var block strings.Builder
	block.WriteString("age: |\n")
	for line := range strings.Lines(file.String()) {
		block.WriteString("  " + line)
	}
	return block.String(), nil
}

func (a *app) keygenCmd() *cobra.Command {
	var to string
	c := &cobra.Command{
		Use:   "keygen [-o FILE]",
		Short: "Make a key, as age-keygen does",
		Long: `keygen makes a key for --age-identity, in age's own form. With -o it writes a file
that is its owner's alone and must not exist yet, and prints the public key.`,
		Example: `  hactl secret keygen -o ~/.config/hactl.key
  hactl plan -f cluster.yaml --age-identity ~/.config/hactl.key`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			id, err := age.GenerateX25519Identity()
			if err != nil {
				return err
			}
			text := fmt.Sprintf("# created: %s\n# public key: %s\n%s\n", time.Now().UTC().Format(time.RFC3339), id.Recipient(), id)
			if to == "" {
				_, err := io.WriteString(a.out, text)
				return err
			}
			f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, os.ErrExist) {
				return fmt.Errorf("%s exists; a key that is replaced is lost with all that it opens: name another file", to)
			}
			if err != nil {
				return err
			}
			_, err = f.WriteString(text)
			if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.out, id.Recipient())
			return err
		},
	}
	c.Flags().StringVarP(&to, "output", "o", "", "write the key into this `FILE`, mode 0600, and print the public key")
	return c
}
