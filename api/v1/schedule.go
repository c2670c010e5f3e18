package v1

import (
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Schedule says when something begins, as crontab(5) does: minute, hour, day of the month, month, day of the week, each a *, a number or name, a
// range, a list of these, or a step ("0 2 * * 6", "30 22 * * mon-fri", "0 3 1-7 */2 sun"). Where both days are restricted either is enough. The
// zero Schedule never begins.
//
// It is read here and not by a library because what begins in the hour that a time zone skips must begin all the same, when that hour is over: a
// maintenance window that vanishes once a year is a surprise. robfig/cron leaves it out, and begins twice in the hour that comes twice.
type Schedule struct {
	minutes, hours, days, months, weekdays uint64 // bit N: N is in it
	anyDay, anyWeekday                     bool   // the field begins with *
}

// cronField is one of the five fields.
type cronField struct {
	name     string
	from, to int
	words    []string // the names of from, from+1, …
}

var cronFields = [5]cronField{
	{"minute", 0, 59, nil},
	{"hour", 0, 23, nil},
	{"day of the month", 1, 31, nil},
	{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	{"day of the week", 0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

// cronWords are the short forms that crontab(5) has and a window can use.
var cronWords = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

// ParseSchedule reads a schedule. One that never comes, such as the 31st of February, is an error.
func ParseSchedule(text string) (Schedule, error) {
	if strings.HasPrefix(text, "@") {
		full, ok := cronWords[strings.ToLower(text)]
		if !ok {
			known := make([]string, 0, len(cronWords))
			for w := range cronWords {
				known = append(known, w)
			}
			return Schedule{}, fmt.Errorf("%q is no schedule%s", text, hint(text, known))
		}
		text = full
	}
	words := strings.Fields(text)
	if len(words) != len(cronFields) {
		what := "a schedule has five fields, minute, hour, day of the month, month and day of the week: \"0 2 * * 6\" is Saturdays at 02:00"
		if len(words) == 6 {
			what += "; there are no seconds, and the time zone is a field of its own"
		}
		return Schedule{}, fmt.Errorf("%q is no schedule: it has %d fields; %s", text, len(words), what)
	}
	var sets [5]uint64
	for i, f := range cronFields {
		var err error
		if sets[i], err = f.parse(words[i]); err != nil {
			return Schedule{}, fmt.Errorf("%q is no schedule: %w", text, err)
		}
	}
	if sets[4]&(1<<7) != 0 { // Sunday is 0 and 7
		sets[4] = sets[4]&^(1<<7) | 1
	}
	s := Schedule{sets[0], sets[1], sets[2], sets[3], sets[4], strings.HasPrefix(words[2], "*"), strings.HasPrefix(words[4], "*")}
	if s.Next(time.Unix(0, 0).UTC()).IsZero() {
		return Schedule{}, fmt.Errorf("%q never comes: no such month has such a day", text)
	}
	return s, nil
}

// parse reads one field.
func (f cronField) parse(text string) (set uint64, err error) {
	for _, item := range strings.Split(text, ",") {
		span, step, stepped := strings.Cut(item, "/")
		from, to := f.from, f.to
		if f.to == 7 && span == "*" {
			to = 6
		}
		if span != "*" {
			first, last, ranged := strings.Cut(span, "-")
			if from, err = f.number(first); err != nil {
				return 0, err
			}
			switch {
			case ranged:
				if to, err = f.number(last); err != nil {
					return 0, err
				}
			case !stepped: // 5/10 is from 5 on
				to = from
			}
			if to < from {
				return 0, fmt.Errorf("the %s %q runs backwards; write %d-%d,%d-%d", f.name, span, from, f.to, f.from, to)
			}
		}
		by := 1
		if stepped {
			if by, err = strconv.Atoi(step); err != nil || by < 1 || by > f.to {
				return 0, fmt.Errorf("the step %q of the %s must be a number from 1 to %d", step, f.name, f.to)
			}
		}
		for n := from; n <= to; n += by {
			set |= 1 << n
		}
	}
	return set, nil
}

func (f cronField) number(text string) (int, error) {
	if i := slices.Index(f.words, strings.ToLower(text)); i >= 0 {
		return f.from + i, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil && f.words != nil:
		return 0, fmt.Errorf("%q is no %s: write %d to %d, or %s to %s%s", text, f.name, f.from, f.to, f.words[0], f.words[len(f.words)-1], suggestion(text, f.words))
	case err != nil || n < f.from || n > f.to:
		return 0, fmt.Errorf("%q is no %s: write %d to %d", text, f.name, f.from, f.to)
	}
	return n, nil
}

// on tells whether a day is in it.
func (s Schedule) on(day time.Time) bool {
	if s.months&(1<<day.Month()) == 0 {
		return false
	}
	date, week := s.days&(1<<day.Day()) != 0, s.weekdays&(1<<day.Weekday()) != 0
	if s.anyDay || s.anyWeekday { // crontab(5): with a * in one of them, both must hold
		return date && week
	}
	return date || week
}

// maxYears is how far Next looks: the 29th of February can be eight years away (1896 to 1904, 2096 to 2104), on a given weekday forty.
const maxYears = 41

// Next is the first beginning after a moment, in the time zone of the moment. The zero time: there is none. Where the clock is put forward, what would
// begin in the hour that is left out begins when that hour would; where it is put back, in the first of both.
func (s Schedule) Next(after time.Time) time.Time {
	zone := after.Location()
	y, m, d := after.Date()
	for i := -1; i < maxYears*366; i++ { // a zone may leave a whole day out, and what begins in it then begins on the next
		day := time.Date(y, m, d+i, 12, 0, 0, 0, time.UTC) // a calendar day; noon of a zone could be any
		if !s.on(day) {
			continue
		}
		for hours := s.hours; hours != 0; hours &= hours - 1 {
			hour := bits.TrailingZeros64(hours)
			if i == 0 && hour < after.Hour()-3 { // long past, whatever the zone does today
				continue
			}
			for minutes := s.minutes; minutes != 0; minutes &= minutes - 1 {
				if at := moment(day, hour, bits.TrailingZeros64(minutes), zone); at.After(after) {
					return at
				}
			}
		}
	}
	return time.Time{}
}

// moment is when the clocks of a zone show a time of a day: the first time if they do so twice, and the end of the gap if they never do.
func moment(day time.Time, hour, minute int, zone *time.Location) time.Time {
	y, m, d := day.Date()
	at := time.Date(y, m, d, hour, minute, 0, 0, zone) // of two it may be either
	start, end := at.ZoneBounds()
	if at.Hour() != hour || at.Minute() != minute { // time.Date is an hour off, on one side or the other
		if shown := time.Date(y, m, d, at.Hour(), at.Minute(), 0, 0, time.UTC); shown.Before(time.Date(y, m, d, hour, minute, 0, 0, time.UTC)) && !end.IsZero() {
			return end
		}
		return start
	}
	if !start.IsZero() {
		_, now := at.Zone()
		_, before := start.Add(-time.Second).Zone()
		if first := at.Add(time.Duration(now-before) * time.Second); first.Before(start) {
			return first
		}
	}
	return at
}

// Shortest is the shortest time between two beginnings, in a time zone that never changes its clocks.
func (s Schedule) Shortest() time.Duration {
	shortest := time.Duration(0)
	at := s.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)) // the first leap year of a cycle of four
	for range 3000 {
		next := s.Next(at)
		if next.IsZero() {
			break
		}
		if d := next.Sub(at); shortest == 0 || d < shortest {
			shortest = d
		}
		at = next
	}
	return shortest
}
