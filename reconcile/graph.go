package reconcile

import (
	"fmt"
	"slices"
	"sort"
	"strings"
)

// graph says for each step which steps must have ended before it may start, by index.
type graph [][]int

// newGraph orders the steps by their needs, frees, objects and downs. provided are the objects that were observed.
//
// An error names the need that nothing gives, or the path of a cycle.
func newGraph(steps []Step, provided []Ref) (graph, error) {
	makers, deleters, freers := map[Ref][]int{}, map[Ref][]int{}, map[Ref][]int{}
	last, parts := map[Ref]int{}, map[Ref][]int{}
	there := map[Ref]bool{}
	for _, r := range provided {
		there[r] = true
	}
	g := make(graph, len(steps))
	ids := map[string]bool{}
	for i, s := range steps {
		if len(s.Changes) == 0 {
			return nil, fmt.Errorf("step %q is for nothing: it has no change", s.ID)
		}
		if (len(s.Ops) == 0) != (s.Pending != "") {
			return nil, fmt.Errorf("step %q must have either operations or a reason to be pending", s.ID)
		}
		if ids[s.ID] {
			return nil, fmt.Errorf("two steps have the id %q", s.ID)
		}
		ids[s.ID] = true
		for _, c := range s.Changes {
			byObject := makers
			if c.Action == Delete {
				byObject = deleters
			}
			if !slices.Contains(byObject[c.Object], i) {
				byObject[c.Object] = append(byObject[c.Object], i)
			}
			// Steps on one object keep their driver's order, but that its parts may be worked on at once.
			if j, ok := last[c.Object]; ok && j != i {
				g.after(i, j)
			}
			if c.Part {
				parts[c.Object] = append(parts[c.Object], i)
				continue
			}
			for _, j := range parts[c.Object] {
				if j != i {
					g.after(i, j)
				}
			}
			last[c.Object], parts[c.Object] = i, nil
		}
		for _, r := range s.Frees {
			freers[r] = append(freers[r], i)
		}
	}
	for i, s := range steps {
		for _, r := range s.Needs {
			ms := makers[r]
			if len(ms) == 0 && !there[r] {
				return nil, fmt.Errorf("step %q needs %s, which is not there and which no step makes", s.ID, r)
			}
			for _, m := range ms {
				if m != i {
					g.after(i, m)
				}
			}
		}
	}
	for r, ds := range deleters {
		for _, d := range ds {
			for _, f := range freers[r] {
				if f != d {
					g.after(d, f)
				}
			}
		}
	}
	g.spreadDowns(steps)
	for i := range g {
		sort.Ints(g[i])
	}
	return g, nil
}

func (g graph) after(step, before int) {
	if !slices.Contains(g[step], before) {
		g[step] = append(g[step], before)
	}
}

// spreadDowns chains the steps that stop the cluster stack of different nodes, so that two nodes are never down at once by hactl's doing.
func (g graph) spreadDowns(steps []Step) {
	prev := -1
	for i, s := range steps {
		if len(s.Downs) == 0 {
			continue
		}
		if prev >= 0 && !slices.Equal(steps[prev].Downs, s.Downs) {
			g.after(i, prev)
		}
		prev = i
	}
}

// order gives the indices of the steps such that each comes after all that it waits for; among those that may come next, the one that
// its driver named first. It fails on a cycle and names its path.
func (g graph) order(steps []Step) ([]int, error) {
	done := make([]bool, len(g))
	order := make([]int, 0, len(g))
	for len(order) < len(g) {
		next := -1
		for i := range g {
			if !done[i] && !slices.ContainsFunc(g[i], func(j int) bool { return !done[j] }) {
				next = i
				break
			}
		}
		if next < 0 {
			return nil, fmt.Errorf("the steps wait for each other: %s", g.cycle(steps, done))
		}
		done[next] = true
		order = append(order, next)
	}
	return order, nil
}

// cycle walks back from the first blocked step until one comes again.
func (g graph) cycle(steps []Step, done []bool) string {
	i := slices.Index(done, false)
	var path []int
	for !slices.Contains(path, i) {
		path = append(path, i)
		i = g[i][slices.IndexFunc(g[i], func(j int) bool { return !done[j] })]
	}
	path = append(path[slices.Index(path, i):], i)
	names := make([]string, len(path))
	for k, j := range path {
		names[k] = fmt.Sprintf("%q", steps[j].ID)
	}
	return strings.Join(names, " waits for ")
}
