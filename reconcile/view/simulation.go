package view

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// SimulationVersion is the version of a simulation's JSON form.
const SimulationVersion = "hactl/simulation/v1"

// Simulation is what a cluster would do.
type Simulation struct {
	Version string `json:"version"`
	// Cluster and Record name what was asked: a cluster, or a file in its place.
	Cluster string `json:"cluster,omitempty"`
	Record  string `json:"record,omitempty"`
	// Events are what was taken to happen ("node2 is lost").
	Events      []string             `json:"events,omitempty"`
	Reactions   []reconcile.Reaction `json:"reactions"`
	Unavailable string               `json:"unavailable,omitempty"`
	Assumed     string               `json:"assumed,omitempty"`
	Unknown     []string             `json:"unknown,omitempty"`
}

// NewSimulation puts a prediction into that form.
func NewSimulation(pr reconcile.Prediction, events []string) Simulation {
	s := Simulation{Version: SimulationVersion, Events: events, Reactions: pr.Reactions, Unavailable: pr.Unavailable, Assumed: pr.Assumed, Unknown: pr.Unknown}
	if s.Reactions == nil {
		s.Reactions = []reconcile.Reaction{}
	}
	return s
}

// Quiet tells that nothing comes of the events.
func (s Simulation) Quiet() bool {
	for _, r := range s.Reactions {
		if !r.Anyway {
			return false
		}
	}
	return true
}

// SimulationJSON writes it as indented JSON.
func SimulationJSON(w io.Writer, s Simulation) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(s)
}

// SimulationText writes it for people, with a summary as the last line.
func SimulationText(w io.Writer, s Simulation, st Style) error {
	var b strings.Builder
	if s.Record != "" {
		b.WriteString(wrap("", "  ", "Simulated from "+s.Record+"."))
	}
	if len(s.Events) > 0 {
		b.WriteString(wrap("", "  ", "If "+strings.Join(s.Events, ", and ")+":"))
	}
	p := &reconcile.Plan{Prediction: reconcile.Prediction{Reactions: s.Reactions, Unavailable: s.Unavailable, Assumed: s.Assumed, Unknown: s.Unknown}}
	writeReactions(&b, p, st)
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	name := s.Cluster
	if name == "" {
		name = "the cluster"
	}
	n := 0
	for _, r := range s.Reactions {
		if !r.Anyway {
			n++
		}
	}
	switch {
	case s.Unavailable != "":
		b.WriteString(name + ": nobody knows what it would do.\n")
	case n == 0:
		b.WriteString(name + ": would do nothing.\n")
	default:
		b.WriteString(strings.TrimSuffix(wrap("", "  ", fmt.Sprintf("%s %s; risk: %s.", st.bold(name+":"), count(n, "reaction"), p.Risk())), "\n") + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}
