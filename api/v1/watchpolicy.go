package v1

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // a manifest means the same on a machine without /usr/share/zoneinfo
)

// WatchPolicy says what `hactl watch` may do by itself: which risks, when, and in which order over several clusters. It belongs to no cluster and is no
// part of what a cluster is to be; every other command only checks it.
type WatchPolicy struct {
	Object
	// Spec says what may be done.
	Spec WatchPolicySpec `json:"spec"`
}

// WatchPolicySpec says what `hactl watch` may do. A cluster without a policy follows one that says nothing, with all the defaults.
type WatchPolicySpec struct {
	// Clusters are the names of the clusters that it is for. The default is all that no other policy names.
	Clusters []string `json:"clusters,omitempty"`
	// Interval is the time between two looks at a cluster, at least 10s; the default is 5m. Each look comes up to a tenth earlier or later.
	Interval string `json:"interval,omitempty" check:"duration"`
	// Unattended is the highest risk that is applied at any time and without anybody: safe, reload (the default), restart, outage or redundancy. What is
	// riskier waits for a window, or for `hactl approve`. What destroys data, takes over what others made, or touches quorum or fencing always needs the
	// approval of a person.
	Unattended string `json:"unattended,omitempty" check:"unattended"`
	// Windows are times at which more may be done.
	Windows []Window `json:"windows,omitempty"`
	// Suspend stops all changes. Clusters are looked at, and what differs is told.
	Suspend bool `json:"suspend,omitempty"`
	// Prune deletes what left the manifests. Where there are no manifests at all nothing is deleted.
	Prune bool `json:"prune,omitempty"`
	// Hold lists the states of a cluster in which nothing is changed until they are over: degraded, fencing, syncing, maintenance. The default is all
	// four, [] is none. An approval goes beyond all of them but syncing.
	Hold []string `json:"hold,omitzero" enum:"degraded fencing syncing maintenance"`
	// Rollout says in which order clusters get a new revision. The default is all at once.
	Rollout *Rollout `json:"rollout,omitempty"`
}

// Window is a time in which riskier changes may be begun.
type Window struct {
	// Schedule is when it begins, as in crontab(5): minute, hour, day of the month, month, day of the week. "0 2 * * 6" is Saturdays at 02:00. Where the
	// clock is put forward over that time, it begins when it has been; where the clock is put back, the first time that it shows it.
	Schedule string `json:"schedule" check:"schedule"`
	// Duration is how long it is open, such as 90m or 3h, real time whatever the clock shows. It must be over before the next one begins.
	Duration string `json:"duration" check:"duration"`
	// TimeZone is the IANA name of the time zone of Schedule, such as Europe/Berlin; the default is UTC.
	TimeZone string `json:"timeZone,omitempty" check:"timeZone"`
	// Unattended is the highest risk that is applied in it without anybody; the default is restart.
	Unattended string `json:"unattended,omitempty" check:"unattended"`
}

// Rollout is an order over clusters.
type Rollout struct {
	// Canary are clusters that get a new revision first. The others wait until these have it and are well.
	Canary []string `json:"canary,omitempty"`
	// OneAtATime lets no two clusters of the policy be changed at the same time.
	OneAtATime bool `json:"oneAtATime,omitempty"`
	// StopOnFailure begins with no other cluster once a revision could not be applied to one, until that is mended or another revision comes.
	StopOnFailure bool `json:"stopOnFailure,omitempty"`
}

// Holds are the words of WatchPolicySpec.Hold.
var holds = []string{"degraded", "fencing", "syncing", "maintenance"}

// unattendedRisks are those that can do without a person, in rising order.
var unattendedRisks = []string{"safe", "reload", "restart", "outage", "redundancy"}

// attended says why the other risks cannot.
var attended = map[string]string{
	"data-loss": "what is destroyed cannot be taken back",
	"adopt":     "what somebody else made is taken over",
	"quorum":    "it is done without a full view of the cluster, or changes who has a vote",
	"fence":     "a node is powered off, or fencing stops working",
}

// SetDefaults sets interval, unattended and hold, and time zone and unattended of windows.
func (p *WatchPolicy) SetDefaults() {
	p.setType("WatchPolicy")
	setDefault(&p.Spec.Interval, "5m")
	setDefault(&p.Spec.Unattended, "reload")
	if p.Spec.Hold == nil {
		p.Spec.Hold = slices.Clone(holds)
	}
	for i := range p.Spec.Windows {
		setDefault(&p.Spec.Windows[i].TimeZone, "UTC")
		setDefault(&p.Spec.Windows[i].Unattended, "restart")
	}
}

func setDefault(s *string, value string) {
	if *s == "" {
		*s = value
	}
}

// minInterval keeps a typo from asking the nodes without a pause.
const minInterval = 10 * time.Second

func (p *WatchPolicy) validate(c *checker) {
	o := &p.Object
	if p.Metadata.Cluster != "" {
		c.errorf(o, "metadata.cluster", "a WatchPolicy belongs to no cluster; name those that it is for in spec.clusters")
	}
	if d, err := ParseDuration(p.Spec.Interval); err == nil && d < minInterval {
		c.errorf(o, "spec.interval", "%s is too short; write %s or more", p.Spec.Interval, minInterval)
	}
	c.once(o, "spec.clusters", p.Spec.Clusters)
	c.once(o, "spec.hold", p.Spec.Hold)
	if p.Spec.Rollout != nil {
		c.once(o, "spec.rollout.canary", p.Spec.Rollout.Canary)
	}
	for i, w := range p.Spec.Windows {
		path := fmt.Sprintf("spec.windows[%d]", i)
		s, err := ParseSchedule(w.Schedule)
		d, err2 := ParseDuration(w.Duration)
		if err != nil || err2 != nil {
			continue // told by the fields' own checks
		}
		if shortest := s.Shortest(); d > shortest {
			c.errorf(o, path+".duration", "%s is longer than the %s from one beginning of %q to the next: the window would never close", w.Duration, spell(shortest), w.Schedule)
		}
		if low := slices.Index(unattendedRisks, w.Unattended); low >= 0 && low <= slices.Index(unattendedRisks, p.Spec.Unattended) {
			c.errorf(o, path+".unattended", "%s may be done at any time (spec.unattended: %s), so the window allows nothing more; remove it, or write a higher risk", w.Unattended, p.Spec.Unattended)
		}
	}
}

// once tells what a list names twice.
func (c *checker) once(o *Object, path string, names []string) {
	for i, n := range names {
		if slices.Index(names, n) < i {
			c.errorf(o, fmt.Sprintf("%s[%d]", path, i), "%q is named twice; remove one", n)
		}
	}
}

// ParseDuration reads a time span of a WatchPolicy: numbers with the units h, m and s. It is more than 0.
func ParseDuration(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("%q is no duration: write numbers with h, m or s, such as 90s, 5m or 1h30m", s)
	}
	return d, nil
}

func checkDuration(s string) string {
	if _, err := ParseDuration(s); err != nil {
		return err.Error()
	}
	return ""
}

func checkSchedule(s string) string {
	if _, err := ParseSchedule(s); err != nil {
		return err.Error()
	}
	return ""
}

func checkUnattended(s string) string {
	switch why := attended[s]; {
	case slices.Contains(unattendedRisks, s):
		return ""
	case why != "":
		return fmt.Sprintf("%s is never done unattended: %s; a person allows it with hactl approve. Write one of %s", s, why, strings.Join(unattendedRisks, ", "))
	}
	return notOneOf(s, unattendedRisks)
}

// checkTimeZone takes names of the IANA database. Local would be that of whatever machine runs the controller.
func checkTimeZone(s string) string {
	_, err := time.LoadLocation(s)
	switch {
	case strings.EqualFold(s, "local"):
		return fmt.Sprintf("%q is another time zone on each machine; name it, such as Europe/Berlin", s)
	case err == nil:
		return ""
	}
	for _, near := range []string{strings.ToUpper(s), zoneName(s)} {
		if _, err := time.LoadLocation(near); err == nil {
			return fmt.Sprintf("there is no time zone %q; did you mean %q?", s, near)
		}
	}
	return fmt.Sprintf("there is no time zone %q; write a name of the IANA database, such as Europe/Berlin (timedatectl list-timezones)", s)
}

// zoneName writes a name as the names of the IANA database are: Europe/Berlin, America/New_York.
func zoneName(s string) string {
	start := true
	return strings.Map(func(r rune) rune {
		was := start
		start = strings.ContainsRune("/_- ", r)
		switch {
		case r == ' ':
			return '_'
		case was:
			return []rune(strings.ToUpper(string(r)))[0]
		}
		return []rune(strings.ToLower(string(r)))[0]
	}, s)
}

// spell writes a duration as people do.
func spell(d time.Duration) string {
	const day = 24 * time.Hour
	if d > day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	s := strings.TrimSuffix(d.String(), "0s")
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
