package cib

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// followScript tells the CIB's first line whenever it is another than a second ago. Pacemaker writes the file anew (by rename) at each change of the
// configuration, on every member, and the line holds the version and who changed it. cibadmin has no stream of changes, crm_mon's is a picture of the status
// drawn again, and the log tells of changes only at a level that nobody has turned on. All that it calls is built into bash(1): no process is
// started, however long it runs. The wait is a read from a pipe that nobody writes to.
const followScript = `exec 3<> <(:)
while :; do
  IFS= read -r line < "$1" || exit 1
  [ "$line" = "$last" ] || { last=$line; printf '%s\n' "$line"; }
  IFS= read -r -t 1 -u 3 _
done`

// cibPath is where every member keeps the configuration (pacemaker-based(8)).
const cibPath = "/var/lib/pacemaker/cib/cib.xml"

// followLimit ends a stream that nobody reads any more; it is then begun again.
const followLimit = 15 * time.Minute

// rootLine is what the first line of a CIB tells, in the order in which Pacemaker writes it.
var rootLine = regexp.MustCompile(` epoch="(\d+)" num_updates="\d+" admin_epoch="(\d+)"(?:.* update-origin="([^"]*)" update-client="([^"]*)")?`)

// Follow implements reconcile.Follower: changed is called within a second or two of a change of the CIB's configuration, whoever makes it, and says who
// did. It watches one member, the next one where that goes away, and tells what was changed meanwhile. It ends with ctx, or when no member can
// be followed.
func (Driver) Follow(ctx context.Context, hosts reconcile.Hosts, changed func(string)) error {
	last := ""
	line := func(b []byte) {
		m := rootLine.FindStringSubmatch(string(b))
		if m == nil {
			return
		}
		v := m[2] + "." + m[1]
		if last != "" && v != last {
			changed(says(v, m[3], m[4]))
		}
		last = v
	}
	for {
		var errs []error
		for _, h := range hosts {
			_, err := h.Run(ctx, reconcile.Cmd{Argv: []string{"bash", "-c", followScript, "hactl-follow", cibPath}, Limit: followLimit, Line: line})
			if ctx.Err() != nil {
				return ctx.Err()
			}
			var exit *reconcile.ExitError
			if errors.As(err, &exit) && exit.Code == 124 { // it went well until the limit
				errs = nil
				break
			}
			errs = append(errs, cmp.Or(err, fmt.Errorf("%s: the stream of changes ended", h.Name())))
		}
		if len(errs) > 0 || len(hosts) == 0 {
			return fmt.Errorf("no member tells of changes: %w", errors.Join(errs...))
		}
	}
}

// says is a change for people.
func says(version, node, client string) string {
	s := "the CIB changed (version " + version
	if client != "" {
		s += ", by " + client + " on " + node
	}
	return s + ")"
}
