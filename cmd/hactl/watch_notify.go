package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/hactl/hactl/reconcile/watch/notify"
)

// notifyFlags say who is told what happens.
type notifyFlags struct {
	url, urlFile, template, header string
}

func (f *notifyFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.url, "notify-url", "", "`URL` to which each event is posted, as JSON")
	flags.StringVar(&f.urlFile, "notify-url-file", "", "`file` with that URL, where it is a secret")
	flags.StringVar(&f.template, "notify-template", "", "`file` with a Go text/template that makes the body of an event; what it makes nothing of is not told")
	flags.StringVar(&f.header, "notify-header-file", "", "`file` with headers to send, NAME: VALUE lines")
	c.MarkFlagsMutuallyExclusive("notify-url", "notify-url-file")
}

// hook is what the flags say, nil if nobody is to be told.
func (f *notifyFlags) hook(log *slog.Logger) (*notify.Hook, error) {
	var err error
	h := &notify.Hook{URL: f.url, Log: log}
	if f.urlFile != "" {
		if h.URL, err = secretFile(f.urlFile); err != nil {
			return nil, fmt.Errorf("--notify-url-file: %w", err)
		}
	}
	if h.URL == "" {
		if f.template != "" || f.header != "" {
			return nil, errors.New("who is to be told? --notify-template and --notify-header-file need --notify-url or --notify-url-file")
		}
		return nil, nil //nolint:nilnil // it is optional
	}
	if u, err := url.Parse(h.URL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return nil, errors.New("--notify-url: it is not an http or https URL")
	}
	if f.template != "" {
		b, err := os.ReadFile(f.template)
		if err != nil {
			return nil, fmt.Errorf("--notify-template: %w", err)
		}
		if h.Template, err = notify.Parse(string(b)); err != nil {
			return nil, fmt.Errorf("--notify-template: %s: %w", f.template, err)
		}
	}
	if f.header != "" {
		text, err := secretFile(f.header)
		if err != nil {
			return nil, fmt.Errorf("--notify-header-file: %w", err)
		}
		if h.Header, err = notify.Header(text); err != nil {
			return nil, fmt.Errorf("--notify-header-file: %s: %w", f.header, err)
		}
	}
	return h, nil
}
