package vm

import (
	"bufio"
	"os/exec"
	"regexp"
	"testing"
)

// killedAtEachStep kills the first run of hactl at its first step that matches, the second at its second, and so on, up to most times or until one
// goes through. At least some of them must have been killed.
func killedAtEachStep(t *testing.T, hactl func() *exec.Cmd, step *regexp.Regexp, least, most int) {
	t.Helper()
	kills := 0
	for range most {
		c := hactl()
		out, err := c.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		at, seen := "", 0
		for s := bufio.NewScanner(out); s.Scan(); {
			if !step.MatchString(s.Text()) {
				continue
			}
			if seen++; at == "" && seen > kills {
				at = s.Text()
				_ = c.Process.Kill()
			}
		}
		_ = c.Wait()
		t.Logf("killed at %q", at)
		if at == "" {
			break
		}
		kills++
	}
	if kills < least {
		t.Errorf("only %d applies were killed", kills)
	}
}
