package transport

// lockScript takes the lock of one machine and keeps it while a line comes every now and then: RUNDIR HOLDER PATIENCE BUSYWAIT SILENCE, times in
// seconds. Its first line is "ok", "held HOLDER" or "busy COMMAND"; then it sends every line of its input back.
//
// The lock is flock(2) on a descriptor of this shell, so it goes with the shell however that ends. hactl.lock says who holds it: "trying …"
// until the client has said "hold". PATIENCE is for a holder that still tries and that may be about to give up. The loop ends with its input or
// after SILENCE, because a vanished client leaves its session open for as long as TCP allows.
//
// hactl.busy is held, shared, by each mutating command (mutateScript). If it is taken although the lock was free, a command outlived its
// client. proc_locks(5) tells the process, flock(1), whose arguments from the tenth on are that command.
var lockScript = script{"bash", `r=$1 me=$2 w=$3 b=$4 s=$5
exec 8>>"$r/hactl.lock" || exit 74
if ! flock -n 8; then
  h= got=
  for i in 1 2 3 4 5; do
    IFS= read -r h <"$r/hactl.lock" && break
    flock -w 0.05 8 && { got=1; break; }
  done
  if [ -z "$got" ]; then
    case $h in
    trying*) flock -w "$w" 8 || { printf 'held %s\n' "${h#trying }"; exit 0; };;
    *) printf 'held %s\n' "$h"; exit 0;;
    esac
  fi
fi
printf 'trying %s\n' "$me" >"$r/hactl.lock" || exit 74
exec 7>>"$r/hactl.busy" || exit 74
if ! flock -n 7 && ! flock -w "$b" 7; then
  ino=$(stat -L -c %i /proc/self/fd/7) c=
  while read -r -a l; do
    [[ ${l[1]} = FLOCK && ${l[5]} = *:"$ino" ]] || continue
    a=(); mapfile -d '' -t a 2>/dev/null <"/proc/${l[4]}/cmdline"
    [[ ${a[13]} = hactl-* ]] && x="${a[13]#hactl-} ${a[14]}" || x="${a[*]:10}"
    c="$c${c:+; }${x:-process ${l[4]}}"
  done </proc/locks
  : >"$r/hactl.lock"
  printf 'busy %s\n' "${c//$'\n'/ }"
  exit 0
fi
exec 7>&-
printf 'ok\n'
while IFS= read -r -t "$s" x; do
  [ "$x" != hold ] || printf '%s\n' "$me" >"$r/hactl.lock"
  printf '%s\n' "$x"
done
: >"$r/hactl.lock"`}
