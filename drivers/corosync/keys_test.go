package corosync

import (
	"io/fs"
	"testing"

	"github.com/hactl/hactl/reconcile"
)

// What pcs and the packages write is left as it is; what others could read is not.
func TestKeyFits(t *testing.T) {
	for _, x := range []struct {
		key   key
		owner string
		mode  fs.FileMode
		want  bool
	}{
		{theKeys[0], "root:root", 0o400, true},
		{theKeys[0], "root:root", 0o440, false},
		{theKeys[1], "root:haclient", 0o640, true},
		{theKeys[1], "hacluster:haclient", 0o400, true},
		{theKeys[1], "hacluster:haclient", 0o600, true},
		{theKeys[1], "hacluster:haclient", 0o640, false},
		{theKeys[1], "hacluster:haclient", 0o200, false},
		{theKeys[1], "root:root", 0o400, false},
	} {
		if got := x.key.fits(&reconcile.File{Owner: x.owner, Mode: x.mode}); got != x.want {
			t.Errorf("%s %s %04o: %t, want %t", x.key.path, x.owner, x.mode, got, x.want)
		}
	}
}
