package sim_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hactl/hactl/drivers/sim"
	"github.com/hactl/hactl/reconcile"
)

// The law: from bare machines, any manifests follow one another, each run may die at any of its calls, and so may the next one. What then runs to
// its end leaves nothing to plan, nothing of hactl's own and all that is foreign; and it changes the CIB twice at most.
func TestLaw(t *testing.T) {
	t.Parallel()
	ended, kills, refused := 0, 0, map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		nodes := rapid.IntRange(2, 3).Draw(rt, "nodes")
		lag := rapid.SampledFrom([]time.Duration{0, 700 * time.Millisecond, 3 * time.Second}).Draw(rt, "lag")
		var steps []step
		for i := range rapid.IntRange(2, 4).Draw(rt, "manifests") {
			s := step{text: drawn(rt, nodes), prune: i > 0 && rapid.Bool().Draw(rt, "prune"), secret: rapid.SampledFrom([]string{hush, "another"}).Draw(rt, "secret value")}
			for rapid.Bool().Draw(rt, "killed") && len(s.kills) < 3 {
				s.kills = append(s.kills, kill{rapid.IntRange(1, 60).Draw(rt, "at"), rapid.Bool().Draw(rt, "took")})
			}
			s.leave = len(s.kills) > 0 && rapid.IntRange(0, 3).Draw(rt, "leave") == 0
			steps = append(steps, s)
		}
		steps[len(steps)-1].leave = false
		var c *sim.Cluster
		begun := 0
		err := bubble(t, func(ctx context.Context) error {
			c = simulated(load(rt, steps[0].text))
			c.Lag = lag
			for _, h := range c.Hosts() {
				foreignFiles(c.Node(h.Name()))
			}
			formed := false
			for i, s := range steps {
				begun = len(c.Log())
				n, err := s.run(ctx, c, formed)
				kills += n
				var no *refusedError
				if errors.As(err, &no) {
					refused[no.why]++
					continue // nothing was changed
				}
				if err != nil {
					return fmt.Errorf("manifests %d (%+v): %w", i+1, s.kills, err)
				}
				if !formed && !s.leave {
					formed = true
					foreignObjects(c)
				}
			}
			ended++
			return nil
		})
		if err != nil {
			var texts []string
			for _, s := range steps {
				texts = append(texts, fmt.Sprintf("%s\n# prune %t, secret %s, killed at %+v, left alone then: %t", s.text, s.prune, s.secret, s.kills, s.leave))
			}
			rt.Fatalf("%v\n=== calls ===\n%s\n=== manifests ===\n%s", err, strings.Join(c.Log()[begun:], "\n"), strings.Join(texts, "\n=====\n"))
		}
	})
	t.Logf("%d sequences came to their end, %d runs were killed; refused: %v", ended, kills, refused)
	if ended == 0 {
		t.Error("none came to its end")
	}
}

type kill struct {
	at   int
	took bool
}

// step is manifests that are applied, by runs that die, and then, unless they are left alone, by one that does not.
type step struct {
	text   string
	prune  bool
	secret string
	kills  []kill
	leave  bool
}

func (s step) run(ctx context.Context, c *sim.Cluster, objects bool) (killed int, err error) {
	r := run{want: load(fatal{}, s.text), prune: s.prune, secret: s.secret}
	for _, k := range s.kills {
		client := c.Client().Kill(k.at, k.took)
		if _, err := r.apply(ctx, client); !client.Killed() {
			if err != nil {
				return killed, refusal(err)
			}
			break // it came to its end before
		}
		killed++
	}
	if s.leave {
		return killed, nil
	}
	client, err := r.finish(ctx, c)
	if err != nil {
		return killed, refusal(err)
	}
	if n := client.Patches(); n > 2 {
		err = fmt.Errorf("%d changes of the CIB", n)
	}
	return killed, errors.Join(err, r.left(ctx, c), foreign(c, objects))
}

// refusedError tells that a plan is refused for a good reason, which no run may get around.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return e.why }

var refusals = regexp.MustCompile(`cannot become|is not in the manifests of the owner`)

func refusal(err error) error {
	var stepErr *reconcile.StepError
	if why := refusals.FindString(err.Error()); why != "" && !errors.As(err, &stepErr) {
		return &refusedError{why}
	}
	return err
}
