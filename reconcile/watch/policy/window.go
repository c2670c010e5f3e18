package policy

import (
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// Window is a time, again and again, in which more may be done.
type Window struct {
	Schedule   v1.Schedule
	Zone       *time.Location
	Duration   time.Duration
	Unattended reconcile.Risk
}

func window(w v1.Window) (x Window, err error) {
	if x.Schedule, err = v1.ParseSchedule(w.Schedule); err != nil {
		return x, err
	}
	if x.Duration, err = v1.ParseDuration(w.Duration); err != nil {
		return x, err
	}
	if x.Zone, err = time.LoadLocation(w.TimeZone); err != nil {
		return x, err
	}
	x.Unattended, err = risk(w.Unattended)
	return x, err
}

// Open tells whether it is open, and until when. It opens with the first instant of its schedule, and is closed at the instant of until.
func (w Window) Open(now time.Time) (until time.Time, open bool) {
	for at := w.Schedule.Next(now.Add(-w.Duration).In(w.Zone)); !at.IsZero() && !at.After(now); at = w.Schedule.Next(at) {
		until, open = at.Add(w.Duration), true // a clock that is put forward can bring two beginnings close together
	}
	return until, open
}

// Next is when it opens next, in its own time zone; the zero time: never.
func (w Window) Next(now time.Time) time.Time { return w.Schedule.Next(now.In(w.Zone)) }

// risk is the highest that may be done now without anybody.
func (p Policy) risk(now time.Time) reconcile.Risk {
	r := p.Unattended
	for _, w := range p.Windows {
		if _, open := w.Open(now); open {
			r = max(r, w.Unattended)
		}
	}
	return min(r, highest)
}

// closes is when the last of the open windows closes in which a risk may be done; the zero time: that may be done at any time.
func (p Policy) closes(now time.Time, r reconcile.Risk) time.Time {
	var last time.Time
	for _, w := range p.Windows {
		if until, open := w.Open(now); open && w.Unattended >= r && p.Unattended < r && until.After(last) {
			last = until
		}
	}
	return last
}

// opens is when a window opens in which a risk may be done; the zero time: none ever does.
func (p Policy) opens(now time.Time, r reconcile.Risk) time.Time {
	var first time.Time
	for _, w := range p.Windows {
		if at := w.Next(now); w.Unattended >= r && r <= highest && !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
