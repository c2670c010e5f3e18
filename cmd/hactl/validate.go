package main

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hactl/hactl/api/lint"
	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/schemas/agents"
)

func (a *app) validateCmd() *cobra.Command {
	var strict bool
	c := &cobra.Command{
		Use:   "validate -f FILE|DIR|-",
		Short: "Look for mistakes in manifests, offline",
		Long: `validate reads the manifests and reports every mistake at once, each with its
file, line and column. It asks no node: agents and their parameters are
compared with what the agents of Debian 12 say of themselves.

A word in brackets behind a mistake is the lint that found it. Where it is
wrong (a node has another release of the agent, or one of your own), silence
it in the object, with the reason:

  metadata: {name: VIP, ignore: [{lint: unknown-parameter, reason: our own patch}]}

Warnings are about what works and is hardly meant: no fencing, constraints that
contradict each other, deprecated parameters. hactl explain lists all lints.
They leave the exit code at 0, unless --strict is given.

With -l everything is checked all the same, and the selected objects are counted.`,
		Example: `  hactl validate -f cluster.yaml
  hactl validate -f clusters/ -f secrets.yaml
  cat cluster.yaml | hactl validate -f -`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			sets, err := a.loadAny()
			if err != nil {
				return err
			}
			if len(sets) == 0 {
				_, _ = fmt.Fprintln(a.out, "valid; there is no Cluster, so the names of clusters in the WatchPolicies were not checked")
				return nil
			}
			var mistakes, warnings v1.Errors
			counts := make([]int, len(sets))
			for i, m := range sets {
				m = cmp.Or(m.Whole, m) // a part is as good as the whole
				errs, warns := agents.Check(m)
				warns = append(warns, lint.Check(m)...).Sorted()
				mistakes, warnings = append(mistakes, errs...), append(warnings, warns...)
				counts[i] = len(warns)
			}
			for _, w := range warnings {
				_, _ = fmt.Fprintln(a.err, "hactl: warning:", w)
			}
			if len(mistakes) > 0 {
				return mistakes
			}
			for i, m := range sets {
				_, _ = fmt.Fprintf(a.out, "%s: valid, %d objects%s%s\n", m.Cluster.Metadata.Name, len(cmp.Or(m.Whole, m).Objects()), chosen(m), warned(counts[i]))
			}
			if strict && len(warnings) > 0 {
				return exitCode(exitError)
			}
			return nil
		},
	}
	a.manifestFlags(c)
	a.selectorFlag(c)
	c.Flags().BoolVar(&strict, "strict", false, "exit with 1 for warnings too")
	return c
}

// chosen tells how many objects -l selects.
func chosen(m *v1.Manifests) string {
	if m.Whole == nil {
		return ""
	}
	return fmt.Sprintf(", %d selected", len(m.Objects()))
}

func warned(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return ", 1 warning"
	}
	return fmt.Sprintf(", %d warnings", n)
}

// load reads the manifests that -f names: one set per Cluster, with the objects that -l selects. At least one.
func (a *app) load() ([]*v1.Manifests, error) {
	sets, err := a.loadAny()
	if err == nil {
		err = someCluster(sets)
	}
	return sets, err
}

// loadAny is load that takes WatchPolicies without any Cluster.
func (a *app) loadAny() ([]*v1.Manifests, error) {
	files, err := a.read()
	if err != nil {
		return nil, err
	}
	sets, err := v1.Load(files)
	if err != nil {
		return nil, err
	}
	return a.selected(sets)
}

// someCluster refuses manifests that are about no cluster.
func someCluster(sets []*v1.Manifests) error {
	if len(sets) == 0 {
		return errors.New("there are WatchPolicies and no Cluster; name the manifests of a cluster with -f, too")
	}
	return nil
}

func (a *app) read() ([]v1.File, error) {
	if len(a.files) == 0 {
		return nil, fmt.Errorf("which manifests? name a file or folder with -f")
	}
	return v1.ReadPaths(a.files, a.stdin)
}
