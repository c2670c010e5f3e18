package iscsitarget

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"al.essio.dev/pkg/shellescape"

	"github.com/hactl/hactl/drivers/block"
	"github.com/hactl/hactl/drivers/look"
	"github.com/hactl/hactl/reconcile"
)

// Line is one change below /sys/kernel/config/target.
type Line struct {
	// Verb is mkdir, rmdir, link, set, or empty: a folder goes with the links in it.
	Verb string `json:"verb"`
	Path string `json:"path"`
	// Value is what to set, or where a link leads.
	Value reconcile.Text `json:"value,omitzero"`
}

func (l Line) String() string {
	switch l.Verb {
	case "link":
		return l.Path + " -> " + l.Value.String()
	case "set":
		return l.Path + "=" + l.Value.String()
	}
	return l.Verb + " " + l.Path
}

func mkdir(p string) Line                       { return Line{Verb: "mkdir", Path: p} }
func empty(p string) Line                       { return Line{Verb: "empty", Path: p} }
func rmdir(p string) Line                       { return Line{Verb: "rmdir", Path: p} }
func link(p, to string) Line                    { return Line{Verb: "link", Path: p, Value: reconcile.Plain(to)} }
func set(p, v string) Line                      { return Line{Verb: "set", Path: p, Value: reconcile.Plain(v)} }
func setSecret(p string, v reconcile.Text) Line { return Line{Verb: "set", Path: p, Value: v} }

// Configure changes the running targets, in the order of its lines.
type Configure struct {
	Lines []Line `json:"lines"`
	// Root is the folder of rtslib's file, where the kernel keeps what must outlive a loss of power (persistent reservations).
	Root string `json:"root,omitempty"`
}

func (c Configure) String() string {
	out := make([]string, len(c.Lines))
	for i, l := range c.Lines {
		out[i] = l.String()
	}
	return "configfs target: " + strings.Join(out, "; ")
}

// configure reads three lines for each change: verb, path, value. Each finds out whether it was done already. The folder for persistent
// reservations can only be named before the first kind of target is there.
const configure = `export LC_ALL=C; top=/sys/kernel/config/target
[ -d $top ] || modprobe target_core_mod || exit 1
cd $top || exit 1
[ -d iscsi ] || { [ ! -d "$1" ] || echo "$1" > dbroot; mkdir iscsi || modprobe iscsi_target_mod && mkdir -p iscsi; } || exit 1
while IFS= read -r verb && IFS= read -r path && IFS= read -r value; do
case $verb in
mkdir) [ -d "$path" ] || mkdir "$path";;
rmdir) [ ! -d "$path" ] || rmdir "$path";;
link) [ -L "$path" ] || ln -s "$value" "$path";;
empty) [ ! -d "$path" ] || { for l in "$path"/*; do [ ! -L "$l" ] || rm "$l"; done; rmdir "$path"; };;
set) printf '%s' "$value" > "$path";;
*) false;;
esac || { echo "the kernel refused: $verb $path" >&2; exit 1; }
done`

// Do changes them; the values go by standard input.
func (c Configure) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	var texts []reconcile.Text
	for _, l := range c.Lines {
		texts = append(texts, reconcile.Plain(l.Verb+"\n"+l.Path+"\n"), l.Value, reconcile.Plain("\n"))
	}
	_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", configure, "hactl-iscsitarget", c.Root}, Stdin: reconcile.Join(texts...).Bytes(),
		Mutates: true})
	return look.Named(err, "change the targets in configfs")
}

// MakeFile makes a file of a size, sparse, or makes one larger. What is in it stays.
type MakeFile struct {
	Path string `json:"path"`
	Size int64  `json:"size"`
}

func (m MakeFile) String() string {
	return fmt.Sprintf("truncate --size=%s %s (if it is smaller)", block.FormatSize(m.Size), shellescape.Quote(m.Path))
}

// makeFile has path and size as arguments. The file is nobody's but root's.
const makeFile = `set -e; export LC_ALL=C; umask 077; f=$1
[ -d "${f%/*}" ] || mkdir -p -- "${f%/*}"
[ -f "$f" ] || [ ! -e "$f" ] || { echo "$f is no file; nothing was changed" >&2; exit 1; }
truncate --size=">$2" -- "$f"
have=$(stat -L -c %s -- "$f"); [ "$have" -eq "$2" ] || { echo "$f has $have bytes and was to have $2; nothing was changed" >&2; exit 1; }
sync -- "$f" 2>/dev/null || sync`

// Do makes it.
func (m MakeFile) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"sh", "-c", makeFile, "hactl-iscsitarget", m.Path, strconv.FormatInt(m.Size, 10)}, Mutates: true})
	return look.Named(err, m.String())
}

// CheckBlank looks, right before a device is served, whether it holds what the plan saw. Nothing is wiped.
type CheckBlank struct {
	Device block.Device `json:"device"`
}

func (c CheckBlank) String() string {
	return fmt.Sprintf("check that %s holds %s", c.Device.Path, c.Device.Holds())
}

// Do looks.
func (c CheckBlank) Do(ctx context.Context, h reconcile.Host, _ func(reconcile.Progress)) error {
	ds, err := block.Look(ctx, h, []string{c.Device.Path})
	if err != nil {
		return err
	}
	if d := ds[c.Device.Path]; d.Identity != c.Device.Identity || d.Unreadable != "" || d.Seen() != c.Device.Seen() || len(d.Mounts)+len(d.Users) > 0 {
		return fmt.Errorf("%s: %s: %w: it holds %s", h.Name(), c.Device.Path, block.ErrNotBlank, d.Holds())
	}
	return nil
}
