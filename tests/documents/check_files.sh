#!/usr/bin/env bash
# Checks that every file which the documents name is there: the target of each link, and each path or source file that
# stands between backquotes (`src/app/config.cpp`, `tests/fault`, `config.cpp`; {a,b} and * mean several; NAME is a
# placeholder), and that docs/architecture.md says of each header of include/tern why it is there. Prints each offence as
# FILE:LINE: what; status 1 when there is one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

mapfile -t documents < <(find README.md CONTRIBUTING.md docs -name '*.md' | sort)
sources=$(find .ci .dev dev cmake docs include src storage tests examples bench \( -name node_modules -o -name build \) -prune -o -type f -print)
status=0
offence() {
  printf '%s: there is no %s\n' "$1" "$2"
  status=1
}

# exists PATTERN: whether each path that the pattern stands for is there.
exists() {
  local rest path
  if [[ $1 =~ ^([^{]*)\{([^{}]*)\}(.*)$ ]]; then
    rest=${BASH_REMATCH[3]}
    local before=${BASH_REMATCH[1]} part
    local -a parts
    IFS=, read -ra parts <<<"${BASH_REMATCH[2]}"
    for part in "${parts[@]}"; do exists "$before$part$rest" || return 1; done
    return 0
  fi
  for path in $1; do [[ -e $path ]] || return 1; done
}

# Backquotes of Markdown.
# shellcheck disable=SC2016
pattern='`((\.ci|\.dev|cmake|docs|include|src|storage|tests|examples|bench|tern)/[A-Za-z0-9_./{},*-]*|[A-Za-z0-9_-]+\.(cpp|hpp|sh|cmake|awk|mjs|cjs))`'
for document in "${documents[@]}"; do
  folder=$(dirname "$document")
  while IFS=: read -r line target; do
    target=${target#](}
    target=${target%)}
    target=${target%%#*}
    [[ -z $target || $target =~ ^[a-z]+:// ]] || exists "$folder/$target" || offence "$document:$line" "$target (a link)"
  done < <(grep -noE '\]\([^) ]+\)' "$document" || true)
  while IFS=: read -r line name; do
    name=${name//\`/}
    name=${name%/}
    if [[ $name =~ NAME|FOLDER|PRESET ]]; then continue; fi
    if [[ $name == */* || $name == .* ]]; then
      exists "$name" || exists "include/$name" || offence "$document:$line" "$name"
    else
      [[ $sources =~ (^|[/$'\n'])"$name"($|$'\n') ]] || offence "$document:$line" "file called $name"
    fi
  done < <(grep -noE "$pattern" "$document" || true)
done
while read -r header; do
  grep -qF "\`${header#include/}\`" docs/architecture.md ||
    offence "$header:1" 'line about this header in the list of docs/architecture.md, which says why bots see it'
done < <(find include -name '*.hpp' | sort)
exit "$status"
