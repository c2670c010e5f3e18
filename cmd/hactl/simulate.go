package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hactl/hactl/drivers/cib"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/view"
)

type simulateFlags struct {
	hosts         []string
	cib, snapshot string
	fail          []string
	quorum        bool
	scenario      cib.Scenario
}

func (a *app) simulateCmd() *cobra.Command {
	var f simulateFlags
	c := &cobra.Command{
		Use:   "simulate -f FILE | --host NODE | --cib FILE | --snapshot FILE",
		Short: "Tell what a cluster would do, now or after a failure",
		Long: `simulate asks the cluster's scheduler what it would do, and changes nothing.
Without an event that is what it will do by itself: nothing, if it is at rest.
With events it tells what comes of them, transition after transition.

The cluster is that of a manifest (-f), or the one that a node belongs to
(--host); or a file stands for it: --cib is what cibadmin --query saves, or
Pacemaker's pe-input-*.bz2; --snapshot is made by hactl snapshot. Files need
Pacemaker's crm_simulate here.

--node-down lets a node leave in order. --node-fail loses it: it is fenced, and
where that is impossible, what ran there runs nowhere. --resource-fail makes a
resource's monitor fail where it runs, or another operation when the cluster
next asks for it: RESOURCE[@NODE][=OPERATION[:CODE]].

Exit code 0: nothing would happen. 1: error, or nobody could be asked. 2: the
cluster would do something.`,
		Example: `  hactl simulate -f cluster.yaml
  hactl simulate --host node1 --node-fail node2
  hactl simulate -f cluster.yaml --resource-fail db --resource-fail vip@node1=stop
  hactl simulate -f cluster.yaml --ticket-revoke ticketA
  hactl simulate --cib cib.xml --quorum=false -o json | jq '.reactions[]'`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.cib == "" && f.snapshot == "" && len(f.hosts)+len(a.files) == 0 {
				return errors.New("simulate what? name manifests with -f, a node with --host, or a file with --cib or --snapshot")
			}
			ctx, stop := a.interruptible(c.Context())
			defer stop()
			if c.Flags().Changed("quorum") {
				f.scenario.HasQuorum = &f.quorum
			}
			return a.simulate(ctx, f)
		},
	}
	fs := c.Flags()
	fs.StringSliceVar(&f.hosts, "host", nil, "ask the cluster of these `NODES` ([user@]host[:port]); one is enough")
	fs.StringArrayVarP(&a.files, "filename", "f", nil, "ask the cluster of this file or folder of manifests, or - for standard input")
	xmlFlag(c, &f.cib, "cib", "ask about the CIB in this `FILE` (- for standard input)")
	fs.StringVar(&f.snapshot, "snapshot", "", "ask about this `FILE` of hactl snapshot (- for standard input)")
	fs.StringSliceVar(&f.scenario.NodeDown, "node-down", nil, "these `NODES` leave the cluster in order")
	fs.StringSliceVar(&f.scenario.NodeUp, "node-up", nil, "these `NODES` join it")
	fs.StringSliceVar(&f.scenario.NodeFail, "node-fail", nil, "these `NODES` are lost")
	fs.StringArrayVar(&f.fail, "resource-fail", nil, "a resource fails: `RSC[@NODE][=OP[:RC]]` (repeatable)")
	fs.StringSliceVar(&f.scenario.Revoke, "ticket-revoke", nil, "these `TICKETS` are revoked")
	fs.StringSliceVar(&f.scenario.Grant, "ticket-grant", nil, "these `TICKETS` are granted")
	fs.BoolVar(&f.quorum, "quorum", true, "whether there is quorum (default: as it is)")
	fs.Lookup("quorum").DefValue = ""
	a.outputFlag(c, "text", "json")
	c.MarkFlagsMutuallyExclusive("filename", "host", "cib", "snapshot")
	_ = c.MarkFlagFilename("filename", "yaml", "yml")
	_ = c.MarkFlagFilename("snapshot", "json", "gz")
	for _, flag := range []string{"node-down", "node-up", "node-fail"} {
		_ = c.RegisterFlagCompletionFunc(flag, a.completeNodes)
	}
	return c
}

// completeNodes offers the nodes of the manifests that -f names.
func (a *app) completeNodes(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	if len(a.files) > 0 && !slices.Contains(a.files, "-") {
		sets, err := a.load()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		for _, m := range sets {
			for _, n := range m.Cluster.Spec.Nodes {
				names = append(names, n.Name)
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func (a *app) simulate(ctx context.Context, f simulateFlags) error {
	for _, text := range f.fail {
		x, err := cib.ParseFailure(text)
		if err != nil {
			return fmt.Errorf("--resource-fail %w", err)
		}
		f.scenario.Fail = append(f.scenario.Fail, x)
	}
	look := a.simulateLive
	if f.cib != "" || f.snapshot != "" {
		look = a.simulateRecord
	}
	s, err := look(ctx, f)
	if err != nil {
		return err
	}
	show := func() error { return view.SimulationText(a.out, s, style(a.out)) }
	if a.output == "json" {
		show = func() error { return view.SimulationJSON(a.out, s) }
	}
	if err := show(); err != nil {
		return err
	}
	switch {
	case s.Unavailable != "":
		return exitCode(exitError)
	case !s.Quiet():
		return exitCode(exitChanges)
	}
	return nil
}

// simulateLive asks the nodes.
func (a *app) simulateLive(ctx context.Context, f simulateFlags) (view.Simulation, error) {
	m, err := a.clusterToImport(ctx, importFlags{hosts: f.hosts})
	if err != nil {
		return view.Simulation{}, err
	}
	e, closer := a.engine(ctx, m, secretValues{})
	defer func() { _ = closer.Close() }()
	e.Layers = layers(a.owner, "cib")
	e.Manifests = nil // what the cluster runs, whatever the manifests say
	var members reconcile.Hosts
	for _, n := range m.Cluster.Spec.Nodes {
		if h := e.Hosts.Named(n.Name); h != nil {
			members = append(members, h)
		}
	}
	e.Hosts = members
	o, err := e.Observe(ctx)
	if err != nil {
		return view.Simulation{}, err
	}
	if err := runs(o); err != nil {
		return view.Simulation{}, err
	}
	for _, u := range o.Unreachable {
		_, _ = fmt.Fprintln(a.err, "hactl:", u)
	}
	s, err := a.ask(ctx, e.Hosts, o.Have["cib"].(cib.State), f.scenario)
	s.Cluster = m.Cluster.Metadata.Name
	return s, err
}

// simulateRecord asks this machine about a file.
func (a *app) simulateRecord(ctx context.Context, f simulateFlags) (view.Simulation, error) {
	var have cib.State
	var name, cluster string
	if f.snapshot != "" {
		snap, from, err := a.readSnapshot(ctx, f.snapshot)
		if err != nil {
			return view.Simulation{}, err
		}
		name, cluster = from, snap.Cluster
		state, err := layers(a.owner, "cib")[0].Decode(snap.Layers["cib"])
		if err != nil {
			return view.Simulation{}, fmt.Errorf("%s: %w", from, err)
		}
		have = state.(cib.State)
	} else {
		r, err := a.cibRecord(ctx, f.cib)
		if err != nil {
			return view.Simulation{}, err
		}
		name = r.name
		o, err := a.recordEngine(r, nil, secretValues{}).Observe(ctx)
		if err != nil {
			return view.Simulation{}, r.explain(err)
		}
		have = o.Have["cib"].(cib.State)
	}
	s, err := a.ask(ctx, reconcile.Hosts{tools()}, have, f.scenario)
	s.Record, s.Cluster = name, cluster
	return s, err
}

func (a *app) ask(ctx context.Context, hosts reconcile.Hosts, have cib.State, s cib.Scenario) (view.Simulation, error) {
	pr, err := cib.New(a.owner).Simulate(ctx, hosts, have, s)
	if err != nil {
		return view.Simulation{}, err
	}
	return view.NewSimulation(pr, happenings(s)), nil
}

// happenings says in words what a scenario is.
func happenings(s cib.Scenario) []string {
	var out []string
	add := func(names []string, what string) {
		for _, n := range names {
			out = append(out, fmt.Sprintf(what, n))
		}
	}
	add(s.NodeUp, "%s joins")
	add(s.NodeDown, "%s leaves")
	add(s.NodeFail, "%s is lost")
	for _, f := range s.Fail {
		text := f.Resource + " fails"
		switch {
		case f.Operation != "" && f.Operation != "monitor":
			text = "the " + f.Operation + " of " + f.Resource + " fails"
		case f.Code != 0:
			text += fmt.Sprintf(" (exit code %d)", f.Code)
		}
		if f.Node != "" {
			text += " on " + f.Node
		}
		out = append(out, text)
	}
	add(s.Grant, "the ticket %s is granted")
	add(s.Revoke, "the ticket %s is revoked")
	if s.HasQuorum != nil {
		out = append(out, map[bool]string{true: "there is quorum", false: "quorum is lost"}[*s.HasQuorum])
	}
	return out
}
