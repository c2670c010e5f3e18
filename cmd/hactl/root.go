package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/drbd"
	"github.com/hactl/hactl/reconcile/view"
)

// app is one run of the command: its streams and the flags that several commands share.
type app struct {
	stdin *os.File
	out   io.Writer
	err   io.Writer
	drain <-chan struct{}
	open  opener // connects to the machines of a cluster

	files     []string
	output    string
	sshConfig string
	ageFiles  []string // --age-identity
	age       *ageKeys // read when the first encrypted value is met
	owner     string
	prune     bool
	discard   []drbd.Victim
	selector  string // -l
	unread    bool   // nobody looks for the causes of what the cluster will do
	drill     bool   // plans tell what failures would cost

	secretFile func(o *v1.Object, path string) (string, error) // where a secret's file is; nil: beside its manifest
}

func (a *app) root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "hactl",
		Short: "Keep Linux high-availability clusters as their manifests say",
		Long: `hactl compares the manifests of a cluster (YAML) with what its nodes really run,
tells what it would do and what the cluster will do then, and does it.`,
		Example: `  hactl validate -f cluster.yaml     look for mistakes, offline
  hactl plan -f cluster.yaml         tell what would change
  hactl apply -f cluster.yaml        change it
  hactl status -f cluster.yaml       tell how the cluster is
  hactl watch -f clusters/           keep clusters as a folder says
  hactl import --host node1          write the manifests of a cluster that is there`,
		SuggestionsMinimumDistance: 2,
		SilenceUsage:               true,
		SilenceErrors:              true,
		Args:                       noSuchCommand,
		RunE:                       func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cmd.PersistentFlags().StringVarP(&a.sshConfig, "ssh-config", "F", os.Getenv("HACTL_SSH_CONFIG"),
		"ssh_config(5) file instead of ~/.ssh/config (or $HACTL_SSH_CONFIG)")
	cmd.PersistentFlags().StringArrayVar(&a.ageFiles, "age-identity", nil,
		"`FILE` with a key that opens age-encrypted secrets (repeatable; or $HACTL_AGE_IDENTITY, or the key itself in $HACTL_AGE_KEY)")
	_ = cmd.MarkPersistentFlagFilename("age-identity")
	cmd.AddCommand(a.validateCmd(), a.planCmd(), a.applyCmd(), a.statusCmd(), a.historyCmd(), a.checkpointCmd(), a.confirmCmd(), a.approveCmd(), a.simulateCmd(), a.snapshotCmd(), a.renderCmd(), a.importCmd(), a.watchCmd(), a.secretCmd(), a.explainCmd(), a.schemaCmd(), a.versionCmd())
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fmt.Errorf("%w (see %s --help)", err, c.CommandPath())
	})
	return cmd
}

// noSuchCommand refuses what is no command and names those that it may have meant.
func noSuchCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	err := fmt.Errorf("unknown command %q (see %s --help)", args[0], c.CommandPath())
	if like := c.SuggestionsFor(args[0]); len(like) > 0 {
		err = fmt.Errorf("unknown command %q: did you mean %s?", args[0], strings.Join(like, " or "))
	}
	return err
}

// manifestFlags adds -f to a command.
func (a *app) manifestFlags(c *cobra.Command) {
	c.Flags().StringArrayVarP(&a.files, "filename", "f", nil, "file or folder of manifests, or - for standard input (repeatable)")
	c.Flags().StringVar(&a.owner, "owner", "default", "name under which objects are recorded as ours")
	_ = c.MarkFlagFilename("filename", "yaml", "yml")
}

// outputFlag adds -o with the forms that a command knows, the first being the default.
func (a *app) outputFlag(c *cobra.Command, forms ...string) {
	c.Flags().StringVarP(&a.output, "output", "o", forms[0], "form of the result: "+strings.Join(forms, ", "))
	_ = c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(forms, cobra.ShellCompDirectiveNoFileComp))
	check := c.PreRunE
	c.PreRunE = func(c *cobra.Command, args []string) error {
		for _, f := range forms {
			if a.output == f {
				if check != nil {
					return check(c, args)
				}
				return nil
			}
		}
		return fmt.Errorf("--output %q is not known: use %s", a.output, strings.Join(forms, ", "))
	}
}

// style says whether text for w may be coloured.
func style(w io.Writer) view.Style {
	f, ok := w.(*os.File)
	return view.Style{Now: time.Now(), Color: ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))}
}
