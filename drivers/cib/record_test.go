package cib

import (
	"errors"
	"strings"
	"testing"

	"github.com/hactl/hactl/drivers/transport/files"
	"github.com/hactl/hactl/reconcile"
)

// recordHosts are machines that answer with a CIB and know nothing else.
func recordHosts(cib string, names ...string) reconcile.Hosts {
	r := files.Record{Answers: map[string]files.Answer{files.Key(QueryCommand()...): {Stdout: []byte(cib)}}}
	var hosts reconcile.Hosts
	for _, n := range names {
		hosts = append(hosts, files.New(n, r))
	}
	return hosts
}

const recordCIB = `<cib validate-with="pacemaker-3.9" epoch="1" num_updates="0" admin_epoch="0"><configuration><crm_config/>
<nodes><node id="1" uname="n1"/></nodes><resources/><constraints/></configuration></cib>`

// What a record does not know is not taken for absent, and nothing waits for it.
func TestObserveRecord(t *testing.T) {
	d := New("default")
	want := desired(t, web)
	have, err := d.Observe(t.Context(), recordHosts(recordCIB, "n1", "n2", "n3"), want)
	if err != nil {
		t.Fatal(err)
	}
	if !have.Recorded || have.Monitor != "" || have.Secrets != nil || have.From == "" {
		t.Errorf("recorded %v, from %q", have.Recorded, have.From)
	}
	steps, err := d.Plan(want, have)
	if err != nil {
		t.Fatal(err)
	}
	if len(steps) != 1 || steps[0].Pending != "" || len(steps[0].Ops) == 0 || len(steps[0].Needs) > 0 {
		t.Errorf("one step without waiting was expected: %+v", steps)
	}
	if s := d.Standing(want, have); !s.Formed || len(s.Trouble) > 0 {
		t.Errorf("standing: %+v", s)
	}
	p, err := d.Predict(t.Context(), nil, want, have, steps)
	if err != nil || !strings.Contains(p.Unavailable, "crm_simulate is not installed here") {
		t.Errorf("a prediction without a status: %+v %v", p, err)
	}
	zero, err := d.Observe(t.Context(), recordHosts(recordCIB, "cib.xml"), State{})
	if err != nil || zero.CIB == "" {
		t.Errorf("without a want: %v", err)
	}
}

// A live machine never leaves out a section but where an ACL hides it.
func TestObserveHidden(t *testing.T) {
	var unreadable *UnreadableError
	for _, cib := range []string{
		strings.Replace(recordCIB, "<resources/>", "", 1), strings.Replace(recordCIB, "<crm_config/>", "", 1), `<cib/>`, `<cib`, `<a/>`, "",
	} {
		if _, err := New("default").Observe(t.Context(), recordHosts(cib, "n1"), State{}); !errors.As(err, &unreadable) || unreadable.Host != "n1" {
			t.Errorf("%q: %v", cib, err)
		}
	}
	// As root, with the files of the secrets there to read, but without a status.
	live := files.New("n1", files.Record{Answers: map[string]files.Answer{files.Key(QueryCommand()...): {Stdout: []byte(recordCIB)}}, Globs: []string{secretsDir + "/*/*", rootsOwn}})
	if _, err := New("default").Observe(t.Context(), reconcile.Hosts{live}, State{}); !errors.As(err, &unreadable) {
		t.Errorf("a filtered read of a live CIB: %v", err)
	}
}
