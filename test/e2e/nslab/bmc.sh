# shellcheck shell=bash
# One BMC per node: OpenIPMI's simulator, real IPMI 2.0 over UDP port 623. Its
# power switch is the node's. The BMCs run in the hub: they have power when
# their node has not, and no partition of a node cuts off its BMC.

bmc_on() {
  local n=$1 a=${BMCIP[$1]} d=$LAB_DIR/bmc/$1
  pid_file_alive "$d/pid" >/dev/null && return 0
  mkdir -p "$d/state"
  [[ -s $d/password ]] || echo secret > "$d/password"
  ip addr add "$a/32" dev lan 2>/dev/null || true       # there already when only the simulator died
  # ipmi_sim leaks its sockets into the script; a node that inherited them would keep the port.
  cat > "$d/chassis" <<C
#!/bin/bash
for f in {3..40}; do eval "exec \$f>&-"; done
export LAB_IN_HUB=1 LAB_NAME=$LAB_NAME LAB_ROOT=$LAB_ROOT
exec $SELF _call chassis $n "\$@" 2>>$d/chassis.log
C
  chmod +x "$d/chassis"
  # chassis_control needs the MC's address as an argument: without it the script
  # is called as "get power", which ipmi_sim 2.0.33 then answers with an error.
  cat > "$d/lan.conf" <<C
name "bmc-$n"
set_working_mc 0x20
  startlan 1
    addr $a 623
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
    guid a123456789abcdefa1234567890000$(printf %02x "${NUM[$n]}")
  endlan
  chassis_control "$d/chassis 0x20"
  user 1 true "" "" user 10 none md2 md5 straight
  user 2 true "admin" "$(<"$d/password")" admin 10 none md2 md5 straight
C
  printf '%s\n' 'mc_setbmc 0x20' 'mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr' \
    'sel_enable 0x20 1000 0x0a' 'mc_enable 0x20' > "$d/emu"
  setsid ipmi_sim -c "$d/lan.conf" -f "$d/emu" -s "$d/state" -n </dev/null >"$d/log" 2>&1 8<&- &
  echo "$! $(start_time $!)" > "$d/pid"
}

bmc_password() {                                # NODE PASSWORD: as somebody who rotates it
  plan_load
  local d=$LAB_DIR/bmc/$1 p
  echo "$2" > "$d/password"
  p=$(pid_file_alive "$d/pid") && kill -9 "$p"
  while pid_file_alive "$d/pid" >/dev/null; do sleep 0.02; done
  bmc_on "$1"
  bmc_wait "$1"
}

bmc_wait() {                                    # until its UDP port is open
  local n=$1 i hex
  printf -v hex '%02X%02X%02X%02X:026F' $(awk -F. '{print $4, $3, $2, $1}' <<<"${BMCIP[$n]}")
  for ((i = 0; i < 300; i++)); do
    grep -q " $hex " /proc/net/udp && return 0
    sleep 0.02
  done
  die "the BMC of $n does not start: $(cat "$LAB_DIR/bmc/$n/log")"
}

# chassis is called by ipmi_sim: NODE MC get|set ITEM [VALUE]...
chassis() {
  local n=$1 op=$3
  shift 3
  plan_load
  # No real machine is back within a second of its power. One that rejoins before the
  # fencer has heard of its success is told of its own fencing, and Pacemaker stops there.
  export LAB_POST=5
  while (($#)); do
    case "$op $1" in
      'get power')    [[ $(power "$n" status) == on ]] && echo power:1 || echo power:0; shift ;;
      'set power')    if [[ $2 == 1 ]]; then power "$n" on; else power "$n" off; fi; shift 2 ;;
      'set reset')    power "$n" reset; shift; (($#)) && shift ;;
      'set shutdown') node_shutdown "$n"; shift; (($#)) && shift ;;
      'get boot')     echo boot:default; shift ;;
      *)              shift ;;
    esac
  done
}

bmc_tool() {                                    # NODE ARGS... -> ipmitool, in the hub's network
  local n=$1 hub
  shift
  hub=$(hub_pid) || die "lab $LAB_NAME is not up"
  # -C 3: without a cipher suite given ipmitool asks the simulator for its list, and hangs
  exec nsenter --net="/proc/$hub/ns/net" -- ipmitool -I lanplus -C 3 -H "${BMCIP[$n]}" -U admin -P "$(<"$LAB_DIR/bmc/$n/password")" "$@"
}
