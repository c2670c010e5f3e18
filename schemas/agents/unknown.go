package agents

import (
	"fmt"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// unknown tells that Debian 12 has no such agent though it has others of the provider, or of fence agents, and what may be meant. Providers
// of whom it has none, and other classes, may be anybody's.
func unknown(agent string, fence bool) (hint string, is bool) {
	if _, skipped := Source().Skipped[agent]; skipped {
		return "", false
	}
	prefix, typ := "", agent
	if i := strings.LastIndex(agent, ":"); !fence {
		if prefix, typ = agent[:i+1], agent[i+1:]; !strings.HasPrefix(prefix, "ocf:") {
			return "", false
		}
	} else if !strings.HasPrefix(agent, "fence_") {
		return "", false // one of cluster-glue's plugins
	}
	var types []string
	elsewhere := ""
	for _, n := range Names() {
		switch i := strings.LastIndex(n, ":"); {
		case n[:i+1] == prefix:
			types = append(types, n[i+1:])
		case i > 0 && n[i+1:] == typ:
			elsewhere = n
		}
	}
	if len(types) == 0 {
		return "", false
	}
	switch near := v1.Closest(typ, types); {
	case elsewhere != "":
		return fmt.Sprintf("; did you mean %s?", elsewhere), true
	case near != "":
		return fmt.Sprintf("; did you mean %s?", prefix+near), true
	}
	return "; correct the name, or ignore the lint if the nodes have such an agent", true
}
