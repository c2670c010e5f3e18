package system

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

var _ reconcile.Reverser[State] = Driver{}

// Reverses tells the steps that place a file.
func (Driver) Reverses(s reconcile.Step) bool {
	return strings.HasPrefix(s.ID, "system "+s.Host+" file ")
}

// Reverse gives the way back from the files that steps place: those of spec.prepare.files and the scripts of alerts. What else is prepared on
// a machine (packages, accounts, units, …) stays.
func (d Driver) Reverse(have State, steps []reconcile.Step) ([]reconcile.Undo, error) {
	var out []reconcile.Undo
	for _, s := range steps {
		if !d.Reverses(s) {
			continue
		}
		for _, op := range s.Ops {
			w, ok := op.(reconcile.Write)
			if !ok {
				continue
			}
			sum := sha256.Sum256(w.File.Content.Bytes())
			f := &reconcile.FileUndo{Path: w.Path, Ours: hex.EncodeToString(sum[:])}
			if m := have.machine(s.Host); m != nil {
				if old, there := m.Found[w.Path]; there {
					f.Before = &old
				}
			}
			out = append(out, reconcile.Undo{Step: s.ID, Host: s.Host, File: f})
		}
	}
	return out, nil
}
