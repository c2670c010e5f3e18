package v1

// Bundle is a container image that runs in several replicas, with or without a primitive inside. Its name is the XML id.
type Bundle struct {
	Object
	// Spec is the desired state.
	Spec BundleSpec `json:"spec"`
}

// BundleSpec is the desired state of a Bundle. Exactly one of Docker, Podman and Rkt is given.
type BundleSpec struct {
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty" cib:"description"`
	// Docker runs the containers with Docker.
	Docker *Container `json:"docker,omitempty"`
	// Podman runs the containers with Podman.
	Podman *Container `json:"podman,omitempty"`
	// Rkt runs the containers with rkt, which Pacemaker 3 no longer knows.
	Rkt *Container `json:"rkt,omitempty"`
	// Network gives each replica an address or ports.
	Network *BundleNetwork `json:"network,omitempty"`
	// Storage are the folders of the host that the containers see.
	Storage []StorageMapping `json:"storage,omitempty"`
	// Params are instance attributes of the bundle.
	Params Options `json:"params,omitempty"`
	// ParamSets are further sets of them.
	ParamSets []AttributeSet `json:"paramSets,omitempty"`
	// Meta are Pacemaker's resource options (meta attributes) of the bundle; the resource inside inherits them.
	Meta Options `json:"meta,omitempty" options:"meta"`
	// MetaSets are further sets of options.
	MetaSets []AttributeSet `json:"metaSets,omitempty" options:"meta"`
	// Resource is the primitive that runs inside each container.
	Resource *GroupMember `json:"resource,omitempty"`
}

// Container says what runs (the docker, podman or rkt element).
type Container struct {
	// Image is the container image; it must be on every node already.
	Image string `json:"image" cib:"image"`
	// Replicas is how many containers run; the default is PromotedMax, or 1.
	Replicas string `json:"replicas,omitempty" cib:"replicas" check:"integer"`
	// ReplicasPerHost is how many may run on one node; the default is 1.
	ReplicasPerHost string `json:"replicasPerHost,omitempty" cib:"replicas-per-host" check:"integer"`
	// PromotedMax is how many of them may be promoted; the default is 0.
	PromotedMax string `json:"promotedMax,omitempty" cib:"promoted-max" check:"integer"`
	// RunCommand is what runs in the container; the default is pacemaker-remoted where a primitive is inside.
	RunCommand string `json:"runCommand,omitempty" cib:"run-command"`
	// Network is the --net option of the container tool.
	Network string `json:"network,omitempty" cib:"network"`
	// Options are further options of the container tool's command line.
	Options string `json:"options,omitempty" cib:"options"`
}

// BundleNetwork is the network of a bundle.
type BundleNetwork struct {
	// IPRangeStart is the address of the first replica; the others get the next ones.
	IPRangeStart string `json:"ipRangeStart,omitempty" cib:"ip-range-start"`
	// ControlPort is where Pacemaker reaches the primitive inside; the default is 3121.
	ControlPort string `json:"controlPort,omitempty" cib:"control-port" check:"integer"`
	// HostInterface is the interface of the host that gets the addresses.
	HostInterface string `json:"hostInterface,omitempty" cib:"host-interface"`
	// HostNetmask is the prefix length of the addresses; the default is 32.
	HostNetmask string `json:"hostNetmask,omitempty" cib:"host-netmask" check:"integer"`
	// AddHost (true or false) puts the replicas into /etc/hosts of the containers; Pacemaker's default is true.
	AddHost string `json:"addHost,omitempty" cib:"add-host" enum:"true false 1 0"`
	// Ports are the ports of the host that are handed on.
	Ports []PortMapping `json:"ports,omitempty"`
}

// PortMapping hands a port or a range of ports of the host on to the containers.
type PortMapping struct {
	// Port of the host. Either Port or Range is given.
	Port string `json:"port,omitempty" cib:"port" check:"integer"`
	// InternalPort is the container's; the default is Port.
	InternalPort string `json:"internalPort,omitempty" cib:"internal-port" check:"integer"`
	// Range is first-last, such as 20000-20100.
	Range string `json:"range,omitempty" cib:"range" check:"range"`
	// ID is the XML id; needed only where something refers to it.
	ID string `json:"id,omitempty" cib:"id" check:"id"`
}

// StorageMapping shows a folder of the host to the containers.
type StorageMapping struct {
	// SourceDir is the host's folder, for all replicas alike. Either SourceDir or SourceDirRoot is given.
	SourceDir string `json:"sourceDir,omitempty" cib:"source-dir"`
	// SourceDirRoot is a folder of the host in which each replica has its own (ROOT/BUNDLE-REPLICA).
	SourceDirRoot string `json:"sourceDirRoot,omitempty" cib:"source-dir-root"`
	// TargetDir is where the container sees it.
	TargetDir string `json:"targetDir" cib:"target-dir"`
	// Options are mount options, such as ro or rw.
	Options string `json:"options,omitempty" cib:"options"`
	// ID is the XML id; needed only where something refers to it.
	ID string `json:"id,omitempty" cib:"id" check:"id"`
}

// SetDefaults sets nothing but the type.
func (b *Bundle) SetDefaults() { b.setType("Bundle") }

func (b *Bundle) validate(c *checker) {
	o, s := &b.Object, &b.Spec
	c.exactlyOne(o, "spec", choice{"docker", s.Docker != nil}, choice{"podman", s.Podman != nil}, choice{"rkt", s.Rkt != nil})
	if s.Resource == nil {
		return
	}
	c.primitive(o, "spec.resource", &s.Resource.Primitive)
	if n := s.Network; n == nil || n.IPRangeStart == "" && n.ControlPort == "" {
		// valid_network in Pacemaker's lib/pengine/bundle.c.
		c.lintf(lintBundleNetwork, o, "spec.network", "a bundle with a resource inside needs ipRangeStart or controlPort for Pacemaker to reach it")
	}
}

func (p *PortMapping) check(c *checker, o *Object, path string) {
	c.exactlyOne(o, path, choice{"port", p.Port != ""}, choice{"range", p.Range != ""})
	c.excludes(o, path, choice{"range", p.Range != ""}, choice{"internalPort", p.InternalPort != ""})
}

func (s *StorageMapping) check(c *checker, o *Object, path string) {
	c.exactlyOne(o, path, choice{"sourceDir", s.SourceDir != ""}, choice{"sourceDirRoot", s.SourceDirRoot != ""})
}
