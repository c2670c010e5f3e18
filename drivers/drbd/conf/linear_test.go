package conf

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Ten times the resources take about ten times as long.
func TestLinear(t *testing.T) {
	text := func(n int) []byte {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `resource r%d { net { protocol C; } disk { c-max-rate 10M; }
  volume 0 { device minor %d; disk /dev/vg/r%d; meta-disk internal; } on a { node-id 0; address 10.0.0.1:%d; }
  on b { node-id 1; address 10.0.0.2:%d; } on c { node-id 2; address 10.0.0.3:%d; } connection-mesh { hosts a b c; } }
`, i, i, i, 1000+i, 1000+i, 1000+i)
		}
		return []byte(b.String())
	}
	cpu := func() time.Duration { // of this process: other work on the machine does not count
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	run := func(n int) time.Duration {
		in, start := text(n), cpu()
		c, err := Parse("f", in, nil)
		if err == nil {
			err = c.Check(V9)
		}
		if err != nil || !Equal(c, c, V9) {
			t.Fatal(err)
		}
		if _, err := c.Write(V9); err != nil {
			t.Fatal(err)
		}
		return cpu() - start
	}
	run(100)
	small, large := run(500), run(5000)
	t.Logf("500 resources of three nodes are read, checked, compared and printed in %v of CPU time, 5000 in %v", small, large)
	if large > 30*small {
		t.Errorf("5000 resources take %v, 500 take %v", large, small)
	}
}
