package system

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Account is a user of the operating system: wanted, or found.
type Account struct {
	Groups []string `json:"groups,omitempty"`
	// Missing tells that there is no such user (found only).
	Missing bool `json:"missing,omitempty"`
	// Source is its place in the manifest (wanted only).
	Source v1.Pos `json:"source,omitzero"`
}

// accountsOf reads the sections "account NAME" of the look: what `id -nG` printed, nothing where there is no such user.
func accountsOf(sec map[string]string, want map[string]Account) map[string]Account {
	if len(want) == 0 {
		return nil
	}
	found := map[string]Account{}
	for n := range want {
		groups := strings.Fields(sec["account "+n])
		found[n] = Account{Groups: groups, Missing: len(groups) == 0}
	}
	return found
}

// accounts plans users and their groups. No password is set: an account that hactl makes cannot log in by one.
func (p *planner) accounts() error {
	for _, n := range sortedKeys(p.w.Accounts) {
		w, h := p.w.Accounts[n], p.h.Accounts[n]
		var lacks []string
		for _, g := range w.Groups {
			if !slices.Contains(h.Groups, g) {
				lacks = append(lacks, g)
			}
		}
		c := reconcile.Change{Path: "users." + n, Source: w.Source, Want: strings.Join(w.Groups, ", ")}
		var argv []string
		switch {
		case h.Missing:
			c.Action = reconcile.Create
			argv = []string{"useradd", "--create-home"}
			if len(w.Groups) > 0 {
				argv = append(argv, "--groups", strings.Join(w.Groups, ","))
			}
		case len(lacks) > 0:
			c.Action, c.Have = reconcile.Update, strings.Join(h.Groups, ", ")
			c.Want = fmt.Sprintf("%s, %s", c.Have, strings.Join(lacks, ", "))
			argv = []string{"usermod", "--append", "--groups", strings.Join(lacks, ",")}
		default:
			continue
		}
		p.step("user "+n, "", []reconcile.Change{c}, reconcile.Command{Argv: append(argv, "--", n)})
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
