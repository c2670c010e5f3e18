package ssh

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hactl/hactl/drivers/transport"
	"github.com/hactl/hactl/reconcile"
	"github.com/hactl/hactl/test/servers"
)

// cluster starts nodes, each with lock files of its own.
func cluster(t *testing.T, count int) ([]*node, []Target, Config) {
	t.Helper()
	id := newIdentity(t)
	var nodes []*node
	var targets []Target
	for i := range count {
		n := startNode(t, id)
		nodes = append(nodes, n)
		targets = append(targets, n.target(fmt.Sprint("node", i+1)))
	}
	return nodes, targets, config(t, id, nodes)
}

func open(t *testing.T, targets []Target, cfg Config) reconcile.Hosts {
	t.Helper()
	hosts, closer := Open(context.Background(), targets, cfg)
	t.Cleanup(func() { closer.Close() })
	return hosts
}

var anna = reconcile.Holder{Who: "anna@desk", PID: 42, Command: "apply -f x", Since: time.Unix(1700000000, 0).UTC()}

func TestLock(t *testing.T) {
	nodes, targets, cfg := cluster(t, 3)
	targets = append(targets, Target{Name: "node4", Address: "127.0.0.1", Port: servers.FreePort(t)}) // cannot be reached
	a, b := open(t, targets, cfg), open(t, targets, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var lock reconcile.Lock
	for range 5 {
		began := time.Now()
		l, err := (transport.Locker{}).Lock(ctx, a, anna)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("3 nodes locked in %s", time.Since(began))
		began = time.Now()
		l.Release()
		t.Logf("3 nodes released in %s", time.Since(began))
	}
	lock, err := transport.Locker{Beat: 50 * time.Millisecond, Answer: time.Second}.Lock(ctx, a, anna)
	if err != nil {
		t.Fatal(err)
	}
	cancel() // does not end the lock
	if got := lock.Held(); !slices.Equal(got, []string{"node1", "node2", "node3"}) {
		t.Errorf("held: %v", got)
	}
	for range 2 {
		_, err = transport.Locker{}.Lock(context.Background(), b, reconcile.Holder{Who: "bert"})
		var locked *reconcile.LockedError
		if !errors.As(err, &locked) || locked.Holder != anna || locked.Host != "node1" {
			t.Fatalf("got %v", err)
		}
		time.Sleep(1200 * time.Millisecond) // many heartbeats
	}
	if err := lock.Err(); err != nil {
		t.Error(err)
	}
	lock.Release()
	lock.Release()
	if lock, err = (transport.Locker{Beat: 50 * time.Millisecond}).Lock(context.Background(), b, anna); err != nil {
		t.Fatal(err)
	}
	// A node whose session dies loses the lock, for good.
	killHolders(t, nodes[1].dir+"/hactl.lock")
	waitFor(t, "the lock to be lost", func() bool { return lock.Err() != nil })
	t.Log(lock.Err())
	lock.Release()
	if lock.Err() == nil {
		t.Error("forgotten")
	}
}

// killHolders kills the processes that have a file open.
func killHolders(t *testing.T, path string) {
	t.Helper()
	script := `for f in /proc/[0-9]*/fd/*; do [ "$f" -ef "$1" ] && p=${f#/proc/} && kill -9 ${p%%/*}; done; true`
	if out, err := exec.Command("bash", "-c", script, "x", path).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// TestLockRace lets two applies start at the same moment, again and again: never both, and always one.
func TestLockRace(t *testing.T) {
	_, targets, cfg := cluster(t, 3)
	sides := []reconcile.Hosts{open(t, targets, cfg), open(t, targets, cfg), open(t, targets, cfg)}
	for round := range 10 {
		locks, errs := make([]reconcile.Lock, len(sides)), make([]error, len(sides))
		var wg sync.WaitGroup
		for i, s := range sides {
			wg.Go(func() {
				locks[i], errs[i] = transport.Locker{}.Lock(context.Background(), s, reconcile.Holder{Who: fmt.Sprint(i)})
			})
		}
		wg.Wait()
		won := 0
		for i, l := range locks {
			var locked *reconcile.LockedError
			if l != nil {
				won++
				l.Release()
			} else if !errors.As(errs[i], &locked) {
				t.Errorf("round %d: %v", round, errs[i])
			}
		}
		if won != 1 {
			t.Errorf("round %d: %d winners: %v", round, won, errs)
		}
	}
}

func TestBusy(t *testing.T) {
	_, targets, cfg := cluster(t, 2)
	a, b := open(t, targets, cfg), open(t, targets, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	_, err := a[1].Run(ctx, reconcile.Cmd{
		Argv: []string{"sh", "-c", "echo go; exec sleep 2.5"}, Mutates: true, Line: func([]byte) { cancel() },
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	_, err = transport.Locker{}.Lock(context.Background(), b, anna)
	var locked *reconcile.LockedError
	if !errors.As(err, &locked) || locked.Host != "node2" || locked.Busy != "sh -c echo go; exec sleep 2.5" {
		t.Fatalf("got %v", err)
	}
	lock, err := transport.Locker{WaitBusy: 10 * time.Second}.Lock(context.Background(), b, anna)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b[1].Run(context.Background(), reconcile.Cmd{Argv: []string{"true"}, Mutates: true}); err != nil {
		t.Error(err)
	}
	lock.Release()
}

// TestHelperHoldsTheLock is the client that TestKilledClient kills.
func TestHelperHoldsTheLock(t *testing.T) {
	conf := os.Getenv("HACTL_TEST_LOCK")
	if conf == "" {
		return
	}
	f := strings.Split(conf, " ")
	target := Target{Name: "node1", Address: "127.0.0.1", RunDir: f[2]}
	fmt.Sscan(f[1], &target.Port)
	hosts, _ := Open(context.Background(), []Target{target}, Config{File: f[0]})
	_, err := transport.Locker{}.Lock(context.Background(), hosts, anna)
	fmt.Println("lock:", err)
	select {}
}

func TestKilledClient(t *testing.T) {
	nodes, targets, cfg := cluster(t, 1)
	hosts := open(t, targets, cfg)
	for _, how := range []string{"KILL", "STOP"} { // STOP: the connection stays, like that of a client that vanished
		if how == "STOP" && testing.Short() {
			t.Skip("NOT TESTED: a client that vanished without closing its connection")
		}
		helper := exec.Command(os.Args[0], "-test.run=TestHelperHoldsTheLock")
		helper.Env = append(os.Environ(), fmt.Sprintf("HACTL_TEST_LOCK=%s %d %s", cfg.File, nodes[0].port, nodes[0].dir))
		out, err := helper.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := helper.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() { helper.Process.Kill(); helper.Wait() }()
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "lock: <nil>\n" {
			t.Fatalf("helper: %q %v", line, err)
		}
		if _, err := (transport.Locker{}).Lock(context.Background(), hosts, anna); err == nil {
			t.Fatal("not locked")
		}
		exec.Command("kill", "-"+how, fmt.Sprint(helper.Process.Pid)).Run()
		began := time.Now()
		for {
			lock, err := transport.Locker{}.Lock(context.Background(), hosts, anna)
			if err == nil {
				lock.Release()
				break
			}
			if time.Since(began) > 20*time.Second {
				t.Fatalf("SIG%s: still locked after 20 s: %v", how, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		t.Logf("SIG%s: freed after %s", how, time.Since(began).Round(100*time.Millisecond))
	}
}
