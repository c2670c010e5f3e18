package corosync

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// Put writes a file and asks the machine for the checksum of what it has now.
type Put struct {
	Path string         `json:"path"`
	File reconcile.File `json:"file"`
}

func (p Put) String() string { return reconcile.Write(p).String() + ", checked there by sha256sum" }

// Do writes and compares.
func (p Put) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	if err := h.WriteFile(ctx, p.Path, p.File); err != nil {
		return err
	}
	out, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sha256sum", "-b", "--", p.Path}})
	if err != nil {
		return err
	}
	sum := sha256.Sum256(p.File.Content.Bytes())
	if got, _, _ := strings.Cut(string(out), " "); strings.TrimPrefix(got, `\`) != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("%s: %s does not hold what was written; something else writes it too", h.Name(), p.Path)
	}
	return nil
}

// TestConf lets the corosync of that machine read a configuration before it is put anywhere.
type TestConf struct {
	Content reconcile.Text `json:"content"`
}

const testPath = "/run/hactl.corosync.conf"

func (TestConf) String() string { return "corosync -t -c " + testPath }

// Do writes the text beside, and lets corosync test it.
func (t TestConf) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	if err := h.WriteFile(ctx, testPath, reconcile.File{Content: t.Content, Mode: 0o600}); err != nil {
		return err
	}
	_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"corosync", "-t", "-c", testPath}})
	if _, rerr := h.Run(ctx, reconcile.Cmd{Argv: []string{"rm", "-f", testPath}, Mutates: true}); err == nil {
		err = rerr
	}
	var exit *reconcile.ExitError
	if errors.As(err, &exit) {
		return fmt.Errorf("corosync refuses the configuration: %w", err)
	}
	return err
}

// MakeKey makes a random key on the machine, unless one is there by now. The key never leaves this process and the machine.
type MakeKey struct {
	Path  string      `json:"path"`
	Mode  fs.FileMode `json:"mode"`
	Owner string      `json:"owner"`
}

func (k MakeKey) String() string {
	return fmt.Sprintf("write %d random bytes to %s mode %04o owner %s", keyBytes, k.Path, k.Mode, k.Owner)
}

// Do makes the key.
func (k MakeKey) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	files, err := h.ReadFiles(ctx, k.Path)
	if err != nil {
		return err
	}
	if _, ok := files[k.Path]; ok {
		return fmt.Errorf("%s: %s has appeared since the plan was made; plan again", h.Name(), k.Path)
	}
	b := make([]byte, keyBytes)
	if _, err := rand.Read(b); err != nil {
		return err
	}
	return Put{k.Path, reconcile.File{Content: reconcile.Secret(string(b)), Mode: k.Mode, Owner: k.Owner}}.Do(ctx, h, progress)
}

// CopyKey takes a key from the machine on which it was just made, unless one is here by now.
type CopyKey struct {
	From  string      `json:"from"`
	Path  string      `json:"path"`
	Mode  fs.FileMode `json:"mode"`
	Owner string      `json:"owner"`
}

func (k CopyKey) String() string {
	return fmt.Sprintf("write %s of %s to %s mode %04o owner %s", k.Path, k.From, k.Path, k.Mode, k.Owner)
}

// Do copies the key. It goes through this process, and nowhere else.
func (k CopyKey) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	from := reconcile.Peer(h, k.From)
	if from == nil {
		return fmt.Errorf("%s: no such machine, so %s cannot come from there", k.From, k.Path)
	}
	made, err := from.ReadFiles(ctx, k.Path)
	if err != nil {
		return err
	}
	f, ok := made[k.Path]
	if !ok {
		return fmt.Errorf("%s: %s is gone again; apply again", k.From, k.Path)
	}
	here, err := h.ReadFiles(ctx, k.Path)
	if err != nil {
		return err
	}
	if _, ok := here[k.Path]; ok {
		return fmt.Errorf("%s: %s has appeared since the plan was made; plan again", h.Name(), k.Path)
	}
	return Put{k.Path, reconcile.File{Content: reconcile.Secret(f.Content.Reveal()), Mode: k.Mode, Owner: k.Owner}}.Do(ctx, h, progress)
}

// FirstStart starts Pacemaker on a node that never was a member. Right before, it looks again that no configuration lies there: one of a
// higher epoch would replace the running cluster's.
type FirstStart struct {
	// Seed puts an empty configuration with dc-deadtime=2s there first, so that the very first election takes 2 s and not 20. Only for a
	// cluster of which no member ran before.
	Seed bool `json:"seed,omitempty"`
}

// firstStart gets the wanted seed's nvpair as $1, or nothing. The crm_feature_set must be that of this very build: with a newer one
// Pacemaker's daemons leave without a word. A seed without a signature file was never used by Pacemaker and is made anew.
const firstStart = `set -eu
cd /var/lib/pacemaker/cib
systemctl is-active -q pacemaker && { echo "pacemaker runs already" >&2; exit 1; }
for f in $(ls -A); do
  [ "$f" = cib.xml ] && [ ! -e cib.xml.sig ] && grep -q hactl-seed-dc-deadtime cib.xml && continue
  [ "$f" = cib.xml.hactl ] && continue
  echo "/var/lib/pacemaker/cib holds $f: the configuration of some earlier cluster, which would replace this one's" >&2; exit 1
done
rm -f cib.xml cib.xml.hactl
if [ -n "$1" ]; then
  cibadmin --empty | sed "s,<crm_config/>,<crm_config><cluster_property_set id=\"cib-bootstrap-options\">$1</cluster_property_set></crm_config>," >cib.xml.hactl
  grep -q hactl-seed-dc-deadtime cib.xml.hactl || { echo "cibadmin --empty has no <crm_config/>" >&2; exit 1; }
  chown hacluster:haclient cib.xml.hactl; chmod 600 cib.xml.hactl; sync cib.xml.hactl; mv cib.xml.hactl cib.xml
fi
exec systemctl start pacemaker`

func (f FirstStart) String() string {
	if f.Seed {
		return "put `cibadmin --empty` with dc-deadtime=" + seedValue + " into " + cibDir + ", then systemctl start pacemaker"
	}
	return "look that " + cibDir + " is empty, then systemctl start pacemaker"
}

// Do looks, seeds and starts.
func (f FirstStart) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	seed := ""
	if f.Seed {
		seed = `<nvpair id="` + SeedID + `" name="dc-deadtime" value="` + seedValue + `"/>`
	}
	_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", firstStart, "hactl-first-start", seed}, Limit: 2 * time.Minute, Mutates: true})
	var exit *reconcile.ExitError
	if errors.As(err, &exit) {
		exit.Argv = []string{"first start of pacemaker"}
	}
	return err
}

// MoveAside moves Pacemaker's configuration out of the way and leaves an empty folder with the same owner.
type MoveAside struct{}

const moveAside = `set -eu
d=/var/lib/pacemaker/cib; old=$d.before-hactl-$(date +%Y%m%dT%H%M%S)
systemctl is-active -q pacemaker && { echo "pacemaker runs; its configuration is in use" >&2; exit 1; }
mv -T "$d" "$old"
mkdir -m 750 "$d"; chown --reference="$old" "$d"; chmod --reference="$old" "$d"
echo "moved to $old"`

func (MoveAside) String() string { return "mv " + cibDir + " " + cibDir + ".before-hactl-DATE" }

// Do moves.
func (MoveAside) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", moveAside, "hactl-move-aside"}, Mutates: true,
		Line: func(b []byte) { progress(reconcile.Progress{Text: string(b)}) }})
	var exit *reconcile.ExitError
	if errors.As(err, &exit) {
		exit.Argv = []string{"mv", cibDir}
	}
	return err
}
