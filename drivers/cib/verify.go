package cib

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/beevik/etree"

	"github.com/hactl/hactl/reconcile"
)

// verify runs crm_verify and gives its errors, none where it finds none. Warnings are left out.
func verify(ctx context.Context, h reconcile.Host, doc *etree.Document) ([]string, error) {
	text, err := doc.WriteToString()
	if err != nil {
		return nil, err
	}
	_, err = h.Run(ctx, reconcile.Cmd{Argv: []string{"crm_verify", "--xml-pipe", "-V"}, Stdin: []byte(text)})
	var exit *reconcile.ExitError
	switch {
	case err == nil:
		return nil, nil
	case !errors.As(err, &exit):
		return nil, err
	case exit.Code != 78 && exit.Code != 65: // CRM_EX_CONFIG, CRM_EX_DATAERR
		exit.Stdout, exit.Stderr = nil, withoutXML(exit.Stderr)
		return nil, exit
	}
	return verifyErrors(string(exit.Stderr)), nil
}

// verifyNoise are lines that say only that there were errors, and what is said of the status: a clone that goes is an orphan on several nodes
// until it has stopped, which is no error of the configuration.
var verifyNoise = regexp.MustCompile(`^(crm_verify: )?(Errors found during check|Warnings found during check|CIB did not pass schema validation|-V may provide more details)|with_quorum|might be active on \d+ nodes`)

var verifyPrefix = regexp.MustCompile(`^\([a-zA-Z_0-9]+(@[^)]*)?\)\s*`)

// verifyErrors reads what crm_verify -V prints (tools/crm_verify.c, lib/common/schemas.c): "(function) \terror: text", and libxml's lines
// of schema errors.
func verifyErrors(stderr string) []string {
	var errs []string
	for _, line := range strings.Split(stderr, "\n") {
		line = strings.TrimSpace(verifyPrefix.ReplaceAllString(strings.TrimSpace(line), ""))
		text, isError := strings.CutPrefix(line, "error:")
		if !isError && !strings.Contains(line, "validity error") {
			continue
		}
		text = strings.TrimSpace(text)
		if i := strings.Index(text, ": element "); i >= 0 && strings.HasPrefix(text, "Entity") { // its line number means nothing to anybody
			text = text[i+2:]
		}
		if text == "" || verifyNoise.MatchString(text) || slices.Contains(errs, text) {
			continue
		}
		errs = append(errs, text)
	}
	if errs == nil && !strings.Contains(stderr, "Warnings found during check") {
		for _, line := range strings.Split(stderr, "\n") {
			if s := strings.TrimSpace(line); s != "" && !strings.Contains(s, "<") {
				errs = append(errs, s)
			}
		}
	}
	return errs
}

// InvalidError tells that Pacemaker would not take the configuration.
type InvalidError struct{ Errors []string }

func (e *InvalidError) Error() string {
	return "Pacemaker finds errors in the configuration as it would be, nothing was changed: " + strings.Join(e.Errors, "; ")
}

// verifyNew refuses errors that the live CIB does not have. A fresh cluster without fencing has one, for example.
func verifyNew(ctx context.Context, h reconcile.Host, live, proposed *etree.Document) error {
	errs, err := verify(ctx, h, proposed)
	if err != nil {
		return fmt.Errorf("check the configuration: %w", err)
	}
	if len(errs) == 0 {
		return nil
	}
	old, err := verify(ctx, h, live)
	if err != nil {
		return fmt.Errorf("check the configuration: %w", err)
	}
	errs = slices.DeleteFunc(errs, func(s string) bool { return slices.Contains(old, s) })
	if len(errs) == 0 {
		return nil
	}
	return &InvalidError{errs}
}
