package view

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/hactl/hactl/reconcile"
)

// EventText writes an event of an apply as a line of progress.
func EventText(w io.Writer, ev reconcile.Event, st Style) {
	switch ev.Type {
	case reconcile.EventRound:
		if ev.Round > 1 {
			_, _ = fmt.Fprintf(w, "%s\n", st.dim(fmt.Sprintf("round %d: %s", ev.Round, ev.Text)))
		}
	case reconcile.EventStart:
		_, _ = fmt.Fprintf(w, "%s %s\n", host(ev.Host), cut(ev.Text, 60))
	case reconcile.EventProgress:
		_, _ = fmt.Fprintf(w, "%s   %s\n", host(ev.Host), st.dim(cut(ev.Text, 58)))
	case reconcile.EventDone:
		if ev.Elapsed >= time.Second {
			_, _ = fmt.Fprintf(w, "%s   %s\n", host(ev.Host), st.green("done in "+ev.Elapsed.Round(100*time.Millisecond).String()))
		}
	case reconcile.EventFailed:
		_, _ = fmt.Fprintf(w, "%s   %s\n", host(ev.Host), st.red("failed"))
	case reconcile.EventWait:
		_, _ = fmt.Fprintf(w, "%s\n", st.yellow(strings.TrimSuffix(wrap("", "  ", ev.Text), "\n")))
	}
}

func host(name string) string {
	if name == "" {
		return ""
	}
	return pad(cut(name, 16), 8)
}
