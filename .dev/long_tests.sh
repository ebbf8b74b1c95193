# shellcheck shell=bash
# Tests that run for long because somebody has asked for them. A part of `dev`.

# run_asked COMMAND...: a test program whose tests somebody has asked for, so that it fails when none of them runs or one
# is skipped; for want of the right to mount alone it may be.
run_asked() {
  local log status=0
  log=$(mktemp)
  "$@" 2>&1 | tee "$log" || status=$?
  if grep -q '^\[=*\] Running 0 tests' "$log"; then
    printf 'dev: nothing was tested: this build has no such test\n' >&2
    status=1
  elif grep -A1 ': Skipped$' "$log" | grep -vE ': Skipped$|^--$|this user may not mount' >&2; then
    printf 'dev: a test was skipped, for the reason above\n' >&2
    status=1
  fi
  rm -f "$log"
  return "$status"
}

cmd_crash-test() {
  local kills=50 filter='CrashLoop.*'
  while (($#)); do
    case $1:${2:-} in
      --kills:*[!0-9]* | --kills:) die "--kills wants a number" ;;
      --kills:*) kills=$2 ;;
      --storage:rocksdb) filter='CrashLoop.Rocksdb*' ;;
      --storage:postgres) filter='CrashLoop.Postgres*' ;;
      --storage:both) ;;
      *) die "crash-test knows --kills N and --storage rocksdb, postgres or both, not: $*" ;;
    esac
    shift 2
  done
  need_build
  build release crash_loop_tests
  if has_backend POSTGRES && [[ $filter != *Rocksdb* ]]; then need_postgres; fi
  run_asked env TERN_TEST_KILLS="$kills" "$release/tests/crash_loop_tests" --gtest_filter="$filter"
}

cmd_fault-test() {
  local kills=200 hang=30 targets=() target status=0
  while (($#)); do
    case $1:${2:-} in
      --kills:*[!0-9]* | --kills:) die "--kills wants a number" ;;
      --hang:*[!0-9]* | --hang:) die "--hang wants a number of seconds" ;;
      --kills:*) kills=$2 ;;
      --hang:*) hang=$2 ;;
      *) die "fault-test knows --kills N and --hang SECONDS, not: $*" ;;
    esac
    shift 2
  done
  need_build
  quietly cmake --preset release
  if has_backend ROCKSDB; then targets+=(rocksdb_fault_tests); fi
  if has_backend POSTGRES; then
    need_postgres
    targets+=(postgres_fault_tests)
  fi
  ((${#targets[@]})) || die "this build has neither RocksDB nor PostgreSQL"
  build release "${targets[@]}"
  for target in "${targets[@]}"; do
    run_asked env TERN_TEST_KILLS="$kills" TERN_TEST_HANG_SECONDS="$hang" "$release/tests/$target" || status=1
  done
  return "$status"
}

cmd_soak() {
  local seeds=0 from='' jobs part i ended failed=0
  while (($#)); do
    case $1:${2:-} in
      --seeds:*[!0-9]* | --seeds: | --seeds:0) die "--seeds wants a number from 1" ;;
      --from:*[!0-9]* | --from:) die "--from wants a number" ;;
      --seeds:*) seeds=$2 ;;
      --from:*) from=$2 ;;
      *) die "soak knows --seeds N and --from SEED, not: $*" ;;
    esac
    shift 2
  done
  need_build
  build release simulation_tests
  jobs=$(nproc)
  ((seeds == 0 || seeds >= jobs)) || jobs=$seeds
  part=$((seeds == 0 ? 1000000000 : (seeds + jobs - 1) / jobs))
  from=${from:-$(($(date +%s) * 1000))}
  say "soaking from seed $from with $jobs processes"
  # The shell starts what runs in the background deaf to Ctrl-C, so that it is for this script to end it.
  trap stop_all EXIT
  trap 'exit 0' INT TERM HUP
  for ((i = 0; i < jobs; i++)); do
    setpriv --pdeathsig TERM env TERN_TEST_SEED=$((from + i * part)) TERN_TEST_SEEDS=$part \
      "$release/tests/simulation_tests" --gtest_filter='Simulation.Keeps*' --gtest_brief=1 </dev/null &
    running[$!]="simulation $i"
  done
  for ((i = 0; i < jobs; i++)); do
    wait -n -p ended "${!running[@]}" || failed=1
    unset "running[$ended]"
    # One that looks without end would hide what another has found.
    if ((failed && seeds == 0)); then break; fi
  done
  ((failed == 0)) || die "a promise was broken; ./dev soak --from SEED --seeds 1 repeats the seed that the failure names"
}

# What .ci/run has not the time for, or does less of.
cmd_check-all() {
  (($# == 0)) || die "check-all knows no options"
  unset CI # so that each source of the tests is compiled alone
  step 7200 "tests, each source compiled alone" ./dev test
  step 7200 "lint, each source alone" ./dev lint --each
  step 7200 "sanitizers" ./dev sanitize
  step 3600 "fuzzers, 60 s each" ./dev fuzz --seconds 60
  step 7200 "20,000 seeds" ./dev soak --seeds 20000
  step 7200 "faults" ./dev fault-test
  step 14400 "1,000 kills" ./dev crash-test --kills 1000
  end_steps
}
