package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"go.yaml.in/yaml/v3"
)

// What was encrypted is what is decrypted, but for one newline at the end; and the block is YAML as it stands.
func TestEncrypt(t *testing.T) {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	keys := &ageKeys{ids: []age.Identity{id}, from: []string{"here"}}
	for value, want := range map[string]string{
		"sesame": "sesame", "sesame\n": "sesame", "sesame\n\n": "sesame\n", " a b\t": " a b\t", "%s'\"\\$é": "%s'\"\\$é", strings.Repeat("x", 5000): strings.Repeat("x", 5000),
	} {
		block, err := encrypt([]byte(value), []age.Recipient{id.Recipient()})
		if err != nil {
			t.Fatal(err)
		}
		var ref struct{ Age string }
		if err := yaml.Unmarshal([]byte(block), &ref); err != nil {
			t.Fatalf("%v\n%s", err, block)
		}
		if got, err := keys.decrypt(ref.Age); err != nil || got != want {
			t.Errorf("%q became %q, %v", value, got, err)
		}
	}
}

// Keys are read from files as they are written anywhere, and those of the flag take the place of the environment's.
func TestReadAgeKeys(t *testing.T) {
	ids := make([]*age.X25519Identity, 3)
	for i := range ids {
		ids[i], _ = age.GenerateX25519Identity()
	}
	dir := t.TempDir()
	file := func(name, text string) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	two := file("two", "# mine\r\n\r\n"+ids[0].String()+"\r\n"+ids[1].String()+"\r\n")
	third := file("third", ids[2].String())
	for _, c := range []struct {
		files []string
		env   map[string]string
		want  int
	}{
		{nil, nil, 0},
		{[]string{two}, nil, 2},
		{[]string{two, third}, nil, 3},
		{nil, map[string]string{identityVariable: two + ":" + third}, 3},
		{nil, map[string]string{identityVariable: ":" + third, keyVariable: ids[0].String() + "\n" + ids[1].String()}, 3},
		{[]string{third}, map[string]string{identityVariable: two, keyVariable: "nonsense"}, 1},
	} {
		k, err := readAgeKeys(c.files, func(name string) string { return c.env[name] })
		if err != nil || len(k.ids) != c.want {
			t.Errorf("%v, %v: %d keys, %v", c.files, c.env, len(k.ids), err)
		}
	}
	_, err := readAgeKeys([]string{filepath.Join(dir, "none"), file("bad", "AGE-SECRET-KEY-1SESAME")}, os.Getenv)
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "bad: error at line 1") || strings.Contains(err.Error(), "SESAME") {
		t.Errorf("not every file that is bad is told, or a key is repeated: %v", err)
	}
}
