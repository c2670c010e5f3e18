package lvm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// reportArgv asks LVM for everything in bytes, groups of other systems and of lock managers included. --all shows the parts of volumes too; without it a
// volume on a missing disk would look whole. The columns of segments are as few as lvm allows, one each: they are not read.
var reportArgv = []string{"fullreport", "--reportformat", "json", "--units", "b", "--nosuffix", "--all", "--foreign", "--shared",
	"--configreport", "vg", "-o", "vg_name,vg_uuid,vg_systemid,vg_lock_type,vg_tags,vg_extent_size,vg_extent_count,vg_free_count,vg_missing_pv_count,vg_autoactivation,vg_exported",
	"--configreport", "pv", "-o", "pv_name,pv_uuid,pv_missing,pv_duplicate",
	"--configreport", "lv", "-o", "lv_name,lv_size,lv_active,lv_tags,lv_layout,pool_lv,origin,data_percent,metadata_percent,lv_device_open",
	"--configreport", "seg", "-o", "seg_start", "--configreport", "pvseg", "-o", "pvseg_start"}

// row is a line of a report: LVM writes every value as a string.
type row map[string]string

// reports is what fullreport prints, one entry a group and one for what belongs to none; pvs, vgs and lvs print one entry with one of them.
type reports struct {
	Report []struct {
		VG  []row `json:"vg"`
		PV  []row `json:"pv"`
		LV  []row `json:"lv"`
		Seg []row `json:"seg"`
	} `json:"report"`
}

// parseReport reads a report of LVM with sizes in bytes. It gives the groups by name, and the physical volumes without one.
func parseReport(b []byte) ([]FoundGroup, []FoundDisk, error) {
	var all reports
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, nil, fmt.Errorf("the report of LVM: %w", err)
	}
	if all.Report == nil {
		return nil, nil, fmt.Errorf("there is no report in it")
	}
	var groups []FoundGroup
	var loose []FoundDisk
	for _, r := range all.Report {
		var disks []FoundDisk
		for _, p := range r.PV {
			disks = append(disks, FoundDisk{Name: p["pv_name"], UUID: p["pv_uuid"], Missing: p["pv_missing"] != "", Duplicate: p["pv_duplicate"] != ""})
		}
		if len(r.VG) > 1 || len(r.VG) == 0 && len(r.LV) > 0 {
			return nil, nil, fmt.Errorf("the report does not tell which volumes belong to which group; make it with: lvm fullreport --reportformat json --units b --nosuffix")
		}
		if len(r.VG) == 0 {
			loose = append(loose, disks...)
			continue
		}
		g, err := r.VG[0].group()
		if err != nil {
			return nil, nil, err
		}
		g.Disks = disks
		for _, l := range r.LV {
			if l["lv_name"] == "" || strings.HasPrefix(l["lv_name"], "[") {
				continue // a part of another
			}
			v, err := l.volume()
			if err != nil {
				return nil, nil, fmt.Errorf("%s/%s: %w", g.Name, l["lv_name"], err)
			}
			g.Volumes = append(g.Volumes, v)
		}
		slices.SortFunc(g.Volumes, func(a, b FoundVolume) int { return cmp.Compare(a.Name, b.Name) })
		groups = append(groups, g)
	}
	slices.SortStableFunc(groups, func(a, b FoundGroup) int { return cmp.Compare(a.Name, b.Name) })
	return groups, loose, nil
}

func (r row) group() (FoundGroup, error) {
	g := FoundGroup{Name: r["vg_name"], UUID: r["vg_uuid"], SystemID: r["vg_systemid"], LockType: r["vg_lock_type"], Tags: r.tags("vg_tags"),
		Autoactivation: r["vg_autoactivation"] != "", Exported: r["vg_exported"] != ""}
	for name, to := range map[string]*int64{"vg_extent_size": &g.ExtentSize, "vg_extent_count": &g.Extents, "vg_free_count": &g.Free,
		"vg_missing_pv_count": &g.Missing} {
		var err error
		if *to, err = r.number(name); err != nil {
			return g, fmt.Errorf("%s: %w", g.Name, err)
		}
	}
	return g, nil
}

func (r row) volume() (FoundVolume, error) {
	v := FoundVolume{Name: r["lv_name"], Layout: r["lv_layout"], Pool: r["pool_lv"], Origin: r["origin"], Tags: r.tags("lv_tags"),
		Active: strings.HasPrefix(r["lv_active"], "active"), Open: r["lv_device_open"] == "open"}
	v.Data, _ = strconv.ParseFloat(r["data_percent"], 64) // empty where it has none
	v.Metadata, _ = strconv.ParseFloat(r["metadata_percent"], 64)
	var err error
	v.Size, err = r.number("lv_size")
	return v, err
}

func (r row) number(name string) (int64, error) {
	n, err := strconv.ParseInt(r[name], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%s is %q, not a number of bytes or extents; make the report with --units b --nosuffix", name, r[name])
	}
	return n, nil
}

func (r row) tags(name string) []string {
	if r[name] == "" {
		return nil
	}
	return strings.Split(r[name], ",")
}
