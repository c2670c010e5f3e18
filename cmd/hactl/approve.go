package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"al.essio.dev/pkg/shellescape"
	"golang.org/x/term"

	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/view"
)

// approve opens the plan's gates, or says why not.
func (a *app) approve(ctx context.Context, p *reconcile.Plan, f applyFlags, allow []reconcile.Allow) error {
	gates := p.Gates()
	for _, text := range reconcile.Idle(gates, slices.DeleteFunc(slices.Clone(allow), func(x reconcile.Allow) bool { return beyondGates(x, p) })) {
		_, _ = fmt.Fprintln(a.err, style(a.err).Warn(p.Cluster+": "+text))
	}
	if f.yes {
		allow = append(allow, reconcile.Allow{Risk: reconcile.RestartRisk})
	}
	closed := reconcile.Ungated(gates, allow)
	if len(closed) == 0 {
		return nil
	}
	need, named := flagsFor(closed)
	if f.yes || named || !term.IsTerminal(int(a.stdin.Fd())) {
		return fmt.Errorf("refused, nothing was changed: this needs %s:\n  %s", need, strings.Join(view.Gates(closed), "\n  "))
	}
	return a.confirmed(ctx, "Do this, with all that is to be allowed?")
}

// confirmed asks on a terminal.
func (a *app) confirmed(ctx context.Context, question string) error {
	_, _ = fmt.Fprintf(a.err, "%s Only 'yes' counts: ", question)
	answer := make(chan string, 1)
	go func() { // ends with the process at the latest: a read from a terminal cannot be called off
		line, _ := bufio.NewReader(a.stdin).ReadString('\n')
		answer <- strings.TrimSpace(line)
	}()
	select {
	case s := <-answer:
		if s == "yes" {
			return nil
		}
		return errUnconfirmed
	case <-a.drain:
		return errUnconfirmed
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errUnconfirmed = errors.New("not confirmed, nothing was changed")

// beyondGates tells that an allow did its work before there were gates: --allow quorum also lets hactl act without a full view of the members.
func beyondGates(x reconcile.Allow, p *reconcile.Plan) bool {
	return x == reconcile.Allow{Risk: reconcile.Quorum} && len(p.Refused)+len(p.Unreachable) > 0
}

// flagsFor are the flags that open gates, to be copied into a shell, and whether one of them names an object.
func flagsFor(gates []reconcile.Gate) (flags string, named bool) {
	var need []string
	told := map[reconcile.Allow]bool{}
	for _, g := range gates {
		x := reconcile.Allow{Risk: g.Risk}
		if g.ByName || g.Risk == reconcile.DataLoss {
			x.Object, named = g.Object, true
		}
		if !told[x] {
			told[x] = true
			need = append(need, "--allow "+shellescape.Quote(x.String()))
		}
	}
	return strings.Join(need, " "), named
}
