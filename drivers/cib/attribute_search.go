package cib

import (
	"context"
	"errors"
	"math/bits"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// search finds out which of n changes cause effects, by trying parts of the changes and looking which effects there are. A trial is dear
// (a run of the scheduler), so there are few: each change has a number, and for each bit of the numbers those that have it and those that
// have not are tried. An effect of a single change shows in the trials that agree with the change's number, whatever the other effects
// are: 20 changes take 10 trials, 200 take 16. Only what does not fit a single change is looked at by itself.
type search struct {
	// needs lists for each change those without which it cannot be tried, transitively.
	needs [][]int
	// try gives the effects of a part of the changes, which is closed under needs. Calls of it run in parallel.
	try func(ctx context.Context, part []bool) (map[effect]bool, error)
	// likely orders the changes for an effect: the more likely a cause, the lower. Of several that each would do, those are found first.
	likely func(e effect, change int) int
}

// verdict tells what causes an effect: each of the changes alone, or all of them together.
type verdict struct {
	changes []int
	jointly bool
}

// suspects are the changes that may cause an effect.
type suspects struct {
	effect
	changes []int
}

// maxTrials bounds the search for one effect that does not fit a single change, and maxCauses what is told of changes each of which would do.
const (
	maxTrials = 40
	maxCauses = 3
)

// few changes are tried one by one.
const few = 4

var errTrials = errors.New("too many trials")

// find gives the verdicts that it reaches until ctx ends. Effects of different suspects are taken to be independent: their trials are shared.
func (s *search) find(ctx context.Context, of []suspects) map[effect]verdict {
	parts := s.parts(of)
	seen := make([]map[effect]bool, len(parts))
	var g errgroup.Group
	for i, part := range parts {
		g.Go(func() error {
			if effects, err := s.try(ctx, part); err == nil {
				seen[i] = effects // else nothing is known of that part
			}
			return nil
		})
	}
	_ = g.Wait()
	single := map[effect]int{}
	alone := map[int]bool{}
	for _, x := range of {
		if c, ok := fits(x, parts, seen); ok {
			single[x.effect], alone[c] = c, true
		}
	}
	out := map[effect]verdict{}
	var mu sync.Mutex
	for _, x := range of {
		c, ok := single[x.effect]
		g.Go(func() error {
			if ok && len(alone) <= few { // a change that always takes part may still need others
				effects, err := s.try(ctx, s.closed([]int{c}))
				ok = err != nil || effects[x.effect] || effects[x.effect.loosely()]
			}
			v, err := verdict{changes: []int{c}}, error(nil)
			if !ok {
				v, err = s.explain(ctx, x)
			}
			if err == nil {
				mu.Lock()
				out[x.effect] = v
				mu.Unlock()
			}
			return nil
		})
	}
	_ = g.Wait()
	return out
}

// fits gives the only change that was part of all trials that showed the effect, and of no other. An effect that shows in no such way is
// looked for loosely.
func fits(x suspects, parts [][]bool, seen []map[effect]bool) (change int, ok bool) {
	for _, e := range []effect{x.effect, x.effect.loosely()} {
		left := slices.Clone(x.changes)
		for i, part := range parts {
			if seen[i] != nil {
				left = slices.DeleteFunc(left, func(c int) bool { return part[c] != seen[i][e] })
			}
		}
		if len(left) == 1 {
			return left[0], true
		}
	}
	return 0, false
}

// parts are what is tried first. Up to four suspects are tried each alone; of more, those with and those without each bit.
func (s *search) parts(of []suspects) [][]bool {
	var groups [][]int
	for _, x := range of {
		if !slices.ContainsFunc(groups, func(g []int) bool { return slices.Equal(g, x.changes) }) {
			groups = append(groups, x.changes)
		}
	}
	var parts [][]bool
	add := func(in func(i, n int) bool) {
		var changes []int
		for _, group := range groups {
			for i, c := range group {
				if in(i, len(group)) {
					changes = append(changes, c)
				}
			}
		}
		part := s.closed(changes)
		if slices.Contains(part, true) && !slices.ContainsFunc(parts, func(p []bool) bool { return slices.Equal(p, part) }) {
			parts = append(parts, part)
		}
	}
	most := 0
	for _, g := range groups {
		most = max(most, len(g))
	}
	for i := range min(most, few) {
		add(func(j, n int) bool { return n <= few && j == i })
	}
	if most > few {
		parts = nil
		for b := range bits.Len(uint(most - 1)) {
			add(func(j, _ int) bool { return j>>b&1 == 1 })
			add(func(j, _ int) bool { return j>>b&1 == 0 })
		}
	}
	return parts
}

// closed is a part with these changes and all that they need.
func (s *search) closed(changes []int) []bool {
	part := make([]bool, len(s.needs))
	for _, c := range changes {
		part[c] = true
		for _, n := range s.needs[c] {
			part[n] = true
		}
	}
	return part
}

// explain finds a smallest set of changes without whose any the effect is not there (Junker's QuickXplain, AAAI 2004), and where that is a
// single change, others that would do as well.
func (s *search) explain(ctx context.Context, x suspects) (verdict, error) {
	changes := slices.Clone(x.changes)
	slices.SortStableFunc(changes, func(a, b int) int { return s.likely(x.effect, a) - s.likely(x.effect, b) })
	trials := 0
	shows := func(changes []int) (bool, error) {
		if trials++; trials > maxTrials {
			return false, errTrials
		}
		effects, err := s.try(ctx, s.closed(changes))
		return effects[x.effect], err
	}
	first, err := smallest(changes, shows)
	switch {
	case err != nil:
		return verdict{}, err
	case len(first) == 0:
		return verdict{}, errors.New("the changes do not explain it")
	case len(first) > 1:
		return verdict{changes: first, jointly: true}, nil
	}
	out := first
	for set := first; len(out) < maxCauses; out = append(out, set[0]) {
		changes = slices.DeleteFunc(changes, func(c int) bool { return c == set[0] || slices.Contains(s.needs[c], set[0]) })
		if set, err = smallest(changes, shows); err != nil || len(set) != 1 {
			break // what is left would not do; or nobody knows, and what was found stands
		}
	}
	return verdict{changes: out}, nil //nolint:nilerr // see the break
}

// smallest gives a smallest subset of changes that shows the effect, none if they do not show it.
func smallest(changes []int, shows func([]int) (bool, error)) ([]int, error) {
	if len(changes) == 0 {
		return nil, nil
	}
	if ok, err := shows(changes); err != nil || !ok {
		return nil, err
	}
	if ok, err := shows(changes[:1]); err != nil || ok { // mostly it is the likeliest
		return slices.Clone(changes[:1]), err
	}
	return quickXplain(nil, changes, false, shows)
}

// quickXplain gives a smallest subset of changes that shows the effect together with the background. grown tells that the background has got
// more since it was last tried.
func quickXplain(background, changes []int, grown bool, shows func([]int) (bool, error)) ([]int, error) {
	if grown {
		if ok, err := shows(background); ok || err != nil {
			return nil, err
		}
	}
	if len(changes) == 1 {
		return changes, nil
	}
	half := len(changes) / 2
	left, right := changes[:half], changes[half:]
	second, err := quickXplain(slices.Concat(background, left), right, true, shows)
	if err != nil {
		return nil, err
	}
	first, err := quickXplain(slices.Concat(background, second), left, len(second) > 0, shows)
	return slices.Concat(first, second), err
}
