package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// call is a command under way.
type call struct {
	c       *Cluster
	n       *Node
	client  *Client
	argv    []string
	in      string
	mutates bool
}

// answer is what a command says.
type answer struct {
	out, err string
	code     int
	tools    bool // Tools is to be asked
}

func failed(code int, format string, args ...any) answer {
	return answer{code: code, err: fmt.Sprintf(format, args...) + "\n"}
}

// commands are the programs of a machine.
var commands = map[string]func(*call) answer{
	"true":  func(*call) answer { return answer{} },
	"uname": func(x *call) answer { return answer{out: x.n.name + "\n"} },
	"sh":    script,

	"chown": chown, "chmod": chmod, "rm": remove, "rmdir": func(*call) answer { return answer{} }, // folders are made and forgotten with their files
	"sha256sum": sha256sum, "find": find,

	"systemctl": systemctl, "env": systemctlAlone, "useradd": useradd, "usermod": usermod, "chronyc": func(*call) answer { return answer{out: "200 OK\n"} },
	"firewall-cmd": firewall, "dnf": func(x *call) answer { return x.installing(x.argv[4:]) },

	"corosync": testConf, "corosync-cmapctl": cmapctl, "corosync-quorumtool": quorumtool, "corosync-cfgtool": cfgtool,

	"cibadmin": cibadmin, "crm_mon": crmMon, "crm_simulate": crmSimulate, "crm_verify": crmVerify,
	"crm_resource": noMetadata, "stonith_admin": noMetadata, "journalctl": func(*call) answer { return answer{} },
}

// scripts are the shell scripts of the drivers, by the name that they run under.
var scripts = map[string]func(*call) answer{
	"hactl-look":         lookAtMachine, // drivers/system/observe.go
	"hactl-look-daemons": lookAtDaemons, // drivers/corosync/observe.go
	"hactl-install":      install,       // drivers/system/install.go
	"hactl-first-start":  firstStart,    // drivers/corosync/ops.go
	"hactl-move-aside":   moveAside,     // drivers/corosync/ops.go
	"hactl-checkpoint":   checkpoint,    // drivers/cib/checkpoint.go
	"hactl-journal":      journal,       // reconcile/journal.go
	"hactl-arm":          arm,           // drivers/cib/rollback_program.go
	"hactl-disarm":       disarm,        // drivers/cib/rollback_program.go
	"hactl-log":          noLog,         // drivers/cib/witness.go
	"hactl-undo":         undo,          // drivers/cib/rollback_program.go
	"hactl-lvm":          noLVM,         // drivers/lvm/observe.go
	"hactl-look-drbd":    noDRBD,        // drivers/drbd/look.go

	"hactl-block": noBlock, // drivers/block/look.go

	"hactl-look-iscsitarget":    noISCSI,      // drivers/iscsitarget/observe.go
	"hactl-look-iscsiinitiator": noISCSI,      // drivers/iscsiinitiator/observe.go
	"crm_simulate":              noSimulation, // drivers/cib/simulate.go
}

// noLVM: the machines have no storage of their own, and none of its tools.
func noLVM(*call) answer { return answer{out: "\n==hactl absent\n\n==hactl end\n"} }

func noDRBD(*call) answer {
	return answer{out: "\n==hactl tools\n\n==hactl kernel\n\n==hactl boot\n\n==hactl events\n\n==hactl end\n"}
}

func noBlock(*call) answer {
	return answer{out: "\n==hactl lsblk\n{\"blockdevices\": []}\n\n==hactl end\n"}
}

func noISCSI(*call) answer { return answer{out: "\n==hactl end\n"} }

// noLog: nothing here writes one.
func noLog(*call) answer { return answer{} }

// computes tells the commands that only Pacemaker's own tools can answer.
func computes(argv []string) bool {
	return argv[0] == "crm_verify" || argv[0] == "sh" && len(argv) > 3 && argv[3] == "crm_simulate"
}

// shown is the command for people: a script by its name.
func (x *call) shown() []string {
	if len(x.argv) > 3 && x.argv[0] == "sh" {
		return x.argv[3:]
	}
	return x.argv
}

func (x *call) interpret() answer {
	do := commands[x.argv[0]]
	if do == nil && strings.HasPrefix(x.argv[0], "/usr/sbin/fence_") {
		return answer{} // the device answers
	}
	if do == nil {
		x.c.problem("%s: a command that is not known here: %s", x.n.name, strings.Join(x.argv, " "))
		return failed(127, "%s: command not found", x.argv[0])
	}
	return do(x)
}

func script(x *call) answer {
	name := ""
	if len(x.argv) > 3 && x.argv[1] == "-c" {
		name = x.argv[3]
	}
	do := scripts[name]
	if do == nil {
		x.c.problem("%s: a script that is not known here: %s", x.n.name, strings.Join(x.argv[1:], " "))
		return failed(127, "sim: unknown script")
	}
	x.c.scripts[name] = x.argv[2]
	return do(x)
}

// args are the arguments of a script behind its name.
func (x *call) args() []string { return x.argv[4:] }

// changes is called before anything is changed.
func (x *call) changes(what string) {
	if !x.mutates {
		x.c.problem("%s: %s was changed by a command that is not marked as changing: %s", x.n.name, what, strings.Join(x.shown(), " "))
	}
	if x.n.holder != x.client {
		x.c.problem("%s: %s was changed without the lock: %s", x.n.name, what, strings.Join(x.shown(), " "))
	}
}

// operands are the arguments that are no options.
func operands(args []string) []string {
	var out []string
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			out = append(out, a)
		}
	}
	return out
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
