# shellcheck shell=bash
# What the real tools print, kept as test data for the drivers. Each command makes
#
#   DIR/NODE/NAME.json   {"argv": [...], "code": 0}
#   DIR/NODE/NAME.out    standard output, to the byte
#   DIR/NODE/NAME.err    standard error, if there was any

# record DIR NODE NAME -- CMD...   one command
# record DIR NODE                  many, in one go: lines "NAME CMD..." on standard input, quoted as for a shell
record() {
  local dir=$1 n=$2 list name line a argv=() code
  shift 2
  if (($#)); then
    [[ ${2:-} == -- && $# -ge 3 ]] || die "record DIR NODE NAME -- CMD..."
    list=$1
    shift 2
    for a; do list+=" '${a//\'/\'\\\'\'}'"; done
  else
    list=$(cat)
  fi
  mkdir -p "$dir/$n"
  # shellcheck disable=SC2016
  node_exec "$n" sh -c 'd=$(mktemp -d) && cd "$d" || exit
    while read -r name line; do
      sh -c "exec $line" >"$name.out" 2>"$name.err" </dev/null
      echo $? >"$name.code"
    done
    tar c .
    rm -rf "$d"' <<<"$list" | tar xm --no-same-owner -C "$dir/$n" || die "record: $n did not answer"
  while read -r name line; do
    [[ $name =~ ^[a-zA-Z0-9._-]+$ ]] || die "record: '$name' is no name"
    eval "argv=($line)"
    code=$(<"$dir/$n/$name.code")
    jq -nc --argjson code "$code" '{argv: $ARGS.positional, code: $code}' --args -- "${argv[@]}" > "$dir/$n/$name.json"
    rm "$dir/$n/$name.code"
    [[ -s $dir/$n/$name.err ]] || rm "$dir/$n/$name.err"
  done <<<"$list"
}
