package cib

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// The script is bash's own: it tells the first line at once, and again when the file was replaced by one with another; not when only the rest differs.
func TestFollowScript(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cib.xml")
	write := func(text string) {
		if err := os.WriteFile(file+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	write("<cib epoch=\"1\">\n<a/>\n")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", followScript, "hactl-follow", file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	next := func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("the stream tells %q, want %q", lines.Text(), want)
		}
	}
	next(`<cib epoch="1">`)
	write("<cib epoch=\"1\">\n<b/>\n")
	time.Sleep(1200 * time.Millisecond)
	write("<cib epoch=\"2\">\n<b/>\n")
	next(`<cib epoch="2">`)
	cancel()
	_ = cmd.Wait()
}

func TestRootLine(t *testing.T) {
	m := rootLine.FindStringSubmatch(`<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="9" num_updates="0" admin_epoch="2" cib-last-written="Fri Nov 20 16:04:00 2026" ` +
		`update-origin="node1" update-client="crm_attribute" update-user="root" have-quorum="1" dc-uuid="2">`)
	if m == nil || says(m[2]+"."+m[1], m[3], m[4]) != "the CIB changed (version 2.9, by crm_attribute on node1)" {
		t.Errorf("%q", m)
	}
}
