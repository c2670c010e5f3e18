package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hactl/hactl/drivers"
	"github.com/hactl/hactl/reconcile"
)

func (a *app) renderCmd() *cobra.Command {
	var only []string
	var base string
	names := layerNames()
	c := &cobra.Command{
		Use:   "render -f FILE|DIR|-",
		Short: "Show the files that hactl would write on bare nodes, offline",
		Long: `render shows the files that hactl would write on bare nodes. It asks no node.

With --only cib --base FILE it shows the CIB in that file as it would be after
an apply: what no manifest tells is kept byte for byte.`,
		Example: `  hactl render -f cluster.yaml
  hactl render -f cluster.yaml --only cib > cib.xml
  hactl render -f cluster.yaml --only cib --base live.xml > new.xml
  hactl render -f cluster.yaml -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			for _, o := range only {
				if !slices.Contains(names, o) {
					return fmt.Errorf("--only %q is no layer: use %s", o, strings.Join(names, ", "))
				}
			}
			if c.Flags().Changed("base") {
				if !slices.Equal(only, []string{"cib"}) {
					return errors.New("--base is for --only cib: it names a file with a CIB")
				}
				return a.renderOnto(c.Context(), base)
			}
			sets, err := a.load()
			if err != nil {
				return err
			}
			all := []reconcile.Rendered{}
			for _, m := range sets {
				for _, l := range drivers.All(drivers.Options{Owner: a.owner}) {
					if len(only) > 0 && !slices.Contains(only, l.Name()) {
						continue
					}
					want, err := l.Desired(m, secretValues{})
					if err != nil {
						return err
					}
					files, err := l.Render(want, l.Zero())
					if err != nil {
						return fmt.Errorf("render %s: %w", l.Name(), err)
					}
					all = append(all, files...)
				}
			}
			return a.showFiles(all)
		},
	}
	a.manifestFlags(c)
	a.selectorFlag(c)
	a.outputFlag(c, "text", "json")
	c.Flags().StringSliceVar(&only, "only", nil, "only these layers: "+strings.Join(names, ", "))
	xmlFlag(c, &base, "base", "with --only cib: merge into the CIB in this `FILE` (- for standard input)")
	_ = c.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// renderOnto renders the CIB in a file as an apply would leave it.
func (a *app) renderOnto(ctx context.Context, base string) error {
	if err := a.oneStdin(base); err != nil {
		return err
	}
	sets, err := a.load()
	if err != nil {
		return err
	}
	m, err := one(sets, "--base")
	if err != nil {
		return err
	}
	r, err := a.cibRecord(ctx, base)
	if err != nil {
		return err
	}
	e := a.recordEngine(r, m, secretValues{})
	o, err := e.Observe(ctx)
	if err != nil {
		return r.explain(err)
	}
	files, err := e.Layers[0].Render(o.Want["cib"], o.Have["cib"])
	if err != nil {
		return fmt.Errorf("render cib: %w", err)
	}
	if a.output == "json" {
		return a.showFiles(files)
	}
	for _, f := range files { // as it is: not even a newline at its end is added
		if _, err := io.WriteString(a.out, f.File.Content.String()); err != nil {
			return err
		}
	}
	return nil
}

func layerNames() []string {
	var names []string
	for _, l := range drivers.All(drivers.Options{}) {
		names = append(names, l.Name())
	}
	return names
}

// showFiles prints one file as it is, and several with a line before each.
func (a *app) showFiles(files []reconcile.Rendered) error {
	if a.output == "json" {
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		return enc.Encode(files)
	}
	for _, f := range files {
		if len(files) > 1 {
			where := f.Path
			if f.Host != "" {
				where = f.Host + ":" + where
			}
			_, _ = fmt.Fprintf(a.out, "# ---- %s\n", where)
		}
		text := f.File.Content.String()
		_, _ = fmt.Fprint(a.out, text)
		if !strings.HasSuffix(text, "\n") {
			_, _ = fmt.Fprintln(a.out)
		}
	}
	return nil
}
