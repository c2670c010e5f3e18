package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hactl/hactl/schemas"
	"github.com/hactl/hactl/schemas/manual"
)

func (a *app) explainCmd() *cobra.Command {
	recursive := false
	c := &cobra.Command{
		Use:   "explain [KIND[.FIELD]... | AGENT | expression | lints]",
		Short: "Tell what a kind, a field, an option or an agent's parameter means",
		Long: `explain tells of the kinds of manifests and of their fields: what each means, what it may be, and what the CIB calls it.
Of a resource agent or fence agent it lists the parameters, as Debian 12's packages know them.`,
		Example: `  hactl explain                               the kinds
  hactl explain Constraint                    a kind
  hactl explain Constraint.spec.order         a field and what is in it
  hactl explain Cluster.spec.properties       the options of Pacemaker
  hactl explain Resource --recursive          all fields within fields
  hactl explain expression                    how conditions of rules are written
  hactl explain lints                         the checks that metadata.ignore silences
  hactl explain ocf:heartbeat:IPaddr2         the parameters of a resource agent
  hactl explain fence_ipmilan                 the parameters of a fence agent`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			m, err := manual.New(schemas.JSON)
			if err != nil {
				return err
			}
			entry, err := m.Lookup(strings.Join(args, ""))
			if err != nil {
				return err
			}
			if a.output == "json" {
				enc := json.NewEncoder(a.out)
				enc.SetEscapeHTML(false)
				enc.SetIndent("", "  ")
				return enc.Encode(entry.Tree(recursive))
			}
			_, err = fmt.Fprint(a.out, entry.Text(recursive))
			return err
		},
		ValidArgsFunction: func(_ *cobra.Command, args []string, beginning string) ([]string, cobra.ShellCompDirective) {
			m, err := manual.New(schemas.JSON)
			if err != nil || len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return m.Complete(beginning), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		},
	}
	a.outputFlag(c, "text", "json")
	c.Flags().BoolVar(&recursive, "recursive", false, "list the fields within fields, with their types only")
	return c
}
