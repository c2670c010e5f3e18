package schemas

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	"github.com/rogpeppe/go-internal/txtar"
	"go.yaml.in/yaml/v3"
)

func schema(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(JSON, &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// check runs every document of a text through the schema.
func check(t *testing.T, s *jsonschema.Resolved, text string) error {
	t.Helper()
	dec := yaml.NewDecoder(strings.NewReader(text))
	var errs []error
	for {
		var n yaml.Node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return errors.Join(errs...)
		} else if err != nil {
			t.Fatal(err)
		}
		if v := plain(&n); v != nil {
			errs = append(errs, s.Validate(v))
		}
	}
}

// plain is what an editor's YAML 1.2 reader makes of a node.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		return plain(n.Content[0])
	case yaml.AliasNode:
		return plain(n.Alias)
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			list = append(list, plain(c))
		}
		return list
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Tag == "!!merge" {
				if merged, ok := plain(n.Content[i+1]).(map[string]any); ok {
					for k, v := range merged {
						m[k] = v
					}
				}
				continue
			}
			m[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return m
	}
	var v any
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		if n.Decode(&v) == nil {
			return v
		}
	}
	return n.Value
}

func TestSchemaTakesGoodManifests(t *testing.T) {
	s := schema(t)
	files, _ := filepath.Glob("../api/v1/testdata/good/*.yaml")
	if len(files) == 0 {
		t.Fatal("no testdata")
	}
	examples, _ := filepath.Glob("../examples/*/*.yaml")
	files = append(files, examples...)
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := check(t, s, string(b)); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
}

// An archive of bad manifests whose comment says "schema: refuses" holds mistakes of shape in every file.
func TestSchemaRefusesBadManifests(t *testing.T) {
	s := schema(t)
	files, _ := filepath.Glob("../api/v1/testdata/bad/*.txtar")
	refused := 0
	for _, f := range files {
		a, err := txtar.ParseFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(a.Comment), "schema: refuses") {
			continue
		}
		for _, x := range a.Files {
			if x.Name == "errors" {
				continue
			}
			refused++
			if check(t, s, string(x.Data)) == nil {
				t.Errorf("%s: %s: the schema takes it", f, x.Name)
			}
		}
	}
	if refused < 9 {
		t.Errorf("only %d bad files were tried", refused)
	}
}
