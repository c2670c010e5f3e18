package v1

// Cluster describes the machines and what holds for the cluster as a whole.
type Cluster struct {
	Object
	// Spec is the desired state.
	Spec ClusterSpec `json:"spec"`
}

// ClusterSpec is the desired state of a Cluster. Its metadata.name is corosync's cluster_name.
type ClusterSpec struct {
	// Nodes are the members, at least one.
	Nodes []Node `json:"nodes,omitempty"`
	// RemoteNodes are attributes and capacity of the nodes that resources make: Pacemaker Remote and guest nodes. The nodes themselves come
	// from the resources (agent ocf:pacemaker:remote, or meta remote-node).
	RemoteNodes []RemoteNode `json:"remoteNodes,omitempty"`
	// Hosts are other machines that belong to the cluster's world (quorum device host, arbitrator, storage server).
	Hosts []Machine `json:"hosts,omitempty"`
	// SSH holds for every machine that does not say otherwise.
	SSH *SSH `json:"ssh,omitempty"`
	// Totem are the options of the totem section of corosync.conf(5). Defaults: version 2, transport knet, crypto_cipher aes256,
	// crypto_hash sha256.
	Totem Options `json:"totem,omitempty" options:"totem"`
	// Links are the totem.interface sections of corosync.conf(5).
	Links []Link `json:"links,omitempty"`
	// Quorum is the quorum section of corosync.conf(5).
	Quorum *Quorum `json:"quorum,omitempty"`
	// Logging are the options of the logging section of corosync.conf(5).
	Logging Options `json:"logging,omitempty" options:"logging"`
	// Properties are Pacemaker's cluster options (the property set cib-bootstrap-options).
	Properties Options `json:"properties,omitempty" options:"properties"`
	// PropertySets are further sets of cluster options: with a rule or a score, or of an agent's own options.
	PropertySets []AttributeSet `json:"propertySets,omitempty" options:"properties"`
	// ResourceDefaults are the meta attributes that hold for all resources (rsc_defaults).
	ResourceDefaults Options `json:"resourceDefaults,omitempty" options:"meta"`
	// ResourceDefaultSets are further sets of them, such as for the resources of one agent: rule {expression: "resource ocf:heartbeat:IPaddr2"}.
	ResourceDefaultSets []AttributeSet `json:"resourceDefaultSets,omitempty" options:"meta"`
	// OperationDefaults hold for all operations (op_defaults).
	OperationDefaults Options `json:"operationDefaults,omitempty" options:"operation"`
	// OperationDefaultSets are further sets of them, such as for one operation: rule {expression: "op monitor interval=10s"}.
	OperationDefaultSets []AttributeSet `json:"operationDefaultSets,omitempty" options:"operation"`
	// Prepare says what hactl does to the machines before they become a cluster. Without it hactl touches nothing outside corosync and
	// Pacemaker.
	Prepare *Prepare `json:"prepare,omitempty"`
}

// Node is a member of the cluster.
type Node struct {
	// Name is the node's name: uname -n on the machine, and its name for corosync and Pacemaker.
	Name string `json:"name" check:"node"`
	// ID is corosync's nodeid, from 1 to 4294967295. Without any ids the nodes are numbered in the order of the list; either all
	// nodes have one or none.
	ID int `json:"id,omitempty"`
	// Addresses are one per corosync link, link 0 first.
	Addresses []string `json:"addresses" check:"host"`
	// SSH says how to reach the machine; the default address is the first of Addresses.
	SSH *SSH `json:"ssh,omitempty"`
	// CIBID is the node's id in the CIB where that is not corosync's nodeid, as in clusters that once ran on another membership layer.
	CIBID string `json:"cibID,omitempty"`
	NodeOptions
}

// NodeOptions are what the CIB says of a node.
type NodeOptions struct {
	// Description is free text kept in the CIB.
	Description string `json:"description,omitempty" cib:"description"`
	// Score is added to the score of every resource on this node.
	Score string `json:"score,omitempty" cib:"score" check:"score"`
	// Attributes are permanent node attributes.
	Attributes Options `json:"attributes,omitempty"`
	// AttributeSets are further sets of attributes: with a rule, a score or a shared id.
	AttributeSets []AttributeSet `json:"attributeSets,omitempty"`
	// Utilization is the node's capacity: whole numbers by names of one's own, such as cpu and memory.
	Utilization Options `json:"utilization,omitempty" options:"utilization"`
	// UtilizationSets are further sets of it.
	UtilizationSets []AttributeSet `json:"utilizationSets,omitempty" options:"utilization"`
}

// RemoteNode is what the CIB says of a Pacemaker Remote or guest node.
type RemoteNode struct {
	// Name is the node's name: the resource's (ocf:pacemaker:remote), or its meta remote-node.
	Name string `json:"name" check:"nodeName"`
	// CIBID is the node's id in the CIB; the default is its name.
	CIBID string `json:"cibID,omitempty"`
	// Type is what the CIB calls it: remote (default), member or ping.
	Type string `json:"type,omitempty" cib:"type" enum:"remote member ping"`
	NodeOptions
}

// Machine is a machine that is no member.
type Machine struct {
	// Name tells it apart from all other machines and nodes.
	Name string `json:"name" check:"node"`
	// Address is where the machine is reached.
	Address string `json:"address" check:"host"`
	// SSH says how to reach it; the default address is Address.
	SSH *SSH `json:"ssh,omitempty"`
	// Prepare says what this machine needs, in place of the packages of the Cluster's prepare; its hostsFile and time hold here too.
	Prepare *MachinePrepare `json:"prepare,omitempty"`
}

// SSH says how to reach a machine. What it leaves out comes from the user's ssh_config(5).
type SSH struct {
	// Address is a host name or an address; where neither this nor ssh_config's HostName says otherwise, it is the node's first address.
	Address string `json:"address,omitempty" check:"host"`
	// Port from 1 to 65535.
	Port int `json:"port,omitempty"`
	// User is who logs in.
	User string `json:"user,omitempty" check:"word"`
	// IdentityFile is a private key's path; a leading ~/ is the user's home.
	IdentityFile string `json:"identityFile,omitempty"`
}

// Link is one interface section in totem.
type Link struct {
	// Number is corosync's linknumber, from 0 to 7.
	Number int `json:"number"`
	// Options of the section, such as knet_link_priority or mcastport.
	Options Options `json:"options" options:"link"`
}

// Quorum is the quorum section.
type Quorum struct {
	// Options of votequorum(5): wait_for_all, auto_tie_breaker, last_man_standing, … . two_node follows from two nodes and no device.
	Options Options `json:"options,omitempty" options:"quorum"`
}

// Prepare is what hactl does to bare machines. Each part is done only if it is there.
type Prepare struct {
	// Packages are installed where missing; nothing is ever upgraded or removed.
	Packages *Packages `json:"packages,omitempty"`
	// HostsFile puts a marked block with every node's name and first address into /etc/hosts.
	HostsFile bool `json:"hostsFile,omitempty"`
	// Time makes chrony follow these servers.
	Time *Time `json:"time,omitempty"`
	// Firewall opens firewalld's high-availability service where firewalld runs.
	Firewall bool `json:"firewall,omitempty"`
	// Units says which systemd units start at boot: enabled, disabled or masked, by unit name. A unit that the cluster starts must be
	// disabled. The units of corosync and pacemaker are told by startAtBoot.
	Units map[string]string `json:"units,omitempty" enum:"enabled disabled masked"`
	// Users are accounts of the operating system on every member, such as those that ACLs are for.
	Users []Account `json:"users,omitempty"`
	// Files are put on every member.
	Files []PreparedFile `json:"files,omitempty"`
	// StartAtBoot enables (true) or disables (false) corosync and pacemaker at boot. Left out, it is left alone.
	StartAtBoot *bool `json:"startAtBoot,omitempty"`
}

// MachinePrepare is what hactl does to a machine that is no member, such as a server of disks.
type MachinePrepare struct {
	// Packages are installed where missing; nothing is ever upgraded or removed.
	Packages *Packages `json:"packages,omitempty"`
	// Units says which systemd units start at boot: enabled, disabled or masked, by unit name.
	Units map[string]string `json:"units,omitempty" enum:"enabled disabled masked"`
}

// Packages names packages by family of distribution. On members, corosync, pacemaker, the resource agents and the fence agents are always
// among them. Those of the Cluster are installed on every machine that has no list of its own.
type Packages struct {
	// All are those with the same name in both.
	All []string `json:"all,omitempty" check:"word"`
	// Debian are installed by apt.
	Debian []string `json:"debian,omitempty" check:"word"`
	// RedHat are installed by dnf.
	RedHat []string `json:"redhat,omitempty" check:"word"`
}

// Time is chrony's configuration.
type Time struct {
	// Servers are host names or addresses.
	Servers []string `json:"servers" check:"host"`
}
