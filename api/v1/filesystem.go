package v1

// FileSystem is made once, on a device that holds nothing. What is there already is kept; it grows with its device.
type FileSystem struct {
	// Type is what mkfs makes: ext4, xfs or gfs2.
	Type string `json:"type" enum:"ext4 xfs gfs2"`
	// Label is the file system's label; gfs2 has none.
	Label string `json:"label,omitempty" check:"word"`
	// LockTable is gfs2's CLUSTER:NAME (mkfs.gfs2 -t); CLUSTER is the name of the Cluster.
	LockTable string `json:"lockTable,omitempty" check:"word"`
	// Journals is gfs2's number of journals (mkfs.gfs2 -j); the default is one for each node.
	Journals int `json:"journals,omitempty"`
	// Options are further arguments of mkfs, word for word.
	Options []string `json:"options,omitempty" check:"word"`
}

func (f *FileSystem) check(c *checker, o *Object, path string) {
	gfs2 := f.Type == "gfs2"
	switch {
	case gfs2 && f.LockTable == "":
		c.errorf(o, path+".lockTable", "gfs2 needs a lock table: CLUSTER:NAME")
	case !gfs2 && f.LockTable != "":
		c.errorf(o, path+".lockTable", "only gfs2 has a lock table")
	}
	if gfs2 && f.Label != "" {
		c.errorf(o, path+".label", "gfs2 has no label; its lock table is its name")
	}
	if f.Journals < 0 || f.Journals > 0 && !gfs2 {
		c.errorf(o, path+".journals", "only gfs2 has a number of journals, from 1")
	}
	for _, w := range f.Options {
		if w == "-f" || w == "-F" || w == "--force" || w == "-ff" {
			c.errorf(o, path+".options", "%s would overwrite what is on the device; hactl itself does so where --allow data-loss names the object", w)
		}
	}
}
