package v1

import (
	"cmp"
	"slices"
	"strings"
)

// Error is one mistake in a manifest.
type Error struct {
	// Pos is where it stands; zero for an object that was not loaded from a file.
	Pos Pos
	// Object is KIND/NAME where that is known. It is printed only where Pos is not known.
	Object string
	// Path is the field ("spec.params.ip"); empty for the document as a whole.
	Path string
	// Message says what is wrong and what to do.
	Message string
	// Lint is the id under which metadata.ignore of the object silences it; empty: it cannot be silenced.
	Lint string
}

// Error prints file:line:col: path: message [lint], without the parts that are not known.
func (e *Error) Error() string {
	parts := make([]string, 0, 3)
	if !e.Pos.IsZero() {
		parts = append(parts, e.Pos.String())
	} else if e.Object != "" {
		parts = append(parts, e.Object)
	}
	if e.Path != "" {
		parts = append(parts, e.Path)
	}
	text := strings.Join(append(parts, e.Message), ": ")
	if e.Lint != "" {
		text += " [" + e.Lint + "]"
	}
	return text
}

// Errors are all mistakes of a set of manifests, sorted by file, line and column. Load and Validate give no other error type.
type Errors []*Error

// Error prints one mistake a line.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.As find each *Error.
func (es Errors) Unwrap() []error {
	errs := make([]error, len(es))
	for i, e := range es {
		errs[i] = e
	}
	return errs
}

// Sorted orders the mistakes by place and drops what is told twice, which happens where two checks find the same. It changes es.
func (es Errors) Sorted() Errors {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Col, b.Pos.Col),
			cmp.Compare(a.Object, b.Object),
			cmp.Compare(a.Path, b.Path),
			cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(es, func(a, b *Error) bool { return *a == *b })
}

// err is nil when there is no mistake; a nil Errors in an error interface would not be.
func (es Errors) err() error {
	if len(es) == 0 {
		return nil
	}
	return es.Sorted()
}
