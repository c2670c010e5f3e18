package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// savedPlan is the part of a plan's JSON form that is compared. Operations are only compared, never made from it.
type savedPlan struct {
	Steps      []savedStep          `json:"steps"`
	Prediction reconcile.Prediction `json:"prediction"`
}

type savedStep struct {
	ID      string             `json:"id"`
	Host    string             `json:"host"`
	Changes []reconcile.Change `json:"changes"`
	Ops     []savedOp          `json:"ops"`
	Pending string             `json:"pending"`
	After   []string           `json:"after"`
}

type savedOp struct {
	Do   string `json:"do"`
	Op   string `json:"op"`
	Data any    `json:"data"`
}

// moved says what a plan that was made now has otherwise than the saved one; nothing: both would do the same, and the cluster too.
func (f *planFile) moved(now *reconcile.Plan) ([]string, error) {
	var then, today savedPlan
	if err := json.Unmarshal(f.Plan, &then); err != nil {
		return nil, fmt.Errorf("the plan in the plan file: %w", err)
	}
	b, err := json.Marshal(now)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &today); err != nil {
		return nil, err
	}
	var out []string
	out = append(out, movedChanges(then, today)...)
	if len(out) == 0 {
		out = movedSteps(then, today)
	}
	return append(out, movedReactions(then.Prediction, today.Prediction)...), nil
}

type changeKey struct {
	object reconcile.Ref
	action reconcile.Action
	path   string
}

// movedChanges compares what is for which object and field.
func movedChanges(then, today savedPlan) []string {
	old, order := changesOf(then)
	cur, curOrder := changesOf(today)
	var out []string
	for _, k := range order {
		was := old[k]
		is, ok := cur[k]
		switch {
		case !ok:
			out = append(out, "not needed any more: "+told(was))
		case was != is:
			out = append(out, fmt.Sprintf("was %s, is now %s", told(was), told(is)))
		}
	}
	for _, k := range curOrder {
		if _, ok := old[k]; !ok {
			out = append(out, "not in the plan file: "+told(cur[k]))
		}
	}
	return out
}

func changesOf(p savedPlan) (map[changeKey]reconcile.Change, []changeKey) {
	all := map[changeKey]reconcile.Change{}
	var order []changeKey
	for _, s := range p.Steps {
		for _, c := range s.Changes {
			k := changeKey{c.Object, c.Action, c.Path}
			if _, ok := all[k]; !ok {
				order = append(order, k)
			}
			all[k] = c
		}
	}
	return all, order
}

func told(c reconcile.Change) string {
	s := string(c.Action) + " " + c.Object.String()
	if c.Path != "" {
		s += " " + c.Path
	}
	switch {
	case c.Have != "" && c.Want != "":
		s += ": " + c.Have + " → " + c.Want
	case c.Want != "":
		s += ": " + c.Want
	case c.Have != "":
		s += ": " + c.Have + " → (none)"
	}
	if c.Risk > reconcile.Safe {
		s += " (" + c.Risk.String() + ")"
	}
	return s
}

// movedSteps compares how the same changes would be made.
func movedSteps(then, today savedPlan) []string {
	var out []string
	old := map[string]savedStep{}
	for _, s := range then.Steps {
		old[s.ID] = s
	}
	for _, s := range today.Steps {
		was, ok := old[s.ID]
		delete(old, s.ID)
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("the step %q is not in the plan file", s.ID))
		case was.Pending != s.Pending:
			out = append(out, fmt.Sprintf("the step %q was pending (%s), is now (%s)", s.ID, orNone(was.Pending), orNone(s.Pending)))
		case !reflect.DeepEqual(was.Ops, s.Ops):
			out = append(out, fmt.Sprintf("the step %q would make the same changes otherwise: what stands beside them in the cluster was changed%s", s.ID, difference(was.Ops, s.Ops)))
		case !reflect.DeepEqual(was, s):
			out = append(out, fmt.Sprintf("the step %q runs at another time or place", s.ID))
		}
	}
	for _, s := range then.Steps {
		if _, gone := old[s.ID]; gone {
			out = append(out, fmt.Sprintf("the step %q is not needed any more", s.ID))
		}
	}
	return out
}

func orNone(s string) string {
	if s == "" {
		return "not pending"
	}
	return s
}

// difference is the first line of what is done that differs.
func difference(was, is []savedOp) string {
	lines := func(ops []savedOp) (all []string) {
		for _, o := range ops {
			all = append(all, strings.Split(o.Do, "\n")...)
		}
		return all
	}
	a, b := lines(was), lines(is)
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf(": %q, was %q", strings.TrimSpace(b[i]), strings.TrimSpace(a[i]))
		}
	}
	var names []string
	for i := range min(len(was), len(is)) {
		names = append(names, pinnedOtherwise(was[i].Data, is[i].Data)...)
	}
	switch {
	case len(names) > 0:
		return ": " + strings.Join(names, ", ")
	case slices.EqualFunc(was, is, alikeButJudged):
		return ": something that the plan neither reads nor writes"
	}
	return ""
}

// alikeButJudged tells whether an operation is the same but for the digest of the whole configuration that comes of it (cib.Patch).
func alikeButJudged(was, is savedOp) bool {
	a, ok1 := was.Data.(map[string]any)
	b, ok2 := is.Data.(map[string]any)
	if ok1 && ok2 && b["judged"] != nil {
		b = maps.Clone(b)
		b["judged"] = a["judged"]
		return was.Do == is.Do && reflect.DeepEqual(a, b)
	}
	return reflect.DeepEqual(was, is)
}

// pinnedOtherwise names the objects of which an operation's data holds something else than before, such as the digest of what they must still be.
func pinnedOtherwise(was, is any) (names []string) {
	switch is := is.(type) {
	case map[string]any:
		was, ok := was.(map[string]any)
		if o, has := is["object"].(map[string]any); has {
			if !reflect.DeepEqual(was, is) {
				names = append(names, fmt.Sprintf("%v/%v", o["kind"], o["name"]))
			}
			return names
		}
		for _, k := range slices.Sorted(maps.Keys(is)) {
			if ok {
				names = append(names, pinnedOtherwise(was[k], is[k])...)
			}
		}
	case []any:
		was, _ := was.([]any)
		for i, x := range is {
			if i < len(was) && !slices.ContainsFunc(was, func(w any) bool { return reflect.DeepEqual(w, x) }) {
				names = append(names, pinnedOtherwise(was[i], x)...)
			}
		}
	}
	return slices.Compact(names)
}

// movedReactions compares what the cluster will do because of the plan. What it does anyway is not the plan's.
func movedReactions(then, today reconcile.Prediction) []string {
	var out []string
	if then.Unavailable != today.Unavailable {
		if today.Unavailable != "" {
			return []string{"the prediction is unavailable now: " + today.Unavailable}
		}
		return []string{"there was no prediction in the plan file (" + then.Unavailable + "), and there is one now"}
	}
	was, is := counted(then), counted(today)
	for _, r := range today.Reactions {
		if k := r.Describe(); !r.Anyway && is[k] > was[k] {
			out = append(out, k+", which the plan file does not foretell")
			is[k] = was[k]
		}
	}
	is = counted(today)
	for _, r := range then.Reactions {
		if k := r.Describe(); !r.Anyway && was[k] > is[k] {
			out = append(out, "not any more: "+k)
			was[k] = is[k]
		}
	}
	return out
}

func counted(p reconcile.Prediction) map[string]int {
	n := map[string]int{}
	for _, r := range p.Reactions {
		if !r.Anyway {
			n[r.Describe()]++
		}
	}
	return n
}
