package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/hactl/hactl/drivers/lvm"
)

// maxReport is the size in bytes above which a file is no report of LVM. A volume takes some 3 KiB of one with all columns.
const maxReport = 64 << 20

// lvmReports reads reports of LVM, each named NODE=FILE; a single one may come without its node.
func (a *app) lvmReports(ctx context.Context, args []string) (record, lvm.State, error) {
	var all lvm.State
	var names []string
	for _, arg := range args {
		node, path, named := strings.Cut(arg, "=")
		if !named {
			node, path = "", arg
		}
		if !named && len(args) > 1 || named && node == "" {
			return record{}, all, fmt.Errorf("--lvm-report %s: which node is it from? write NODE=FILE", arg)
		}
		r, err := a.record(ctx, path, maxReport)
		if err != nil {
			return record{}, all, err
		}
		s, err := lvm.FromReport(node, r.data)
		if err != nil {
			return record{}, all, fmt.Errorf("%s: %w", r.name, err)
		}
		all, names = all.Merge(s), append(names, r.name)
	}
	return record{name: strings.Join(names, ", ")}, all, nil
}
