package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
)

// timeoutShorter looks for starts, stops, promotions and demotions with less time than the agent advises, those without a time of their own
// included: Pacemaker gives them 20s whatever the agent says. A stop that takes too long ends in fencing.
func timeoutShorter(c *cluster) {
	for _, p := range c.primitives {
		ops, known := p.operations()
		if !known {
			continue
		}
		var less, write []string
		path := ""
		for _, action := range []string{"start", "stop", "promote", "demote"} {
			a, ok := c.advised(p.agent, action, "")
			if !ok || (action == "promote" || action == "demote") && !p.promotable() && !p.bundlePromotes() {
				continue
			}
			own, at := "", p.path+".operations"
			if i := slices.IndexFunc(ops, func(o operation) bool { return o.Name == action }); i >= 0 {
				own, at = ops[i].Timeout, ops[i].field("timeout")
			}
			limit, known := c.timeout(own)
			if !known || limit >= a.timeout {
				continue
			}
			if path == "" || own != "" {
				path = at
			}
			less = append(less, action+" "+short(limit))
			write = append(write, fmt.Sprintf("{name: %s, timeout: %s}", action, short(a.timeout)))
		}
		if len(less) > 0 {
			c.warnf(v1.LintTimeoutShorter, p.object, path, "less time than advised (%s): what takes longer counts as failed, and a stop that fails gets the "+
				"node fenced; write %s", strings.Join(less, ", "), strings.Join(write, ", "))
		}
	}
}

// stopTimeouts looks for limits that do not add up: what stops one after the other takes longer than a node has for its shutdown, devices
// that Pacemaker gives up on before they give up themselves, and nodes that vote on who is there before the token can be missed.
func stopTimeouts(c *cluster) {
	c.shutdown()
	c.consensus()
	fencing := c.property("fencing-timeout", "stonith-timeout")
	for _, f := range c.FenceDevices {
		param := func(name string) setting {
			return lookup(name, "spec.params", f.Spec.Params, "spec.paramSets", f.Spec.ParamSets)
		}
		power, wait, limit := param("power_timeout"), param("power_wait"), param("pcmk_reboot_timeout")
		if power.unsure || wait.unsure || limit.unsure || fencing.unsure {
			continue
		}
		takes, allowed, what := span(power.text, 0)+span(wait.text, 0), span(limit.text, 0), "pcmk_reboot_timeout"
		if allowed == 0 {
			allowed, what = span(fencing.text, time.Minute), "stonith-timeout"
		}
		if power.given && takes >= allowed {
			c.warnf(v1.LintStopTimeouts, &f.Object, power.path, "the device may take %s and Pacemaker gives it %s (%s): it is stopped before it can tell how it "+
				"went; write pcmk_reboot_timeout: %s under params", short(takes), short(allowed), what, short(2*takes+20*time.Second))
		}
	}
}

// consensus compares totem's own times: a new membership needs 1.2 times the token (corosync.conf(5)), which grows with each node beyond two.
func (c *cluster) consensus() {
	totem := c.Cluster.Spec.Totem
	millis := func(name string, otherwise int) int {
		if v, ok := totem[name]; ok && !v.Null {
			n, err := strconv.Atoi(v.Text)
			if err != nil {
				return 0 // validation tells it
			}
			return n
		}
		return otherwise
	}
	given := millis("consensus", 0)
	token := millis("token", 3000)
	if n := len(c.Cluster.Spec.Nodes); n > 2 {
		token += (n - 2) * millis("token_coefficient", 650)
	}
	if least := (token*12 + 9) / 10; given > 0 && given < least {
		c.warnf(v1.LintStopTimeouts, &c.Cluster.Object, "spec.totem.consensus", "consensus of %d ms is less than 1.2 times the token, %d ms: the nodes settle who is "+
			"there before the lost ones are missed, and membership flaps; leave consensus out, it follows from the token", given, least)
	}
}

// shutdown adds up the stops that wait for each other, groups and mandatory orders, and compares the longest chain with the time after which
// a node that shuts down is given up (20 minutes, and it is fenced then).
func (c *cluster) shutdown() {
	limit := c.property("shutdown-escalation")
	allowed := span(limit.text, 20*time.Minute)
	if limit.unsure || allowed == 0 {
		return
	}
	before := map[*unit][]*unit{}
	for _, o := range c.orders {
		if a, b := c.only(o.first), c.only(o.then); o.mandatory && a != nil && b != nil && a != b {
			before[b] = append(before[b], a)
		}
	}
	chain := chains{c: c, before: before, total: map[*unit]time.Duration{}, next: map[*unit]*unit{}}
	var longest *unit
	for _, p := range c.primitives {
		if u := p.unit; longest == nil || chain.of(u) > chain.of(longest) {
			longest = u
		}
	}
	if longest == nil || chain.of(longest) <= allowed {
		return
	}
	var names []string
	for u := longest; u != nil && len(names) < 5; u = chain.next[u] {
		names = append(names, u.name)
	}
	path := limit.path
	if path == "" {
		path = "spec.properties"
	}
	c.warnf(v1.LintStopTimeouts, &c.Cluster.Object, path, "stops one after the other may take %s, a shutdown has %s: a node that is not done by then is fenced "+
		"(%s); raise shutdown-escalation, or shorten the stops", short(chain.of(longest)), short(allowed), strings.Join(names, ", then "))
}

// chains are the longest ways through what waits for each other.
type chains struct {
	c      *cluster
	before map[*unit][]*unit // what stops after the unit
	total  map[*unit]time.Duration
	next   map[*unit]*unit
}

func (ch *chains) of(u *unit) time.Duration {
	if d, ok := ch.total[u]; ok {
		return d
	}
	ch.total[u] = 0 // for those who wait for themselves
	var rest time.Duration
	for _, b := range ch.before[u] {
		if d := ch.of(b); d > rest {
			rest, ch.next[u] = d, b
		}
	}
	var own time.Duration
	for _, p := range u.members {
		ops, _ := p.operations()
		stop := ""
		for _, o := range ops {
			if o.Name == "stop" {
				stop = o.Timeout
			}
		}
		limit, _ := ch.c.timeout(stop)
		own += limit
	}
	ch.total[u] = own + rest
	return own + rest
}
