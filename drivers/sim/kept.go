package sim

import (
	"bytes"
	"compress/gzip"
	"path"
	"strconv"
	"time"

	"github.com/hactl/hactl/reconcile"
)

func private(content []byte) reconcile.File {
	return reconcile.File{Content: reconcile.Plain(string(content)), Mode: 0o600, Owner: "root:root"}
}

// checkpoint saves the CIB: DIR ID KEPT BYTES. Old ones stay: nothing here makes so many.
func checkpoint(x *call) answer {
	if !x.n.runsPacemaker() {
		return disconnected("cibadmin")
	}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	_, _ = z.Write([]byte(x.c.pacemaker.String())) // to memory
	_ = z.Close()
	at := path.Join(x.args()[0], x.args()[1]+".xml.gz")
	x.changes(at)
	x.n.files[at] = private(b.Bytes())
	return answer{}
}

// journal appends to PATH.
func journal(x *call) answer {
	at := x.args()[0]
	x.changes(at)
	x.n.files[at] = private([]byte(x.n.files[at].Content.Reveal() + x.in))
	return answer{}
}

// timer has a program run later.
type timer struct {
	at      time.Time
	id, run string
}

// arm takes a program: ID SECONDS DIR.
func arm(x *call) answer {
	id, dir := x.args()[0], x.args()[2]
	seconds, err := strconv.Atoi(x.args()[1])
	if err != nil {
		return failed(1, "Failed to parse timer value: %s", x.args()[1])
	}
	at := path.Join(dir, id+".sh")
	x.changes(at)
	x.n.files[at] = private([]byte(x.in))
	if unit := "hactl-confirm-" + id + ".timer"; x.n.timers[unit] == nil {
		x.n.timers[unit] = &timer{time.Now().Add(time.Duration(seconds) * time.Second), id, at}
	}
	return answer{}
}

// disarm ends a timer: ID DIR.
func disarm(x *call) answer {
	id, dir := x.args()[0], x.args()[1]
	x.changes("timer of " + id)
	delete(x.n.timers, "hactl-confirm-"+id+".timer")
	delete(x.n.files, path.Join(dir, id+".sh"))
	return answer{}
}

// expire runs the programs whose time has come.
func (n *Node) expire() {
	for unit, t := range n.timers {
		if time.Now().Before(t.at) {
			continue
		}
		if n.overdue(t) {
			delete(n.timers, unit)
		} else {
			t.at = time.Now().Add(2 * time.Second)
		}
	}
}
