package transport

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/hactl/hactl/reconcile"
)

// readTries is how often files that change or vanish while they are read are asked for again.
const readTries = 3

// ReadFiles returns the regular files that match the globs; see reconcile.Host. A file may have at most 32 MiB. An owner without a name is
// given by number. Files of /proc and /sys are read to their end, whatever size they claim.
func (m *Machine) ReadFiles(ctx context.Context, globs ...string) (map[string]reconcile.File, error) {
	for _, g := range globs {
		if !strings.HasPrefix(g, "/") {
			return nil, fmt.Errorf("%s: read %q: not an absolute path", m.name, g)
		}
	}
	if len(globs) == 0 {
		return map[string]reconcile.File{}, nil
	}
	show := append([]string{"read"}, globs...)
	argv := append([]string{"sh", "-c", readFilesProgram, "hactl-read"}, globs...)
	for try := 1; ; try++ {
		files, code, stderr, err := m.fetch(ctx, request{argv: argv, show: show})
		switch {
		case err != nil:
			return nil, err
		case code == 0:
			return files, nil
		case !moved(code, stderr) || try == readTries:
			return nil, &reconcile.ExitError{Host: m.name, Argv: show, Code: code, Stderr: stderr}
		}
	}
}

// moved tells whether tar(1) failed only because a file changed or vanished (src/create.c, src/misc.c of GNU tar), or stat(1) did (exit 4).
func moved(code int, stderr []byte) bool {
	if code == 4 {
		return true
	}
	seen := false
	for line := range strings.Lines(string(stderr)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasSuffix(line, "file changed as we read it"), strings.HasSuffix(line, "File removed before we read it"),
			strings.Contains(line, "File shrank by"), strings.HasSuffix(line, "Cannot stat: No such file or directory"),
			strings.HasSuffix(line, "Cannot open: No such file or directory"):
			seen = true
		case line == "", strings.Contains(line, "Exiting with failure status due to previous errors"):
		default:
			return false
		}
	}
	return seen
}

// fetch reads once. The stream is parsed as it comes, so that a file that is too large is refused by its header.
func (m *Machine) fetch(ctx context.Context, r request) (map[string]reconcile.File, int, []byte, error) {
	pr, pw := io.Pipe()
	type parsed struct {
		files map[string]reconcile.File
		err   error
	}
	done := make(chan parsed, 1)
	var cancel context.CancelCauseFunc
	armed := make(chan struct{})
	go func() { // ends when pw is closed, below
		files, err := parseFiles(bufio.NewReader(pr))
		if errors.Is(err, errTooLarge) {
			<-armed
			if cancel != nil {
				cancel(err)
			}
		}
		_, _ = io.Copy(io.Discard, pr)
		done <- parsed{files, err}
	}()
	code, stderr, err := m.run(ctx, r, pw, func(c context.CancelCauseFunc) { cancel = c; close(armed) })
	if cancel == nil {
		close(armed)
	}
	_ = pw.Close() // always nil
	p := <-done
	if err != nil {
		return nil, 0, nil, err
	}
	if code == 0 && p.err != nil {
		return nil, 0, nil, fmt.Errorf("%s: %s: %w", m.name, strings.Join(r.show, " "), p.err)
	}
	return p.files, code, stderr, nil
}

var errTooLarge = errors.New("too large")

// parseFiles reads what readFilesProgram prints.
func parseFiles(r *bufio.Reader) (map[string]reconcile.File, error) {
	files := map[string]reconcile.File{}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil, fmt.Errorf("list of files: %w", io.ErrUnexpectedEOF)
		}
		if line == ".\n" {
			break
		}
		path, f, err := parseKernelFile(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, err
		}
		files[path] = f
	}
	if _, err := r.Peek(1); errors.Is(err, io.EOF) {
		return files, nil // nothing but kernel files
	}
	total := int64(0)
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("archive of files: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if total += h.Size; h.Size > maxFile || total > maxFiles {
			return nil, fmt.Errorf("%s has %d bytes: %w, at most %d MiB a file and %d MiB at once", h.Name, h.Size, errTooLarge, maxFile>>20, maxFiles>>20)
		}
		b, err := io.ReadAll(t)
		if err != nil {
			return nil, fmt.Errorf("archive of files: %s: %w", h.Name, err)
		}
		files[h.Name] = reconcile.File{
			Content: reconcile.Plain(string(b)),
			Mode:    fs.FileMode(h.Mode) & fs.ModePerm,
			Owner:   named(h.Uname, h.Uid) + ":" + named(h.Gname, h.Gid),
		}
	}
}

func named(name string, id int) string {
	if name == "" {
		return strconv.Itoa(id)
	}
	return name
}

// parseKernelFile reads "MODE OWNER CONTENT= PATH". The "=" after the content keeps the field there when it is empty.
func parseKernelFile(line string) (string, reconcile.File, error) {
	f := strings.Split(line, " ")
	if len(f) != 4 {
		return "", reconcile.File{}, fmt.Errorf("list of files: unexpected line %q", line)
	}
	mode, err := strconv.ParseUint(f[0], 8, 32)
	if err != nil {
		return "", reconcile.File{}, fmt.Errorf("list of files: mode: %w", err)
	}
	content, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(f[2], "="))
	if err != nil {
		return "", reconcile.File{}, fmt.Errorf("list of files: content: %w", err)
	}
	path, err := base64.StdEncoding.DecodeString(f[3])
	if err != nil {
		return "", reconcile.File{}, fmt.Errorf("list of files: path: %w", err)
	}
	return string(path), reconcile.File{Content: reconcile.Plain(string(content)), Mode: fs.FileMode(mode) & fs.ModePerm, Owner: f[1]}, nil
}
