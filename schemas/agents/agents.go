// Package agents knows the parameters of resource agents and fence agents without asking a node: what the agents of Debian 12 print as
// their metadata, read once (gen) and embedded. A node's own metadata wins wherever it can be asked, since agents differ between releases.
package agents

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Agent is what an agent's metadata tell.
type Agent struct {
	// Name is CLASS:PROVIDER:TYPE for a resource agent; for a fence agent it is the type alone, as in FenceDevice.spec.agent.
	Name string `json:"-"`
	// Description is the one line of it (shortdesc).
	Description string   `json:"about,omitempty"`
	Params      []Param  `json:"params,omitempty"`
	Actions     []Action `json:"actions,omitempty"`
}

// Param is a parameter of an agent.
type Param struct {
	Name        string `json:"name"`
	Description string `json:"about,omitempty"`
	// Type is string, integer, boolean, time (of Pacemaker's fencer), second or select (of fence agents), or what else the agent says.
	Type string `json:"type,omitempty"`
	// Default is the value that the agent takes when it is not given; nil if the metadata name none.
	Default *string `json:"default,omitempty"`
	// Values are those that a select may have.
	Values []string `json:"values,omitempty"`
	// Required is what the metadata say. Missing knows the exceptions.
	Required bool `json:"required,omitempty"`
	// Unique asks for values that differ over all resources of the agent.
	Unique bool `json:"unique,omitempty"`
	// UniqueGroup names parameters whose values together must differ (OCF 1.1).
	UniqueGroup string `json:"uniqueGroup,omitempty"`
	// Reloadable parameters change without a restart (OCF 1.1).
	Reloadable bool `json:"reloadable,omitempty"`
	// Deprecated parameters still work; ReplacedBy names the parameter to write instead, "" if there is none.
	Deprecated bool   `json:"deprecated,omitempty"`
	ReplacedBy string `json:"replacedBy,omitempty"`
}

// Action is an operation that the agent offers, with the intervals and time limits that it advises.
type Action struct {
	Name       string `json:"name"`
	Interval   string `json:"interval,omitempty"`
	Timeout    string `json:"timeout,omitempty"`
	Role       string `json:"role,omitempty"`
	Depth      string `json:"depth,omitempty"`
	StartDelay string `json:"startDelay,omitempty"`
}

// Header is the first line of the embedded file.
type Header struct {
	// Packages maps each Debian package to the version that was read.
	Packages map[string]string `json:"packages"`
	// Skipped maps each agent whose metadata could not be read to the reason.
	Skipped map[string]string `json:"skipped"`
}

// data is the header and then one line per agent: its name, a tab and JSON. The lines are found when the first agent is asked for and each
// is decoded when it is: hactl starts as fast as without them.
//
//go:embed agents.jsonl
var data []byte

var lines = sync.OnceValue(func() map[string][]byte {
	m := map[string][]byte{}
	for line := range bytes.Lines(data) {
		if name, text, ok := bytes.Cut(line, []byte{'\t'}); ok {
			m[string(name)] = text
		}
	}
	return m
})

// Source tells what the data were read from.
func Source() Header {
	var h Header
	first, _, _ := bytes.Cut(data, []byte{'\n'})
	if err := json.Unmarshal(first, &h); err != nil {
		panic("agents.jsonl: " + err.Error()) // the embedded file is what the generator wrote; a test reads all of it
	}
	return h
}

// Find gives an agent of Debian 12: ocf:heartbeat:IPaddr2, fence_ipmilan or stonith:fence_ipmilan. Classes other than ocf and stonith have no
// parameters, so there is nothing to be found. Each call decodes anew; the caller may keep and change the result.
func Find(name string) (*Agent, bool) {
	name = strings.TrimPrefix(name, "stonith:")
	text, ok := lines()[name]
	if !ok || name == fencer {
		return nil, false
	}
	return decode(name, text), true
}

func decode(name string, text []byte) *Agent {
	a := &Agent{Name: name}
	if err := json.Unmarshal(text, a); err != nil {
		panic("agents.jsonl: " + name + ": " + err.Error()) // see Source
	}
	return a
}

// fencer is the name under which pacemaker-fenced's own metadata stand in the data.
const fencer = "pacemaker-fenced"

var fencerAgent = sync.OnceValue(func() *Agent { return decode(fencer, lines()[fencer]) })

// FenceParams are the parameters that Pacemaker itself takes of every fence device (pcmk_host_list, …; pacemaker-fenced(7)).
func FenceParams() []Param { return slices.Clone(fencerAgent().Params) }

// Names lists all agents in alphabetical order.
func Names() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(lines())), func(n string) bool { return n == fencer })
}

// Default is the value that an agent of Debian 12 takes for a parameter that is not given. A plan for a live cluster must not use it: there
// the node's own metadata decide.
func Default(agent, param string) (string, bool) {
	a, ok := Find(agent)
	if !ok {
		return "", false
	}
	p := a.Param(param)
	if p == nil || p.Default == nil {
		return "", false
	}
	return *p.Default, true
}
