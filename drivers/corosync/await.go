package corosync

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// pollEvery is the least time between two questions while an op waits. A machine that answers slowly is left alone for as long as its answer took:
// a small one would be busy with nothing but the questions, and not get to what is waited for.
const pollEvery = 300 * time.Millisecond

// poll asks until done or the limit, and tells what it sees when that changes.
func poll(ctx context.Context, limit time.Duration, progress func(reconcile.Progress), ask func(context.Context) (done bool, sees string, err error)) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	last := ""
	for {
		asked := time.Now()
		done, sees, err := ask(ctx)
		if err != nil && ctx.Err() == nil {
			return err
		}
		if done {
			return nil
		}
		if sees != last && sees != "" {
			progress(reconcile.Progress{Text: sees})
			last = sees
		}
		t := time.NewTimer(max(pollEvery, time.Since(asked)))
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("not within %s; last seen: %s", limit, last)
			}
			return ctx.Err()
		}
	}
}

// answer runs a command whose exit code tells something by itself (no quorum, no controller yet) and gives its output all the same.
func answer(ctx context.Context, h reconcile.Host, argv ...string) (string, error) {
	out, err := h.Run(ctx, reconcile.Cmd{Argv: argv})
	var exit *reconcile.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stdout) + string(exit.Stderr), nil
	}
	return string(out), err
}

// AwaitMembers waits until this node sees all those members and has quorum.
type AwaitMembers struct {
	Members map[int]string `json:"members"` // names by node id
	Limit   time.Duration  `json:"limit"`
}

func (a AwaitMembers) String() string {
	return fmt.Sprintf("wait until corosync-quorumtool shows %s and quorum (at most %s)", strings.Join(namesOf(a.Members), ", "), a.Limit)
}

// Do waits.
func (a AwaitMembers) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	err := poll(ctx, a.Limit, progress, func(ctx context.Context) (bool, string, error) {
		out, err := answer(ctx, h, "corosync-quorumtool", "-s")
		if err != nil {
			return false, "", err
		}
		ids, quorate := quorumtool(out)
		missing := map[int]string{}
		for id, n := range a.Members {
			if !slices.Contains(ids, id) {
				missing[id] = n
			}
		}
		switch {
		case len(ids) == 0:
			return false, "corosync does not answer yet", nil
		case len(missing) > 0:
			return false, "still without " + strings.Join(namesOf(missing), ", "), nil
		case !quorate:
			return false, "all members, no quorum yet", nil
		}
		return true, "", nil
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("membership on %s: %w; see `journalctl -u corosync` there and on the missing nodes: address, UDP port 5405, the same key", h.Name(), err)
	}
	return err
}

func namesOf(m map[int]string) []string {
	var out []string
	ids := make([]int, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for _, id := range ids {
		out = append(out, m[id])
	}
	return out
}

// quorumtool reads the ids of the members and whether they have quorum from corosync-quorumtool -s.
func quorumtool(out string) (ids []int, quorate bool) {
	list := false
	for _, l := range strings.Split(out, "\n") {
		f := strings.Fields(l)
		switch {
		case len(f) >= 2 && f[0] == "Quorate:":
			quorate = f[1] == "Yes"
		case len(f) >= 2 && f[0] == "Nodeid":
			list = true
		case list && len(f) >= 2:
			var id int
			if _, err := fmt.Sscanf(f[0], "%d", &id); err == nil {
				ids = append(ids, id)
			}
		}
	}
	return ids, quorate
}

// AwaitCluster waits until Pacemaker on this node shows a designated controller, quorum, and the members online.
type AwaitCluster struct {
	Members []string      `json:"members,omitempty"`
	Limit   time.Duration `json:"limit"`
}

func (a AwaitCluster) String() string {
	s := "wait until crm_mon shows a designated controller and quorum"
	if len(a.Members) > 0 {
		s += " and online: " + strings.Join(a.Members, ", ")
	}
	return fmt.Sprintf("%s (at most %s)", s, a.Limit)
}

type crmMon struct {
	DC struct {
		Present bool   `xml:"present,attr"`
		Quorum  bool   `xml:"with_quorum,attr"`
		Name    string `xml:"name,attr"`
	} `xml:"summary>current_dc"`
	Nodes []struct {
		Name    string `xml:"name,attr"`
		Online  bool   `xml:"online,attr"`
		Pending bool   `xml:"pending,attr"`
		Unclean bool   `xml:"unclean,attr"`
	} `xml:"nodes>node"`
}

// Do waits.
func (a AwaitCluster) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	err := poll(ctx, a.Limit, progress, func(ctx context.Context) (bool, string, error) {
		out, err := answer(ctx, h, monitor.Argv...)
		if err != nil {
			return false, "", err
		}
		var m crmMon
		if xml.Unmarshal([]byte(out), &m) != nil {
			return false, "pacemaker does not answer yet", nil //nolint:nilerr // half an answer is none: ask again
		}
		online := map[string]bool{}
		for _, n := range m.Nodes {
			online[n.Name] = n.Online && !n.Pending && !n.Unclean
		}
		var missing []string
		for _, n := range a.Members {
			if !online[n] {
				missing = append(missing, n)
			}
		}
		switch {
		case !m.DC.Present || m.DC.Name == "":
			return false, "no designated controller yet", nil
		case !m.DC.Quorum:
			return false, "designated controller " + m.DC.Name + " has no quorum", nil
		case len(missing) > 0:
			return false, "designated controller " + m.DC.Name + "; not online yet: " + strings.Join(missing, ", "), nil
		}
		return true, "", nil
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("cluster as %s sees it: %w; see `crm_mon -1` and `journalctl -u pacemaker` there", h.Name(), err)
	}
	return err
}

// Reload lets the whole cluster read its configuration again, and waits until this node's corosync has the values.
type Reload struct {
	Expect map[string]string `json:"expect,omitempty"`
	Gone   []string          `json:"gone,omitempty"`
	Limit  time.Duration     `json:"limit"`
}

func (Reload) String() string { return "corosync-cfgtool -R, checked by corosync-cmapctl" }

// Do reloads and compares.
func (r Reload) Do(ctx context.Context, h reconcile.Host, progress func(reconcile.Progress)) error {
	out, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"corosync-cfgtool", "-R"}, Mutates: true})
	if err != nil {
		return err
	}
	if !strings.Contains(string(out), "Done") {
		return fmt.Errorf("%s: corosync-cfgtool -R: %s", h.Name(), strings.TrimSpace(string(out)))
	}
	err = poll(ctx, r.Limit, progress, func(ctx context.Context) (bool, string, error) {
		out, err := answer(ctx, h, "corosync-cmapctl")
		if err != nil {
			return false, "", err
		}
		if v := cmapValues(out); v["config.reload_in_progress"] == "1" || v["config.totemconfig_reload_in_progress"] == "1" {
			return false, "the reload is under way", nil
		}
		have := parseCmap(out)
		var off []string
		for _, p := range sortedKeys(r.Expect) {
			if v, ok := have[p]; !ok || !sameValue(p, v, r.Expect[p]) {
				off = append(off, p)
			}
		}
		for _, p := range r.Gone {
			if _, ok := have[p]; ok {
				off = append(off, p)
			}
		}
		return len(off) == 0, "not taken over yet: " + strings.Join(off, ", "), nil
	})
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("reload of corosync on %s: %w; see `journalctl -u corosync` there", h.Name(), err)
	}
	return err
}
