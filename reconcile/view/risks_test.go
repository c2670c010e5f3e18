package view

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// Each risk is coloured, counted in the last line, a gate if it is one, and in the JSON.
func TestEachRisk(t *testing.T) {
	p := &reconcile.Plan{Version: reconcile.PlanVersion, Cluster: "web"}
	for r := reconcile.Safe; r <= reconcile.DataLoss; r++ {
		c := change("Resource", "a-"+r.String(), reconcile.Update, "meta.x", "1", "2", r, 10+int(r))
		c.Why, c.ByName = "because", r == reconcile.Fence
		s := step("step "+r.String(), "node1", "", c)
		s.Ops = nil
		p.Steps = append(p.Steps, s)
	}
	var text, coloured, json bytes.Buffer
	for _, err := range []error{PlanText(&text, p, Style{}, false), PlanText(&coloured, p, Style{Color: true}, false), PlanJSON(&json, p)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	golden(t, "risks.txt", text.Bytes())
	golden(t, "risks-coloured.txt", []byte(strings.ReplaceAll(coloured.String(), "\x1b", "ESC")))
	golden(t, "risks.json", json.Bytes())
	if uncoloured(coloured.String()) != text.String() {
		t.Error("colour changes the text")
	}
	for r := reconcile.ReloadRisk; r <= reconcile.DataLoss; r++ {
		lines := strings.SplitAfter(text.String(), "web: ")
		if last := lines[len(lines)-1]; !strings.Contains(strings.Join(strings.Fields(last), " "), "1 "+r.String()) {
			t.Errorf("%s is not in the last line: %s", r, last)
		}
		if painted := strings.Contains(coloured.String(), "m1 "+r.String()+"\x1b["); painted != (r > reconcile.ReloadRisk) { // reload hurts nobody
			t.Errorf("%s has the wrong colour in the last line: %t", r, painted)
		}
	}
}
