package source

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// What git and ssh-keygen say of an SSH signature (gpg-interface.c, parse_ssh_output). --raw keeps it as it came.
var (
	goodSignature  = regexp.MustCompile(`(?m)^Good "git" signature for (.+) with \S+ key \S+$`)
	otherSignature = regexp.MustCompile(`(?m)^Good "git" signature with (\S+ key \S+)`)
)

// signer says which of the allowed signers signed the commit, or the tag.
func (r *repository) signer(ctx context.Context, c *cache, t tip, rev Revision) (string, error) {
	if f, err := os.Open(r.AllowedSigners); err != nil {
		return "", refusal{fmt.Errorf("the allowed signers cannot be read: %w", err)}
	} else if err := f.Close(); err != nil {
		return "", err
	}
	who, why := r.verify(ctx, c, "verify-commit", rev.ID)
	if why == nil {
		return who, nil
	}
	what := fmt.Sprintf("the commit %s by %s", short(rev.ID), rev.Author)
	if t.id == rev.ID {
		return "", refuse("%s is refused: it %w", what, why)
	}
	who, whyTag := r.verify(ctx, c, "verify-tag", t.id)
	if whyTag == nil {
		return who, nil
	}
	return "", refuse("%s is refused: it %w; and the tag %s %w", what, why, t.name(), whyTag)
}

// verify tells who signed an object, or what is wrong with that.
func (r *repository) verify(ctx context.Context, c *cache, verb, id string) (string, error) {
	var said string
	err := r.commands.run(ctx, command{dir: c.dir, args: []string{verb, "--raw", id}, read: ignore, said: &said})
	good, other := goodSignature.FindStringSubmatch(said), otherSignature.FindStringSubmatch(said)
	switch {
	case err == nil && good != nil:
		return oneLine(good[1]), nil
	case ctx.Err() != nil:
		return "", ctx.Err()
	case strings.TrimSpace(said) == "", strings.Contains(said, "no signature found"): // of a commit, and of a tag (builtin/verify-tag.c)
		return "", fmt.Errorf("is not signed")
	case other != nil:
		return "", fmt.Errorf("is signed with the %s, which %s does not list, or not for that time", other[1], r.AllowedSigners)
	case err == nil:
		return "", fmt.Errorf("has no signature that can be verified%s", r.commands.saying(said))
	}
	return "", fmt.Errorf("has no signature that can be verified: %w", err)
}
