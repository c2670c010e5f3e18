package cib

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestBounds(t *testing.T) {
	deep := func(n int) string { return strings.Repeat("<a>\n", n) + strings.Repeat("</a>", n) }
	for _, x := range []struct{ name, text, says string }{
		{"as deep as may be", deep(maxDepth), ""},
		{"too deep", deep(maxDepth + 1), "line 201: the document is nested deeper than 200 levels"},
		{"never closed", strings.Repeat("<a ", 10) + strings.Repeat("<b>", 1_000_000), "nested deeper"},
		{"wide", "<a>" + strings.Repeat(`<b x=">" y='/>'/>`, 1000) + "</a>", ""},
		{"values with ends of tags", strings.Repeat(`<b x="/>" y='>'></b>`, 1000), ""},
		{"too many", strings.Repeat("<b/>", maxElements+1), "more than 1000000 elements"},
		{"too large", strings.Repeat(" ", MaxSize+1), "more than 32 MiB"},
		{"comments and the like", strings.Repeat("<!-- <a> --><![CDATA[<a>]]><?x <a>?>", 300), ""},
		{"cut off", "<a>\n<b x=\"", "line 2: the document ends within <b"},
		{"not closed", "<a>\n<b/>", "line 2: the document ends within <a>: unexpected EOF"},
		{"closed otherwise", "<a>\n<b>\n</a></b>", "line 3: </a> stands where <b> must be closed"},
		{"closed twice", "<a/>\n</a>", "line 2: </a> closes nothing"},
		{"names", "<a\tx='1'\n><b ></b ></a\n>", ""},
		{"empty", "", ""},
	} {
		err := bounds(x.text)
		if x.says == "" && err != nil || x.says != "" && (err == nil || !strings.Contains(err.Error(), x.says)) {
			t.Errorf("%s: %v, want %q", x.name, err, x.says)
		}
	}
}

// Real CIBs are within the bounds.
func TestBoundsCorpus(t *testing.T) {
	files, _ := filepath.Glob("../../../shared/corpus/*/*.xml")
	if len(files) == 0 {
		t.Skip("NOT TESTED: the corpus of CIBs is not here")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := bounds(string(b)); err != nil {
			t.Errorf("%s: %v", f, err)
		}
	}
	t.Logf("%d files", len(files))
}

// oddDirective is what Go's reader takes for a directive, and XML does not.
var oddDirective = regexp.MustCompile(`<!([^-[D]|$)`)

// What a strict reader of XML takes is within the bounds, and what is within them nests as it says.
func FuzzBounds(f *testing.F) {
	f.Add(`<a x='">'><b/><!-- </a> --><![CDATA[<c>]]><?p <d> ?></a>`)
	f.Add("<!DOCTYPE a [<!ENTITY e \"<b>\">]>\n<a ></a\n>")
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 1<<16 || oddDirective.MatchString(s) {
			return
		}
		got := bounds(s)
		d := xml.NewDecoder(strings.NewReader(s))
		depth := 0
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return
			}
			switch token.(type) {
			case xml.StartElement:
				depth++
			case xml.EndElement:
				depth--
			}
			if depth > maxDepth {
				return
			}
		}
		if got != nil {
			t.Errorf("%q: %v", s, got)
		}
	})
}
