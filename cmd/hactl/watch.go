package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/source"
	"github.com/hactl/hactl/schemas/agents"
)

type watchFlags struct {
	dir        string
	git        source.Git
	tokenFile  string
	mode       string
	commands   bool
	secretsDir string
	self       string
	streams    int
	atOnce     int
	logForm    string
	verbose    bool
	web        webFlags
	notify     notifyFlags
	status     statusFlags
}

func (a *app) watchCmd() *cobra.Command {
	var f watchFlags
	c := &cobra.Command{
		Use:   "watch -f DIR | --git URL",
		Short: "Keep clusters as a folder or a Git repository says, and tell when they are not",
		Long: `watch follows a folder or a branch or tag of a Git repository, and looks at its
clusters again and again: when a revision comes, when a cluster tells of a change,
and at the latest after an interval. It tells when a cluster is not as its
manifests say. With --mode apply it makes it so, within what the WatchPolicies
of the source allow: by default nothing that anybody would notice. All else waits
for a maintenance window, or for hactl approve.

A source may hold one cluster, several (metadata.cluster), or a folder each. What
is broken, unsigned or cannot be read is told, and what was in force stays. A
cluster that leaves the source is let go as it is.

Nothing is kept but a copy of the repository below --state-dir, which may be lost.
Any number of watches may follow a source: the lock in the cluster keeps them
apart. The first Ctrl-C or SIGTERM finishes the steps that run, and ends.

With a Git repository, secrets in files are looked for below --secrets-dir only,
and commands are run only with --allow-commands: who may write to the repository
could otherwise read any file here, or run anything.

--listen serves a page, /metrics, /healthz, /readyz, /events and, with a secret,
POST /hook, which has the source read at once. --github-repo shows beside each
commit what became of it on each cluster.

Exit code 0: it was asked to end. 1: it could not begin.`,
		Example: `  hactl watch -f clusters/                        only tell
  hactl watch -f clusters/ --mode apply
  hactl watch --git https://git.example.com/ops/clusters.git --branch main \
      --path prod --token-file /etc/hactl/token --listen 127.0.0.1:9440
  hactl watch --git git@git.example.com:ops/clusters.git --ssh-key /etc/hactl/key \
      --allowed-signers /etc/hactl/allowed_signers --mode apply
  curl -sN http://127.0.0.1:9440/events`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return a.watch(c, f) },
	}
	flags := c.Flags()
	flags.StringVarP(&f.dir, "filename", "f", "", "`folder` of manifests to follow")
	flags.StringVar(&f.git.URL, "git", "", "`URL` of a Git repository to follow: https, ssh, or a path")
	flags.StringVar(&f.git.Ref, "branch", "", "branch or tag (default: what HEAD of the repository names)")
	flags.StringVar(&f.git.Path, "path", "", "folder in the repository that holds the manifests")
	flags.StringVar(&f.git.SSHKey, "ssh-key", "", "private key `file` for the repository")
	flags.StringVar(&f.git.KnownHosts, "known-hosts", "", "known_hosts `file` for the repository's host")
	flags.StringVar(&f.tokenFile, "token-file", "", "`file` with the password or token for https (or $HACTL_GIT_TOKEN)")
	flags.StringVar(&f.git.CAFile, "ca-file", "", "certificates `file` that https servers are checked against")
	flags.BoolVar(&f.git.Plaintext, "insecure-plaintext", false, "allow http and git to other machines, and the token over http")
	flags.StringVar(&f.git.AllowedSigners, "allowed-signers", "", "`file` as in ssh-keygen(1): only commits that one of them signed are taken")
	flags.DurationVar(&f.git.Interval, "interval", 0, "time between two looks at the source (default 1m, of a folder 30s)")
	flags.StringVar(&f.git.Dir, "state-dir", defaultStateDir(), "`folder` for the copy of the repository")
	flags.StringVar(&f.mode, "mode", "report", "report: change nothing; apply: do what the policies allow")
	flags.BoolVar(&f.commands, "allow-commands", false, "run the commands that secrets come from")
	flags.StringVar(&f.secretsDir, "secrets-dir", "", "`folder` in which secrets of a Git repository's manifests are looked for")
	flags.StringVar(&f.self, "self", "", "`resource` of the cluster that runs this very watch: a change that would stop it is left to a person")
	flags.IntVar(&f.streams, "streams", watch.DefaultStreams, "clusters to which connections stay open, to hear of changes at once")
	flags.IntVar(&f.atOnce, "at-once", watch.DefaultAtOnce, "clusters that are looked at or changed at the same time")
	flags.StringVar(&f.logForm, "log", "", "form of the log on standard error: text, json (default: text on a terminal, else json)")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "log each step, and each change that a cluster tells of")
	flags.StringVar(&a.owner, "owner", "default", "name under which objects are recorded as ours")
	f.web.add(c)
	f.notify.add(c)
	f.status.add(c)
	c.MarkFlagsMutuallyExclusive("filename", "git")
	_ = c.MarkFlagDirname("filename")
	_ = c.RegisterFlagCompletionFunc("mode", cobra.FixedCompletions([]string{"report", "apply"}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("log", cobra.FixedCompletions([]string{"text", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (a *app) watch(c *cobra.Command, f watchFlags) error {
	src, err := f.source(c.Flags().Changed)
	if err != nil {
		return err
	}
	if f.mode != "report" && f.mode != "apply" {
		return fmt.Errorf("--mode %q is not known: use report or apply", f.mode)
	}
	log, err := a.logger(f.logForm, f.verbose)
	if err != nil {
		return err
	}
	hook, err := f.notify.hook(log)
	if err != nil {
		return err
	}
	reporter, err := f.status.reporter(f.web.public, f.git.CAFile, log)
	if err != nil {
		return err
	}
	if reporter != nil {
		src = reporter.Follow(src)
	}
	loop := &watch.Loop{
		Source: src, Apply: f.mode == "apply", Self: f.self, Streams: f.streams, AtOnce: f.atOnce, Stagger: 10 * time.Second, Log: log,
		Check: func(m *v1.Manifests) error {
			mistakes, _ := agents.Check(m)
			if len(mistakes) > 0 {
				return mistakes
			}
			return nil
		},
		Connect: func(ctx context.Context, m *v1.Manifests, dir string, prune bool) (*reconcile.Engine, io.Closer, error) {
			return a.watched(ctx, m, dir, prune, f)
		},
	}
	stop, err := f.web.serve(c.Context(), loop, reporter, log)
	if err != nil {
		return err
	}
	defer stop()
	log.Info("begins", "source", src.String(), "mode", f.mode, "version", programVersion())
	if hook != nil {
		defer beside(c.Context(), func(ctx context.Context) { hook.Run(ctx, loop) })()
	}
	if reporter != nil {
		defer beside(c.Context(), func(ctx context.Context) { reporter.Run(ctx, loop) })()
	}
	if err := loop.Run(c.Context(), a.drain); err != nil {
		return err
	}
	log.Info("ends")
	return nil
}

// beside runs something until it is told to stop, and then waits for its end.
func beside(ctx context.Context, run func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		run(ctx)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// source is where the flags say that the manifests come from.
func (f *watchFlags) source(given func(string) bool) (source.Source, error) {
	switch {
	case f.dir != "":
		for _, name := range []string{"branch", "path", "ssh-key", "known-hosts", "token-file", "allowed-signers", "ca-file", "insecure-plaintext", "secrets-dir",
			"github-repo"} {
			if given(name) {
				return nil, fmt.Errorf("--%s is for --git, and a folder is followed (-f)", name)
			}
		}
		if info, err := os.Stat(f.dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("%s is no folder that can be read; watch follows folders, or a repository with --git", f.dir)
		}
		return source.Folder{Dir: f.dir, Interval: f.git.Interval}, nil
	case f.git.URL != "":
		f.git.Token = token(f.tokenFile, "HACTL_GIT_TOKEN")
		return f.git, nil
	}
	return nil, errors.New("what is to be followed? name a folder with -f, or a repository with --git")
}

// token gives what reads a token anew each time, so that it may be replaced: from a file, or else from the environment; nil if there is none.
func token(file, variable string) func(context.Context) (string, error) {
	if file == "" && os.Getenv(variable) == "" {
		return nil
	}
	return func(context.Context) (string, error) {
		if file == "" {
			return os.Getenv(variable), nil
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("the token's file cannot be read: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	}
}

// watched connects to a cluster as apply does. It works on a copy: clusters are looked at at the same time.
func (a *app) watched(ctx context.Context, m *v1.Manifests, dir string, prune bool, f watchFlags) (*reconcile.Engine, io.Closer, error) {
	b := *a
	b.prune, b.age = prune, nil
	b.secretFile = func(o *v1.Object, path string) (string, error) {
		return secretPath(dir, f.secretsDir, o.Pos("").File, path)
	}
	secrets, err := b.resolve(ctx, m, f.commands, f.mode == "apply")
	if err != nil {
		return nil, nil, err
	}
	e, closer := b.engine(ctx, m, secrets)
	return e, closer, nil
}

// secretPath is where a secret's file is: beside its manifest in a folder that is followed (dir); of a repository, which may be written by people who
// may not read everything here, only below the folder for secrets.
func secretPath(dir, secretsDir, manifest, path string) (string, error) {
	if dir != "" {
		if filepath.IsAbs(path) {
			return path, nil
		}
		return filepath.Join(dir, filepath.Dir(manifest), path), nil
	}
	if secretsDir == "" {
		return "", errors.New("a repository's secrets are read from files only below --secrets-dir; or encrypt them with hactl secret encrypt")
	}
	if filepath.IsAbs(path) {
		rel, err := filepath.Rel(secretsDir, path)
		if err != nil {
			return "", err
		}
		path = rel
	}
	root, err := filepath.EvalSymlinks(secretsDir)
	if err != nil {
		return "", err
	}
	full, err := filepath.EvalSymlinks(filepath.Join(root, path))
	if err != nil {
		return "", err
	}
	if rel, err := filepath.Rel(root, full); err != nil || !filepath.IsLocal(rel) {
		return "", fmt.Errorf("%s is outside of --secrets-dir", path)
	}
	return full, nil
}

// logger writes events for people on a terminal, and for programs elsewhere.
func (a *app) logger(form string, verbose bool) (*slog.Logger, error) {
	file, ok := a.err.(*os.File)
	if form == "" {
		form = "json"
		if ok && term.IsTerminal(int(file.Fd())) {
			form = "text"
		}
	}
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if verbose {
		o.Level = slog.LevelDebug
	}
	switch form {
	case "text":
		return slog.New(slog.NewTextHandler(a.err, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(a.err, o)), nil
	}
	return nil, fmt.Errorf("--log %q is not known: use text or json", form)
}

func defaultStateDir() string {
	if dir := os.Getenv("STATE_DIRECTORY"); dir != "" { // systemd.exec(5)
		return filepath.SplitList(dir)[0]
	}
	if dir, err := os.UserCacheDir(); err == nil {
		return filepath.Join(dir, "hactl")
	}
	return ""
}
