package v1

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func zone(t interface{ Fatal(...any) }, name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestScheduleNext(t *testing.T) {
	const form = "2006-01-02 15:04 MST"
	for _, c := range []struct {
		text, zone, after string
		want              string // the next three
	}{
		{"0 2 * * 6", "UTC", "2026-11-20 16:02 UTC", "2026-11-21 02:00 UTC, 2026-11-28 02:00 UTC, 2026-12-05 02:00 UTC"},
		{"0 2 * * sat", "UTC", "2026-11-21 02:00 UTC", "2026-11-28 02:00 UTC, 2026-12-05 02:00 UTC, 2026-12-12 02:00 UTC"},
		{"@weekly", "UTC", "2026-11-20 00:00 UTC", "2026-11-22 00:00 UTC, 2026-11-29 00:00 UTC, 2026-12-06 00:00 UTC"},
		{"0 0 * * 7", "UTC", "2026-11-20 00:00 UTC", "2026-11-22 00:00 UTC, 2026-11-29 00:00 UTC, 2026-12-06 00:00 UTC"},
		{"30 22 * * mon-fri", "UTC", "2026-11-20 22:29 UTC", "2026-11-20 22:30 UTC, 2026-11-23 22:30 UTC, 2026-11-24 22:30 UTC"},
		{"*/40 1,3 * * *", "UTC", "2026-11-20 01:00 UTC", "2026-11-20 01:40 UTC, 2026-11-20 03:00 UTC, 2026-11-20 03:40 UTC"},
		{"5/25 0 * * *", "UTC", "2026-11-20 00:05 UTC", "2026-11-20 00:30 UTC, 2026-11-20 00:55 UTC, 2026-11-21 00:05 UTC"},
		{"0 0 13 * 5", "UTC", "2026-11-12 00:00 UTC", "2026-11-13 00:00 UTC, 2026-11-20 00:00 UTC, 2026-11-27 00:00 UTC"},    // the 13th, or a Friday
		{"0 3 */2 * sun", "UTC", "2026-11-20 00:00 UTC", "2026-11-29 03:00 UTC, 2026-12-13 03:00 UTC, 2026-12-27 03:00 UTC"}, // with a * both hold
		{"0 0 29 2 *", "UTC", "2026-11-20 00:00 UTC", "2028-02-29 00:00 UTC, 2032-02-29 00:00 UTC, 2036-02-29 00:00 UTC"},
		{"0 0 31 * *", "UTC", "2026-02-01 00:00 UTC", "2026-03-31 00:00 UTC, 2026-05-31 00:00 UTC, 2026-07-31 00:00 UTC"},
		// The clocks of Berlin go from 02:00 to 03:00 on 2026-03-29, and from 03:00 to 02:00 on 2026-10-25.
		{"0 2 * * *", "Europe/Berlin", "2026-03-28 00:00 CET", "2026-03-28 02:00 CET, 2026-03-29 03:00 CEST, 2026-03-30 02:00 CEST"},
		{"30 2 * * *", "Europe/Berlin", "2026-03-28 12:00 CET", "2026-03-29 03:00 CEST, 2026-03-30 02:30 CEST, 2026-03-31 02:30 CEST"},
		{"0 2 * * 0", "Europe/Berlin", "2026-10-20 00:00 CEST", "2026-10-25 02:00 CEST, 2026-11-01 02:00 CET, 2026-11-08 02:00 CET"},
		{"30 2 * * 0", "Europe/Berlin", "2026-10-25 02:30 CEST", "2026-11-01 02:30 CET, 2026-11-08 02:30 CET, 2026-11-15 02:30 CET"},
		// New York, at its own days.
		{"30 2 * * *", "America/New_York", "2026-03-07 12:00 EST", "2026-03-08 03:00 EDT, 2026-03-09 02:30 EDT, 2026-03-10 02:30 EDT"},
		// Midnight is left out in Beirut on 2025-03-30, and a whole day was in Samoa: 2011-12-30.
		{"0 0 * * *", "Asia/Beirut", "2025-03-29 12:00 EET", "2025-03-30 01:00 EEST, 2025-03-31 00:00 EEST, 2025-04-01 00:00 EEST"},
		// Lord Howe's clocks move by half an hour, from 02:00 to 02:30 on 2026-10-04.
		{"15 2 * * *", "Australia/Lord_Howe", "2026-10-03 12:00 +1030", "2026-10-04 02:30 +11, 2026-10-05 02:15 +11, 2026-10-06 02:15 +11"},
	} {
		s, err := ParseSchedule(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		z := zone(t, c.zone)
		day, clock, _ := strings.Cut(c.after, " ")
		at, err := time.ParseInLocation("2006-01-02 15:04", day+" "+clock[:5], z)
		if err != nil {
			t.Fatal(err)
		}
		if second := at.Add(-time.Hour); at.Format(form) != c.after && second.Format(form) == c.after { // of the hour that comes twice
			at = second
		}
		var got []string
		for range 3 {
			at = s.Next(at)
			got = append(got, at.Format(form))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("%s in %s after %s:\n %s, want\n %s", c.text, c.zone, c.after, strings.Join(got, ", "), c.want)
		}
	}
}

func TestParseScheduleRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":              "it has 0 fields",
		"0 2 * *":       "it has 4 fields",
		"0 0 2 * * 6":   "there are no seconds",
		"60 2 * * *":    `"60" is no minute: write 0 to 59`,
		"0 24 * * *":    `"24" is no hour`,
		"0 2 0 * *":     `"0" is no day of the month: write 1 to 31`,
		"0 2 * 13 *":    `"13" is no month`,
		"0 2 * * 8":     `"8" is no day of the week`,
		"0 2 * * sund":  `did you mean "sun"?`,
		"0 2 * * fri-x": `"x" is no day of the week`,
		"0 22-2 * * *":  `the hour "22-2" runs backwards; write 22-23,0-2`,
		"*/0 2 * * *":   `the step "0" of the minute`,
		"*/x 2 * * *":   `the step "x"`,
		"0 2,, * * *":   `"" is no hour`,
		"0 2 31 2 *":    "never comes",
		"0 2 30 feb *":  "never comes",
		"@dayly":        `did you mean "@daily"?`,
		"@reboot":       "known here",
		"-1 2 * * *":    `"" is no minute`,
		"0 2 * * 6 CET": "the time zone is a field of its own",
	} {
		if _, err := ParseSchedule(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestScheduleShortest(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"* * * * *":      time.Minute,
		"*/7 * * * *":    4 * time.Minute,
		"0 2 * * *":      24 * time.Hour,
		"0 2 * * 6":      7 * 24 * time.Hour,
		"0 2,22 * * *":   4 * time.Hour,
		"0 0 1 * *":      28 * 24 * time.Hour,
		"0 0 29 2 *":     1461 * 24 * time.Hour,
		"0 0 31 12,1 *":  31 * 24 * time.Hour,
		"59 23 31 12 *":  365 * 24 * time.Hour,
		"0 0 1 * 1":      24 * time.Hour,
		"30 1 * * 1,2,5": 24 * time.Hour,
	} {
		s, err := ParseSchedule(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Shortest(); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// Next is later than what it comes after, nothing lies in between, and where clocks stand still it shows what was asked for.
func TestScheduleNextIsTheNext(t *testing.T) {
	zones := []*time.Location{time.UTC, zone(t, "Europe/Berlin"), zone(t, "America/St_Johns"), zone(t, "Asia/Kathmandu"), zone(t, "Pacific/Apia"), zone(t, "Africa/Casablanca")}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"*/20 * * * *", "30 2 * * *", "0 */5 * * 0,3", "15 1-3 * * *", "59 23 28-31 * *"}).Draw(t, "schedule")
		s, err := ParseSchedule(text)
		if err != nil {
			t.Fatal(err)
		}
		after := time.Unix(rapid.Int64Range(1_300_000_000, 2_200_000_000).Draw(t, "after"), 0).In(rapid.SampledFrom(zones).Draw(t, "zone"))
		next := s.Next(after)
		if !next.After(after) {
			t.Fatalf("%s after %s is %s", text, after, next)
		}
		between := after.Add(time.Duration(rapid.Int64Range(0, int64(next.Sub(after)-1)).Draw(t, "between")))
		if again := s.Next(between); !again.Equal(next) {
			t.Fatalf("%s after %s is %s, but after %s it is %s", text, after, next, between, again)
		}
		changed, _ := next.Add(-time.Second).ZoneBounds()
		if start, _ := next.ZoneBounds(); start.Equal(changed) && (!s.on(next) || s.hours&(1<<next.Hour()) == 0 || s.minutes&(1<<next.Minute()) == 0) {
			t.Fatalf("%s after %s is %s", text, after, next)
		}
	})
}

func FuzzParseSchedule(f *testing.F) {
	for _, text := range []string{"0 2 * * 6", "*/7 1-5,9 1 jan-mar mon", "@daily", "-/-", "1/99999999999999999999 * * * *"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if s, err := ParseSchedule(text); err == nil && s.Next(time.Unix(0, 0).UTC()).IsZero() {
			t.Errorf("%q never comes", text)
		}
	})
}
