package agents

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// metadata is the XML that agents print: the OCF resource agent API (ra-api-1.dtd, and 1.1 with deprecated and unique-group) and the fence
// agent API, which adds obsoletes.
type metadata struct {
	XMLName   xml.Name `xml:"resource-agent"`
	Short     string   `xml:"shortdesc,attr"` // fence agents
	ShortDesc string   `xml:"shortdesc"`
	Params    []struct {
		Name        string `xml:"name,attr"`
		Unique      string `xml:"unique,attr"`
		UniqueGroup string `xml:"unique-group,attr"`
		Required    string `xml:"required,attr"`
		Reloadable  string `xml:"reloadable,attr"`
		Obsoletes   string `xml:"obsoletes,attr"`
		DeprecatedA string `xml:"deprecated,attr"` // fence agents
		Deprecated  *struct {
			ReplacedWith []struct {
				Name string `xml:"name,attr"`
			} `xml:"replaced-with"`
		} `xml:"deprecated"` // OCF 1.1
		ShortDesc string `xml:"shortdesc"`
		Content   struct {
			Type    string  `xml:"type,attr"`
			Default *string `xml:"default,attr"`
			Options []struct {
				Value string `xml:"value,attr"`
			} `xml:"option"`
		} `xml:"content"`
	} `xml:"parameters>parameter"`
	Actions []struct {
		Name       string `xml:"name,attr"`
		Interval   string `xml:"interval,attr"`
		Timeout    string `xml:"timeout,attr"`
		Role       string `xml:"role,attr"`
		Depth      string `xml:"depth,attr"`
		StartDelay string `xml:"start-delay,attr"`
	} `xml:"actions>action"`
}

// useInstead is how fence_xvm and fence_virt say in words what others say with obsoletes.
var useInstead = regexp.MustCompile(`\(deprecated; use (\S+)\)`)

// Parse reads an agent's metadata.
func Parse(name, text string) (*Agent, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New("it has no metadata")
	}
	dec := xml.NewDecoder(strings.NewReader(text))
	// Some declare an encoding of old; what matters here is ASCII in all of them.
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	var m metadata
	if err := dec.Decode(&m); err != nil {
		return nil, fmt.Errorf("its metadata is no readable XML: %w", err)
	}
	a := &Agent{Name: name, Description: oneLine(m.ShortDesc)}
	if a.Description == "" {
		a.Description = oneLine(m.Short)
	}
	replaced := map[string]string{}
	seen := map[string]bool{}
	for _, x := range m.Params {
		if x.Name == "" || seen[x.Name] { // fence_xvm tells some twice
			continue
		}
		seen[x.Name] = true
		p := Param{
			Name: x.Name, Description: oneLine(x.ShortDesc), Type: x.Content.Type, Default: x.Content.Default,
			Required: x.Required == "1", Unique: x.Unique == "1", UniqueGroup: x.UniqueGroup, Reloadable: x.Reloadable == "1",
			Deprecated: x.DeprecatedA == "1" || x.Deprecated != nil,
		}
		for _, o := range x.Content.Options {
			p.Values = append(p.Values, o.Value)
		}
		if x.Deprecated != nil && len(x.Deprecated.ReplacedWith) > 0 {
			p.ReplacedBy = x.Deprecated.ReplacedWith[0].Name
		}
		if x.Obsoletes != "" {
			replaced[x.Obsoletes] = x.Name
		}
		a.Params = append(a.Params, p)
	}
	for i := range a.Params {
		p := &a.Params[i]
		if m := useInstead.FindStringSubmatch(p.Description); p.Deprecated && m != nil {
			p.ReplacedBy = cmp.Or(replaced[m[1]], m[1])
		}
		if p.ReplacedBy == "" && replaced[p.Name] != p.Name {
			p.ReplacedBy = replaced[p.Name]
		}
	}
	for _, x := range m.Actions {
		a.Actions = append(a.Actions, Action(x))
	}
	return a, nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
