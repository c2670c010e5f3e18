package status

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// GitHub shows statuses beside the commits of a repository on github.com, a GitHub Enterprise Server, or a forge with the same call (Gitea, Forgejo).
//
//	POST /repos/{owner}/{repo}/statuses/{sha}    https://docs.github.com/rest/commits/statuses
//
// The token needs the permission to write commit statuses, and no other (classic tokens: repo:status).
type GitHub struct {
	repo   string
	base   *url.URL
	token  func(context.Context) (string, error)
	client *http.Client
}

// GitHubAPI is where github.com is asked. An Enterprise Server has https://HOST/api/v3.
const GitHubAPI = "https://api.github.com"

var (
	repository = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9._-]+$`)
	commitID   = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)
)

// The limits of a call.
const (
	tryLimit  = 10 * time.Second
	maxHeader = 64 << 10
	maxAnswer = 4 << 10
	unsaid    = time.Minute // a rate limit lasts at least, where the server does not say
)

// NewGitHub gives the one for the repository OWNER/NAME, asked at the URL api, "" for GitHubAPI. The token is asked for before each call, so that it may
// change; it is sent to that host only, over https or without a network between. roots are the certificates that the host is checked against; nil: the
// system's.
func NewGitHub(repo, api string, token func(context.Context) (string, error), roots *x509.CertPool) (*GitHub, error) {
	if !repository.MatchString(repo) || strings.HasSuffix(repo, "/.") || strings.HasSuffix(repo, "/..") {
		return nil, fmt.Errorf("%q names no repository; write OWNER/NAME", repo)
	}
	if api == "" {
		api = GitHubAPI
	}
	u, err := url.Parse(api)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("the API's URL is none: write https://api.github.com, or https://HOST/api/v3")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && !ip.IsLoopback() {
		return nil, fmt.Errorf("%s: the token would cross the network in clear text; use https", u)
	}
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	t.MaxResponseHeaderBytes = maxHeader
	return &GitHub{repo, u, token, &http.Client{Transport: t, CheckRedirect: sameHost}}, nil
}

// sameHost follows where a repository that was renamed is now (307, 308), but never takes the token to another host.
func sameHost(r *http.Request, via []*http.Request) error {
	if from := via[0].URL; r.Method == http.MethodPost && r.URL.Scheme == from.Scheme && r.URL.Host == from.Host && len(via) < 4 {
		return nil
	}
	return http.ErrUseLastResponse
}

// Set implements Forge.
func (g *GitHub) Set(ctx context.Context, s Status) error {
	if !commitID.MatchString(s.Commit) {
		return Refused{fmt.Errorf("%q is no commit", s.Commit)}
	}
	token, err := g.token(ctx)
	if err == nil && (token == "" || strings.ContainsFunc(token, unicode.IsControl)) {
		err = errors.New("it is empty, or has more than one line")
	}
	if err != nil {
		return fmt.Errorf("the token: %w", err)
	}
	body, err := json.Marshal(struct {
		State       Outcome `json:"state"`
		Context     string  `json:"context"`
		Description string  `json:"description"`
		TargetURL   string  `json:"target_url,omitempty"`
	}{s.Outcome, s.Context, s.Text, s.URL})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, tryLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.base.JoinPath("repos", g.repo, "statuses", s.Commit).String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range map[string]string{"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28", "Authorization": "Bearer " + token,
		"Content-Type": "application/json", "User-Agent": "hactl"} {
		r.Header.Set(name, value)
	}
	answer, err := g.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode == http.StatusCreated {
		return nil
	}
	return failure(answer, token)
}

// failure is what an answer says, and what is to be done about it
// (https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api, exceeding the rate limit).
func failure(a *http.Response, token string) error {
	b, _ := io.ReadAll(io.LimitReader(a.Body, maxAnswer)) // the code says what matters
	var said struct{ Message string }
	if json.Unmarshal(b, &said) != nil {
		said.Message = string(b)
	}
	err := errors.New(a.Request.URL.Host + ": " + line(strings.ReplaceAll(a.Status+" "+said.Message, token, "***")))
	switch a.StatusCode {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity: // a commit that is not there, or has 1000 statuses already
		return Refused{err}
	case http.StatusForbidden, http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if wait, ok := asked(a.Header); ok {
			return Later{err, wait}
		}
		return Later{err, unsaid}
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return fmt.Errorf("%w: it sends us elsewhere, where the token must not go; name the repository and its API as they are now", err)
	case http.StatusUnauthorized, http.StatusNotFound:
		return fmt.Errorf("%w: is the repository's name right, and may the token write commit statuses of it?", err)
	}
	return err
}

// asked is how long a server asks to be left alone.
func asked(h http.Header) (time.Duration, bool) {
	now, err := http.ParseTime(h.Get("Date")) // its clock, where it says one
	if err != nil {
		now = time.Now()
	}
	if after := h.Get("Retry-After"); after != "" {
		if n, err := strconv.ParseUint(after, 10, 31); err == nil {
			return time.Duration(n) * time.Second, true
		}
		if at, err := http.ParseTime(after); err == nil {
			return at.Sub(now), true
		}
	}
	if n, err := strconv.ParseInt(h.Get("X-Ratelimit-Reset"), 10, 64); err == nil && h.Get("X-Ratelimit-Remaining") == "0" {
		return time.Unix(n, 0).Sub(now), true
	}
	return 0, false
}
