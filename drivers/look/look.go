// Package look is how the layers look at machines: at all of them at once, each by one script whose answer has sections. It is no layer of its
// own.
package look

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

// All looks at machines, all at once, and gives what was found in their order. Of one that cannot be reached unknown makes what there is to
// say, from the reason; any other failure ends the look.
func All[M any](ctx context.Context, hosts reconcile.Hosts, one func(context.Context, reconcile.Host) (M, error), unknown func(host, why string) M) ([]M, error) {
	found := make([]M, len(hosts))
	g, gctx := errgroup.WithContext(ctx)
	for i, h := range hosts {
		g.Go(func() (err error) {
			found[i], err = one(gctx, h)
			var un *reconcile.UnreachableError
			if errors.As(err, &un) {
				found[i], err = unknown(h.Name(), un.Why()), nil
			}
			return err
		})
	}
	return found, g.Wait()
}

// Recalled finds the wanted machines in a record, in their order, and behind them, where all are asked for, the others. Of one that is not in
// the record unknown makes what there is to say.
func Recalled[M any](record []M, name func(M) string, wanted []string, all bool, unknown func(host, why string) M) []M {
	var out []M
	named, taken := map[string]M{}, map[string]bool{}
	for _, m := range record {
		named[name(m)] = m
	}
	take := func(n string) {
		if taken[n] {
			return
		}
		m, ok := named[n]
		if !ok {
			m = unknown(n, reconcile.NotInSnapshot)
		}
		taken[n], out = true, append(out, m)
	}
	for _, n := range wanted {
		take(n)
	}
	if all {
		for _, m := range record {
			take(name(m))
		}
	}
	return out
}

// Sections takes the answer of a script apart, which begins each part with a line "==hactl TITLE" and the last with "==hactl end". Without that the
// answer is cut off, and what it does not have must not pass for absent.
func Sections(out []byte) (map[string]string, error) {
	parts := map[string]string{}
	for _, part := range strings.Split("\n"+string(out), "\n==hactl ")[1:] {
		title, text, _ := strings.Cut(part, "\n")
		parts[strings.TrimSuffix(title, "==")] = text
	}
	if _, ok := parts["end"]; !ok {
		return nil, fmt.Errorf("the answer is cut off after %d bytes", len(out))
	}
	return parts, nil
}

// Named has the error of a script say what the script was to do, and not the script. What has a name already keeps it.
func Named(err error, words string) error {
	var x *reconcile.ExitError
	if !errors.As(err, &x) || len(x.Argv) < 2 {
		return err
	}
	y := *x
	y.Argv = []string{words}
	return &y
}
