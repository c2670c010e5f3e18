// Package drivers lists the layers of a cluster. Each driver has a package below this folder and implements reconcile.Driver for one
// layer: what is wanted (from the manifests), what is there (read on the machines), and the steps between the two.
//
// To add one: make a package with a State that is plain data, a Driver with Name, Desired, Observe and Plan, a constructor for each kind of
// reconcile.Ref that other layers may need, and a line in All. CONTRIBUTING.md walks through it.
package drivers
