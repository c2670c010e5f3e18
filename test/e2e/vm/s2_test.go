package vm

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hactl/hactl/test/e2e/lab"
)

// What a client needs on storage: its password, and a psql that gives up where nobody answers.
const psql = `PGPASSWORD=apppass PGCONNECT_TIMEOUT=10 psql -h 192.168.1.200 -U app -d app -qAtX -v ON_ERROR_STOP=1 -c `

// TestS2 is S2 from bare guests to a database that answers, and what becomes of its rows. One client commits a row after the other all the time,
// and notes which commits were acknowledged.
func TestS2(t *testing.T) {
	l := blank3(t, "192.168.1")
	dir := applied(t, l, "s2-database")
	active := where(t, l, "node1", "Database")
	if out := l.MustExec(active, "sh", "-c", "stat -c '%U %a' /data/15/main; findmnt -n -o SOURCE,FSTYPE /data"); out != "postgres 700\n/dev/mapper/vg_db-lv_db ext4\n" {
		t.Errorf("the data directory: %q", out)
	}
	within(t, "the database answers", func() string { // a monitor that starved may have it started anew
		if out, err := l.Exec(active, "su", "postgres", "-c", "cd /; psql -qAtX -c 'SELECT 1'"); err != nil || out != "1\n" {
			return fmt.Sprint(out, err)
		}
		return ""
	})
	l.MustExec(active, "su", "postgres", "-c", `cd /; psql -qX -v ON_ERROR_STOP=1 -c "CREATE ROLE app LOGIN PASSWORD 'apppass'" -c "CREATE DATABASE app OWNER app"`)
	l.MustExec("storage", "sh", "-c", psql+`'CREATE TABLE rows AS SELECT i, md5(i::text) AS sum FROM generate_series(1, 1000) i; CREATE TABLE said (words text); CREATE TABLE acked (i int PRIMARY KEY)'`)
	rows := func() string {
		out, err := l.Exec("storage", "sh", "-c", psql+`"SELECT count(*), md5(string_agg(i || sum, ',' ORDER BY i)) FROM rows"`)
		if err != nil {
			return err.Error()
		}
		return out
	}
	sum := rows()
	if !strings.HasPrefix(sum, "1000|") {
		t.Fatalf("the rows: %s", sum)
	}
	l.MustExec("storage", "sh", "-c", `: >/tmp/acked; (i=0; while [ ! -e /tmp/stop ]; do i=$((i+1)); `+psql+`"INSERT INTO acked VALUES ($i)" && echo $i >>/tmp/acked; sleep 0.2; done) >/tmp/acked.log 2>&1 &`)

	service{lab: l, dir: dir, last: "Database", mount: "/data",
		write: func(t *testing.T, _, text string) {
			t.Helper()
			l.MustExec("storage", "sh", "-c", psql+`"INSERT INTO said VALUES ('`+text+`')"`)
		},
		read: func(t *testing.T, _, text string) {
			t.Helper()
			within(t, "the database answers through its address", func() string {
				if out, err := l.Exec("storage", "sh", "-c", psql+`"SELECT 1 FROM said WHERE words = '`+text+`'"`); err != nil || out != "1\n" {
					return fmt.Sprint(out, err)
				}
				return ""
			})
			if now := rows(); now != sum {
				t.Errorf("the rows were %q and are %q", sum, now)
			}
			acknowledged(t, l)
		},
	}.failsOver(t)

	if out := l.MustExec(active, "sh", "-c", "systemctl is-enabled postgresql || true"); out != "disabled\n" {
		t.Errorf("Debian's unit is %s", out)
	}
}

// acknowledged fails where a commit that the client has an answer for is not in the table, and waits until a new one is acknowledged.
func acknowledged(t *testing.T, l *lab.Lab) {
	t.Helper()
	before := l.MustExec("storage", "sh", "-c", "sort /tmp/acked >/tmp/before; wc -l </tmp/before")
	if lost := l.MustExec("storage", "sh", "-c", psql+`'SELECT i FROM acked' >/tmp/rows && sort /tmp/rows >/tmp/there && comm -23 /tmp/before /tmp/there`); lost != "" {
		t.Errorf("these rows were acknowledged and are lost: %s", lost)
	}
	within(t, "the client goes on from "+strings.TrimSpace(before)+" commits", func() string {
		if now := l.MustExec("storage", "sh", "-c", "wc -l </tmp/acked"); now == before {
			return "none is acknowledged: " + l.MustExec("storage", "tail", "-n", "2", "/tmp/acked.log")
		}
		return ""
	})
}
