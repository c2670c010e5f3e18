package cib

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hactl/hactl/drivers/corosync"
	"github.com/hactl/hactl/reconcile"
)

// probeLimit is how long a fence device may take to answer, unless pcmk_status_timeout says otherwise.
const probeLimit = 60 * time.Second

// Probe asks a fence device for the state of its targets, as Pacemaker would from this node. Power is not touched.
type Probe struct {
	Device string `json:"device"`
	Agent  string `json:"agent"`
	// Params go to the agent's standard input, never into its arguments.
	Params []Param `json:"params,omitempty"`
	Plugs  []Plug  `json:"plugs,omitempty"`
}

func (p Probe) String() string {
	var on []string
	for _, x := range p.Plugs {
		on = append(on, x.Node)
	}
	if len(on) == 0 {
		return fmt.Sprintf("%s action=status, for %s", p.Agent, p.Device)
	}
	return fmt.Sprintf("%s action=status of %s, for %s", p.Agent, joinWords(on), p.Device)
}

// Do runs the agent once for each target. Exit codes 0 (on) and 2 (off) are answers (fence agent API). An agent that knows no status, such
// as fence_kdump, is asked for its own health (monitor), once.
func (p Probe) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	plugs := p.Plugs
	if len(plugs) == 0 {
		plugs = []Plug{{}}
	}
	for _, x := range plugs {
		begun := time.Now()
		err := p.ask(ctx, h, "status", x)
		var exit *reconcile.ExitError
		if errors.As(err, &exit) && strings.Contains(string(exit.Stderr), "Unrecognised action") {
			if err = p.ask(ctx, h, "monitor", Plug{}); err == nil {
				progress(reconcile.Progress{Text: fmt.Sprintf("%s answers on %s, and cannot tell the state of its targets", p.Device, h.Name())})
				return nil
			}
		}
		state := "on"
		switch {
		case err == nil:
		case errors.As(err, &exit) && exit.Code == 2:
			state = "off"
		case errors.As(err, &exit) && exit.Code == 127:
			return fmt.Errorf("the fence device %s cannot work on %s: there is no /usr/sbin/%s; install its package (Debian: fence-agents; RHEL: fence-agents-all)", p.Device, h.Name(), p.Agent)
		case errors.As(err, &exit):
			return fmt.Errorf("the fence device %s does not answer on %s%s: %s; fencing would fail: mend its parameters, or the way to it, then apply again",
				p.Device, h.Name(), target(x), p.clean(exit))
		default:
			return err
		}
		progress(reconcile.Progress{Text: fmt.Sprintf("%s answers on %s in %s: %s is %s", p.Device, h.Name(), time.Since(begun).Round(10*time.Millisecond), cmpNode(x), state)})
	}
	return nil
}

// ask runs the agent for one target.
func (p Probe) ask(ctx context.Context, h reconcile.Host, action string, x Plug) error {
	limit, argument := probeLimit, ""
	in := []string{"action=" + action}
	for _, q := range p.Params {
		switch {
		case q.Name == "pcmk_status_timeout":
			if d, ok := span(q.Value.Reveal()); ok && d > 0 {
				limit = d
			}
		case q.Name == "pcmk_host_argument":
			argument = q.Value.Reveal()
		case !strings.HasPrefix(q.Name, "pcmk_"):
			in = append(in, q.Name+"="+q.Value.Reveal())
		}
	}
	if x.Node != "" {
		in = append(in, "nodename="+x.Node)
		given := slices.ContainsFunc(p.Params, func(q Param) bool { return q.Name == "port" || q.Name == "plug" })
		switch {
		case argument == "none" || given:
		case argument != "":
			in = append(in, argument+"="+x.Plug)
		default: // agents know one of the two names, and ignore the other with a line on stderr
			in = append(in, "plug="+x.Plug, "port="+x.Plug)
		}
	}
	_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"/usr/sbin/" + p.Agent}, Stdin: []byte(strings.Join(in, "\n") + "\n"), Limit: limit})
	return err
}

func cmpNode(x Plug) string {
	if x.Node == "" {
		return "its target"
	}
	return x.Node
}

func target(x Plug) string {
	if x.Node == "" {
		return ""
	}
	return " for " + x.Node
}

// clean gives what the agent said without Python's warnings, and without any secret that it may repeat.
func (p Probe) clean(e *reconcile.ExitError) string {
	if e.Code == 124 {
		return "no answer in time"
	}
	var lines []string
	for _, l := range strings.Split(string(e.Stderr)+"\n"+string(e.Stdout), "\n") {
		l = strings.TrimSpace(l)
		if l == "" || strings.Contains(l, "DeprecationWarning") || strings.HasPrefix(l, "from pipes import") ||
			strings.HasPrefix(l, "Parse error: Ignoring unknown option") || strings.HasPrefix(l, "usage:") || strings.HasPrefix(l, "Please use '-h'") {
			continue
		}
		lines = append(lines, l)
	}
	s := strings.Join(lines, " | ")
	for _, q := range p.Params {
		if q.Value.HasSecret() && q.Value.Reveal() != "" {
			s = strings.ReplaceAll(s, q.Value.Reveal(), reconcile.Mask)
		}
	}
	if s == "" {
		s = fmt.Sprintf("exit code %d", e.Code)
	}
	return s
}

// planProbes makes a step for each node that may run a fence device that is new or changed.
// answers are what the steps behind them need.
func (p *planner) planProbes() (steps []reconcile.Step, answers []reconcile.Ref) {
	if p.have.Recorded { // nobody can be asked
		return nil, nil
	}
	for _, o := range p.probes {
		if slices.ContainsFunc(o.Fence.Params, func(x Param) bool { return x.Name == "pcmk_status_action" }) {
			continue
		}
		for _, node := range o.Fence.Nodes {
			m := p.have.member(node)
			st := reconcile.Step{ID: "cib " + node + " probe " + o.Ref.Name, Host: node,
				Changes: []reconcile.Change{{Object: fenceProbe(o.Ref.Name), Action: reconcile.Check, Path: "probe", Want: "answers on " + node, Source: o.Pos[""]}}}
			switch {
			case m != nil && m.Runs == Unreachable:
				continue // the others must do; its absence is told by the engine
			case !p.have.formed():
				st.Pending = "known after the cluster runs"
				st.Needs = append(st.Needs, corosync.Formed(p.want.Cluster))
			case slices.ContainsFunc(o.Fence.Params, func(x Param) bool { return !x.Value.Comparable() }):
				st.Pending = "the value of a secret is not known here"
			default:
				st.Ops = []reconcile.Op{Probe{Device: o.Ref.Name, Agent: o.Fence.Agent, Params: o.Fence.Params, Plugs: o.Fence.Plugs}}
			}
			steps = append(steps, st)
			if !slices.Contains(answers, fenceProbe(o.Ref.Name)) {
				answers = append(answers, fenceProbe(o.Ref.Name))
			}
		}
	}
	return steps, answers
}

// fenceProbe names the answer of a fence device to all who may run it.
func fenceProbe(device string) reconcile.Ref { return reconcile.Ref{Kind: "FenceProbe", Name: device} }
