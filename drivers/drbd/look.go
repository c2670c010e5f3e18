package drbd

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// lookScript reads everything that is not a file or a disk in one process. Its arguments are the names of the wanted resources. events2 is the one
// output that DRBD 8.4 and 9 have in common; its numbers are KiB. How fast a copy is made, 8.4 tells in /proc/drbd only, and why a connection was
// given up, both tell in the kernel's log only. What adjust would do names the shared secret, which is masked here
// already. A resource that the kernel does not have is not asked: adjust would bring it up.
const lookScript = `export LC_ALL=C
s() { printf '\n==hactl %s\n' "$1"; }
s tools; command -v drbdadm
s kernel; v=$(cat /sys/module/drbd/version 2>/dev/null) && loaded=1 || { loaded=; v=$(modinfo -F version drbd 2>/dev/null); }; echo "$v"
s boot; systemctl is-enabled ` + unit + ` 2>/dev/null
s events; live=; [ -z "$loaded" ] || { live=$(drbdsetup events2 --now --statistics); echo "$live"; }
s proc; [ -z "$loaded" ] || cat /proc/drbd
for r; do
s "gi $r"; drbdadm get-gi "$r" 2>/dev/null
case "$live" in *"exists resource name:$r "*) s "adjust $r"
o=$(drbdadm -d adjust "$r" 2>&1) && echo ok || echo no; printf '%s\n' "$o" | sed -E 's/(--shared-secret=)(\\.|[^ \\])*/\1(secret)/g';; esac
case "$live" in *"exists connection name:$r "*" connection:StandAlone "* | *"exists connection name:$r "*" connection:Connecting "*)
s "log $r"; dmesg | grep -E "drbd $r[ :]" | grep -i authenticat | tail -n 1;; esac
done
s end`

func lookCmd(names []string) reconcile.Cmd {
	return reconcile.Cmd{Argv: append([]string{"sh", "-c", lookScript, "hactl-look-drbd"}, names...)}
}

// section is a part of the answer, in order.
type section struct{ title, text string }

func sections(out []byte) ([]section, error) {
	var all []section
	for _, part := range strings.Split("\n"+string(out), "\n==hactl ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		all = append(all, section{title, strings.TrimSpace(text)})
	}
	if len(all) == 0 || all[len(all)-1].title != "end" {
		return nil, fmt.Errorf("the answer is cut off after %d bytes", len(out))
	}
	return all, nil
}

// parseLook fills in what the script said.
func (n *NodeState) parseLook(out []byte) error {
	all, err := sections(out)
	if err != nil {
		return err
	}
	n.Metadata, n.Adjust, n.Broken = map[string]string{}, map[string][]string{}, map[string]string{}
	for _, s := range all {
		what, name, _ := strings.Cut(s.title, " ")
		switch what {
		case "tools":
			n.Tools = s.text != ""
		case "kernel":
			n.Kernel = s.text
		case "boot":
			n.Boot = s.text
		case "events":
			if n.Live, err = parseEvents(s.text); err != nil {
				return err
			}
		case "proc":
			n.speeds(s.text)
		case "log":
			n.refusals(name, s.text)
		case "gi":
			n.generations(name, s.text)
		case "adjust":
			verdict, text, _ := strings.Cut(s.text, "\n")
			text = strings.TrimSpace(text)
			switch {
			case verdict != "ok":
				n.Broken[name] = text
			case text != "":
				n.Adjust[name] = strings.Split(text, "\n")
			}
		}
	}
	return nil
}

func giKey(resource string, volume int) string { return resource + "/" + strconv.Itoa(volume) }

// gi is what `drbdadm get-gi` prints for a volume: four generation ids, the newest first, and flags. DRBD 9 has more of them.
var gi = regexp.MustCompile(`(?m)^(?:\S*\s)?([0-9A-F]{16}(?::[0-9A-F]{16})+(?::[01])*)\b.*$`)

// generations takes one line per volume that has metadata. Which volume it is, the line does not say, so with several volumes a line missing
// makes all of them unknown: their disks tell then.
func (n *NodeState) generations(resource, text string) {
	lines := gi.FindAllStringSubmatch(text, -1)
	for i, m := range lines {
		n.Metadata[resource+"#"+strconv.Itoa(i)] = m[1]
	}
}

// settleGenerations gives the ids to the volumes, once it is known how many there are.
func (n *NodeState) settleGenerations(r *Resource) {
	var ids []string
	for i := 0; ; i++ {
		key := r.Name + "#" + strconv.Itoa(i)
		id, ok := n.Metadata[key]
		if !ok {
			break
		}
		delete(n.Metadata, key)
		ids = append(ids, id)
	}
	var with []int
	for _, v := range r.volumes() {
		if v.hasDisk(n.Name) {
			with = append(with, v.Number)
		}
	}
	if l := n.Live[r.Name]; len(ids) != len(with) && l != nil { // the file has other volumes than are wanted; the kernel has those that have metadata
		with = slices.DeleteFunc(slices.Sorted(maps.Keys(l.Volumes)), func(v int) bool { return l.Volumes[v].Disk == "Diskless" })
	}
	if len(ids) != len(with) {
		return
	}
	for i, v := range with {
		n.Metadata[giKey(r.Name, v)] = ids[i]
	}
}

// parseEvents reads `drbdsetup events2 --now --statistics` (drbdsetup(8)): lines "exists KIND key:value …".
func parseEvents(text string) (map[string]*Live, error) {
	live := map[string]*Live{}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "exists" {
			continue
		}
		kv := map[string]string{}
		for _, w := range words[2:] {
			k, v, _ := strings.Cut(w, ":")
			kv[k] = v
		}
		l := live[kv["name"]]
		if l == nil {
			if words[1] != "resource" {
				return nil, fmt.Errorf("drbdsetup events2: a %s of %q, which is no resource before it", words[1], kv["name"])
			}
			l = &Live{Volumes: map[int]Volume{}}
			live[kv["name"]] = l
		}
		number, _ := strconv.Atoi(kv["volume"])
		switch words[1] {
		case "resource":
			l.Role, l.Suspended = kv["role"], kv["suspended"]
		case "device":
			minor, _ := strconv.Atoi(kv["minor"])
			size, _ := strconv.ParseInt(kv["size"], 10, 64)
			l.Volumes[number] = Volume{Minor: minor, Disk: kv["disk"], KiB: size}
		case "connection":
			id, _ := strconv.Atoi(kv["peer-node-id"])
			l.Peers = append(l.Peers, Peer{Name: kv["conn-name"], ID: id, Connection: kv["connection"], Role: kv["role"], Volumes: map[int]PeerVolume{}})
		case "peer-device":
			dirty, _ := strconv.ParseInt(kv["out-of-sync"], 10, 64)
			for i := range l.Peers {
				if l.Peers[i].Name == kv["conn-name"] {
					l.Peers[i].Volumes[number] = PeerVolume{Replication: kv["replication"], Disk: kv["peer-disk"], OutOfSync: dirty, Copy: speed9(kv)}
				}
			}
		}
	}
	return live, nil
}
