package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hactl/hactl/drivers"
	"github.com/hactl/hactl/reconcile"
)

// pruneFlag adds --prune to a command.
func (a *app) pruneFlag(c *cobra.Command) {
	c.Flags().BoolVar(&a.prune, "prune", false, "delete the objects of this owner in the CIB that no manifest tells any more; -f must name them all")
}

// mayPrune refuses --prune where the manifests may be a part of the owner's only.
func (a *app) mayPrune() error {
	if a.prune && a.selector != "" {
		return errors.New("--prune deletes what the manifests do not tell, and --selector leaves out some of them: give one or the other")
	}
	if a.prune && slices.Contains(a.files, "-") {
		return errors.New("--prune deletes what the manifests do not tell, and standard input may hold only some of them: name their files or folders with -f")
	}
	return nil
}

// layers are those that the command's flags ask for.
func (a *app) layers() []reconcile.Layer {
	return drivers.All(drivers.Options{Owner: a.owner, Prune: a.prune, NoCauses: a.unread, Discard: a.discard})
}

// called are the layers of those names.
func called(layers []reconcile.Layer, names ...string) []reconcile.Layer {
	return slices.DeleteFunc(layers, func(l reconcile.Layer) bool { return !slices.Contains(names, l.Name()) })
}
