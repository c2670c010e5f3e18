package cib

import "github.com/hactl/hactl/reconcile"

// author is what an edit is for: an object, and the path of the field (or "" for the object as a whole).
type author struct {
	object reconcile.Ref
	path   string
}

// authors tell of each edit of a planner what it is for. The planner makes the edits of a field and then tells the field's change, so the path
// is known a little later than the edit.
type authors struct {
	now   reconcile.Ref // the object that is looked at; the zero Ref for edits that mean nothing to the scheduler
	edits []author
	open  int // the edits before this one have their path
}

// turn says that the next edits are for another object.
func (a *authors) turn(o reconcile.Ref) {
	a.open, a.now = len(a.edits), o
}

// edit takes the next edit.
func (a *authors) edit() { a.edits = append(a.edits, author{object: a.now}) }

// change says which field the last edits were for.
func (a *authors) change(o reconcile.Ref, path string) {
	if o != a.now {
		return
	}
	for ; a.open < len(a.edits); a.open++ {
		a.edits[a.open].path = path
	}
}
