package v1

import "slices"

// kindFiles says in which file of a folder the objects of a kind are looked for.
var kindFiles = map[string]string{
	"Cluster":          "cluster.yaml",
	"Resource":         "resources.yaml",
	"ResourceGroup":    "resources.yaml",
	"ResourceTemplate": "resources.yaml",
	"Bundle":           "resources.yaml",
	"Constraint":       "constraints.yaml",
	"FenceDevice":      "fencing.yaml",
	"FencingTopology":  "fencing.yaml",
	"Tag":              "tags.yaml",
	"ACLRole":          "acls.yaml",
	"ACLUser":          "acls.yaml",
	"ACLGroup":         "acls.yaml",
	"Alert":            "alerts.yaml",
	"VolumeGroup":      "storage.yaml",
	"DRBDResource":     "storage.yaml",
	"ISCSITarget":      "storage.yaml",
	"ISCSIInitiator":   "storage.yaml",
	"WatchPolicy":      "watch.yaml",
}

// ManifestFile is a file of a folder of manifests and what stands in it.
type ManifestFile struct {
	Name    string
	Objects []any
}

// SplitFiles divides objects (pointers to the kinds' types) among the files of a folder by their kinds. The files, and the objects of each,
// come in the order of the objects.
func SplitFiles(objects []any) []ManifestFile {
	var files []ManifestFile
	for _, o := range objects {
		name := kindFiles[kindName(o)]
		i := slices.IndexFunc(files, func(f ManifestFile) bool { return f.Name == name })
		if i < 0 {
			i = len(files)
			files = append(files, ManifestFile{Name: name})
		}
		files[i].Objects = append(files[i].Objects, o)
	}
	return files
}
