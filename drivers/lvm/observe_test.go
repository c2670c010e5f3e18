package lvm

import (
	"os"
	"testing"
)

// LVM indents what it prints, its machine's system ID as well.
func TestSystemID(t *testing.T) {
	for file, want := range map[string]string{"systemid.out": "", "systemid-uname.out": "node1"} {
		printed, err := os.ReadFile("testdata/recorded/system-id/node1/" + file)
		if err != nil {
			t.Fatal(err)
		}
		var m Machine
		out := "\n==hactl config\nsystem_id_source=\"uname\"\n\n==hactl systemid\n" + string(printed) + "\n==hactl report\n{\"report\": []}\n\n==hactl end\n"
		if err := m.found([]byte(out), nil); err != nil {
			t.Fatal(err)
		}
		if m.SystemID != want || m.SystemIDSource != "uname" {
			t.Errorf("%s: system ID %q from %q, want %q from uname", file, m.SystemID, m.SystemIDSource, want)
		}
	}
}
