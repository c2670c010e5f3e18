package view

import (
	"fmt"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// drillLines tells what failures would cost after a plan that they do not cost now, and what was not tried.
func drillLines(d *reconcile.Drills) []string {
	if d == nil {
		return nil
	}
	var lines []string
	add := func(text string) { lines = append(lines, strings.TrimSuffix(wrap("  ", "    ", text), "\n")) }
	if d.Unavailable != "" {
		add("unavailable: " + d.Unavailable)
		return lines
	}
	for _, f := range d.New {
		add(f.String())
	}
	if d.Ran > 0 && len(d.New) == 0 {
		add(fmt.Sprintf("no failure costs more than now (%s)", count(d.Ran, "drill")))
	} else if d.Ran > 0 {
		add("of " + count(d.Ran, "drill"))
	}
	if n := len(d.Skipped); n > 0 {
		text := fmt.Sprintf("%s not run for lack of time: ", count(n, "drill"))
		if n > 5 {
			add(text + strings.Join(d.Skipped[:5], ", ") + fmt.Sprintf(" and %d more", n-5))
		} else {
			add(text + strings.Join(d.Skipped, ", "))
		}
	}
	if len(lines) == 0 {
		add("nothing changes in the cluster's configuration")
	}
	return lines
}
