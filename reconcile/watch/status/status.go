// Package status shows beside each commit of a repository what became of it: one status for each cluster that follows it, and one for the repository as
// a whole, which says whether the commit was taken.
//
//	reporter := status.New(status.GitHub{…}, log)
//	loop := &watch.Loop{Source: reporter.Follow(src), …}
//	go reporter.Run(ctx, loop)
//
// There is no queue: what should be shown follows from the loop's State (Of), and what differs from what was sent is sent. So a status that changes while
// the forge is away is sent once, as it is then, and nothing that the forge does or does not do reaches the loop.
//
// What is shown can be read by all who may read the repository: names of clusters, objects and files, and errors as they are in the log.
package status

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/hactl/hactl/reconcile/watch"
)

// Outcome is what a status says in a word.
type Outcome string

// The outcomes, with the words of GitHub, which other forges took over.
const (
	Pending Outcome = "pending" // it will be, or waits
	Success Outcome = "success" // the cluster is as the commit says
	Failure Outcome = "failure" // the commit was refused, could not be applied, or the cluster drifted from it
	Error   Outcome = "error"   // nothing is known: the cluster cannot be looked at
)

// Status is shown beside a commit. A new one takes the place of that with the same context.
type Status struct {
	Commit  string // its id, whole
	Context string // what it is of: "hactl/CLUSTER", or "hactl" for the repository
	Outcome Outcome
	Text    string // one line of at most MaxText characters
	URL     string // of a page that says more; empty for none
}

// MaxText is how much text GitHub takes: what is longer is refused.
const MaxText = 140

// Of gives what should be shown now: of the revision in force for each cluster in the order of their names. context begins the names of the
// statuses, page is the URL of the page where people find it, or "".
func Of(s watch.State, context, page string) []Status {
	var all []Status
	for _, c := range s.Clusters {
		outcome, text := of(c, s.Source)
		if outcome == "" {
			continue
		}
		one := Status{Commit: s.Source.Revision.ID, Context: context + "/" + c.Name, Outcome: outcome, Text: line(text)}
		if page != "" {
			one.URL = page + "/clusters/" + c.Name
		}
		all = append(all, one)
	}
	return all
}

// of is what is to be said of a cluster and the revision in force, nothing as long as a controller that has just started knows nothing: what an earlier
// one said stays until then.
func of(c watch.Cluster, s watch.Source) (Outcome, string) {
	reached := c.Observed.ID == s.Revision.ID
	var last watch.Apply
	if len(c.Applies) > 0 && c.Applies[0].Revision.ID == s.Revision.ID {
		last = c.Applies[0]
	}
	switch {
	case c.Desired.ID == "":
		return "", ""
	case c.Broken != "" && c.Looked.After(s.Since):
		return Failure, "refused: " + c.Broken
	case c.Desired.ID != s.Revision.ID:
		return Pending, "not looked at yet"
	case c.Phase == watch.Failing && (c.Err == last.Err || c.Err == c.Failed):
		return Failure, "could not be applied: " + c.Err
	case c.Phase == watch.Failing:
		return Error, "cannot be looked at: " + c.Err
	case c.Phase == watch.InSync && last.Steps > 0 && last.Err == "":
		return Success, fmt.Sprintf("applied: %d steps in %v", last.Steps, last.Took.Round(10*time.Millisecond))
	case c.Phase == watch.InSync:
		return Success, "in sync"
	case c.Phase == watch.Applying:
		return Pending, "is being changed: " + differs(c)
	case c.Phase == watch.Unknown:
		return Pending, "what can be seen is in sync, but machines cannot be reached"
	case reached:
		return Failure, "drift: " + differs(c) + "; " + c.Verdict.Why
	}
	return Pending, "waits: " + c.Verdict.Why + "; " + differs(c)
}

// differs names the objects of a plan.
func differs(c watch.Cluster) string {
	const most = 3
	if c.Plan == nil {
		return ""
	}
	var names []string
	seen := map[string]bool{}
	for _, s := range c.Plan.Steps {
		for _, ch := range s.Changes {
			if name := ch.Object.String(); !seen[name] {
				seen[name] = true
				names = append(names, name)
			}
		}
	}
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// line is the first line of a text, as long as it may be.
func line(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if r := []rune(text); len(r) > MaxText {
		return string(r[:MaxText-1]) + "…"
	}
	return text
}
