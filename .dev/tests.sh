# shellcheck shell=bash
# Tests, sanitizers, fuzzers and benchmarks. A part of `dev`.

# What the clients of tests/clients need: Node, a browser, and the Web Chat that bots serve.
need_for_clients() {
  need_build chromium fonts-dejavu-core
  need_clients
  bring_web_chat
}

cmd_test() {
  need_for_clients
  build release
  say "Running the tests"
  with_what_tests_need "$release" ctest --preset release --parallel "$(tests_at_once)" "$@"
  run_clients
}

# run_clients [LONG]: with anything said, hundreds of messages and a thousand conversations as well.
run_clients() {
  say "Running the real clients"
  (cd "$clients" && TERN_TEST_LONG=${1:-} TERN_BUILD_DIR=$release "$node" --test --test-reporter=spec)
}

cmd_test-clients() {
  need_for_clients
  build release proactive_bot echo_bot streaming_bot
  run_clients "$([[ -n ${CI:-} ]] || echo long)"
}

cmd_sanitize() {
  local kind
  for kind in ${1:-asan tsan}; do
    [[ $kind == asan || $kind == tsan ]] || die "sanitize knows asan and tsan, not $kind"
    cmd_build "$kind"
    say "Running the tests under $kind"
    # The path is where llvm-symbolizer is found, for names and lines in a report.
    PATH=/usr/lib/llvm-19/bin:$PATH \
      with_what_tests_need "$root/build/$kind" ctest --preset "$kind" --parallel "$(tests_at_once)"
  done
}

cmd_fuzz() {
  local seconds=60 name names=() words=()
  while (($#)); do
    case $1 in
      --seconds) seconds=${2:?--seconds wants a number} && shift ;;
      -*) die "fuzz knows --seconds only, not $1" ;;
      *) names+=("$1") ;;
    esac
    shift
  done
  need_build libclang-rt-19-dev
  ((${#names[@]})) || mapfile -t names < <(find tests/fuzz -name '*_fuzz.cpp' -printf '%f\n' | sed 's/\.cpp$//' | sort)
  for name in "${names[@]}"; do
    [[ -f tests/fuzz/$name.cpp ]] || die "$name is no fuzzer; tests/fuzz has them"
  done
  build fuzz "${names[@]}"
  cd build/fuzz
  if [[ -t 1 ]] && ((${#names[@]} == 1)); then  # each new input is a line: of use to somebody who watches
    say "Fuzzing with ${names[0]} for $seconds s"
    fuzz_words "${names[0]}" "$seconds"
    "tests/${names[0]}" "${words[@]}"
    return
  fi
  trap stop_all EXIT
  trap 'exit 130' INT TERM HUP
  local faults=()
  for name in "${names[@]}"; do
    if ((${#running[@]} >= $(nproc))); then fuzzer_ended; fi
    fuzz_words "$name" "$seconds"
    start "$name" "$name.log" "tests/$name" "${words[@]}"
  done
  while ((${#running[@]})); do fuzzer_ended; done
  ((${#faults[@]} == 0)) || die "a fault was found by ${faults[*]}; the whole output is build/fuzz/NAME.log"
}

# fuzz_words NAME SECONDS: sets `words` to what the fuzzer is started with, in build/fuzz.
fuzz_words() {
  local name=$1
  words=(-max_total_time="$2" -max_len=4096 -print_final_stats=1)
  case $name in
    *_reader_fuzz) words+=(-dict=../../tests/fuzz/http.dict) ;;
    parse_activity_fuzz) words+=(-dict=../../tests/fuzz/activity.dict) ;;
    storage_record_fuzz) words+=(-dict=../../tests/fuzz/storage.dict) ;;
  esac
  mkdir -p "corpus/$name"
  words+=("corpus/$name")
  if [[ -d ../../tests/fuzz/corpus/$name ]]; then words+=("../../tests/fuzz/corpus/$name"); fi
}

# Waits until one of the fuzzers has ended, and tells what it did; adds its name to `faults` if it has found one.
fuzzer_ended() {
  local ended name status=0
  wait -n -p ended "${!running[@]}" || status=$?
  name=${running[$ended]}
  unset "running[$ended]"
  say "Fuzzed with $name"
  if ((status == 0)); then
    grep '^stat::' "$name.log"
  else
    tail -n 150 "$name.log"
    faults+=("$name")
  fi
}

# `turn` runs the others but `storage`; its options are in docs/benchmarks.md, those of `storage` in docs/storage.md.
cmd_bench() {
  local name=${1:-turn}
  need_build wrk
  build release "$name"
  [[ -x $release/bench/$name ]] || die "$name is no benchmark; bench/CMakeLists.txt names them"
  if [[ $name == storage || $name == schedule ]]; then
    # The comparison with JavaScript runs whatever node is found first.
    if [[ $name == schedule ]]; then
      need_clients
      PATH=$(dirname "$node"):$PATH
    fi
    # In build/, which is on a disk: /tmp may be memory, where nothing is ever synced.
    with_what_tests_need "$release" "$release/bench/$name" --folder "$root/build" "${@:2}"
  elif [[ $name == directline ]]; then
    bench_directline "${@:2}"
  else
    "$release/bench/$name" "${@:2}"
  fi
}

# What a part of it needs is brought when it is asked for, or when nothing is left out.
bench_directline() {
  local words=("$release/bench/directline" --folder "$root/build" "$@")
  if [[ " $* " != *" --only"* || " $* " == *compare* ]]; then
    bring_offline_server
    words+=(--offline "$root/build/offline-directline")
  fi
  if [[ " $* " != *" --only"* || " $* " == *replicas* || " $* " == *postgres* ]]; then
    with_what_tests_need "$release" "${words[@]}"
  else
    "${words[@]}"
  fi
}

# The reference offline server of Direct Line, whose version the lock file pins, in build/offline-directline.
bring_offline_server() {
  local source=$root/bench/directline/offline folder=$root/build/offline-directline
  if ! cmp -s "$source/package-lock.json" "$folder/.installed"; then
    command -v npm >/dev/null || need nodejs npm
    say "Installing with npm: the offline server"
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$source"/package*.json "$folder"
    (cd "$folder" && quietly npm ci --ignore-scripts --no-audit --no-fund --no-progress)
    cp "$source/package-lock.json" "$folder/.installed"
  fi
  cp "$source/server.cjs" "$folder"
}

cmd_bare-test() {
  need debootstrap
  tests/bare/run.sh "$@"
}
