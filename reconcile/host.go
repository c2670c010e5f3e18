package reconcile

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// Host is one machine that commands can be run on.
//
// Every method gives an *UnreachableError when the machine could not be asked at all. Unreachable is never "absent":
// callers must not take such an error for an empty answer.
type Host interface {
	// Name is the machine's name in the manifests.
	Name() string
	// Run runs one command and returns its standard output. It gives an *ExitError if the command ran and failed.
	Run(ctx context.Context, c Cmd) (stdout []byte, err error)
	// ReadFiles returns the regular files that match the shell globs, in one round trip, by path. Links are followed. A path that does not
	// exist is not in the map; one that exists and cannot be read is an error.
	ReadFiles(ctx context.Context, globs ...string) (map[string]File, error)
	// WriteFile replaces a file atomically: a temporary file beside it, mode and owner set, fsync, rename. Missing parent folders
	// are made (0755 root). It changes nothing if it fails.
	WriteFile(ctx context.Context, path string, f File) error
}

// Cmd is a command to run on a Host. No shell reads Argv.
type Cmd struct {
	Argv  []string
	Stdin []byte
	// Limit is enforced on the machine itself (timeout(1)), so that a command ends even when the connection is gone. 0 means DefaultLimit.
	Limit time.Duration
	// Line, when set, receives each line of standard output as it comes, without its newline; the output is still returned as a whole.
	Line func([]byte)
	// Mutates tells that the command changes something. It then holds the machine's busy lock (/run/hactl.busy, shared) while it runs,
	// so that a later apply can see a command that outlived its client.
	Mutates bool
}

// DefaultLimit bounds a command whose Limit is 0: whatever only reads. It is for a disk or a daemon that does not answer, not for a slow machine,
// where each of some processes may wait seconds for a processor.
const DefaultLimit = 2 * time.Minute

// File is a regular file: its content, its permission bits and its owner.
type File struct {
	Content Text        `json:"content"`
	Mode    fs.FileMode `json:"mode"`  // permission bits only; 0 on writing means 0644
	Owner   string      `json:"owner"` // "user:group" by name; empty on writing means root:root
}

// ExitError tells that a command ran and did not succeed.
type ExitError struct {
	Host   string
	Argv   []string
	Code   int // exit code; 124 when the limit on the machine struck; 128+n when a signal killed it
	Stdout []byte
	Stderr []byte
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("%s: %s: exit code %d: %s", e.Host, e.Command(), e.Code, e.Reason())
}

// Command is what was run: of a script its name and arguments, not its text.
func (e *ExitError) Command() string {
	argv := e.Argv
	if len(argv) > 3 && argv[0] == "sh" && argv[1] == "-c" {
		argv = argv[3:]
	}
	return strings.TrimSpace(strings.Join(argv, " "))
}

// Reason is what it said: on standard error, else the last lines of what it printed. Of a command that reached its limit what it printed is no reason.
func (e *ExitError) Reason() string {
	msg := strings.TrimSpace(string(e.Stderr))
	if e.Code == 124 {
		return strings.TrimSpace("time limit reached; is the machine overloaded, or does a disk or service not answer? " + msg)
	}
	if msg == "" {
		lines := strings.Split(strings.TrimSpace(string(e.Stdout)), "\n")
		msg = strings.Join(lines[max(0, len(lines)-3):], "\n")
	}
	return msg
}

// UnreachableError tells that a machine could not be asked. Hint says what a person can do about it.
type UnreachableError struct {
	Host string
	Err  error
	Hint string
}

func (e *UnreachableError) Error() string { return e.Host + ": unreachable: " + e.Why() }

// Why is the reason alone, for what names the machine anyway.
func (e *UnreachableError) Why() string {
	if e.Hint == "" {
		return e.Err.Error()
	}
	return fmt.Sprintf("%v (%s)", e.Err, e.Hint)
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// NotRecordedError tells that a Host that answers from a record was asked for something that is not in it. What was not recorded is not
// known; it is never "absent".
type NotRecordedError struct {
	Host string
	// What is the command or the files that were asked for.
	What string
}

func (e *NotRecordedError) Error() string {
	return fmt.Sprintf("%s: not in the record: %s", e.Host, e.What)
}

// Hosts are the machines of one cluster: members in node id order, then the other machines by name.
type Hosts []Host

// Named returns the host of that name, or nil.
func (hs Hosts) Named(name string) Host {
	for _, h := range hs {
		if h.Name() == name {
			return h
		}
	}
	return nil
}

// Names lists the names in order.
func (hs Hosts) Names() []string {
	names := make([]string, len(hs))
	for i, h := range hs {
		names[i] = h.Name()
	}
	return names
}

// Lock keeps every other apply off a cluster while it is held.
type Lock interface {
	// Err is nil while all heartbeats are answered. Once it is not nil it stays so, and no further step may start.
	Err() error
	// Held names the machines on which the lock is held.
	Held() []string
	Release()
}

// Locker takes the lock of a cluster on every reachable machine of hosts, in their order. It waits for nobody: a lock held by another
// apply is a *LockedError at once (see Engine.Apply for commands that still run). A machine that cannot be reached is left out (see Lock.Held); whether the rest suffices is the engine's
// to say.
type Locker interface {
	Lock(ctx context.Context, hosts Hosts, holder Holder) (Lock, error)
}

// Holder says who holds a lock.
type Holder struct {
	Who     string    `json:"who"`     // user@machine
	PID     int       `json:"pid"`     // of the hactl process on that machine
	Command string    `json:"command"` // "apply -f cluster.yaml"
	Since   time.Time `json:"since"`
}

// LockedError tells that another apply holds the lock of a machine, or that a command of an earlier apply still runs there (Busy).
type LockedError struct {
	Host   string
	Holder Holder
	Busy   string // the command that still runs, when no client holds the lock any more
}

func (e *LockedError) Error() string {
	if e.Busy != "" {
		return fmt.Sprintf("%s: a command of an earlier apply still runs: %s; wait for it, then run this again", e.Host, e.Busy)
	}
	return fmt.Sprintf("%s: locked by %s (process %d, hactl %s) since %s; wait for it to end, or end it there",
		e.Host, e.Holder.Who, e.Holder.PID, e.Holder.Command, e.Holder.Since.Format(time.RFC3339))
}
