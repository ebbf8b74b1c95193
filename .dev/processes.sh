# shellcheck shell=bash
# Processes in the background, and ports. A part of `dev`.

declare -A running=() # process id -> name

# start NAME LOG COMMAND...: in the background. Ends with this script, whatever ends the script, but in a session of its
# own: Ctrl-C goes to this script only, for a second signal would cut the bot's drain short.
start() {
  local name=$1 log=$2
  shift 2
  setsid setpriv --pdeathsig TERM "$@" </dev/null >"$log" 2>&1 &
  running[$!]=$name
  started=$!
}

stop_all() {
  local id tenths=0
  for id in "${!running[@]}"; do kill -TERM "$id" 2>/dev/null || true; done
  for id in "${!running[@]}"; do
    while kill -0 "$id" 2>/dev/null && ((tenths++ < 300)); do sleep 0.1; done
    kill -KILL "$id" 2>/dev/null || true
    wait "$id" 2>/dev/null || true
  done
  running=()
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port NAME FROM: the first free port from there on.
free_port() {
  local port=$2
  while ! port_is_free "$port"; do ((++port < 65536)) || die "no free port for $1"; done
  ((port == $2)) || printf 'Port %s is taken; %s listens on %s.\n' "$2" "$1" "$port" >&2
  echo "$port"
}

# answers PORT PATH: whether GET is answered 200.
answers() {
  local line
  line=$(
    exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || exit
    printf 'GET %s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nConnection: close\r\n\r\n' "$2" "$1" >&3
    read -r -t 5 line <&3 && echo "$line"
  ) || return 1
  [[ $line == HTTP/1.1\ 200* ]]
}

# wait_for ID LOG PORT PATH: until it answers, or a signal has asked to stop.
wait_for() {
  local tenths=0
  until answers "$3" "$4" || ((stopping)); do
    if ! kill -0 "$1" 2>/dev/null; then
      tail -n 20 "$2" >&2
      die "${running[$1]} ended before it answered."
    fi
    ((tenths++ < 600)) || die "${running[$1]} does not answer; see $2"
    sleep 0.1
  done
}

is_port() { [[ $1 =~ ^[0-9]{1,5}$ ]] && ((10#$1 >= 1 && 10#$1 <= 65535)); }
