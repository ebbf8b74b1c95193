#!/usr/bin/env bash
# Checks what each file includes: only its own floor and those below it (docs/architecture.md), the network and the
# databases in .cpp files only (save a backend's own headers, which nobody else sees), and never all of Asio. A header
# begins with `#pragma once`, and NAME.cpp includes NAME.hpp first, which shows that it compiles alone. Prints each offence as
# FILE:LINE: why; status 1 when there is one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

mapfile -t files < <(find include src storage -name '*.hpp' -o -name '*.cpp' | sort)
awk '
  function floor_of(path) {
    sub(/^include\/tern\//, "", path)
    sub(/^src\//, "", path)
    if (path ~ /^(schema|pools|boost)\// || path == "error.hpp") return 0
    if (path ~ /^async\//) return 1
    if (path ~ /^(storage|memory|rocksdb|postgres)\// || path == "storage.hpp") return 2
    if (path ~ /^turn\//) return 3
    if (path ~ /^(runtime|proactive)\//) return 4
    if (path ~ /^(http|net|connector|http_client|auth|direct_line)\//) return 5
    if (path ~ /^(app|tools)\// || path == "tern.hpp") return 6
    if (path ~ /^testing\// || path == "testing.hpp") return 7
    return -1
  }
  BEGIN {
    for (i = 1; i < ARGC; ++i) is_there[ARGV[i]] = 1
  }
  function offence(why) {
    printf "%s:%d: %s\n", FILENAME, FNR, why
    status = 1
  }
  FNR == 1 {
    floor = floor_of(FILENAME)
    header = FILENAME ~ /\.hpp$/
    if (floor < 0) offence("stands on no floor that check_floors.sh knows")
    if (header && $0 != "#pragma once") offence("does not begin with #pragma once")
    own_header = ""
    if (!header) {
      own_header = FILENAME
      sub(/\.cpp$/, ".hpp", own_header)
      if (!(own_header in is_there)) own_header = ""
    }
  }
  /^[ \t]*#[ \t]*include[ \t]*[<"]/ {
    name = $0
    sub(/^[^<"]*[<"]/, "", name)
    sub(/[>"].*/, "", name)
    if (own_header != "" && own_header != name &&
        substr(own_header, length(own_header) - length(name)) != ("/" name)) offence(own_header " is not its first include")
    own_header = ""
    if (header && name ~ /^(boost\/beast|boost\/asio\/ssl|openssl|ares|rocksdb|pqxx|libpq)/ &&
        !(FILENAME ~ /^storage\// && name ~ /^(rocksdb|pqxx|libpq)/))
      offence(name " belongs in a .cpp file")
    if (FILENAME !~ /^src\/boost\// && name ~ /^boost\/(asio|beast)\.hpp$/) offence(name " includes far too much")
    ours = sub(/^tern\//, "", name) || name ~ /^[a-z_]+(\/[a-z_]+)+\.hpp$/ && floor_of(name) >= 0
    if (ours && floor_of(name) > floor)
      offence("floor " floor " includes " name " of floor " floor_of(name))
  }
  END { exit status }
' "${files[@]}"
