package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	v1 "github.com/hactl/hactl/api/v1"
)

// writeImport writes the manifests and the secrets. Everything is made before anything is written, and no file is ever seen half-written.
func (a *app) writeImport(ctx context.Context, im *imported, f importFlags) error {
	head := fmt.Sprintf("# Imported by hactl %s from %s.\n", version, im.source)
	folder := f.secrets
	if f.dir != "" && folder == "" {
		folder = secretsDir
	}
	if err := im.moveSecrets(folder); err != nil {
		return err
	}
	out, err := im.secretFiles(f.dir, folder)
	if err != nil {
		return err
	}
	all := im.m.All()
	if f.dir == "" {
		text, err := manifestText(head, all)
		if err != nil {
			return err
		}
		if err := commit(ctx, out, f.force); err != nil {
			return err
		}
		_, err = a.out.Write(text)
		return err
	}
	parts := v1.SplitFiles(all)
	if f.single {
		parts = []v1.ManifestFile{{Name: "cluster.yaml", Objects: all}}
	}
	var names []string
	for _, p := range parts {
		text, err := manifestText(head, p.Objects)
		if err != nil {
			return err
		}
		out = append(out, outFile{path: filepath.Join(f.dir, p.Name), data: text, mode: 0o644})
		names = append(names, p.Name)
	}
	if err := commit(ctx, out, f.force); err != nil {
		return err
	}
	a.progress("%d objects written to %s: %s", len(all), f.dir, strings.Join(names, ", "))
	im.strangers(f.dir, names)
	return nil
}

func manifestText(head string, objects []any) ([]byte, error) {
	b := bytes.NewBufferString(head)
	err := v1.WriteYAML(b, objects)
	return b.Bytes(), err
}

// strangers warns of manifests in the folder that are not from this import: hactl would read them with it.
func (im *imported) strangers(dir string, names []string) {
	ours := map[string]bool{}
	for _, n := range names {
		ours[n] = true
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // it was just written to
	}
	for _, e := range entries {
		if x := filepath.Ext(e.Name()); (x == ".yaml" || x == ".yml") && !ours[e.Name()] {
			im.warnings = append(im.warnings, filepath.Join(dir, e.Name())+" is not from this import; hactl reads it, too, when it reads the folder")
		}
	}
}

// outFile is a file to be written.
type outFile struct {
	path string
	data []byte
	mode os.FileMode
	// private asks for a folder that is its owner's alone, if it has to be made.
	private bool
	// update tells that data is what is there, and more.
	update bool
}

// commit writes files, all under temporary names first. It replaces none without force, and leaves nothing behind if it fails before
// the last step.
func commit(ctx context.Context, files []outFile, force bool) (err error) {
	var there []string
	for _, f := range files {
		if _, err := os.Lstat(f.path); err == nil && !f.update {
			there = append(there, f.path)
		}
	}
	if len(there) > 0 && !force {
		return fmt.Errorf("nothing was written: there is already %s; write to another folder, or replace with --force", strings.Join(there, ", "))
	}
	var undo []string
	defer func() {
		for i := len(undo) - 1; i >= 0; i-- {
			_ = os.Remove(undo[i]) // only what is new and, of folders, empty
		}
	}()
	staged := make([]string, len(files))
	for i, f := range files {
		made, err := makeFolder(filepath.Dir(f.path), f.private)
		undo = append(undo, made...)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if staged[i], err = stage(f); err != nil {
			return err
		}
		undo = append(undo, staged[i])
	}
	for i, f := range files {
		if err := os.Rename(staged[i], f.path); err != nil {
			return err
		}
	}
	return nil
}

// makeFolder makes a folder and those above it, and lists what it made.
func makeFolder(dir string, private bool) (made []string, err error) {
	if _, err := os.Stat(dir); err == nil {
		return nil, nil
	}
	if up := filepath.Dir(dir); up != dir {
		if made, err = makeFolder(up, false); err != nil {
			return made, err
		}
	}
	mode := os.FileMode(0o755)
	if private {
		mode = 0o700
	}
	if err := os.Mkdir(dir, mode); err != nil {
		return made, err
	}
	return append(made, dir), nil
}

// stage writes a file under a temporary name in its folder, one that no reader of manifests takes for one.
func stage(f outFile) (name string, err error) {
	t, err := os.CreateTemp(filepath.Dir(f.path), ".hactl-import-*") // 0600
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = t.Close()
			_ = os.Remove(t.Name())
		}
	}()
	if _, err := t.Write(f.data); err != nil {
		return "", err
	}
	if err := t.Chmod(f.mode); err != nil {
		return "", err
	}
	if err := t.Sync(); err != nil {
		return "", err
	}
	return t.Name(), t.Close()
}
