package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/hactl/hactl/drivers/transport/local"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hactl": main, "hactl-lab": lab})
}

// Every behaviour of the program that needs no node is a script in testdata.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("NO_COLOR", "1")
			env.Setenv("LAB", filepath.Join(env.WorkDir, "lab"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond != "pacemaker" {
				return false, fmt.Errorf("unknown condition %q", cond)
			}
			for _, tool := range []string{"cibadmin", "crm_mon", "crm_simulate", "crm_verify"} {
				if !local.HasTool(tool) {
					t.Logf("NOT TESTED: scripts with a cluster: Pacemaker's %s is not installed", tool)
					return false, nil
				}
			}
			return true, nil
		},
		UpdateScripts: os.Getenv("UPDATE_SCRIPTS") != "",
	})
}
