package v1

import (
	"strings"
	"testing"
)

// sealed is an age file for one X25519 key.
const sealed = `-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSAwem1uMEdxUklNNFlzWmk2
UERXbFZvZzdleVdDVW9vM1pNcWs1WGdlcFhjCjBoUG9ISTRCT1RyeWZnR3ZkeHpk
OU9tMFRVeFArRXpkYzFvVTZzMWRad1kKLS0tIDNpSnVpd0RFckEyVFRyWEwzSnR6
ajdhSTR2d3ExeVpHd0w0SCtjMlpDNWMKGQCdBHvmpKQYONOvPUb5gHOzu1TYYZ/N
rYJMM5RmF3K50m3MhqDq
-----END AGE ENCRYPTED FILE-----
`

func TestAgeFile(t *testing.T) {
	lines := strings.SplitAfter(sealed, "\n")
	for name, text := range map[string]string{
		"as written": sealed, "without the last newline": strings.TrimSpace(sealed), "space around it": "\n" + sealed + "\n\n",
		"from Windows": strings.ReplaceAll(sealed, "\n", "\r\n"),
	} {
		if file, err := AgeFile(text); err != nil || !strings.HasPrefix(string(file), "age-encryption.org/v1\n-> X25519 ") {
			t.Errorf("%s: %q, %v", name, file, err)
		}
	}
	const scrypt = `-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBBQUFBQUFBQUFBQUFBQUFB
QUFBQUFBIDE4CkFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB
QUFBQUEKLS0tIEFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFB
QUFBQUEKYWJj
-----END AGE ENCRYPTED FILE-----`
	for text, want := range map[string]string{
		"":                              "is no armored age file",
		"sesame":                        "is no armored age file",
		"AGE-SECRET-KEY-1SESAME":        "is a private key",
		"age1sesame":                    "is a recipient",
		"ssh-ed25519 sesame":            "is a recipient",
		"age-encryption.org/v1\nsesame": "without armor",
		strings.Join(lines[:3], ""):     "its armor",
		strings.Join(lines[:3], "") + lines[len(lines)-2]: "its header",
		lines[0] + "sesame\n" + lines[len(lines)-2]:       "its armor",
		lines[0] + "c2VzYW1l\n" + lines[len(lines)-2]:     "its header",
		strings.Join(lines[:5], "") + lines[len(lines)-2]: "ends before its value",
		sealed + "sesame":                     "its armor",
		strings.ReplaceAll(sealed, "\n", " "): "stands on one line",
		scrypt:                                "with a passphrase",
	} {
		_, err := AgeFile(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		} else if low := strings.ToLower(err.Error()); strings.Contains(low, "sesame") || strings.Contains(low, "c2vzyw1l") {
			t.Errorf("the error repeats what may be a secret: %v", err)
		}
	}
}

// An encrypted value is written as a block that can be read, and read back as it was.
func TestAgeYAML(t *testing.T) {
	r := &Resource{}
	r.Metadata.Name = "a"
	r.Spec.Agent, r.Spec.Secrets = "ocf:pacemaker:Dummy", map[string]SecretRef{"passwd": {Age: sealed}}
	var b strings.Builder
	if err := WriteYAML(&b, []any{r}); err != nil {
		t.Fatal(err)
	}
	want := "  secrets:\n    passwd:\n      age: |\n" + "        " + strings.ReplaceAll(strings.TrimSpace(sealed), "\n", "\n        ") + "\n"
	if !strings.Contains(b.String(), want) {
		t.Errorf("written as\n%s", b.String())
	}
	cluster := "---\napiVersion: hactl/v1\nkind: Cluster\nmetadata: {name: c}\nspec: {nodes: [{name: n1, addresses: [10.0.0.1]}]}\n"
	sets, err := Load([]File{{Name: "m.yaml", Data: []byte(b.String() + cluster)}})
	if err != nil {
		t.Fatal(err)
	}
	if uses := sets[0].Secrets(); len(uses) != 1 || uses[0].Path != "spec.secrets.passwd" || uses[0].Ref.Age != sealed {
		t.Errorf("%+v", uses)
	}
}
