package transport

import (
	"fmt"
	"strings"

	"al.essio.dev/pkg/shellescape"
)

// script is a shell program that runs as root on a machine. Its arguments are $1, $2, …; no text is ever pasted into body.
type script struct {
	shell string // sh or bash
	body  string
}

// maxLine is the longest command line that can be sent: Linux bounds one argument of execve(2) to 128 KiB (MAX_ARG_STRLEN), and the login
// shell gets the whole line as one.
const maxLine = 128<<10 - 1

// begin opens every script. The marker on both streams parts our output from what login scripts and sudo print before it, and proves that
// the script runs; the number is its process group. sudo has reset the environment, so it is set here. `shift` drops the script itself.
const begin = `export LC_ALL=C.UTF-8 PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
printf '\036hactl %s\n' "$$"; printf '\036hactl -\n' >&2; shift
`

// become runs $1 as root. `-O /` (test(1): owned by the effective user) tells root without starting a process; id(1) is for machines
// where / is not root's.
const become = `if [ -O / ] || [ "$(id -u)" = 0 ]; then eval "$1"; else export LC_ALL=C; exec sudo -n -- "$0" -c "$1" "$0" "$@"; fi`

// line is what the login shell is given. It may be any shell that knows exec and single quotes.
func (s script) line(args []string) (string, error) {
	words := append([]string{s.shell, "-c", become, s.shell, begin + s.body}, args...)
	line := "exec " + shellescape.QuoteCommand(words)
	for _, a := range args {
		if strings.ContainsRune(a, 0) {
			return "", fmt.Errorf("argument %q has a zero byte", a)
		}
	}
	if len(line) > maxLine {
		return "", fmt.Errorf("command of %d bytes is too long, at most %d can be sent: give it by standard input", len(line), maxLine)
	}
	return line, nil
}

// readScript runs a command that changes nothing: LIMIT ARGV…. The shell's process becomes timeout(1), so that the number in the marker is
// the process group of all of it.
var readScript = script{"sh", `l=$1; shift; exec timeout -k 5 "$l" "$@"`}

// busyWait is how long a mutating command waits for the busy lock. Only a lock being taken holds it exclusively, for a moment.
const busyWait = 30 // seconds

// mutateScript runs a command that changes something: RUNDIR LIMIT INPUT ARGV…
//
// It must survive its client. So: the input is taken in full before the command begins (INPUT is its size, '-' means: leave it to the
// command), or a cut connection would feed it half; its output goes through cat, which goes on reading when nobody listens any more, or
// SIGPIPE would end it midway; and flock(1) keeps the busy lock until it ends, without handing the descriptor on (-o), or a daemon that it
// starts would keep it for ever. The arguments of that flock process name the command to the next apply (see lockScript).
var mutateScript = script{"bash", `r=$1 l=$2 n=$3; shift 3
if [ "$n" != - ]; then
  t=$(mktemp "$r/hactl.in.XXXXXX") || exit 74
  cat >"$t"; s=$(stat -c %s "$t")
  exec <"$t"; rm -f "$t"
  [ "$s" = "$n" ] || { echo "only $s of $n bytes of input arrived; the command was not started" >&2; exit 74; }
fi
exec flock -s -w 30 -o "$r/hactl.busy" timeout -k 5 "$l" "$@" > >(cat; exec cat >/dev/null) 2> >(cat >&2; exec cat >/dev/null)`}

// killScript ends a process group. dash's kill knows no "--".
var killScript = script{"sh", `kill -TERM "-$1"`}

// readFilesProgram prints the regular files that match the globs $1 $2 …, run by readScript.
//
// Kernel files come first, one line each ("MODE OWNER BASE64 PATH", PATH in base64 too) because their size is not known before they are
// read; a line with a dot ends them; then a tar archive. IFS is empty so that blanks in a glob do not split it. What is not there is asked
// of stat(1) once more for the reason: only a missing file or parent is absent.
const readFilesProgram = `IFS=
n=0 lost=
for g; do for f in $g; do
  if [ -f "$f" ]; then
    case $f in
    /proc/*|/sys/*)
      c=$(base64 -w0 -- "$f") || exit 5
      p=$(printf %s "$f" | base64 -w0)
      o=$(stat -L -c '%a %U:%G' -- "$f") || exit 4
      printf '%s %s= %s\n' "$o" "$c" "$p";;
    *) n=$((n+1));;
    esac
  elif [ ! -e "$f" ]; then lost=1; fi
done; done
echo .
if [ "$lost" ]; then
  e=$(for g; do for f in $g; do [ -e "$f" ] || printf '%s\0' "$f"; done; done | xargs -0 -r stat -L --format= -- 2>&1 >/dev/null |
    grep -v -e ': No such file or directory$' -e ': Not a directory$') && { printf '%s\n' "$e" >&2; exit 5; }
fi
[ "$n" = 0 ] && exit 0
for g; do for f in $g; do
  case $f in /proc/*|/sys/*) ;; *) [ -f "$f" ] && printf '%s\0' "$f";; esac
done; done | tar -c -h -P -f - --format=gnu --hard-dereference --no-recursion --null --verbatim-files-from -T -`

// writeFileProgram replaces the file PATH MODE OWNER by its standard input, less a first line with SIZE SHA256, run by mutateScript.
//
// A link is followed. Nothing of it is seen before the rename: the temporary file begins with a dot, so that no *.conf glob takes it. Size and
// hash are compared first, because a cut connection looks like the end of the input. Folders made on the way go again if it fails.
const writeFileProgram = `p=$(readlink -m -- "$1") && [ -n "$p" ] || exit 1
d=${p%/*}; d=${d:-/}; t= made=
undo() { [ -z "$t" ] || rm -f -- "$t"; for x in $made; do rmdir -- "$x"; done; }
trap undo EXIT
trap 'exit 143' TERM INT HUP
set -e
IFS='
'
if [ -e "$p" ] && [ ! -f "$p" ]; then echo "$p is not a regular file" >&2; exit 1; fi
if [ ! -d "$d" ]; then
  x=$d
  while [ ! -e "$x" ]; do made="$made$IFS$x"; x=${x%/*}; x=${x:-/}; done
  umask 022; mkdir -p -- "$d"
fi
umask 077
t=$(mktemp -- "$d/.hactl.XXXXXXXX")
IFS=' ' read -r size sum || { echo "no content arrived; nothing was changed" >&2; exit 74; }
cat >"$t"
s=$(stat -c %s -- "$t")
[ "$s" = "$size" ] || { echo "only $s of $size bytes arrived; nothing was changed" >&2; exit 74; }
h=$(sha256sum <"$t")
[ "${h%% *}" = "$sum" ] || { echo "other bytes arrived than were sent; nothing was changed" >&2; exit 74; }
chown -- "$3" "$t"
chmod -- "$2" "$t"
sync -- "$t"
mv -fT -- "$t" "$p"
t= made=
sync -- "$d"`
