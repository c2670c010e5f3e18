package source

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/servers"
)

// What is not signed by one who is trusted is refused, with the reason; what is, is found.
func TestGitSignatures(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("NOT TESTED: signatures of commits: install openssh-client")
	}
	r := newRepo(t)
	keys := t.TempDir()
	alice, mallory, expired, files := servers.Key(t, keys, "alice"), servers.Key(t, keys, "mallory"), servers.Key(t, keys, "expired"), servers.Key(t, keys, "files")
	signers := filepath.Join(keys, "allowed signers")
	put(t, signers, "alice@example.com "+read(t, alice+".pub")+
		`old@example.com valid-before="20200101" `+read(t, expired+".pub")+
		`files@example.com namespaces="file" `+read(t, files+".pub"))
	signed := func(key string) []string { return []string{"-c", "gpg.format=ssh", "-c", "user.signingKey=" + key} }
	commit := func(key, text string) string {
		t.Helper()
		put(t, r.work+"/a.yaml", text)
		r.git("add", "-A")
		if key == "" {
			r.git("commit", "-q", "-m", text)
		} else {
			r.git(append(signed(key), "commit", "-q", "-S", "-m", text)...)
		}
		return r.push("main")
	}

	good := commit(alice, "1")
	g := r.source(t)
	g.AllowedSigners = signers
	l := watch(t, g)
	have := l.until("")
	if have.ID != good || have.Signer != "alice@example.com" || texts(have) != "a.yaml=1" {
		t.Errorf("%+v", have)
	}
	bad := commit("", "2")
	l.fails("the commit " + bad[:7] + " by Alice is refused: it is not signed")
	commit(mallory, "3")
	l.fails("is refused: it is signed with the ED25519 key SHA256:", "which "+signers+" does not list, or not for that time")
	commit(expired, "4")
	l.fails("is refused: it is signed with the ED25519 key SHA256:", "or not for that time")

	commit(files, "4b")
	l.fails(" is refused: it has no signature that can be verified", `key is not permitted for use in signature namespace "git"`)

	// A signature of alice's on other contents.
	r.git("reset", "-q", "--hard", good)
	text := r.git("cat-file", "commit", "HEAD")
	forged := strings.Replace(text, "committer Alice", "committer Mallory", 1)
	if forged == text {
		t.Fatal("nothing was forged")
	}
	put(t, keys+"/forged", forged+"\n")
	r.git("reset", "-q", "--hard", r.git("hash-object", "-t", "commit", "-w", keys+"/forged"))
	r.push("main")
	l.fails("is refused: it has no signature that can be verified")
	// A signature of another kind is none, whatever the keyrings of the machine hold.
	pgp := strings.NewReplacer("SSH SIGNATURE", "PGP SIGNATURE").Replace(text)
	put(t, keys+"/pgp", pgp+"\n")
	r.git("reset", "-q", "--hard", r.git("hash-object", "-t", "commit", "-w", keys+"/pgp"))
	r.push("main")
	l.fails(" is refused: it ")

	r.git("reset", "-q", "--hard", good)
	last := commit(alice, "5")
	if have = l.until(good); have.ID != last || have.Signer != "alice@example.com" {
		t.Errorf("%+v", have)
	}

	// A signed tag answers for a commit that is not signed.
	plain := commit("", "6")
	r.git(append(signed(alice), "tag", "-s", "-m", "six", "v6")...)
	r.git("tag", "-a", "-m", "seven", "v7")
	r.git("push", "-q", "origin", "v6", "v7")
	g.Dir, g.Ref = t.TempDir(), "v6"
	if have = watch(t, g).until(""); have.ID != plain || have.Signer != "alice@example.com" {
		t.Errorf("%+v", have)
	}
	g.Dir, g.Ref = t.TempDir(), "v7"
	watch(t, g).fails("the commit " + plain[:7] + " by Alice is refused: it is not signed; and the tag v7 is not signed")
	g.Dir, g.AllowedSigners = t.TempDir(), signers+".absent"
	watch(t, g).fails("the allowed signers cannot be read", "no such file")
}
