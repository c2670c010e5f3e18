package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A token is read anew each time, and where none is named a repository that needs none is followed without.
func TestToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	t.Setenv("HACTL_TEST_TOKEN", "")
	if token("", "HACTL_TEST_TOKEN") != nil {
		t.Error("an empty variable is a token")
	}
	read := token(file, "HACTL_TEST_TOKEN")
	if _, err := read(t.Context()); err == nil {
		t.Error("a file that is not there is a token")
	}
	for _, want := range []string{"one", "two"} {
		if err := os.WriteFile(file, []byte(want+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := read(t.Context()); got != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	t.Setenv("HACTL_TEST_TOKEN", "three")
	if got, err := token("", "HACTL_TEST_TOKEN")(t.Context()); got != "three" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}
