// Command gen writes schemas/agents/agents.jsonl: what the agents in a root folder print as their metadata. Run it with make agents, which
// unpacks Debian 12's packages into such a folder first (root.sh).
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
)

func main() {
	root := flag.String("root", "/", "folder of a Debian system with the agents' packages installed; other than / needs chroot(8), so root")
	out := flag.String("o", "agents.jsonl", "file to write")
	flag.Parse()
	if err := generate(*root, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func generate(root, out string) error {
	c, err := collect(context.Background(), root, func(string) bool { return true })
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := c.write(&b); err != nil {
		return err
	}
	if err := os.WriteFile(out, b.Bytes(), 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: %d agents of %d packages, %d bytes; %d could not be read\n", out, len(c.agents), len(c.header.Packages), b.Len(), len(c.header.Skipped))
	for name, why := range c.header.Skipped {
		fmt.Printf("  %s: %s\n", name, why)
	}
	return nil
}
