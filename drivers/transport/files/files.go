// Package files answers from a record of a machine instead of the machine: from a file with its CIB, or from a snapshot.
package files

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// Record is what was recorded of one machine.
type Record struct {
	// Answers are those of commands that changed nothing and read no input, by their command line (Key).
	Answers map[string]Answer `json:"answers,omitempty"`
	// Files are the regular files that were there, by path.
	Files map[string]reconcile.File `json:"files,omitempty"`
	// Globs are the patterns of which all matches are in Files: a path that matches one and is not in Files was absent. Of any other
	// path nothing is known.
	Globs []string `json:"globs,omitempty"`
}

// Answer is what a command gave.
type Answer struct {
	Stdout []byte `json:"stdout,omitempty"`
	Stderr []byte `json:"stderr,omitempty"`
	Code   int    `json:"code,omitempty"` // exit code
}

// Key is a command line as a key of Record.Answers.
func Key(argv ...string) string { return strings.Join(argv, "\x00") }

// Host is a machine of which nothing is known but a Record. What is not in it is a *reconcile.NotRecordedError. It executes nothing and
// changes nothing.
type Host struct {
	name   string
	record Record
}

var _ reconcile.Host = (*Host)(nil)

// New makes the Host. name is the machine's name in the manifests. The record is not copied.
func New(name string, r Record) *Host { return &Host{name, r} }

// Name is the machine's name in the manifests.
func (h *Host) Name() string { return h.name }

// Run gives the recorded answer of a command.
func (h *Host) Run(ctx context.Context, c reconcile.Cmd) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	line := strings.Join(c.Argv, " ")
	if c.Mutates {
		return nil, fmt.Errorf("%s: a record cannot be changed: %s", h.name, line)
	}
	a, ok := h.record.Answers[Key(c.Argv...)]
	if !ok || len(c.Stdin) > 0 {
		return nil, &reconcile.NotRecordedError{Host: h.name, What: line}
	}
	if c.Line != nil {
		for l := range bytes.Lines(a.Stdout) {
			c.Line(bytes.TrimSuffix(l, []byte("\n")))
		}
	}
	if a.Code != 0 {
		return nil, &reconcile.ExitError{Host: h.name, Argv: c.Argv, Code: a.Code, Stdout: a.Stdout, Stderr: a.Stderr}
	}
	return a.Stdout, nil
}

// ReadFiles gives the recorded files. Each of the globs must have been recorded as a whole, or be the path of a recorded file.
func (h *Host) ReadFiles(ctx context.Context, globs ...string) (map[string]reconcile.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	found := map[string]reconcile.File{}
	var unknown []string
	for _, g := range globs {
		if f, ok := h.record.Files[g]; ok {
			found[g] = f
			continue
		}
		if !slices.Contains(h.record.Globs, g) {
			unknown = append(unknown, g)
			continue
		}
		for _, p := range slices.Sorted(maps.Keys(h.record.Files)) {
			if ok, err := path.Match(g, p); err == nil && ok {
				found[p] = h.record.Files[p]
			}
		}
	}
	if len(unknown) > 0 {
		return nil, &reconcile.NotRecordedError{Host: h.name, What: strings.Join(unknown, " ")}
	}
	return found, nil
}

// WriteFile refuses.
func (h *Host) WriteFile(_ context.Context, p string, _ reconcile.File) error {
	return fmt.Errorf("%s: a record cannot be changed: write %s", h.name, p)
}
