package look

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/hactl/hactl/reconcile"
)

// Hosts are those of the machines that a layer has to do with, in their order; everything asks all of them.
func Hosts(hosts reconcile.Hosts, everything bool, concerned func(machine string) bool) reconcile.Hosts {
	var asked reconcile.Hosts
	for _, h := range hosts {
		if everything || concerned(h.Name()) {
			asked = append(asked, h)
		}
	}
	return asked
}

// Machine runs a look's script and reads its files at the same time, and does whatever else the look is made of.
func Machine(ctx context.Context, h reconcile.Host, script reconcile.Cmd, globs []string, more ...func(context.Context) error) (out []byte, files map[string]reconcile.File, err error) {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() (err error) {
		out, err = h.Run(gctx, script)
		return err
	})
	g.Go(func() (err error) {
		files, err = h.ReadFiles(gctx, globs...)
		return err
	})
	for _, f := range more {
		g.Go(func() error { return f(gctx) })
	}
	return out, files, g.Wait()
}

// Unit reads `systemctl show --property=Id,LoadState,UnitFileState` of some units: the first one that systemd knows, and how it starts at boot.
func Unit(text string) (name, boot string) {
	for _, block := range strings.Split(strings.TrimSpace(text), "\n\n") {
		kv := map[string]string{}
		for line := range strings.Lines(block) {
			k, v, _ := strings.Cut(strings.TrimSpace(line), "=")
			kv[k] = v
		}
		if kv["LoadState"] == "loaded" {
			return kv["Id"], kv["UnitFileState"]
		}
	}
	return "", ""
}

// Records reads what a layer has noted on a machine, DIR/NAME.json, by name; broken says what is wrong with those that cannot be read.
func Records[R any](files map[string]reconcile.File, dir string) (records map[string]R, broken map[string]string) {
	records, broken = map[string]R{}, map[string]string{}
	for p, f := range files {
		if path.Dir(p) != dir {
			continue
		}
		name := strings.TrimSuffix(path.Base(p), ".json")
		var r R
		if err := json.Unmarshal(f.Content.Bytes(), &r); err != nil {
			broken[name] = fmt.Sprintf("%s: %v", p, err)
			continue
		}
		records[name] = r
	}
	return records, broken
}
