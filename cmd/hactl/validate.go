package main

import (
	"fmt"

	"github.com/spf13/cobra"

	v1 "github.com/hactl/hactl/api/v1"
)

func (a *app) validateCmd() *cobra.Command {
	c := &cobra.Command{
		Use:   "validate -f FILE|DIR|-",
		Short: "Look for mistakes in manifests, offline",
		Long:  "validate reads the manifests and reports every mistake at once, each with its file, line and column. It asks no node.",
		Example: `  hactl validate -f cluster.yaml
  hactl validate -f clusters/ -f secrets.yaml
  cat cluster.yaml | hactl validate -f -`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			sets, err := a.load()
			if err != nil {
				return err
			}
			for _, m := range sets {
				_, _ = fmt.Fprintf(a.out, "%s: valid, %d objects\n", m.Cluster.Metadata.Name, len(m.Objects()))
			}
			return nil
		},
	}
	a.manifestFlags(c)
	return c
}

// load reads the manifests that -f names: one set per Cluster.
func (a *app) load() ([]*v1.Manifests, error) {
	if len(a.files) == 0 {
		return nil, fmt.Errorf("which manifests? name a file or folder with -f")
	}
	files, err := v1.ReadPaths(a.files, a.stdin)
	if err != nil {
		return nil, err
	}
	return v1.Load(files)
}
