package drivers_test

import (
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers"
	"github.com/hactl/hactl/drivers/drivertest"
)

// Every layer keeps the laws for every example, and for manifests that have every field of the CIB.
func TestLaws(t *testing.T) {
	dirs, err := filepath.Glob("../examples/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, dir := range append(dirs, "cib/testdata/everything.yaml") {
		if fi, err := os.Stat(dir); err != nil || !fi.IsDir() && filepath.Ext(dir) != ".yaml" {
			continue
		}
		files, err := v1.ReadPaths([]string{dir}, nil)
		if err != nil {
			t.Fatal(err)
		}
		sets, err := v1.Load(files)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range sets {
			for _, l := range drivers.All(drivers.Options{}) {
				t.Run(filepath.Base(dir)+"/"+l.Name(), func(t *testing.T) { drivertest.Run(t, l, m) })
			}
		}
	}
}
