// Package source tells where manifests come from: a Folder or a Git repository that is followed.
//
//	type Source interface {
//		Run(ctx context.Context, poke <-chan struct{}, found func(Revision), failed func(error)) error
//		String() string
//	}
//
// A source looks, again and again: when something seems to have changed, when it is poked, at the latest after its interval. Each look ends in
// exactly one call, from the goroutine of Run: found with what is there now, which mostly is the revision that was there before (compare the
// IDs), or failed with an error that says what is wrong, where, and what to do. So found also says that an earlier failure is over and when the
// source was last read. Nothing is ever found that was not read whole: the last revision that was found stays in force through anything. A folder whose events are not to be had is told by one failed more.
//
// What a source does not look at is what the manifests mean. Revision.Files goes to v1.Load, which refuses what is no UTF-8 and no YAML, nested
// too deep or made of aliases without end.
//
// # Limits
//
// One file has at most 4 MiB (MaxFile), less than the 16 MiB that `hactl -f` takes: the tree of a YAML text needs up to a hundred times its size,
// and nobody sits before a controller. All have at most 32 MiB (MaxTotal) and are at most 10 000 (MaxFiles). A larger file is refused by
// name, before it is read.
//
// # Which files
//
// Those that `hactl -f DIR` would read (v1.List, v1.IsManifest). Unlike there, what links out of the folder is refused. A Git tree is read
// without following any link: links that may stand for manifests are refused, and so are submodules.
//
// # Folder
//
// Two scans 200 ms apart must agree, in names, sizes, times and inodes, before anything is read, and a third one must agree afterwards; after
// 10 s without that, the look fails and names the file that keeps changing. That holds also where no events come (NFS). Events only say when to
// look. Watched are all folders, and all places where a link on the way can be changed, so that the swaps of git-sync and of Kubernetes'
// ConfigMaps are seen.
//
// # Git
//
// Runs the system's git(1), for its SSH, its transports and its signatures. There is no worktree: the last commit alone is fetched (--depth 1,
// large blobs left out where the server can) into a cache below Git.Dir, and read from the object store. The cache may be lost or damaged at any
// time and is then made anew. Nothing is found from the cache alone: after a change of the controller's machine it may be older than what is
// in force. Neither the system's nor the user's git configuration is read, no hook runs, and only the transport that the URL names is allowed.
//
// A commit that does not descend from the one before (a forced push) is found all the same, with Revision.Rewrites set. A tag that moves is
// refused until Run begins anew, since a tag is an agreement on one commit. With Git.AllowedSigners what is not signed by one of them is refused;
// a key that is struck off later concerns the commits that come later.
package source
