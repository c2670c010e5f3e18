package v1

// Manifests is everything that belongs to one Cluster, in the order of the files.
type Manifests struct {
	Cluster      *Cluster
	Resources    []*Resource
	Groups       []*ResourceGroup
	Constraints  []*Constraint
	FenceDevices []*FenceDevice
}
