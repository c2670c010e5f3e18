package cib

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// statusHost answers one status after the other, the last for ever.
type statusHost struct {
	reconcile.Host
	answers []string
}

func (*statusHost) Name() string { return "n1" }

func (h *statusHost) Run(context.Context, reconcile.Cmd) ([]byte, error) {
	a := h.answers[0]
	if len(h.answers) > 1 {
		h.answers = h.answers[1:]
	}
	return []byte(a), nil
}

// What does not stop is told with why: failed, blocked, unmanaged and waiting for a fencing are different answers.
func TestInactive(t *testing.T) {
	status := func(resource, more string) string {
		return `<pacemaker-result><nodes><node name="n1" online="true"/><node name="n2" online="true"` + more + `/></nodes><resources>` + resource + `</resources></pacemaker-result>`
	}
	runs := `<resource id="A" role="Started" managed="true"><node name="n2"/></resource>`
	stops := `<resource id="A" role="Stopping" managed="true"><node name="n2"/></resource>`
	stopped := `<resource id="A" role="Stopped" managed="true"/>`
	failed := `<failures><failure op_key="A_stop_0" node="n2" exitstatus="error" exitcode="1" call="7"/></failures>`
	for _, c := range []struct {
		name    string
		orphans bool
		answers []string
		err     string // "" ends well
		says    string
	}{
		{"it stops", false, []string{status(runs, ""), status(stops, ""), status(stopped, "")}, "", "A is inactive"},
		{"it starts once more before it stops", false, []string{status(stopped, ""), status(strings.Replace(runs, "Started", "Starting", 1), ""), status(stops, ""), status(stopped, "")}, "", "A is inactive"},
		{"it is not there any more", false, []string{status("", "")}, "", "A is inactive"},
		{"it does not stop in time", false, []string{status(runs, "")}, "A still runs on n2", ""},
		{"its stop failed, and its node is to be fenced", false, []string{strings.Replace(status(runs, ` unclean="true"`), "</pacemaker-result>", failed+"</pacemaker-result>", 1)},
			"A waits on n2 for the fencing of n2 (stop of A on n2: error (exit code 1))", "waiting for the fencing of n2"},
		{"it is blocked", false, []string{status(runs, ""), strings.Replace(status(strings.Replace(runs, `managed="true"`, `managed="true" blocked="true" failed="true"`, 1), ""), "</pacemaker-result>", failed+"</pacemaker-result>", 1)},
			"A is blocked on n2: it did not stop, and Pacemaker can do no more (stop of A on n2: error", ""},
		{"it was put into maintenance", false, []string{status(strings.Replace(runs, `managed="true"`, `managed="false"`, 1), "")}, "A is unmanaged or in maintenance, so Pacemaker does not stop it on n2", ""},
		{"an orphan that is left alone", true, []string{status(strings.Replace(runs, `managed="true"`, `managed="false" orphaned="true"`, 1), "")}, "", "A is unmanaged and runs on without Pacemaker on n2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var said []string
				err := Inactive{Resources: []string{"A"}, Orphans: c.orphans, Limit: time.Minute}.Do(t.Context(), &statusHost{answers: c.answers}, func(p reconcile.Progress) { said = append(said, p.Text) })
				var why *FailedError
				switch {
				case c.err == "" && err != nil, c.err != "" && (!errors.As(err, &why) || !strings.Contains(err.Error(), c.err)):
					t.Errorf("%v, want %q", err, c.err)
				}
				if !strings.Contains(strings.Join(said, "\n"), c.says) {
					t.Errorf("said %q, want %q", said, c.says)
				}
			})
		})
	}
}
