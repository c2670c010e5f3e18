package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/transport/files"
	"github.com/hactl/hactl/drivers/transport/local"
	"github.com/hactl/hactl/reconcile"
)

func (a *app) snapshotCmd() *cobra.Command {
	var hosts []string
	var to string
	c := &cobra.Command{
		Use:   "snapshot -f FILE|DIR|- | --host NODE",
		Short: "Save everything observed of a cluster, for plans offline",
		Long: `snapshot looks at the nodes, changes nothing, and writes what it found as one
JSON file, packed where the name ends in .gz. "hactl plan --snapshot FILE" plans
against it where no node can be reached: on a laptop, or for a pull request.

No secret is in it: passwords, keys and files that only some may read are marked
as left out, and plans do not compare them. All the rest of the configuration is
in it, so the file is readable by you alone.

With -f it also holds what the manifests prepare on the machines: packages,
units, files. With --host one node tells the others, and the machines are not
looked at beyond the cluster's own software.`,
		Example: `  hactl snapshot -f cluster.yaml --output snapshot.json.gz
  hactl snapshot --host node1 -o snapshot.json
  hactl plan -f cluster.yaml --snapshot snapshot.json.gz`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if to == "" {
				return errors.New("name the file to write with --output (- for standard output)")
			}
			if (len(hosts) > 0) == (len(a.files) > 0) {
				return errors.New("a snapshot has one source: -f or --host")
			}
			ctx, stop := a.interruptible(c.Context())
			defer stop()
			m, err := a.clusterToSnapshot(ctx, hosts)
			if err != nil {
				return err
			}
			return a.snapshot(ctx, m, to)
		},
	}
	a.manifestFlags(c)
	c.Flags().StringSliceVar(&hosts, "host", nil, "look at the cluster of these `NODES` ([user@]host[:port]); one is enough")
	c.Flags().StringVarP(&to, "output", "o", "", "write this `FILE`, mode 0600 (- for standard output)")
	_ = c.MarkFlagFilename("output", "json", "gz")
	return c
}

// clusterToSnapshot is what the manifests want, or, for a node, no more than its cluster's nodes.
func (a *app) clusterToSnapshot(ctx context.Context, hosts []string) (*v1.Manifests, error) {
	if len(hosts) > 0 {
		m, err := a.clusterToImport(ctx, importFlags{hosts: hosts})
		if err == nil && m.Cluster.Metadata.Name == "" {
			m.Cluster.Metadata.Name = "cluster"
		}
		return m, err
	}
	sets, err := a.load()
	if err != nil {
		return nil, err
	}
	return one(sets, "hactl snapshot")
}

func (a *app) snapshot(ctx context.Context, m *v1.Manifests, to string) error {
	secrets, err := a.resolve(ctx, m, false, false) // what is known is found and left out wherever it stands
	if err != nil {
		return err
	}
	e, closer := a.engine(ctx, m, secrets)
	defer func() { _ = closer.Close() }()
	o, err := e.Observe(ctx)
	if err != nil {
		return err
	}
	s, err := e.Snapshot(ctx, o, programVersion())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return err
	}
	if err := a.writeOwn(to, b.Bytes()); err != nil {
		return err
	}
	for _, u := range o.Unreachable {
		_, _ = fmt.Fprintf(a.err, "hactl: not in the snapshot: %v\n", u)
	}
	if len(o.Unreachable) > 0 {
		return exitCode(exitError)
	}
	return nil
}

// writeOwn replaces a file that is the user's alone, as a whole or not at all; packed where its name ends in .gz, to standard output for -.
func (a *app) writeOwn(to string, b []byte) (err error) {
	if strings.HasSuffix(to, ".gz") {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed) // without a time: the same input gives the same bytes
		_, _ = z.Write(b)
		if err := z.Close(); err != nil {
			return err
		}
		b = packed.Bytes()
	}
	if to == "-" {
		_, err := a.out.Write(b)
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*") // 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", to, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", to, err)
		}
	}()
	if _, err = f.Write(b); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}

// maxSnapshot is the size in bytes above which a file is no snapshot: twice that of the largest CIB, which is quoted in it.
const maxSnapshot = 80 << 20

// readSnapshot reads a file that hactl snapshot wrote.
func (a *app) readSnapshot(ctx context.Context, path string) (*reconcile.Snapshot, string, error) {
	r, err := a.record(ctx, path, maxSnapshot)
	if err != nil {
		return nil, "", err
	}
	var s reconcile.Snapshot
	if err := decodeFile(r, "snapshot", reconcile.SnapshotVersion, &s); err != nil {
		return nil, "", err
	}
	return &s, r.name, nil
}

// decodeFile reads JSON of one of hactl's own forms, and says what the file is if it is another.
func decodeFile(r record, what, version string, into any) error {
	var head struct {
		Version string `json:"version"`
	}
	var syntax *json.SyntaxError
	switch err := json.Unmarshal(r.data, &head); {
	case errors.As(err, &syntax) && int(syntax.Offset) >= len(r.data):
		return fmt.Errorf("%s: ends in the middle of it: it was cut off; make a new one with hactl %s", r.name, maker[version])
	case err != nil:
		return fmt.Errorf("%s: is no %s: %w; hactl %s makes one", r.name, what, err, maker[version])
	case head.Version != version && maker[head.Version] != "":
		return fmt.Errorf("%s: is no %s, but what hactl %s makes", r.name, what, maker[head.Version])
	case head.Version != version:
		return fmt.Errorf("%s: has the version %q, and this hactl (%s) reads %q; make a new one with hactl %s", r.name, head.Version, programVersion(), version, maker[version])
	}
	if err := json.Unmarshal(r.data, into); err != nil {
		return fmt.Errorf("%s: %w; make a new one with hactl %s", r.name, err, maker[version])
	}
	return nil
}

// maker says which command makes a form of file.
var maker = map[string]string{
	reconcile.SnapshotVersion: "snapshot",
	planFileVersion:           "plan --out",
	reconcile.PlanVersion:     "plan -o json",
}

// planSnapshot plans against a snapshot.
func (a *app) planSnapshot(ctx context.Context, s *reconcile.Snapshot, name string, m *v1.Manifests, commands bool) (*reconcile.Plan, error) {
	if c := m.Cluster.Metadata.Name; s.Cluster != "" && s.Cluster != c {
		return nil, fmt.Errorf("%s is of the cluster %q, and the manifests are of %q", name, s.Cluster, c)
	}
	secrets, err := a.resolve(ctx, m, commands, false)
	if err != nil {
		return nil, err
	}
	e := &reconcile.Engine{Layers: a.layers(), Manifests: m, Secrets: secrets, Record: name, Notes: lintNotes(m), Tools: tools()}
	o, err := e.Recall(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if ahead := time.Until(s.TakenAt); ahead > time.Minute {
		e.Notes = append(e.Notes, reconcile.Note{Kind: reconcile.NoteWarning, Object: reconcile.Ref{Kind: "snapshot", Name: filepath.Base(name)},
			Text: fmt.Sprintf("was taken in the future (%s): one of the clocks is wrong", s.TakenAt.Format(time.RFC3339))})
	}
	e.Drill = a.drill
	return e.Plan(ctx, o)
}

// tools is a machine to ask for predictions where no node can be asked: this one, if it has Pacemaker's scheduler.
func tools() reconcile.Host {
	if local.HasTool("crm_simulate") {
		return local.Tools{}
	}
	return files.New("this machine", files.Record{}) // answers that nothing is known here
}
