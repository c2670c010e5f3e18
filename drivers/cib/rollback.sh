# Takes a change of the cluster back, on one member, without hactl. What stands before this text (see rollback_program.go) sets id, mark, limit,
# parts and known, and defines the functions data, before_part and restore_files.
#
# files: put back the files of this machine. cib: put back the CIB, and tell Pacemaker to forget the failures that are newer than the apply.
# timer: nobody has confirmed the change in time; do all of it, if the mark in the CIB still says so.

set -u
umask 077
export LC_ALL=C PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
d=$(mktemp -d /run/hactl-undo.XXXXXX) || exit 73
trap 'rm -rf "$d"' EXIT
data
end=$(($(date +%s) + limit))

late() { [ "$(date +%s)" -ge "$end" ]; }

# restore PATH OURS MODE OWNER [BASE64]: OURS is the hash of what hactl wrote; without BASE64 there was no file before.
restore() {
	now=- was=-
	[ ! -e "$1" ] || { now=$(sha256sum < "$1"); now=${now%% *}; }
	[ $# -lt 5 ] || { was=$(printf %s "$5" | base64 -d | sha256sum); was=${was%% *}; }
	if [ "$now" = "$was" ]; then printf 'same\tthe file %s\n' "$1"; return; fi
	if [ "$now" != "$2" ]; then printf 'stays: it was changed since\tthe file %s\n' "$1"; return; fi
	if [ $# -lt 5 ]; then
		rm -f -- "$1"
	else
		t=$(mktemp -- "${1%/*}/.hactl.XXXXXXXX") || return
		{ printf %s "$5" | base64 -d > "$t" && chown -- "$4" "$t" && chmod -- "$3" "$t" && mv -fT -- "$t" "$1"; } || { rm -f -- "$t"; printf 'stays: it cannot be written\tthe file %s\n' "$1"; return; }
	fi
	printf 'undone\tthe file %s\n' "$1"
}

# patch FILE ONLY TO: takes back the pieces of a file. 0: done; 78: Pacemaker refuses it; 2: too late; 3: confirmed, or undone, elsewhere, or it never
# came to the change of the CIB.
patch() {
	while :; do
		if cibadmin --query --local > "$d/live" 2> "$d/err"; then
			awk -v only="$2" -v mark="$mark" -v to="$3" -v out="$d/diff" -f "$d/awk" "$1" "$d/live" > "$d/report" || return 2
			! grep -q -x -e confirmed -e undone -e never "$d/report" || return 3
			[ -s "$d/diff" ] || return 0
			cibadmin --patch --xml-pipe < "$d/diff" > /dev/null 2> "$d/err"
			case $? in
			0) return 0 ;;
			103) ! late && continue ;; # it moved on meanwhile
			1 | 65 | 78) return 78 ;;
			esac
		fi
		late && { echo "the CIB cannot be changed here: $(refusal)" >&2; return 2; }
		sleep 2
	done
}

# refusal is what Pacemaker said last.
refusal() { sed -n 's/^Call .*failed[^:]*: *//p' "$d/err" | head -n 1; }

# told prints the report of pieces, less their numbers.
told() { grep -v hactl-stopping- "$d/report" | cut -f 2-; }

# part N TO: all pieces at once; where Pacemaker refuses that, one by one, as long as one goes through.
part() {
	patch "$d/part$1" 0 "$2"
	rc=$?
	[ $rc != 0 ] || { told; return 0; }
	[ $rc = 78 ] || return $rc
	n=$(wc -l < "$d/part$1") more=1
	while [ $more = 1 ]; do
		more=0 k=0
		while [ $k -lt "$n" ]; do
			k=$((k + 1))
			[ ! -e "$d/did$1.$k" ] || continue
			if patch "$d/part$1" $k ""; then
				told
				: > "$d/did$1.$k"
				if grep -q undone "$d/report"; then more=1; fi
			else
				why=$(refusal)
			fi
		done
	done
	k=0
	while [ $k -lt "$n" ]; do
		k=$((k + 1))
		[ -e "$d/did$1.$k" ] || printf 'stays: Pacemaker refuses it: %s\t%s\n' "$why" "$(sed -n "${k}p" "$d/part$1" | cut -f 2)"
	done
	: > "$d/none"
	patch "$d/none" 0 "$2"
}

# inactive RESOURCE…: waits until they run nowhere.
inactive() {
	for r; do
		while crm_resource --locate --resource "$r" 2> /dev/null | grep -q 'is running on'; do
			late && { echo "$r still runs; it is told to stop, and stays" >&2; return 1; }
			sleep 1
		done
	done
}

cib() {
	i=0
	while [ $i -lt "$parts" ]; do
		i=$((i + 1)) to=
		[ $i -lt "$parts" ] || to=undone
		before_part $i || { : > "$d/none"; patch "$d/none" 0 undone; break; }
		part $i "$to" || return $?
	done
}

# cleanup NODE: forget the failures that were not known before the apply; of all nodes without one.
cleanup() {
	cibadmin --query --local --scope status 2> /dev/null | awk -v only="${1:-}" '
		/<node_state / { node = ""; if (match($0, / uname="[^"]*"/)) node = substr($0, RSTART + 8, RLENGTH - 9) }
		/ name="last-failure-/ {
			match($0, / name="last-failure-[^"]*"/); name = substr($0, RSTART + 20, RLENGTH - 21)
			match($0, / value="[^"]*"/); value = substr($0, RSTART + 8, RLENGTH - 9)
			if (only == "" || node == only) print node, name, value
		}' | while read -r node name value; do
		! grep -q -F -x -e "$node $name $value" "$d/known" || continue
		op=${name##*#}
		crm_resource --cleanup --resource "${name%%#*}" --node "$node" --operation "${op%_*}" --interval "${op##*_}ms" > /dev/null 2>&1
		printf 'cleaned\t%s of %s on %s\n' "${op%_*}" "${name%%#*}" "$node"
	done
}

timer() {
	: > "$d/none"
	patch "$d/none" 0 undoing
	rc=$?
	[ $rc = 0 ] || [ $rc = 3 ] || return $rc
	! grep -q -x confirmed "$d/report" || { echo "the change $id was confirmed: it stays"; return 0; }
	restore_files
	if [ $rc = 0 ]; then
		cib
		rc=$?
		[ $rc = 0 ] || [ $rc = 3 ] || return $rc # 3: another member was quicker, or there is nothing to take back
	fi
	printf '%s\n' "$journal" | sed "s/@NOW@/$(date -u +%Y-%m-%dT%H:%M:%SZ)/" >> /var/lib/hactl/history
	cleanup "$(crm_node -n)"
}

case $1 in
files) restore_files ;;
cib) cib && cleanup ;;
cleanup) cleanup ;;
timer) timer && rm -f -- "$0" ;;
esac
