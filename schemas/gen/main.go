// Command gen writes schemas/hactl.schema.json from the types in api/v1 and their comments. Run it with go generate ./schemas.
package main

import (
	"fmt"
	"os"
)

func main() {
	b, err := generate("../api/v1")
	if err == nil {
		err = os.WriteFile("hactl.schema.json", b, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}
