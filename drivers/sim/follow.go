package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// follows tells the stream of drivers/cib/follow.go from commands that end by themselves.
func follows(argv []string) bool {
	return argv[0] == "bash" && len(argv) > 3 && argv[3] == "hactl-follow"
}

// follow tells the first line of the CIB's file, and again when it is another, until the limit.
func (x *call) follow(ctx context.Context, limit time.Duration, line func([]byte)) ([]byte, error) {
	x.c.mu.Lock()
	x.c.scripts[x.argv[3]] = x.argv[2]
	x.c.mu.Unlock()
	last := ""
	for end := time.Now().Add(limit); time.Now().Before(end); {
		a, err := x.carryOut(ctx, "hactl-follow", limit, func() answer {
			p := &x.c.pacemaker
			if p.doc == nil {
				return failed(1, "bash: line 3: %s: No such file or directory", cibPath)
			}
			return answer{out: fmt.Sprintf(`<cib crm_feature_set="%s" epoch="%d" num_updates="0" admin_epoch="%d">`, featureSet, p.number("epoch"), p.number("admin_epoch"))}
		})
		if err != nil {
			return nil, err
		}
		if a.code != 0 {
			return nil, &reconcile.ExitError{Host: x.n.name, Argv: x.argv, Code: a.code, Stderr: []byte(a.err)}
		}
		if a.out != last && line != nil {
			line([]byte(a.out))
		}
		last = a.out
		if err := pause(ctx, time.Second); err != nil {
			return nil, err
		}
	}
	return nil, &reconcile.ExitError{Host: x.n.name, Argv: x.argv, Code: 124}
}
