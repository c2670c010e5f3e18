package local

import (
	"os"
	"slices"
	"strings"
)

// environ is the environment of the commands that hactl runs here: what a login gives, as over SSH. The rest of hactl's own is not theirs: it
// may hold secrets that manifests refer to, and keys. Later entries win.
func environ(more ...string) []string {
	login := []string{"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TMPDIR", "TZ"}
	var env []string
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); slices.Contains(login, name) || strings.HasPrefix(name, "LC_") {
			env = append(env, v)
		}
	}
	return append(env, more...)
}
