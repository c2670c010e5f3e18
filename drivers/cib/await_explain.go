package cib

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

func (w *waiter) monitor(ctx context.Context) (*etree.Element, error) {
	out, err := w.h.Run(ctx, reconcile.Cmd{Argv: monitor})
	if err != nil {
		return nil, err
	}
	return readMonitor(string(out))
}

// ours gives the failures of the awaited resources, by resource.
func (w *waiter) ours(ctx context.Context, mon *etree.Element) map[string][]failure {
	out := map[string][]failure{}
	for _, f := range toldOn(ctx, w.h, failures(mon)) {
		for _, r := range w.a.Resources {
			if f.resource == r || slices.Contains(w.last.now.within[f.resource], r) {
				out[r] = append(out[r], f)
			}
		}
	}
	return out
}

// explain says of each resource that is not active as often as it was meant to be why.
func (w *waiter) explain(ctx context.Context) error {
	var ours map[string][]failure
	var why []string
	for _, r := range w.a.Resources {
		now := w.last.now.of(r)
		n := active(now)
		if n > 0 && n >= w.most[r] && !slices.ContainsFunc(now, func(i Instance) bool { return i.Failed || i.Blocked }) {
			continue
		}
		if ours == nil {
			mon, err := w.monitor(ctx)
			if err != nil {
				return err
			}
			ours = w.ours(ctx, mon)
		}
		switch {
		case slices.ContainsFunc(now, func(i Instance) bool { return i.Blocked }):
			why = append(why, fmt.Sprintf("%s is blocked: Pacemaker can neither stop nor move it%s; mend the cause, then crm_resource --cleanup --resource %s", r, because(ours[r]), r))
		case slices.ContainsFunc(now, func(i Instance) bool { return !i.Managed }):
			w.progress(reconcile.Progress{Text: r + ": is unmanaged, so Pacemaker leaves it as it is"})
		case len(ours[r]) > 0:
			why = append(why, w.failed(ctx, r, ours[r]))
		default:
			w.progress(reconcile.Progress{Text: w.describe(r)})
		}
	}
	if why != nil {
		return &FailedError{why}
	}
	return nil
}

func because(fs []failure) string {
	if len(fs) == 0 {
		return ""
	}
	var s []string
	for _, f := range fs {
		s = append(s, f.String())
	}
	return " (" + strings.Join(s, "; ") + ")"
}

// failed is the sentence on a resource that failed, with what its node logged where that is the node that is asked.
func (w *waiter) failed(ctx context.Context, r string, fs []failure) string {
	var s []string
	for _, f := range fs {
		t := "failed: " + f.String()
		if lines := w.lastLines(ctx, f); lines != "" {
			t += "\n    " + strings.ReplaceAll(lines, "\n", "\n    ")
		}
		s = append(s, t)
	}
	return fmt.Sprintf("%s: %s\n  mend the cause, then crm_resource --cleanup --resource %s, or change the manifest", r, strings.Join(s, "; "), r)
}

func (w *waiter) lastLines(ctx context.Context, f failure) string {
	if f.node != w.h.Name() {
		return ""
	}
	journal := []string{"journalctl", "--no-pager", "--quiet", "--output=cat", "--since=-10min", "--lines=3"}
	// What an agent says of itself (ocf_log in resource-agents' ocf-shellfuncs: TYPE(ID)) is nearer to the cause than what Pacemaker says of it.
	for _, of := range [][]string{
		{"--priority=warning", "--identifier=" + f.agent[strings.LastIndexByte(f.agent, ':')+1:] + "(" + f.resource + ")"},
		{"--identifier=pacemaker-execd", "--identifier=pacemaker-controld", "--identifier=pacemaker-fenced", "--grep=" + regexpWord(f.resource)},
	} {
		out, err := w.h.Run(ctx, reconcile.Cmd{Argv: slices.Concat(journal, of), Limit: 5 * time.Second})
		s := strings.TrimSpace(string(out))
		if err != nil || s == "" { // an extra only
			continue
		}
		known, ok := secretsOn(ctx, w.h)
		if !ok {
			return ""
		}
		return withoutSecrets(known, s)
	}
	return ""
}

// regexpWord quotes an id, whose only special character is the dot.
func regexpWord(id string) string { return strings.ReplaceAll(id, ".", `\.`) }

// late says what is still missing when the limit is reached.
func (w *waiter) late(ctx context.Context, limit time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if w.last.now.nodes == nil {
		return fmt.Errorf("%s gave no status within %s", w.h.Name(), limit)
	}
	mon, err := w.monitor(ctx)
	if err != nil {
		return err
	}
	ours := w.ours(ctx, mon)
	var why []string
	for _, r := range w.a.Resources {
		switch {
		case w.reached(r) && !w.busy():
		case len(ours[r]) > 0:
			why = append(why, w.failed(ctx, r, ours[r]))
		case w.said != "":
			why = append(why, fmt.Sprintf("%s waits for the fencing of %s; see stonith_admin --history '*', and confirm by hand with stonith_admin --confirm only if the node is really off", r, w.said))
		default:
			why = append(why, fmt.Sprintf("%s is not as Pacemaker means it to be after %s (%s); see crm_mon", r, limit, w.describe(r)))
		}
	}
	if why == nil {
		why = []string{"the cluster did not come to rest within " + limit.String() + "; see crm_mon"}
	}
	return &FailedError{why}
}
