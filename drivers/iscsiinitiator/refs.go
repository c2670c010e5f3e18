package iscsiinitiator

import "github.com/hactl/hactl/reconcile"

// Ref is an initiator of the manifests with all its sessions.
func Ref(name string) reconcile.Ref { return reconcile.Ref{Kind: "ISCSIInitiator", Name: name} }
