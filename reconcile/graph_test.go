package reconcile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// toy makes a step from a line: "ID@HOST creates A,B deletes C needs D frees E downs n1".
func toy(t *testing.T, line string) Step {
	t.Helper()
	f := strings.Fields(line)
	id, host, _ := strings.Cut(f[0], "@")
	s := Step{ID: id, Host: host, Ops: []Op{Command{Argv: []string{"true"}}}}
	for i := 1; i+1 < len(f); i += 2 {
		for _, n := range strings.Split(f[i+1], ",") {
			r := Ref{"obj", n}
			switch f[i] {
			case "creates":
				s.Changes = append(s.Changes, Change{Object: r, Action: Create})
			case "part":
				s.Changes = append(s.Changes, Change{Object: r, Action: Create, Part: true})
			case "deletes":
				s.Changes = append(s.Changes, Change{Object: r, Action: Delete})
			case "needs":
				s.Needs = append(s.Needs, r)
			case "frees":
				s.Frees = append(s.Frees, r)
			case "downs":
				s.Downs = append(s.Downs, n)
			case "pending":
				s.Pending, s.Ops = n, nil
			default:
				t.Fatalf("toy step %q: unknown word %q", line, f[i])
			}
		}
	}
	return s
}

func TestOrder(t *testing.T) {
	tests := []struct {
		name     string
		steps    []string
		provided []Ref
		want     string // the printed plan, or the error
	}{
		{
			name:  "independent steps keep their driver's order",
			steps: []string{"b@n2 creates y", "a@n1 creates x"},
			want:  "b\na\n",
		},
		{
			name:  "needs come first",
			steps: []string{"mount@n1 creates fs needs vol", "make@n1 creates vol"},
			want:  "make\nmount after make\n",
		},
		{
			name:  "parts of an object are made at once, and all of them before what comes next",
			steps: []string{"prepare@n1 creates vg", "a@n1 part vg", "b@n2 part vg", "check@n1 creates vg", "fs@n2 creates fs needs vol", "vol@n1 part vol", "vol2@n2 part vol"},
			want:  "prepare\na after prepare\nb after prepare\ncheck after prepare,a,b\nvol\nvol2\nfs after vol,vol2\n",
		},
		{
			name:     "an observed need orders nothing",
			steps:    []string{"mount@n1 creates fs needs vol"},
			provided: []Ref{{"obj", "vol"}},
			want:     "mount\n",
		},
		{
			name:  "a need that nothing gives is an error",
			steps: []string{"mount@n1 creates fs needs vol"},
			want:  `error: step "mount" needs obj/vol, which is not there and which no step makes`,
		},
		{
			name:  "a deleter runs after all that free its object",
			steps: []string{"rm@n1 deletes vol", "umount@n1 deletes fs frees vol", "unexport@n2 deletes nfs frees vol"},
			want:  "umount\nunexport\nrm after umount,unexport\n",
		},
		{
			name:  "delete, then create, on one object is a replacement",
			steps: []string{"rm@n1 deletes vol", "mk@n1 creates vol"},
			want:  "rm\nmk after rm\n",
		},
		{
			name:  "a cycle names its path",
			steps: []string{"free@n1 creates z", "a@n1 creates x needs y", "b@n1 creates y needs x"},
			want:  `error: the steps wait for each other: "a" waits for "b" waits for "a"`,
		},
		{
			name:  "nodes go down one after the other",
			steps: []string{"r1@n1 creates a downs n1", "r2@n2 creates b downs n2", "x@n3 creates c", "r3@n3 creates d downs n3"},
			want:  "r1\nr2 after r1\nx\nr3 after r2\n",
		},
		{
			name:  "two steps with one id are a defect",
			steps: []string{"a@n1 creates x", "a@n2 creates y"},
			want:  `error: two steps have the id "a"`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var steps []Step
			for _, l := range tt.steps {
				steps = append(steps, toy(t, l))
			}
			var b strings.Builder
			planned, err := ordered(steps, tt.provided)
			if err != nil {
				fmt.Fprintf(&b, "error: %v", err)
			}
			for _, s := range planned {
				b.WriteString(s.ID)
				if len(s.After) > 0 {
					b.WriteString(" after " + strings.Join(s.After, ","))
				}
				b.WriteString("\n")
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStepWithoutChangesIsADefect(t *testing.T) {
	if _, err := ordered([]Step{{ID: "a", Ops: []Op{Command{}}}}, nil); err == nil {
		t.Error("a step that is for nothing was accepted")
	}
	if _, err := ordered([]Step{{ID: "a", Changes: []Change{{Object: Ref{"o", "x"}}}}}, nil); err == nil {
		t.Error("a step with neither operations nor a reason to be pending was accepted")
	}
}

func TestRunnable(t *testing.T) {
	planned, err := ordered([]Step{
		toy(t, "login@n1 creates session"),
		toy(t, "pv@n1 creates pv needs session pending known-after-login"),
		toy(t, "lv@n1 creates lv needs pv"),
		toy(t, "other@n2 creates x"),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := (&Plan{Steps: planned}).Runnable()
	want := map[string]bool{"login": true, "pv": false, "lv": false, "other": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// An error tells which script ended how, and not the script.
func TestExitErrorIsShort(t *testing.T) {
	script := []string{"sh", "-c", "set -e\nlots of text", "hactl-look", "a", "b"}
	for _, c := range []struct {
		err  ExitError
		want string
	}{
		{ExitError{Host: "n1", Argv: script, Code: 1, Stderr: []byte("no\n")}, "n1: hactl-look a b: exit code 1: no"},
		{ExitError{Host: "n1", Argv: []string{"drbdadm", "up", "r0"}, Code: 10, Stdout: []byte("1\n2\n3\n4\n")}, "n1: drbdadm up r0: exit code 10: 2\n3\n4"},
		{ExitError{Host: "n1", Argv: script, Code: 124, Stdout: []byte("much\n")},
			"n1: hactl-look a b: exit code 124: time limit reached; is the machine overloaded, or does a disk or service not answer?"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
