package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const (
	confPath = "/etc/corosync/corosync.conf"
	keyPath  = "/etc/corosync/authkey"
)

// exampleConf is the gist of what Debian's package brings.
const exampleConf = `totem {
	version: 2
	cluster_name: debian
	crypto_cipher: none
	crypto_hash: none
}
quorum {
	provider: corosync_votequorum
}
nodelist {
	node {
		name: node1
		nodeid: 1
		ring0_addr: 127.0.0.1
	}
}
`

// ring is a running corosync.
type ring struct {
	id   int
	conf map[string]string // cmap
	key  string            // who has another one is not heard
	// waitForAll and the like are read at the start only (exec/votequorum.c).
	flags map[string]bool
	seen  bool // had quorum once
}

// parseConf reads corosync.conf(5) into the keys of cmap: repeated sections are numbered (nodelist.node.0), interface by its linknumber and logger_subsys
// by its subsys.
func parseConf(text string) (map[string]string, error) {
	conf := map[string]string{}
	var path []string
	var body []map[string]string // of the open sections
	counts := map[string]int{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case strings.HasSuffix(line, "{"):
			path = append(path, strings.TrimSpace(strings.TrimSuffix(line, "{")))
			body = append(body, map[string]string{})
		case line == "}":
			if len(path) == 0 {
				return nil, fmt.Errorf("parse error in config: line %d: unexpected closing brace", i+1)
			}
			name, last := strings.Join(path, "."), body[len(body)-1]
			prefix := name + "."
			switch name {
			case "nodelist.node":
				prefix += strconv.Itoa(counts[name]) + "."
				counts[name]++
			case "totem.interface":
				n := last["linknumber"]
				if n == "" {
					n = strconv.Itoa(counts[name])
				}
				counts[name]++
				prefix += n + "."
			case "logging.logger_subsys":
				prefix += last["subsys"] + "."
			}
			for k, v := range last {
				conf[prefix+k] = v
			}
			path, body = path[:len(path)-1], body[:len(body)-1]
		default:
			k, v, ok := strings.Cut(line, ":")
			if !ok || len(body) == 0 {
				return nil, fmt.Errorf("parse error in config: line %d: missing colon", i+1)
			}
			body[len(body)-1][strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	if len(path) > 0 {
		return nil, errors.New("parse error in config: missing closing brace")
	}
	return conf, nil
}

// readConf is what corosync -t checks: the file, the key, the version.
func (n *Node) readConf(path string) (map[string]string, error) {
	f, ok := n.files[path]
	if !ok {
		return nil, fmt.Errorf("can't open %s: No such file or directory", path)
	}
	conf, err := parseConf(f.Content.Reveal())
	if err != nil {
		return nil, err
	}
	if conf["totem.version"] != "2" {
		return nil, errors.New("this totem parser can only parse version 2 configurations")
	}
	if on(conf["totem.crypto_cipher"]) || on(conf["totem.crypto_hash"]) {
		key, ok := n.files[keyPath]
		if !ok || len(key.Content.Bytes()) < 128 {
			return nil, fmt.Errorf("could not open %s: No such file or directory", keyPath)
		}
	}
	return conf, nil
}

func on(v string) bool { return v != "" && v != "none" }

func testConf(x *call) answer {
	if _, err := x.n.readConf(x.argv[len(x.argv)-1]); err != nil {
		return failed(8, "%v", err)
	}
	return answer{}
}

func (n *Node) startCorosync() error {
	if n.ring != nil {
		return nil
	}
	u := n.units["corosync.service"]
	if u == nil {
		return errors.New("there is no unit corosync.service")
	}
	conf, err := n.readConf(confPath)
	if err != nil {
		return err
	}
	id := 0
	for k, v := range conf {
		if strings.HasPrefix(k, "nodelist.node.") && strings.HasSuffix(k, ".ring0_addr") && slices.Contains(append([]string{"127.0.0.1"}, n.addresses...), v) {
			id, _ = strconv.Atoi(conf[strings.TrimSuffix(k, "ring0_addr")+"nodeid"])
		}
	}
	if id == 0 {
		return errors.New("the nodelist has no address of this node")
	}
	n.ring = &ring{id: id, conf: conf, flags: map[string]bool{}, key: n.files[keyPath].Content.Reveal()}
	for _, f := range []string{"wait_for_all", "auto_tie_breaker", "last_man_standing", "allow_downscale"} {
		n.ring.flags[f] = on(conf["quorum."+f]) && conf["quorum."+f] != "0"
	}
	if conf["quorum.two_node"] == "1" && conf["quorum.wait_for_all"] == "" {
		n.ring.flags["wait_for_all"] = true // votequorum(5)
	}
	u.active = true
	n.c.membership()
	return nil
}

func (n *Node) stopCorosync() {
	n.ring = nil
	n.c.membership()
}

// hears tells what must be the same for two nodes to be in one membership.
func (r *ring) hears(o *ring) bool {
	for _, k := range []string{"totem.cluster_name", "totem.transport", "totem.crypto_cipher", "totem.crypto_hash"} {
		if r.conf[k] != o.conf[k] {
			return false
		}
	}
	return r.key == o.key
}

// members are the nodes that this one sees, by id.
func (n *Node) members() []*Node {
	var out []*Node
	for _, o := range n.c.nodes {
		if n.ring != nil && o.ring != nil && o.ring.hears(n.ring) {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *Node) int { return a.ring.id - b.ring.id })
	return out
}

func (r *ring) expected() int {
	n := 0
	for k := range r.conf {
		if strings.HasPrefix(k, "nodelist.node.") && strings.HasSuffix(k, ".nodeid") {
			n++
		}
	}
	return n
}

// quorate follows votequorum(5): two_node, wait_for_all, else a majority.
func (n *Node) quorate() bool {
	if n.ring == nil {
		return false
	}
	members, expected := len(n.members()), n.ring.expected()
	if n.ring.flags["wait_for_all"] && !n.ring.seen && members < expected {
		return false
	}
	return 2*members > expected || n.ring.conf["quorum.two_node"] == "1" && members >= 1
}

// membership settles who has quorum after nodes came or went.
func (c *Cluster) membership() {
	for _, n := range c.nodes {
		if n.quorate() {
			n.ring.seen = true
		}
	}
	c.elect()
}

// readOnly are the options that corosync takes over at its start only (exec/cfg.c, remove_ro_entries).
var readOnly = []string{"totem.version", "totem.transport", "totem.cluster_name", "quorum.provider", "totem.ip_version", "totem.threads", "totem.rrp_mode",
	"totem.netmtu"}

// cfgtool knows -R: all members read their configuration anew, or none where one cannot.
func cfgtool(x *call) answer {
	if len(x.argv) != 2 || x.argv[1] != "-R" {
		x.c.problem("%s: %v is not known here", x.n.name, x.argv)
		return failed(1, "usage")
	}
	if x.n.ring == nil {
		return failed(1, "Could not initialize corosync configuration API error CS_ERR_LIBRARY")
	}
	x.changes("the running corosync")
	next := map[*Node]map[string]string{}
	for _, m := range x.n.members() {
		conf, err := m.readConf(confPath)
		if err != nil {
			return failed(1, "Reloading corosync.conf...\nCould not reload configuration. Error: %v", err)
		}
		for _, k := range readOnly {
			if v, ok := m.ring.conf[k]; ok {
				conf[k] = v
			} else {
				delete(conf, k)
			}
		}
		next[m] = conf
	}
	for m, conf := range next {
		m.ring.conf, m.ring.key = conf, m.files[keyPath].Content.Reveal()
	}
	x.c.membership()
	return answer{out: "Reloading corosync.conf...\nDone\n"}
}

func cmapctl(x *call) answer {
	if x.n.ring == nil {
		return failed(1, "Failed to initialize the cmap API. Error CS_ERR_LIBRARY")
	}
	return answer{out: x.n.cmap()}
}

func (n *Node) cmap() string {
	all := maps.Clone(n.ring.conf)
	delete(all, "totem.key")
	all["config.reload_in_progress"] = "0"
	seen := n.members()
	for k, v := range n.ring.conf {
		if strings.HasPrefix(k, "nodelist.node.") && strings.HasSuffix(k, ".nodeid") {
			status := "left"
			if slices.ContainsFunc(seen, func(m *Node) bool { return strconv.Itoa(m.ring.id) == v }) {
				status = "joined"
			}
			all["runtime.members."+v+".status"] = status
		}
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(all)) {
		kind := "str"
		if _, err := strconv.Atoi(all[k]); err == nil {
			kind = "u32"
		}
		fmt.Fprintf(&b, "%s (%s) = %s\n", k, kind, all[k])
	}
	return b.String()
}

func quorumtool(x *call) answer {
	if x.n.ring == nil {
		return failed(1, "Cannot initialize QUORUM service")
	}
	a := answer{out: x.n.quorumtool()}
	if !x.n.quorate() {
		a.code = 2
	}
	return a
}

// quorumtool prints what corosync-quorumtool -s does.
func (n *Node) quorumtool() string {
	members, expected := n.members(), n.ring.expected()
	quorum := expected/2 + 1
	var flags []string
	if n.ring.conf["quorum.two_node"] == "1" {
		flags, quorum = append(flags, "2Node"), 1
	}
	quorate := "No"
	if n.quorate() {
		quorate = "Yes"
		flags = append(flags, "Quorate")
	}
	for _, f := range []struct{ name, word string }{{"wait_for_all", "WaitForAll"}, {"last_man_standing", "LastManStanding"},
		{"auto_tie_breaker", "AutoTieBreaker"}, {"allow_downscale", "AllowDownscale"}} {
		if n.ring.flags[f.name] {
			flags = append(flags, f.word)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, `Quorum information
------------------
Quorum provider:  corosync_votequorum
Nodes:            %d
Node ID:          %d
Ring ID:          %d.1
Quorate:          %s

Votequorum information
----------------------
Expected votes:   %d
Highest expected: %d
Total votes:      %d
Quorum:           %d  
Flags:            %s 

Membership information
----------------------
    Nodeid      Votes Name
`, len(members), n.ring.id, members[0].ring.id, quorate, expected, expected, len(members), quorum, strings.Join(flags, " "))
	for _, m := range members {
		local := ""
		if m == n {
			local = " (local)"
		}
		fmt.Fprintf(&b, "%10d          1 %s%s\n", m.ring.id, m.name, local)
	}
	return b.String()
}

// lookAtDaemons answers the look of corosync's layer.
func lookAtDaemons(x *call) answer {
	n := x.n
	var b strings.Builder
	section := func(name string) { fmt.Fprintf(&b, "\n==hactl %s==\n", name) }
	section("tools")
	for _, p := range []string{"corosync", "pacemaker"} {
		if n.packages[p] {
			b.WriteString(stack[p] + "\n")
		}
	}
	section("units")
	fmt.Fprintf(&b, "%s %s\n", activeState(n.ring != nil), activeState(n.runsPacemaker()))
	if !n.runsPacemaker() && n.packages["pacemaker"] {
		section("cib")
		for _, p := range slices.Sorted(maps.Keys(n.match([]string{cibDir + "/*"}))) {
			b.WriteString(strings.TrimPrefix(p, cibDir+"/") + "\n")
		}
		if f, ok := n.files[cibPath]; ok {
			text := f.Content.Reveal()
			section("cibhead")
			head, _, _ := strings.Cut(text, "\n")
			b.WriteString(head + "\n")
			section("cibname")
			if _, rest, ok := strings.Cut(text, `name="cluster-name" value="`); ok {
				name, _, _ := strings.Cut(rest, `"`)
				fmt.Fprintf(&b, "name=\"cluster-name\" value=%q\n", name)
			}
			if strings.Contains(text, seedID) {
				b.WriteString(seedID + "\n")
			}
		}
	}
	if n.ring != nil {
		if strings.Contains(n.files[confPath].Content.Reveal(), "addr: 127.") {
			section("example")
			fmt.Fprintf(&b, "%d\n", strings.Count(n.files[cibPath].Content.Reveal(), "<primitive"))
		}
		section("cmap")
		b.WriteString(n.cmap() + "hactl-ok\n")
		section("quorum")
		b.WriteString(n.quorumtool())
		if x.args()[0] == "all" {
			section("links")
			fmt.Fprintf(&b, "Local node ID %d, transport knet\n", n.ring.id)
		}
	}
	section("end")
	return answer{out: b.String()}
}
