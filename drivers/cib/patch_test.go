package cib

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// busyCIB is a member on whose CIB others write between any two commands; late says whether they were quicker than a patch again.
type busyCIB struct {
	reconcile.Host
	edits, verified, patches int
	late                     func(h *busyCIB) bool
	fake                     string
}

func (h *busyCIB) Name() string { return "n1" }

func (h *busyCIB) Run(_ context.Context, c reconcile.Cmd) ([]byte, error) {
	switch {
	case c.Argv[0] == "crm_verify":
		h.verified++
		return nil, nil
	case c.Argv[1] == "--patch":
		if h.patches++; h.late(h) {
			return nil, &reconcile.ExitError{Host: "n1", Argv: c.Argv, Code: exitOld}
		}
		return nil, nil
	}
	h.edits++
	return fmt.Appendf(nil, `<cib validate-with="pacemaker-3.9" epoch="%d" num_updates="0" admin_epoch="0" have-quorum="1" dc-uuid="1"><configuration><crm_config/><nodes/>`+
		`<resources><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"><instance_attributes id="A-p"><nvpair id="A-fake" name="fake" value="%s"/></instance_attributes></primitive></resources>`+
		`<constraints><rsc_location id="op-%d" rsc="A" node="n1" score="1"/></constraints></configuration><status/></cib>`, h.edits, h.fake, h.edits), nil
}

// Somebody who writes to the CIB all the time neither keeps a change out for ever nor has it written over what it was not made for.
func TestPatchWhereOthersWriteAllTheTime(t *testing.T) {
	pin := func(value string) Pin {
		h := &busyCIB{fake: value, late: func(*busyCIB) bool { return false }}
		out, _ := h.Run(t.Context(), reconcile.Cmd{Argv: query})
		doc, err := parse(string(out))
		if err != nil {
			t.Fatal(err)
		}
		return Pin{Object: reconcile.Ref{Kind: "Resource", Name: "A"}, ID: "A-p", Name: "fake", Digest: digest(pairNamed(newTree(doc).find("A-p"), "fake"), nil)}
	}
	p := Patch{Cluster: "c", Schema: "pacemaker-3.9", Pins: []Pin{pin("x")}, Edits: []Edit{{Do: set, At: "nvpair#A-fake", Attr: "value", Value: reconcile.Plain("y")}}}
	for _, x := range []struct {
		name              string
		late              func(*busyCIB) bool
		patches, verified int
		told              int
		want              string
	}{
		{name: "once too late", late: func(h *busyCIB) bool { return h.patches <= 1 }, patches: 2, verified: 2, told: 2},
		{name: "too slow as long as it is judged each time", late: func(h *busyCIB) bool { return h.verified >= h.patches }, patches: judgedTries + 1, verified: judgedTries, told: 2},
		{name: "never", late: func(*busyCIB) bool { return true }, patches: maxTries, verified: judgedTries, told: 15, want: "find out what writes to it"},
		{name: "and then the object itself", late: func(h *busyCIB) bool { h.fake = "theirs"; return true }, patches: 1, verified: 1, told: 1, want: "fake was changed meanwhile"},
	} {
		t.Run(x.name, func(t *testing.T) {
			h := &busyCIB{late: x.late, fake: "x"}
			told := 0
			err := p.Do(t.Context(), h, func(reconcile.Progress) { told++ })
			if (err != nil) != (x.want != "") || err != nil && !strings.Contains(err.Error(), x.want) {
				t.Errorf("got %v, want %q", err, x.want)
			}
			if h.patches != x.patches || h.verified != x.verified || told != x.told {
				t.Errorf("%d patches, %d verified, %d told; want %d, %d, %d", h.patches, h.verified, told, x.patches, x.verified, x.told)
			}
			var stale *reconcile.StaleError
			if errors.As(err, &stale) != (h.fake == "theirs") {
				t.Errorf("stale: %v", err)
			}
		})
	}
}
