package source

import (
	"os/exec"
	"strings"
	"testing"
)

func TestParseRemote(t *testing.T) {
	for url, want := range map[string]remote{
		"https://git.example.com/ha.git":       {scheme: "https", host: "git.example.com"},
		"https://bob@git.example.com:8443/x":   {scheme: "https", host: "git.example.com:8443", user: "bob"},
		"ssh://git@git.example.com:2222/ha":    {scheme: "ssh", host: "git.example.com:2222", user: "git"},
		"git@git.example.com:ha/clusters.git":  {scheme: "ssh", host: "git.example.com", user: "git"},
		"git.example.com:ha":                   {scheme: "ssh", host: "git.example.com"},
		"git@[2001:db8::1]:ha":                 {scheme: "ssh", host: "[2001:db8::1]", user: "git"},
		"/srv/git/ha.git":                      {scheme: "file"},
		"file:///srv/git/ha.git":               {scheme: "file"},
		"http://[::1]:3000/ha.git":             {scheme: "http", host: "[::1]:3000"},
		"https://git.example.com/with%20blank": {scheme: "https", host: "git.example.com"},
	} {
		want.url = url
		if have, err := parseRemote(url); err != nil || have != want {
			t.Errorf("%s: %+v, %v", url, have, err)
		}
	}
	for url, want := range map[string]string{
		"":                                   "which repository is to be followed",
		"ext::sh -c touch% /tmp/pwned":       "is no URL",
		"ext::sh":                            "is no URL",
		"--upload-pack=touch /tmp/pwned":     "is no URL",
		"-oProxyCommand=x:y":                 "is no URL",
		"ssh://-oProxyCommand=x/y":           "names no host",
		"https://bob:s3cret@example.com/x":   "a password does not belong in the URL",
		"https://bob:s3/cret@example.com/x":  "is no URL",
		"https://bob:s3%zzcret@example.com/": "is no URL",
		"ftp://example.com/x":                "the transport ftp is not supported; use https, ssh or file",
		"fd://17":                            "the transport fd is not supported",
		"https:///x":                         "names no host",
		"https://example.com/x?token=s3cret": "holds ? or #",
		"relative/path":                      "is no URL; write https://…, ssh://…",
		"https://example.com/\x1b[31m":       "is no URL",
	} {
		_, err := parseRemote(url)
		if want != "" && (err == nil || !strings.Contains(err.Error(), want)) || err != nil && strings.Contains(err.Error(), "s3") {
			t.Errorf("%q: %v", url, err)
		}
		if s := (Git{URL: url}).String(); strings.Contains(s, "s3cret") && !strings.Contains(s, "?") || strings.Contains(s, "s3/") {
			t.Errorf("%q is told as %s", url, s)
		}
	}
}

// What is wrong with the source as it is set up ends Run at once.
func TestGitRefusesSettings(t *testing.T) {
	token := always("t")
	for want, g := range map[string]Git{
		"no folder is named for the cache":                       {URL: "/x"},
		"leads out of the repository":                            {URL: "/x", Dir: "/d", Path: "a/../../b"},
		`"main..x" is no name of a branch`:                       {URL: "/x", Dir: "/d", Ref: "main..x"},
		`"--all" is no name of a branch`:                         {URL: "/x", Dir: "/d", Ref: "--all"},
		`"a*" is no name of a branch`:                            {URL: "/x", Dir: "/d", Ref: "a*"},
		"anybody on the way could replace what comes over http;": {URL: "http://example.com/x", Dir: "/d"},
		"anybody on the way could replace what comes over git;":  {URL: "git://example.com/x", Dir: "/d"},
		"the token would cross the network in clear text":        {URL: "http://example.com/x", Dir: "/d", AllowedSigners: "f", Token: token},
		"a character that ssh would take for more than it is":    {URL: "/x", Dir: "/d", SSHKey: "/home/%h/key"},
	} {
		err := g.Run(t.Context(), nil, nil, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", g, err)
		}
	}
	for _, g := range []Git{
		{URL: "http://127.0.0.1:3000/x", Dir: "/d", Token: token},
		{URL: "http://example.com/x", Dir: "/d", AllowedSigners: "f"},
		{URL: "http://example.com/x", Dir: "/d", Plaintext: true, Token: token},
		{URL: "https://example.com/x", Dir: "/d", Token: token, Ref: "übung/a@b", Path: "/a/./b/"},
	} {
		r, err := g.ready()
		if err != nil {
			t.Errorf("%+v: %v", g, err)
		} else if g.Path != "" && r.Path != "a/b" {
			t.Errorf("path %q", r.Path)
		}
	}
}

// The command is taken apart by a shell: what is in paths must come through it as it is.
func TestSSHCommand(t *testing.T) {
	command, err := sshCommand("/a b/it's;`x`&key", "/k h")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("sh", "-c", `printf '%s\n' `+strings.TrimPrefix(command, "ssh ")).Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nIdentityFile=\"/a b/it's;`x`&key\"\n", "\nUserKnownHostsFile=\"/k h\"\n", "\nStrictHostKeyChecking=yes\n"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
}
