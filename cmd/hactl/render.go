package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hactl/hactl/drivers"
	"github.com/hactl/hactl/reconcile"
)

func (a *app) renderCmd() *cobra.Command {
	var only []string
	names := layerNames()
	c := &cobra.Command{
		Use:   "render -f FILE|DIR|-",
		Short: "Show the files that hactl would write on bare nodes, offline",
		Example: `  hactl render -f cluster.yaml
  hactl render -f cluster.yaml --only cib > cib.xml
  hactl render -f cluster.yaml -o json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, o := range only {
				if !slices.Contains(names, o) {
					return fmt.Errorf("--only %q is no layer: use %s", o, strings.Join(names, ", "))
				}
			}
			sets, err := a.load()
			if err != nil {
				return err
			}
			all := []reconcile.Rendered{}
			for _, m := range sets {
				for _, l := range drivers.All(a.owner) {
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
	a.outputFlag(c, "text", "json")
	c.Flags().StringSliceVar(&only, "only", nil, "only these layers: "+strings.Join(names, ", "))
	_ = c.RegisterFlagCompletionFunc("only", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func layerNames() []string {
	var names []string
	for _, l := range drivers.All("") {
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
