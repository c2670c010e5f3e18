// Package sim is a cluster in memory: machines with files, packages and units, corosync between them, and one CIB that Pacemaker follows. It
// answers reconcile.Host by interpreting the very commands that the drivers send, so that whole applies run in a few milliseconds, may be
// killed between any two calls, and hundreds of clusters fit into one process. What is not known here fails, and is told by Problems.
//
//	c := sim.New("n1", "n2")
//	run := c.Client()
//	e := &reconcile.Engine{Layers: drivers.All(drivers.Options{}), Hosts: run.Hosts(), Locker: run, Manifests: m}
//
// Waits take real time: run it in a testing/synctest bubble, where they take none.
//
// # What is modelled
//
// Files have a mode and an owner, packages bring units, accounts and corosync's example configuration as Debian's do. corosync reads its
// configuration at its start and takes over at a reload what the real one does. The CIB has its three version numbers; a patch is taken only
// by the version that it was made for. A scheduler of a few rules (schedule.go) says where resources run: target-role, maintenance,
// groups, clones, locations, colocations and orders with the score INFINITY, fencing and quorum; the status follows after Lag. There are no
// failures of agents, no rules but those on #uname, no resource sets, no tickets, and no containers: bundles stay stopped. crm_simulate and
// crm_verify are Pacemaker's own if Tools is set; else there is no prediction, and every configuration whose ids are unique is valid.
//
// Faults are what goes wrong with calls, Client.Kill is a SIGKILL of hactl between two of them. After that, no call of the client has
// any effect, so nothing that hactl would do to clean up is done; the machines lose its locks.
//
// A change that nobody confirms is taken back by its own program, whose awk compares; the machine needs awk(1) for that.
//
// Problems tells what no run of hactl may ever do: change something without the lock of that machine or by a command that is not marked as
// changing, delete from the CIB what still runs, or send a command that is not known here.
//
// # How to add a command
//
// Add a function to the table commands in command.go; for a shell script, to scripts, by the name that it runs under ($0: the argument behind the
// script). It gets a *call and gives an answer. Before it changes anything it calls call.changes. It must say what the real command
// says: look at the real one in the lab, and put its answer into a test (conform_test.go compares with the tools that are installed). Scripts
// are pinned by their digests in testdata/scripts.txt: who changes a script looks here too, and runs the test with -update.
package sim
