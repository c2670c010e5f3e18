package v1

// Govern loads files that hold WatchPolicies and nothing else, and finds each of the sets its policy, as Load does. The sets were loaded by themselves;
// one that brought a policy with it keeps that. unread are files that could not be loaded: a policy may name clusters that may be in them. Govern writes
// to the sets.
func Govern(files, unread []File, sets []*Manifests) error {
	l := newLoader()
	for _, f := range files {
		l.file(f)
	}
	for _, f := range unread {
		l.unread = append(l.unread, f.Data...)
	}
	policies := l.policies()
	for _, o := range l.objects {
		base := o.(interface{ Base() *Object }).Base()
		l.errorf(base, "", "only WatchPolicies may stand beside the folders of clusters; put %s %q into the folder of its Cluster", base.Kind, base.Metadata.Name)
	}
	own := map[*Manifests]*WatchPolicy{}
	for _, m := range sets {
		own[m] = m.Policy
	}
	l.govern(policies, sets)
	for m, p := range own {
		if p != nil {
			m.Policy = p
		}
	}
	return l.errs.err()
}

// KindsOf gives the kinds of a file's documents as they are written, as far as it can be read. It checks nothing.
func KindsOf(f File) []string {
	docs, _, _ := documents(f)
	var kinds []string
	for _, d := range docs {
		if kind := kindOf(d.root); kind != "" {
			kinds = append(kinds, kind)
		}
	}
	return kinds
}
