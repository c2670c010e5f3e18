// Command gen writes schemas/hactl.schema.json and docs/reference.md from the types in api/v1 and their comments. Run it with
// go generate ./schemas.
package main

import (
	"fmt"
	"os"

	"github.com/hactl/hactl/schemas/manual"
)

func main() {
	b, err := generate("../api/v1")
	if err == nil {
		err = os.WriteFile("hactl.schema.json", b, 0o644)
	}
	var m *manual.Manual
	if err == nil {
		m, err = manual.New(b)
	}
	if err == nil {
		err = os.WriteFile("../docs/reference.md", []byte(m.Reference()), 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
