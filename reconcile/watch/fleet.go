package watch

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile/watch/source"
)

// Fleet is what a revision says of each cluster.
type Fleet struct {
	Clusters map[string]*v1.Manifests
	// Broken says of each folder that could not be loaded why. Its clusters go on with what they had, if they had something.
	Broken map[string]error
}

// ErrNoCluster refuses a revision in which there is no cluster at all.
var ErrNoCluster = errors.New("there is no cluster in it; a source that was emptied is taken for a mistake, and everything stays as it is")

// LoadFleet loads a revision. Where the top folder holds a Cluster, everything in it belongs together, and objects say metadata.cluster if there are several.
// Otherwise each folder in it stands alone, and beside these there may be WatchPolicies. check refuses
// manifests that can be loaded and are wrong all the same, if it is not nil. had are the clusters of the revision before, whose folders may be broken now.
func LoadFleet(rev source.Revision, check func(*v1.Manifests) error, had map[string]*v1.Manifests) (Fleet, error) {
	if len(rev.Files) == 0 {
		return Fleet{}, ErrNoCluster
	}
	top, folders := split(rev.Files)
	if slices.ContainsFunc(top, holdsCluster) || len(folders) == 0 {
		sets, err := loaded(rev.Files, check)
		if err != nil {
			return Fleet{}, err
		}
		return fleet(sets, nil)
	}
	var all []*v1.Manifests
	broken := map[string]error{}
	var unread []v1.File
	folder := map[string]string{} // where each cluster is
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		sets, err := loaded(folders[name], check)
		for _, m := range sets {
			if c := m.Cluster.Metadata.Name; folder[c] != "" && err == nil {
				err = fmt.Errorf("%s: a Cluster named %q is in the folder %s already; give one another name", m.Cluster.Pos("metadata.name"), c, folder[c])
			}
		}
		if err != nil {
			broken[name] = err
			unread = append(unread, folders[name]...)
			continue
		}
		for _, m := range sets {
			folder[m.Cluster.Metadata.Name] = name
			all = append(all, m)
		}
	}
	// A broken folder goes on with what it had, so that policies which name its clusters stay right.
	for name, m := range had {
		if at, _, in := strings.Cut(m.Cluster.Pos("").File, "/"); in && broken[at] != nil && folder[name] == "" {
			kept := *m
			kept.Policy = nil
			all = append(all, &kept)
		}
	}
	if err := v1.Govern(top, unread, all); err != nil {
		return Fleet{}, err
	}
	return fleet(all, broken)
}

// loaded loads what belongs together.
func loaded(files []v1.File, check func(*v1.Manifests) error) ([]*v1.Manifests, error) {
	sets, err := v1.Load(files)
	if err != nil || check == nil {
		return sets, err
	}
	var errs []error
	for _, m := range sets {
		errs = append(errs, check(m))
	}
	return sets, errors.Join(errs...)
}

func fleet(sets []*v1.Manifests, broken map[string]error) (Fleet, error) {
	f := Fleet{Clusters: map[string]*v1.Manifests{}, Broken: broken}
	for _, m := range sets {
		f.Clusters[m.Cluster.Metadata.Name] = m
	}
	if len(f.Clusters) == 0 {
		errs := []error{ErrNoCluster}
		for _, name := range slices.Sorted(maps.Keys(broken)) { // the same mistakes are one event
			errs = append(errs, broken[name])
		}
		return Fleet{}, errors.Join(errs...)
	}
	return f, nil
}

// broken says of each broken folder why, and what that means.
func (f Fleet) broken() map[string]string {
	kept := map[string][]string{}
	for name, m := range f.Clusters {
		if folder := folderOf(m); f.Broken[folder] != nil {
			kept[folder] = append(kept[folder], name)
		}
	}
	why := map[string]string{}
	for folder, err := range f.Broken {
		text := "no good state of it was seen since this controller began, so nobody looks after its clusters"
		if names := slices.Sorted(slices.Values(kept[folder])); len(names) > 0 {
			text = "what was in force stays for " + strings.Join(names, ", ")
		}
		why[folder] = cut(err.Error()) + "; " + text
	}
	return why
}

// split puts files to their top folders.
func split(files []v1.File) (top []v1.File, folders map[string][]v1.File) {
	folders = map[string][]v1.File{}
	for _, f := range files {
		if name, _, in := strings.Cut(f.Name, "/"); in {
			folders[name] = append(folders[name], f)
		} else {
			top = append(top, f)
		}
	}
	return top, folders
}

// folderOf is the top folder of a cluster's manifests, "" if they are not in one.
func folderOf(m *v1.Manifests) string {
	name, _, _ := strings.Cut(m.Cluster.Pos("").File, "/")
	return name
}

// holdsCluster tells whether a file has a Cluster, even if it cannot be loaded.
func holdsCluster(f v1.File) bool { return slices.Contains(v1.KindsOf(f), "Cluster") }
