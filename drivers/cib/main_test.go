package cib

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain makes a short run a sample: of the properties a quarter of the cases, of the real CIBs the first forty. `make unit` runs the
// sample with the race detector, which is ten times slower, and everything without it.
func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		if err := flag.Set("rapid.checks", "25"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}
