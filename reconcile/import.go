package reconcile

import (
	"errors"
	"fmt"

	v1 "github.com/hactl/hactl/api/v1"
)

// Import has every layer write what was observed into the manifests, lowest layer first: that of the membership tells the nodes, which
// the others build upon. into holds at least a Cluster, which may be empty.
func (e *Engine) Import(o *Observation, into *v1.Manifests) ([]ImportedSecret, error) {
	var secrets []ImportedSecret
	var errs []error
	for _, l := range e.Layers {
		found, err := l.Import(o.Have[l.Name()], into)
		if err != nil {
			errs = append(errs, fmt.Errorf("import %s: %w", l.Name(), err))
		}
		secrets = append(secrets, found...)
	}
	return secrets, errors.Join(errs...)
}
