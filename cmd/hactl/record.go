package main

import (
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers"
	"github.com/hactl/hactl/drivers/cib"
	"github.com/hactl/hactl/drivers/transport/files"
	"github.com/hactl/hactl/drivers/transport/local"
	"github.com/hactl/hactl/reconcile"
)

// record is a file that stands for what a cluster would answer.
type record struct {
	name string // as the user wrote it; <stdin> for -
	data []byte
}

// record reads a file, or standard input for -, and unpacks it where it is packed, as Pacemaker's own pe-input-*.bz2. What is larger than
// limit bytes is not read.
func (a *app) record(ctx context.Context, path string, limit int) (record, error) {
	type result struct {
		r   record
		err error
	}
	done := make(chan result, 1)
	go func() { // ends with the process at the latest: nobody may ever write to a pipe
		r, err := a.readRecord(path, limit)
		done <- result{r, err}
	}()
	select {
	case x := <-done:
		return x.r, x.err
	case <-ctx.Done():
		return record{}, fmt.Errorf("reading %s: %w", path, ctx.Err())
	}
}

func (a *app) readRecord(path string, limit int) (record, error) {
	r := record{name: path}
	var from io.Reader = a.stdin
	if path == "-" {
		r.name = "<stdin>"
	} else {
		f, err := os.Open(path)
		if err != nil {
			return r, err
		}
		defer func() { _ = f.Close() }()
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return r, fmt.Errorf("%s is a folder; name a file in it", path)
		}
		from = f
	}
	head := make([]byte, 3)
	n, err := io.ReadFull(from, head)
	head = head[:n]
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return r, fmt.Errorf("%s: %w", r.name, err)
	}
	from = io.MultiReader(bytes.NewReader(head), from)
	switch {
	case string(head) == "BZh":
		from = bzip2.NewReader(from)
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		if from, err = gzip.NewReader(from); err != nil {
			return r, fmt.Errorf("%s: %w", r.name, err)
		}
	}
	r.data, err = io.ReadAll(io.LimitReader(from, int64(limit)+1))
	switch {
	case err != nil:
		return r, fmt.Errorf("%s: %w", r.name, err)
	case len(r.data) > limit:
		return r, fmt.Errorf("%s: larger than the %d MiB that are read of such a file; is it the right one?", r.name, limit>>20)
	case len(bytes.TrimSpace(r.data)) == 0:
		return r, fmt.Errorf("%s: is empty", r.name)
	}
	return r, nil
}

// cibRecord reads a file with a CIB.
func (a *app) cibRecord(ctx context.Context, path string) (record, error) {
	return a.record(ctx, path, cib.MaxSize)
}

// hosts are machines of these names that all answer with the CIB, and know nothing else.
func (r record) hosts(names []string) reconcile.Hosts {
	if len(names) == 0 {
		names = []string{filepath.Base(r.name)}
	}
	known := files.Record{Answers: map[string]files.Answer{files.Key(cib.QueryCommand()...): {Stdout: r.data}}}
	hosts := make(reconcile.Hosts, len(names))
	for i, n := range names {
		hosts[i] = files.New(n, known)
	}
	return hosts
}

// engine plans against the CIB: only its layer takes part. Without manifests it reads everything that is in it.
func (a *app) recordEngine(r record, m *v1.Manifests, secrets reconcile.Secrets) *reconcile.Engine {
	var names []string
	var notes []reconcile.Note
	if m != nil {
		notes = lintNotes(m)
		for _, n := range m.Cluster.Spec.Nodes {
			names = append(names, n.Name)
		}
	}
	e := &reconcile.Engine{Layers: called(a.layers(), "cib"), Hosts: r.hosts(names), Manifests: m, Secrets: secrets, Record: r.name, Notes: notes}
	if local.HasTool("crm_simulate") {
		e.Tools = local.Tools{}
	}
	return e
}

// explain puts the file's name in the place of the machine that stood for it.
func (r record) explain(err error) error {
	var unreadable *cib.UnreadableError
	if errors.As(err, &unreadable) {
		return fmt.Errorf("%s: %w", r.name, unreadable.Err)
	}
	return err
}

// layers are those of that name.
func layers(owner string, names ...string) []reconcile.Layer {
	return called(drivers.All(drivers.Options{Owner: owner}), names...)
}

// oneStdin refuses to read standard input for several things.
func (a *app) oneStdin(paths ...string) error {
	n := 0
	for _, p := range append(paths, a.files...) {
		if p == "-" {
			n++
		}
	}
	if n > 1 {
		return errors.New("only one of the files can be - (standard input)")
	}
	return nil
}

// one is the only set of manifests, for commands that compare with one file.
func one(sets []*v1.Manifests, flag string) (*v1.Manifests, error) {
	if len(sets) != 1 {
		return nil, fmt.Errorf("%s is about one cluster, and the manifests have %d; name those of one with -f", flag, len(sets))
	}
	return sets[0], nil
}

// xmlFlag adds a flag that names a file with a CIB.
func xmlFlag(c *cobra.Command, value *string, name, usage string) {
	c.Flags().StringVar(value, name, "", usage)
	_ = c.MarkFlagFilename(name, "xml", "bz2", "gz")
}
