# shellcheck shell=bash
# Building. A part of `dev`.

# As many compilers as there are cores, but none without 1.5 GB of memory.
jobs_here() {
  local jobs available
  jobs=$(nproc)
  available=$(awk '/^MemAvailable:/ { print int($2 / 1500000) }' /proc/meminfo 2>/dev/null || true)
  if [[ -n $available ]] && ((available < jobs)); then jobs=$((available > 0 ? available : 1)); fi
  echo "$jobs"
}

# build PRESET [TARGET...]
build() {
  local preset=$1 quiet=()
  shift
  # Where nobody goes on to change a source, the sources of a library or test are compiled together.
  quietly cmake --preset "$preset" "-DTERN_UNITY=$([[ -n ${CI:-} ]] && echo ON || echo OFF)"
  say "Building ${*:-everything} ($preset)"
  [[ -t 1 ]] || quiet=(--quiet)
  cmake --build --preset "$preset" --parallel "$(jobs_here)" ${1:+--target "$@"} -- "${quiet[@]}"
}

# As many tests as there are cores, twice: half of what a test of servers, disks and processes does is to wait. But none
# without 1 GB of memory, which a large one takes under a sanitizer.
tests_at_once() {
  local tests available
  tests=$((2 * $(nproc)))
  available=$(awk '/^MemAvailable:/ { print int($2 / 1000000) }' /proc/meminfo 2>/dev/null || true)
  if [[ -n $available ]] && ((available < tests)); then tests=$((available > 0 ? available : 1)); fi
  echo "$tests"
}

# has_backend ROCKSDB|POSTGRES [BUILD]: whether that build, release by default, has that storage.
has_backend() { grep -qsE "^TERN_WITH_$1:[A-Z]+=(ON|TRUE|1|YES)\$" "${2:-$release}/CMakeCache.txt"; }

cmd_build() {
  local preset=${1:-release}
  case $preset in
    release | debug)
      need_build
      try_web_chat
      ;;
    asan | tsan) need_build libclang-rt-19-dev llvm-19 ;;
    *) die "no such preset: $preset; there are release, debug, asan and tsan" ;;
  esac
  build "$preset"
}

cmd_clean() { rm -rf build "$clients/node_modules"; }
