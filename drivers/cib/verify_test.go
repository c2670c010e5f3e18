package cib

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// verifyOffline has the installed Pacemaker check a CIB against its schema.
func verifyOffline(t testing.TB, cib string) {
	t.Helper()
	if _, err := exec.LookPath("crm_verify"); err != nil {
		t.Log("NOT TESTED: the schema, because crm_verify is not installed")
		return
	}
	c := exec.Command("crm_verify", "--xml-pipe", "-V")
	c.Stdin = strings.NewReader(cib)
	var stderr strings.Builder
	c.Stderr = &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || len(verifyErrors(stderr.String())) > 0) {
		t.Errorf("crm_verify: %v: %s\n%s", err, stderr.String(), cib)
	}
}
