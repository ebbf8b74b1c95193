#!/usr/bin/env bash
# Checks how long the functions are, from the line of the opening brace to the line of the closing one: none has more
# than 60 lines, and one of more than 40 has a comment above it that gives the reason ("// Long: ..."). It relies on
# clang-format: the closing brace of a function has the indentation of its first line. Tests are left out, because a test
# may tell a long story. Prints each offence as FILE:LINE: why; status 1 when there is one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

mapfile -t files < <(find include src storage examples bench \( -name node_modules -o -name build \) -prune -o \
  \( -name '*.hpp' -o -name '*.cpp' \) -print | sort)
awk '
  function indent_of(line) {
    match(line, /^ */)
    return RLENGTH
  }
  function offence(why) {
    printf "%s:%d: %s\n", FILENAME, opened, why
    status = 1
  }
  function forget() {
    head = comment = ""
    complete = 1
  }
  FNR == 1 {
    inside = 0
    forget()
  }
  inside {
    if (indent_of($0) == indent && $0 ~ /^ *\}/) {
      lines = FNR - opened + 1
      if (lines > 60) offence("this function has " lines " lines; 60 are allowed. Split it.")
      else if (lines > 40 && reason !~ /Long:/)
        offence("this function has " lines " lines, more than 40. Split it, or say why above it: \"// Long: ...\"")
      inside = 0
      forget()
    }
    next
  }
  /^ *$/ || /^#/ {
    if (complete) forget()
    next
  }
  /^ *\/\// {
    if (complete) comment = comment $0
    next
  }
  {
    code = $0
    sub(/ *\/\/.*$/, "", code)
    if (complete) {  # the first line of a declaration
      head = ""
      indent = indent_of($0)
      reason = comment
      comment = ""
    }
    head = head " " code
    complete = code ~ /[;{}:]$/
    if (code ~ /\{$/ && head ~ /\(/ &&
        head !~ /^ *(template <[^(]*> *)?(namespace|struct|class|enum|union|concept|extern|requires) /) {
      inside = 1
      opened = FNR
    }
  }
  END { exit status }
' "${files[@]}"
