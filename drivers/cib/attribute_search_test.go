package cib

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// oracle is a scheduler that is known: each effect is there when one of its sets of changes is.
type oracle struct {
	of     map[effect][][]int
	trials atomic.Int32
}

func (o *oracle) try(_ context.Context, part []bool) (map[effect]bool, error) {
	o.trials.Add(1)
	out := map[effect]bool{}
	for e, sets := range o.of {
		for _, set := range sets {
			if !slices.ContainsFunc(set, func(c int) bool { return !part[c] }) {
				out[e] = true
			}
		}
	}
	return out, nil
}

func (o *oracle) search(n int) *search {
	return &search{needs: make([][]int, n), try: o.try, likely: func(effect, int) int { return 0 }}
}

func named1(i int) effect { return effect{action: "stop", resource: string(rune('a' + i))} }

// Single causes are found with two trials for each bit of the changes' number, however many effects there are.
func TestSearchSingleCauses(t *testing.T) {
	const n = 20
	o := &oracle{of: map[effect][][]int{}}
	var of []suspects
	for i := range n {
		o.of[named1(i)] = [][]int{{i}}
		of = append(of, suspects{named1(i), upTo(n)})
	}
	got := o.search(n).find(t.Context(), of)
	for i := range n {
		if v := got[named1(i)]; v.jointly || !slices.Equal(v.changes, []int{i}) {
			t.Errorf("effect %d: %+v", i, v)
		}
	}
	if n := o.trials.Load(); n != 10 {
		t.Errorf("%d trials instead of 10", n)
	}
}

// Whatever causes an effect: one of its sets is found, jointly where it has several changes; where single changes do, up to three of them.
func TestSearchAnyCause(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "n")
		o := &oracle{of: map[effect][][]int{}}
		var of []suspects
		for i := range rapid.IntRange(1, 4).Draw(t, "effects") {
			set := rapid.SliceOfNDistinct(rapid.IntRange(0, n-1), 1, min(n, 3), rapid.ID[int])
			o.of[named1(i)] = rapid.SliceOfN(set, 1, 2).Draw(t, "sets")
			of = append(of, suspects{named1(i), upTo(n)})
		}
		got := o.search(n).find(context.Background(), of)
		for e, sets := range o.of {
			v := got[e]
			slices.Sort(v.changes)
			ok := len(v.changes) > 0
			if !v.jointly { // each alone
				for _, c := range v.changes {
					ok = ok && slices.ContainsFunc(sets, func(s []int) bool { return slices.Equal(s, []int{c}) })
				}
			} else {
				ok = slices.ContainsFunc(sets, func(s []int) bool { return slices.Equal(slices.Sorted(slices.Values(s)), v.changes) })
			}
			if !ok {
				t.Fatalf("of %d changes: %v gave %+v", n, sets, v)
			}
		}
	})
}

// Changes that need others are never tried without them, and are told from them.
func TestSearchNeeds(t *testing.T) {
	o := &oracle{of: map[effect][][]int{named1(0): {{0}}, named1(1): {{1}}}}
	s := o.search(6)
	s.needs[1], s.needs[3] = []int{0}, []int{0, 1}
	s.try = func(ctx context.Context, part []bool) (map[effect]bool, error) {
		if part[1] && !part[0] || part[3] && !part[1] {
			t.Error("tried without what it needs")
		}
		return o.try(ctx, part)
	}
	got := s.find(t.Context(), []suspects{{named1(0), upTo(6)}, {named1(1), upTo(6)}})
	for i := range 2 {
		if v := got[named1(i)]; !slices.Equal(v.changes, []int{i}) {
			t.Errorf("effect %d: %+v", i, v)
		}
	}
}

// Where trials fail, nothing is guessed; where the changes do not explain an effect, that is no cause.
func TestSearchWithoutAnswers(t *testing.T) {
	o := &oracle{of: map[effect][][]int{named1(0): {{7}}}}
	s := o.search(8)
	if got := s.find(t.Context(), []suspects{{named1(0), upTo(4)}}); len(got) != 0 {
		t.Errorf("its cause is not among these: %v", got)
	}
	s.try = func(context.Context, []bool) (map[effect]bool, error) { return nil, errors.New("no") }
	if got := s.find(t.Context(), []suspects{{named1(0), upTo(8)}}); len(got) != 0 {
		t.Errorf("without any answer: %v", got)
	}
}
