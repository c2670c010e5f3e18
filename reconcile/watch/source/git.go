package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Git follows a branch or a tag of a repository.
type Git struct {
	// URL is that of https, ssh (or user@host:path), or file, or an absolute path. http and git, whose answers anybody on the way can replace, are
	// taken from this machine, with AllowedSigners, or with Plaintext. A password has no place in it: see Token.
	URL string
	// Ref is a branch or a tag, or in full (refs/heads/main) where both have that name. Default: what the repository's HEAD names.
	Ref string
	// Path is the folder in the tree that holds the manifests. Default: all of it.
	Path string
	// Dir holds the cache. It is made if need be, and is this source's alone.
	Dir string
	// Interval is the time between two looks. Default 1 min. A look at what has not changed is one short conversation with the server.
	Interval time.Duration
	// Limit is the time that one git command may take. Default 2 min.
	Limit time.Duration

	// SSHKey is a private key without a passphrase, in place of those of ssh_config(5) and the agent; KnownHosts a file in place of the user's
	// and the system's. Unknown hosts are refused at any rate.
	SSHKey, KnownHosts string
	// Token gives the password for http and https, before each look, so that it may change. The name that belongs to it can stand in the URL;
	// GitHub and GitLab take any.
	Token func(context.Context) (string, error)
	// CAFile has the certificates that https servers are checked against, in place of the system's.
	CAFile string
	// Plaintext allows http and git to other machines, and the token over http.
	Plaintext bool

	// AllowedSigners is a file as in ssh-keygen(1), ALLOWED SIGNERS. With it, only a commit or tag that one of them signed with SSH is found.
	AllowedSigners string
}

// String names the repository, what is followed of it, and where in it.
func (g Git) String() string {
	s := redacted(g.URL)
	if g.Ref != "" {
		s += " " + g.Ref
	}
	if p := strings.Trim(g.Path, "/."); p != "" {
		s += " " + p
	}
	return s
}

// Run implements Source. It does not end for a server that is down or a repository that is empty, only for what is wrong in g itself.
func (g Git) Run(ctx context.Context, poke <-chan struct{}, found func(Revision), failed func(error)) error {
	r, err := g.ready()
	if err != nil {
		return fmt.Errorf("git: %w", err)
	}
	defer r.lock.release()
	follower{
		look: func(ctx context.Context) (Revision, error) {
			rev, err := r.look(ctx)
			if err != nil {
				err = fmt.Errorf("%s: %w", r.Git, err)
			}
			return rev, err
		},
		interval: r.Interval, poke: poke, found: found, failed: failed,
	}.run(ctx)
	return nil
}

// repository is a Git source at work.
type repository struct {
	Git
	remote   remote
	lock     *dirLock
	commands runner
	tip      tip      // of last
	last     Revision // that was found
	large    tip      // that was too large,
	largeAt  time.Time
	maxClone int64
}

// ready checks what was set up, and fills in the defaults.
func (g Git) ready() (*repository, error) {
	remote, err := parseRemote(g.URL)
	if err != nil {
		return nil, err
	}
	if g.Dir == "" {
		return nil, errors.New("no folder is named for the cache")
	}
	for _, p := range []*string{&g.Dir, &g.SSHKey, &g.KnownHosts, &g.CAFile, &g.AllowedSigners} {
		if *p == "" {
			continue
		}
		if *p, err = filepath.Abs(*p); err != nil {
			return nil, err
		}
	}
	if g.Path, err = treePath(g.Path); err != nil {
		return nil, err
	}
	if err := errors.Join(checkRef(g.Ref), g.checkPlaintext(remote)); err != nil {
		return nil, err
	}
	if g.Interval <= 0 {
		g.Interval = time.Minute
	}
	if g.Limit <= 0 {
		g.Limit = 2 * time.Minute
	}
	ssh, err := sshCommand(g.SSHKey, g.KnownHosts)
	if err != nil {
		return nil, err
	}
	r := &repository{Git: g, remote: remote, maxClone: maxClone, lock: &dirLock{dir: g.Dir}}
	r.commands = runner{limit: g.Limit, lock: r.lock, env: environment(remote, ssh), config: settings(g)}
	return r, nil
}

// look asks what the ref is at. Only what is new is fetched and read.
func (r *repository) look(ctx context.Context) (Revision, error) {
	if err := os.MkdirAll(r.Dir, 0o700); err != nil {
		return Revision{}, fmt.Errorf("the cache: %w", err)
	}
	if err := r.lock.take(); err != nil {
		return Revision{}, err
	}
	if err := r.commands.authenticate(ctx, r.remote, r.Token); err != nil {
		return Revision{}, err
	}
	now, err := r.ask(ctx)
	if err != nil {
		return Revision{}, err
	}
	if now == r.tip {
		return r.last, nil
	}
	if now.isTag() && now.ref == r.tip.ref {
		return Revision{}, fmt.Errorf("the tag %s was moved from %s to %s; a tag is an agreement on one commit: make a new tag, follow a branch, or start anew to accept it",
			now.name(), short(r.tip.id), short(now.id))
	}
	if now == r.large && time.Since(r.largeAt) < largeRest {
		return Revision{}, errTooLarge{r.maxClone}
	}
	rev, got, err := r.get(ctx, now)
	if errors.As(err, new(errTooLarge)) {
		r.large, r.largeAt = now, time.Now()
	}
	if err != nil {
		return Revision{}, err
	}
	if r.last.ID != "" && rev.ID != r.last.ID && !r.descends(ctx, got, r.last.ID) {
		rev.Rewrites = r.last.ID
	}
	r.tip, r.last = got, rev
	return rev, nil
}

// get fetches and reads a revision. The cache is made anew once if that fails: it may be damaged, and what is wrong with it shows in many ways.
func (r *repository) get(ctx context.Context, t tip) (Revision, tip, error) {
	c := r.cache("clone.git")
	err := c.fetch(ctx, t.ref, "--depth=1", fmt.Sprintf("--filter=blob:limit=%d", MaxFile+1))
	if err == nil {
		var rev Revision
		if rev, t, err = r.read(ctx, c, t); err == nil {
			return rev, t, nil
		}
	}
	var no refusal
	if errors.As(err, &no) || ctx.Err() != nil || c.fresh {
		return Revision{}, t, err
	}
	if err := c.remove(); err != nil {
		return Revision{}, t, err
	}
	return r.get(ctx, t)
}
