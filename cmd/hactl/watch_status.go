package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hactl/hactl/reconcile/watch/status"
)

// statusFlags say where what became of commits is shown.
type statusFlags struct {
	repo, api, tokenFile, context string
}

func (f *statusFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.repo, "github-repo", "", "`OWNER/NAME` of the repository on GitHub whose commits show how each cluster follows them")
	flags.StringVar(&f.tokenFile, "github-token-file", "", "`file` with a token that may write commit statuses (or $HACTL_GITHUB_TOKEN)")
	flags.StringVar(&f.api, "github-api", status.GitHubAPI, "`URL` of the API; of GitHub Enterprise https://HOST/api/v3")
	flags.StringVar(&f.context, "github-context", "hactl", "what the names of the statuses begin with, if several watches follow a repository")
}

// reporter is what the flags say, nil if nothing is to be shown. page is where people find the page, caFile has the certificates that servers are
// checked against.
func (f *statusFlags) reporter(page, caFile string, log *slog.Logger) (*status.Reporter, error) {
	if u, err := url.Parse(page); page != "" && (err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return nil, errors.New("--public-url: it is not an http or https URL")
	}
	read := token(f.tokenFile, "HACTL_GITHUB_TOKEN")
	switch {
	case f.repo == "" && f.tokenFile != "":
		return nil, errors.New("whose commits? --github-token-file needs --github-repo")
	case f.repo == "":
		return nil, nil //nolint:nilnil // it is optional
	case read == nil:
		return nil, errors.New("--github-repo: statuses need a token; name its file with --github-token-file, or set $HACTL_GITHUB_TOKEN")
	}
	var roots *x509.CertPool
	if caFile != "" {
		b, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("--ca-file: %s holds no certificate", caFile)
		}
	}
	forge, err := status.NewGitHub(f.repo, f.api, read, roots)
	if err != nil {
		return nil, fmt.Errorf("--github-repo, --github-api: %w", err)
	}
	r := status.New(forge, log)
	r.Context, r.Page = f.context, strings.TrimSuffix(page, "/")
	return r, nil
}
