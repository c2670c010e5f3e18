package sim

import "github.com/beevik/etree"

// Patched is the CIB that a patch makes of another one.
func Patched(cib, patch string) (string, error) {
	doc, err := parse(cib)
	if err != nil {
		return "", err
	}
	diff := etree.NewDocument()
	if err := diff.ReadFromString(patch); err != nil {
		return "", err
	}
	if err := apply(doc, diff.Root()); err != nil {
		return "", err
	}
	return doc.WriteToString()
}
