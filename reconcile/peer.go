package reconcile

// Peer gives another machine of the cluster to an operation that runs on h, for what must come from there and stands in no plan, such as a key that was
// just made; nil if there is none of that name.
func Peer(h Host, name string) Host {
	if s, ok := h.(stepHost); ok {
		return s.all.Named(name)
	}
	return nil
}

// stepHost is the machine of a step that is carried out.
type stepHost struct {
	Host
	all Hosts
}
