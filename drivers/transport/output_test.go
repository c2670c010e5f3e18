package transport

import (
	"bufio"
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

func TestAfterMarker(t *testing.T) {
	for _, sizes := range []int{1, 3, 1000} {
		var out bytes.Buffer
		w := &afterMarker{to: &out}
		in := "Welcome!\n" + marker + "123\noutput " + marker + "again"
		for i := 0; i < len(in); i += sizes {
			if _, err := w.Write([]byte(in[i:min(i+sizes, len(in))])); err != nil {
				t.Fatal(err)
			}
		}
		if !w.found() || w.word() != "123" || out.String() != "output "+marker+"again" {
			t.Errorf("writes of %d: %q %q", sizes, w.word(), out.String())
		}
		w.close()
		w.Write([]byte("late"))
		if strings.Contains(out.String(), "late") {
			t.Error("written after close")
		}
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var w tail
	for range 100 {
		w.Write(bytes.Repeat([]byte("x"), 1<<10))
	}
	w.Write([]byte("reason"))
	if b := w.bytes(); len(b) > maxStderr+10 || !bytes.HasSuffix(b, []byte("reason")) {
		t.Errorf("%d bytes", len(b))
	}
}

func TestLine(t *testing.T) {
	if _, err := readScript.line([]string{"1", "a\x00b"}); err == nil {
		t.Error("a zero byte was taken")
	}
	if _, err := readScript.line([]string{"1", strings.Repeat("x", 130<<10)}); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v", err)
	}
	// Every script must parse.
	for _, s := range []script{readScript, mutateScript, killScript, lockScript, {"sh", readFilesProgram}, {"sh", writeFileProgram}} {
		if out, err := exec.Command(s.shell, "-n", "-c", begin+s.body).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}
}

func TestParseFilesRefusesHalf(t *testing.T) {
	for _, in := range []string{"", "644 root:root", "644 root:root eA=== L3g=\n", ".\nnot an archive"} {
		if files, err := parseFiles(bufio.NewReader(strings.NewReader(in))); err == nil {
			t.Errorf("%q: %v", in, files)
		}
	}
	files, err := parseFiles(bufio.NewReader(strings.NewReader("644 root:root eA=== L3g=\n400 a:b = L3k=\n.\n")))
	if err != nil || files["/x"].Content.Reveal() != "x" || files["/y"].Owner != "a:b" || files["/y"].Content.Reveal() != "" {
		t.Errorf("got %v, %v", files, err)
	}
}

func TestMoved(t *testing.T) {
	for text, want := range map[string]bool{
		"tar: /x: file changed as we read it\n": true,
		"tar: /x: Cannot stat: No such file or directory\ntar: Exiting with failure status due to previous errors\n": true,
		"tar: /x: Cannot open: Permission denied\n":                                                false,
		"tar: /x: file changed as we read it\ntar: /y: Read error at byte 0: Input/output error\n": false,
		"": false,
	} {
		if got := moved(1, []byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestMaskedContentIsNotWritten(t *testing.T) {
	var text reconcile.Text
	if err := text.UnmarshalJSON([]byte(`{"text": "(secret)", "secret": true}`)); err != nil {
		t.Fatal(err)
	}
	err := NewMachine("n", nil, 0, "").WriteFile(t.Context(), "/x", reconcile.File{Content: text})
	if err == nil || !strings.Contains(err.Error(), "masked") {
		t.Errorf("got %v", err)
	}
}
