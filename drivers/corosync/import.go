package corosync

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Importer[State] = Driver{}

// FromConf is the state of a cluster of which nothing is known but its corosync.conf.
func FromConf(text string) State {
	return State{Nodes: []NodeState{{Conf: &reconcile.File{Content: maskKey(text)}}}}
}

// Import writes corosync.conf into the Cluster: its name, nodes, totem, links, quorum and logging. What Desired would say anyway is left out;
// what hactl has no field for stays in the files as it is, and is told as lost.
func (Driver) Import(have State, into *v1.Manifests) ([]reconcile.ImportedSecret, error) {
	conf, err := have.conf()
	if err != nil {
		return nil, err
	}
	im := &importer{conf: conf, fields: conf.fields(), into: into}
	if into.Cluster == nil {
		into.Cluster = &v1.Cluster{}
	}
	im.c = into.Cluster
	im.c.APIVersion, im.c.Kind = v1.APIVersion, "Cluster"
	im.name()
	im.nodes()
	im.totem()
	im.quorum()
	im.logging()
	im.others()
	im.differing(have)
	im.settle()
	return nil, nil
}

// conf is the file to import: that of the first member that runs, else of the first that has one.
func (s State) conf() (*Conf, error) {
	var first *NodeState
	var away []string
	for i := range s.Nodes {
		n := &s.Nodes[i]
		switch {
		case n.Unobserved != "":
			away = append(away, n.Name+": "+n.Unobserved)
		case n.Conf == nil || n.Example != nil:
		case n.runs():
			return n.parsed()
		case first == nil:
			first = n
		}
	}
	switch {
	case first != nil:
		return first.parsed()
	case len(away) > 0:
		return nil, errors.New(strings.Join(away, "; "))
	case slices.ContainsFunc(s.Nodes, func(n NodeState) bool { return n.Example != nil }):
		return nil, errors.New("the nodes run the example of their distribution's package, each a cluster of itself alone; there is nothing to import")
	}
	return nil, fmt.Errorf("none of the machines that were asked has a %s; is this a node of a cluster?", confPath)
}

func (n *NodeState) parsed() (*Conf, error) {
	c, err := ParseConf(n.confText())
	if err != nil && n.Name != "" {
		err = fmt.Errorf("%s: %w", n.Name, err)
	}
	return c, err
}

// importer fills a Cluster from a corosync.conf.
type importer struct {
	conf   *Conf
	fields map[string]string
	into   *v1.Manifests
	c      *v1.Cluster
}

// remark puts a comment above a field.
func (im *importer) remark(path, text string) {
	im.c.Comments = append(im.c.Comments, v1.Comment{Path: path, Text: text})
}

// lost tells what the manifest does not say. It stays in the files that are there, since hactl leaves alone what no manifest tells.
func (im *importer) lost(format string, args ...any) {
	im.c.Comments = append(im.c.Comments, v1.Comment{Lost: true,
		Text: "Not imported from corosync.conf, and left there as it is: " + fmt.Sprintf(format, args...) + "."})
}

// warn tells of something in the source that the manifest does not say, and that somebody should look at.
func (im *importer) warn(format string, args ...any) {
	im.c.Comments = append(im.c.Comments, v1.Comment{Lost: true, Text: fmt.Sprintf(format, args...)})
}

func (im *importer) name() {
	name := im.fields["totem.cluster_name"]
	if im.c.Metadata.Name == "" {
		im.c.Metadata.Name = name
	}
	switch {
	case name == "":
		im.remark("", "corosync.conf gives the cluster no name (totem.cluster_name); it gets that of this manifest.")
	case name != im.c.Metadata.Name:
		im.warn("The cluster's name in corosync.conf is %s; a plan of this manifest would rename it, for which all its daemons must stop.", name)
	}
}

func (im *importer) totem() {
	skip := map[string]bool{"version": true, "cluster_name": true, "config_version": true}
	knet := im.fields["totem.transport"] == "" || im.fields["totem.transport"] == "knet"
	for name, value := range map[string]string{"transport": "knet", "crypto_cipher": "aes256", "crypto_hash": "sha256"} {
		if im.fields["totem."+name] == value && (knet || name == "transport") {
			skip[name] = true
		}
	}
	for _, s := range im.conf.Root.sections("totem") {
		for _, l := range s.Lines {
			switch {
			case l.Section != nil && l.Section.Name == "interface":
			case l.Section != nil:
				im.lost("the section %s in totem", l.Section.Name)
			case l.Key == "key":
				im.lost("totem.key, the key of the encryption in the open file (hactl uses the file %s)", keyPath)
			case l.Key != "" && !skip[l.Key]:
				im.option(&im.c.Spec.Totem, l)
			}
		}
	}
	im.links()
	if knet && im.fields["totem.crypto_cipher"] == "" && im.fields["totem.crypto_hash"] == "" && im.fields["totem.secauth"] == "" {
		im.remark("", "corosync.conf does not encrypt (it names no crypto_cipher). hactl leaves that so; a cluster that it makes anew from this manifest is encrypted.")
	}
}

// links reads the interface sections. Several of one number are one link, as for corosync.
func (im *importer) links() {
	byNumber := map[int]*v1.Link{}
	var numbers []int
	for _, t := range im.conf.Root.sections("totem") {
		for i, s := range t.sections("interface") {
			text := s.first("linknumber", "ringnumber")
			if text == "" {
				text = strconv.Itoa(i)
			}
			number, err := strconv.Atoi(text)
			if err != nil {
				im.lost("the interface with the link number %q", text)
				continue
			}
			link := byNumber[number]
			if link == nil {
				link = &v1.Link{Number: number}
				byNumber[number] = link
				numbers = append(numbers, number)
			}
			for _, l := range s.Lines {
				switch {
				case l.Section != nil:
					im.lost("the section %s in the interface of link %d", l.Section.Name, number)
				case l.Key != "" && l.Key != "linknumber" && l.Key != "ringnumber":
					im.option(&link.Options, l)
				}
			}
		}
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		if len(byNumber[n].Options) > 0 {
			im.c.Spec.Links = append(im.c.Spec.Links, *byNumber[n])
		}
	}
}

func (im *importer) quorum() {
	var q v1.Quorum
	for _, s := range im.conf.Root.sections("quorum") {
		for _, l := range s.Lines {
			switch {
			case l.Section != nil && l.Section.Name == "device":
				im.lost("the quorum device (%s)", summary(l.Section))
			case l.Section != nil:
				im.lost("the section %s in quorum", l.Section.Name)
			case l.Key == "provider" && l.Value == "corosync_votequorum", l.Key == "two_node":
			case l.Key != "":
				im.option(&q.Options, l)
			}
		}
	}
	if v, ok := im.twoNode(); ok {
		if q.Options == nil {
			q.Options = v1.Options{}
		}
		q.Options["two_node"] = v
	}
	if len(q.Options) > 0 {
		im.c.Spec.Quorum = &q
	}
}

// twoNode says two_node where the file has another than what follows from the number of nodes (see merged.twoNode).
func (im *importer) twoNode() (v1.Value, bool) {
	atb := im.fields["quorum.auto_tie_breaker"]
	follows := len(im.conf.nodeIDs()) == 2 && len(im.conf.device()) == 0 && (atb == "" || atb == "0")
	text, there := im.fields[twoNode]
	switch {
	case !there && follows:
		im.remark("spec.quorum.options.two_node", "Not in corosync.conf, though the cluster has two nodes: without null hactl would switch it on.")
		return v1.Value{Null: true}, true
	case !there, follows && text == "1":
		return v1.Value{}, false
	}
	return v1.Value{Text: text}, true
}

// logging leaves out a section that says nothing but what hactl would write.
func (im *importer) logging() {
	plain := true
	options := v1.Options{}
	defaults, _ := (Driver{}).Desired(&v1.Manifests{Cluster: &v1.Cluster{}}, nil) // gives no error
	for _, s := range im.conf.Root.sections("logging") {
		for _, l := range s.Lines {
			switch {
			case l.Section != nil:
				im.lost("the section %s in logging (%s)", l.Section.Name, summary(l.Section))
			case l.Key != "":
				im.option(&options, l)
				f, _ := defaults.field("logging." + l.Key)
				plain = plain && f.Default && sameValue(f.Path, f.Value, l.Value)
			}
		}
	}
	if !plain {
		im.c.Spec.Logging = options
	}
}

// others tells of what stands outside of the sections that hactl knows.
func (im *importer) others() {
	for _, l := range im.conf.Root.Lines {
		if s := l.Section; s != nil && !slices.Contains([]string{"totem", "quorum", "logging", "nodelist"}, s.Name) {
			im.lost("the section %s (%s)", s.Name, summary(s))
		}
	}
}

// differing tells of members whose file says something else than the one that was imported.
func (im *importer) differing(have State) {
	for _, n := range have.Nodes {
		if n.Conf == nil || n.Example != nil || n.Name == "" {
			continue
		}
		c, err := n.parsed()
		switch {
		case err != nil:
			im.warn("corosync.conf on %s cannot be read: %v.", n.Name, err)
		case len(difference(im.fields, c.fields())) > 0:
			im.warn("corosync.conf on %s differs from the one that was imported, in %s.", n.Name, strings.Join(difference(im.fields, c.fields()), ", "))
		}
	}
}

// option adds a line's option; of several lines of one name the last counts.
func (im *importer) option(o *v1.Options, l Line) {
	if *o == nil {
		*o = v1.Options{}
	}
	(*o)[l.Key] = v1.Value{Text: l.Value}
}

// summary names the options of a section.
func summary(s *Section) string {
	var words []string
	walk(s, "", func(path string, _ *Section, key, value string) {
		if key == "key" || strings.Contains(key, "passw") {
			value = reconcile.Mask
		}
		words = append(words, path+": "+value)
	})
	return strings.Join(words, ", ")
}
