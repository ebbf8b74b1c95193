# shellcheck shell=bash
# A throwaway PostgreSQL with a PgBouncer before it. A part of `dev`.

# PostgreSQL, without the server for the whole machine that Debian's package starts.
need_postgres() {
  if command -v dpkg-query >/dev/null && ! dpkg-query -W postgresql-common >/dev/null 2>&1; then
    as_root mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
  fi
  need postgresql
}

# PgBouncer, for which Debian's package has no such switch: only the program is taken out of it. `pgbouncer` is its path,
# empty where there is none.
need_pgbouncer() {
  pgbouncer=$(command -v pgbouncer || true)
  [[ -z $pgbouncer ]] && command -v dpkg-deb >/dev/null || return 0
  need libevent-2.1-7 libc-ares2
  pgbouncer=$root/build/pgbouncer/usr/sbin/pgbouncer
  [[ ! -x $pgbouncer ]] || return 0
  say "Taking PgBouncer out of its package, into build/pgbouncer"
  local folder
  mkdir -p "$root/build"
  folder=$(mktemp -d "$root/build/pgbouncer.XXXXXX")
  (
    cd "$folder"
    # The lists of packages may be old, or gone.
    if ! apt-get download -q pgbouncer >/dev/null 2>&1; then
      quietly as_root apt-get update -q
      quietly apt-get download -q pgbouncer
    fi
    quietly dpkg-deb -x pgbouncer_*.deb .
  ) || exit 1
  rm -rf "$root/build/pgbouncer"
  mv "$folder" "$root/build/pgbouncer"
}

# with_postgres COMMAND...: a PostgreSQL of its own, in a temporary folder and on a free port, with a PgBouncer in
# transaction mode before it; both end with the command. They refuse to run as root, so that then they run as
# `postgres`, whom Debian's package has made.
with_postgres() {
  need_postgres
  need_pgbouncer
  local bin as_server=() folder port status=0
  bin=$(find /usr/lib/postgresql -path '*/bin/initdb' -printf '%h\n' | sort -V | tail -n 1)
  folder=$(mktemp -d /tmp/tern-postgres.XXXXXX)
  if ((EUID == 0)); then
    as_server=(--reuid=postgres --regid=postgres --clear-groups)
    chown postgres: "$folder"
  fi
  # In a subshell, so that its trap ends the servers and nothing of the caller's is replaced.
  (
    cd /tmp
    server='' pooler=''
    trap 'end_postgres' EXIT
    trap 'exit 130' INT TERM HUP
    start_postgres
    export TERN_TEST_POSTGRES=postgresql://tern@127.0.0.1:$port/postgres
    [[ -z $pgbouncer ]] || start_pgbouncer
    cd "$root"
    "$@"
  ) || status=$?
  return "$status"
}

# These three are parts of with_postgres, and use its variables.
start_postgres() {
  local tenths=0
  quietly setpriv "${as_server[@]}" "$bin/initdb" -D "$folder/data" -U tern --auth=trust --no-sync --encoding=UTF8 \
    --locale=C.UTF-8
  # Below 32768, where the ports of clients begin: one of theirs may be taken between the look and the start.
  port=$(free_port "PostgreSQL" $((20000 + RANDOM % 12000)))
  setpriv --pdeathsig INT "${as_server[@]}" "$bin/postgres" -D "$folder/data" -p "$port" -k "$folder" \
    -c listen_addresses=127.0.0.1 >"$folder/log" 2>&1 </dev/null &
  server=$!
  until "$bin/pg_isready" -q -h 127.0.0.1 -p "$port" -U tern -d postgres; do
    if ! kill -0 "$server" 2>/dev/null || ((tenths++ >= 300)); then
      die "PostgreSQL does not start: $(tail -n 5 "$folder/log")"
    fi
    sleep 0.1
  done
}

start_pgbouncer() {
  local pooler_port tenths=0
  pooler_port=$(free_port "PgBouncer" $((port + 1)))
  # The user of the server may not see into this checkout.
  install -m 755 "$pgbouncer" "$folder/pgbouncer"
  echo '"tern" ""' >"$folder/users"
  cat >"$folder/pgbouncer.ini" <<END
[databases]
postgres = host=127.0.0.1 port=$port
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler_port
unix_socket_dir =
auth_type = trust
auth_file = $folder/users
pool_mode = transaction
END
  chmod 644 "$folder/users" "$folder/pgbouncer.ini"
  setpriv --pdeathsig TERM "${as_server[@]}" "$folder/pgbouncer" "$folder/pgbouncer.ini" \
    >"$folder/pooler.log" 2>&1 </dev/null &
  pooler=$!
  while port_is_free "$pooler_port"; do
    if ! kill -0 "$pooler" 2>/dev/null || ((tenths++ >= 300)); then
      die "PgBouncer does not start: $(tail -n 5 "$folder/pooler.log")"
    fi
    sleep 0.1
  done
  export TERN_TEST_PGBOUNCER=postgresql://tern@127.0.0.1:$pooler_port/postgres
}

end_postgres() {
  {
    # Either may have ended by itself.
    [[ -z $pooler ]] || kill -TERM "$pooler" || true
    [[ -z $server ]] || kill -INT "$server" || true
    wait ${pooler:+"$pooler"} ${server:+"$server"} || true
  } 2>/dev/null
  rm -rf "$folder"
}

# with_what_tests_need BUILD COMMAND...: the server is started only for a build that has a backend to test with it.
with_what_tests_need() {
  local build=$1
  shift
  if has_backend POSTGRES "$build"; then
    with_postgres "$@"
  else
    "$@"
  fi
}

cmd_postgres() {
  (($#)) || die "postgres wants a command to run"
  with_postgres "$@"
}
