package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// readDRBD reads DRBD's configuration: one file, or a folder with the files that drbd.conf would include from it (*.res and
// global_common.conf) or with drbd.conf itself and its drbd.d. Names are relative.
func readDRBD(path string) (map[string][]byte, error) {
	found := map[string][]byte{}
	take := func(name, path string) error {
		fi, err := os.Stat(path)
		if err != nil {
			return err
		}
		if !fi.Mode().IsRegular() {
			return nil
		}
		if fi.Size() > maxConf {
			return fmt.Errorf("%s has %d bytes; that is no configuration of DRBD", path, fi.Size())
		}
		found[name], err = os.ReadFile(path)
		return err
	}
	fi, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !fi.IsDir() {
		return found, take(filepath.Base(path), path)
	}
	for _, glob := range []string{"drbd.conf", "global_common.conf", "*.res", "drbd.d/*"} {
		names, err := filepath.Glob(filepath.Join(path, glob))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if err := take(strings.TrimPrefix(name, filepath.Clean(path)+"/"), name); err != nil {
				return nil, err
			}
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s has no drbd.conf and no *.res; name a copy of /etc/drbd.d", path)
	}
	return found, nil
}
