package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/drivers/corosync"
	"github.com/hactl/hactl/drivers/drbd"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/schemas/agents"
)

type importFlags struct {
	hosts         []string
	cib, conf     string
	drbd          string
	lvm, lio      []string
	dir, secrets  string
	name          string
	single, force bool
	strict        bool
}

func (a *app) importCmd() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "import --host NODE | -f FILE | --cib FILE --corosync-conf FILE --drbd-dir DIR --lvm-report FILE --lio FILE",
		Short: "Write the manifests of a cluster that is there",
		Long: `import reads a cluster, from its nodes or from files, changes nothing, and writes
the manifests that it would have been made from. A plan of them against the same
source only takes the objects over.

From nodes: --host names one or more of them; corosync.conf there tells the
others. With -f the nodes are those of a manifest's Cluster, with its ssh
settings. From files: --cib is what cibadmin --query saves, or Pacemaker's
pe-input-*.bz2; --corosync-conf is /etc/corosync/corosync.conf. Without the
latter the addresses of the nodes are not known, and their names stand for them.
--drbd-dir is a copy of /etc/drbd.d, or of drbd.conf with drbd.d beside it, or one file.
--lvm-report is what "lvm fullreport --reportformat json --units b --nosuffix"
prints on a node, one for each: NODE=FILE. --lio is saveconfig.json of an iSCSI
target's machine (targetcli saveconfig): MACHINE=FILE.

Passwords in clear text become references to files. --output puts these files
into its folder secrets, readable by you alone and ignored by git; on standard
output no password is written: name a folder for them with --secrets.

What cannot be expressed stays in the cluster as it is and is told, on standard
error and in comments. The exit code is 0 all the same, and 1 with --strict.`,
		Example: `  hactl import --host node1 > cluster.yaml
  hactl import --host admin@10.0.0.11 --output mycluster/
  hactl import --cib cib.xml --corosync-conf corosync.conf --output mycluster/
  ssh node1 cibadmin --query | hactl import --cib - > cluster.yaml
  hactl plan -f cluster.yaml --cib cib.xml          proves that nothing would change`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := a.interruptible(c.Context())
			defer stop()
			return a.importTo(ctx, f)
		},
	}
	fs := c.Flags()
	fs.StringSliceVar(&f.hosts, "host", nil, "import from these `NODES` ([user@]host[:port]); one is enough")
	fs.StringArrayVarP(&a.files, "filename", "f", nil, "import from the nodes of the Cluster in this file or folder")
	xmlFlag(c, &f.cib, "cib", "import the CIB in this `FILE` (- for standard input)")
	fs.StringVar(&f.conf, "corosync-conf", "", "import this `FILE` (- for standard input)")
	fs.StringVar(&f.drbd, "drbd-dir", "", "import the DRBD resources in this `DIR` or file")
	fs.StringArrayVar(&f.lvm, "lvm-report", nil, "import the volume groups in this report (`NODE=FILE`)")
	fs.StringArrayVar(&f.lio, "lio", nil, "import the iSCSI targets in this saveconfig.json (`MACHINE=FILE`)")
	fs.StringVar(&f.dir, "output", "", "write files into this `DIR` instead of standard output, one for each kind")
	fs.BoolVar(&f.single, "single", false, "with --output: all objects in one file, cluster.yaml")
	fs.BoolVar(&f.force, "force", false, "replace files that are there already")
	fs.StringVar(&f.secrets, "secrets", "", "write the files of secrets into this `DIR`, relative to where the manifests will lie (default with --output: its secrets)")
	fs.StringVar(&f.name, "name", "", "the cluster's name, where the source does not tell it")
	fs.BoolVar(&f.strict, "strict", false, "exit code 1 if anything could not be expressed or needs a look")
	_ = c.MarkFlagFilename("filename", "yaml", "yml")
	_ = c.MarkFlagFilename("corosync-conf", "conf")
	_ = c.MarkFlagDirname("output")
	_ = c.MarkFlagDirname("secrets")
	return c
}

// interruptible gives a context that ends with the first Ctrl-C: nothing that only reads has to be finished.
func (a *app) interruptible(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		select {
		case <-a.drain:
			cancel()
		case <-done:
		}
	}()
	return ctx, func() { close(done); cancel() }
}

// imported is what became of a source.
type imported struct {
	source   string // for people: "cib.xml and corosync.conf"
	m        *v1.Manifests
	secrets  []reconcile.ImportedSecret
	warnings []string
}

func (a *app) importTo(ctx context.Context, f importFlags) error {
	fromFiles, fromNodes := f.cib != "" || f.conf != "" || f.drbd != "" || len(f.lvm)+len(f.lio) > 0, len(f.hosts) > 0 || len(a.files) > 0
	switch {
	case !fromFiles && !fromNodes:
		return errors.New("import from where? name a node with --host, or files with --cib, --corosync-conf, --drbd-dir, --lvm-report and --lio")
	case fromFiles && fromNodes, len(f.hosts) > 0 && len(a.files) > 0:
		return errors.New("import has one source: --host, or -f, or files (--cib, --corosync-conf, --drbd-dir, --lvm-report, --lio)")
	case f.dir == "" && (f.single || f.force && f.secrets == ""):
		return errors.New("--single and --force are for --output")
	}
	take := a.importNodes
	if fromFiles {
		take = a.importFiles
	}
	im, err := take(ctx, f)
	if err != nil {
		return err
	}
	im.silence()
	if err := im.m.Validate(); err != nil { // the importers silence what they know of
		for _, line := range strings.Split(err.Error(), "\n") {
			im.warnings = append(im.warnings, "needs to be mended by hand: "+line)
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := a.writeImport(ctx, im, f); err != nil {
		return err
	}
	troubled := a.tell(im)
	if f.strict && troubled {
		return exitCode(exitError)
	}
	return nil
}

// silence ignores what the known agents speak against: in the cluster that was imported it is so.
func (im *imported) silence() {
	objects := map[string]*v1.Object{}
	for _, o := range im.m.Objects() {
		objects[o.Kind+"/"+o.Metadata.Name] = o
	}
	errs, _ := agents.Check(im.m)
	for _, e := range errs {
		o := objects[e.Object]
		if o == nil || e.Lint == "" || slices.ContainsFunc(o.Metadata.Ignore, func(x v1.IgnoredLint) bool { return x.Lint == e.Lint }) {
			continue
		}
		o.Metadata.Ignore = append(o.Metadata.Ignore, v1.IgnoredLint{Lint: e.Lint, Reason: "imported: it was so in the cluster"})
	}
}

// importFiles imports from files.
func (a *app) importFiles(ctx context.Context, f importFlags) (*imported, error) {
	if err := a.oneStdin(f.cib, f.conf); err != nil {
		return nil, err
	}
	im := &imported{m: &v1.Manifests{Cluster: &v1.Cluster{}}}
	im.m.Cluster.APIVersion, im.m.Cluster.Kind, im.m.Cluster.Metadata.Name = v1.APIVersion, "Cluster", f.name
	var sources []string
	named := f.name != ""
	take := func(r record, l reconcile.Layer, have reconcile.State) error {
		found, err := l.Import(have, im.m)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		im.secrets = append(im.secrets, found...)
		sources = append(sources, r.name)
		return nil
	}
	if f.conf != "" { // first: it tells the nodes' addresses
		r, err := a.record(ctx, f.conf, maxConf)
		if err != nil {
			return nil, err
		}
		if err := take(r, layers(a.owner, "corosync")[0], corosync.FromConf(string(r.data))); err != nil {
			return nil, err
		}
		named = named || im.m.Cluster.Metadata.Name != ""
	}
	if len(f.lvm) > 0 {
		r, have, err := a.lvmReports(ctx, f.lvm)
		if err != nil {
			return nil, err
		}
		if err := take(r, layers(a.owner, "lvm")[0], have); err != nil {
			return nil, err
		}
	}
	if f.drbd != "" {
		found, err := readDRBD(f.drbd)
		if err != nil {
			return nil, err
		}
		if err := take(record{name: f.drbd}, layers(a.owner, "drbd")[0], drbd.FromFiles(found)); err != nil {
			return nil, err
		}
	}
	if f.cib != "" {
		r, err := a.cibRecord(ctx, f.cib)
		if err != nil {
			return nil, err
		}
		e := a.recordEngine(r, nil, secretValues{})
		o, err := e.Observe(ctx)
		if err != nil {
			return nil, r.explain(err)
		}
		if err := take(r, e.Layers[0], o.Have["cib"]); err != nil {
			return nil, err
		}
		named = named || bytes.Contains(r.data, []byte(`name="cluster-name"`))
	}
	for _, arg := range f.lio { // after the CIB: a target that resources serve is theirs
		r, have, err := a.lioFile(ctx, arg)
		if err != nil {
			return nil, err
		}
		if err := take(r, layers(a.owner, "iscsitarget")[0], have); err != nil {
			return nil, err
		}
	}
	im.source = strings.Join(sources, " and ")
	servers(im.m)
	if c := im.m.Cluster; !named {
		if c.Metadata.Name == "" {
			c.Metadata.Name = "cluster"
		}
		c.Comments = append(c.Comments, v1.Comment{Path: "metadata.name", Text: im.source + " does not tell the cluster's name. Write that of corosync.conf (cluster_name)."})
	}
	return im, nil
}

// maxConf is the size in bytes above which a file is no corosync.conf. One of 32 nodes has about 6 KiB.
const maxConf = 1 << 20
