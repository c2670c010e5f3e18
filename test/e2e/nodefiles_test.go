package e2e

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/hactl/hactl/test/e2e/lab"
)

// newFiles reads every file of a node that was written since then, unpacked (1 is tar's code for a file that changed meanwhile). Left out are /usr, which is large and holds programs, and the memory that
// Pacemaker's daemons share among themselves in /dev/shm; the journal's own files are asked for as text (see nodeTexts).
func newFiles(l *lab.Lab, node string, since time.Time, each func(name string, data []byte)) (count int, err error) {
	c := l.Command(node, "sh", "-c", `find / \( -path /proc -o -path /sys -o -path /usr -o -path /dev \) -prune -o -type f -newerct "@$1" ! -name '*.journal' -print0 |
		tar --create --null --files-from=- --ignore-failed-read --warning=none; [ $? -le 1 ]`, "sh", fmt.Sprint(since.Unix()-1))
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := c.Start(); err != nil {
		return 0, err
	}
	for r := tar.NewReader(out); ; count++ {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return count, fmt.Errorf("%s: %w: %s", node, err, &stderr)
		}
		data, err := io.ReadAll(unpacked(h.Name, r))
		if err != nil {
			return count, fmt.Errorf("%s: %s: %w", node, h.Name, err)
		}
		each("/"+h.Name, data)
	}
	_, _ = io.Copy(io.Discard, out)
	return count, c.Wait()
}

func unpacked(name string, r io.Reader) io.Reader {
	switch path.Ext(name) {
	case ".gz":
		if z, err := gzip.NewReader(r); err == nil {
			return z
		}
	case ".bz2":
		return bzip2.NewReader(r)
	}
	return r
}

// nodeTexts is what a node tells about itself: its journal with all fields, its units, and the live CIB.
func nodeTexts(l *lab.Lab, node string) (map[string][]byte, error) {
	texts := map[string][]byte{}
	for _, argv := range [][]string{
		{"journalctl", "--no-pager", "--all", "--output=export"},
		{"systemctl", "--no-pager", "cat", "*"},
		{"systemctl", "--no-pager", "--all", "show", "*"},
		{"cibadmin", "--query"},
		{"crm_mon", "--one-shot", "--output-as=xml"},
		{"sh", "-c", "find /run /tmp /var/lib/hactl /var/tmp -ls"},
		{"dmesg"},
	} {
		out, err := l.Command(node, argv...).Output()
		if err != nil && len(out) == 0 && argv[0] != "dmesg" {
			return nil, fmt.Errorf("%s: %s: %w", node, strings.Join(argv, " "), err)
		}
		texts[strings.Join(argv, " ")] = out
	}
	return texts, nil
}
