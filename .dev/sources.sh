# shellcheck shell=bash
# Checks of the sources. A part of `dev`.

cpp_files() {
  find include src storage tests examples bench \( -name node_modules -o -name build \) -prune -o \
    \( -name '*.hpp' -o -name '*.cpp' \) -print | sort
}

cmd_format() {
  need clang-format-19
  case ${1:-} in
    "") cpp_files | xargs clang-format-19 -i ;;
    --check) cpp_files | xargs clang-format-19 --dry-run --Werror ;;
    *) die "format knows --check only" ;;
  esac
}

cmd_lint() {
  local files=() folder=$release together=()
  need_build clang-format-19 clang-tidy-19 shellcheck
  cmd_format --check
  tests/headers/check_floors.sh
  tests/headers/check_lengths.sh
  tests/documents/check_files.sh
  # -a looks into the parts of dev, -x lets it read them.
  shellcheck -a -x dev .ci/run tests/*/*.sh
  case ${1:-} in
    --changed)
      mapfile -t files < <({ git diff --name-only --diff-filter=d "$(git merge-base HEAD origin/HEAD 2>/dev/null ||
        echo HEAD)" && git ls-files --others --exclude-standard; } | grep -E '^(src|storage|examples)/.*\.cpp$' | sort -u)
      ;;
    --each) mapfile -t files < <(find src storage examples -name '*.cpp' -not -path 'src/boost/*' | sort) ;;
    "")
      # Eight sources are one for clang-tidy too, which goes over all of Boost for each of them. The check of includes would
      # object to that, and misc-unused-using-decls sees only what is compiled alone: ./dev check-all looks at each.
      folder=$root/build/lint
      together=(--checks=-bugprone-suspicious-include)
      ;;
    -*) die "lint knows --changed and --each, not $1" ;;
    *) files=("$@") ;;
  esac
  # clang-tidy reads the headers as they were precompiled.
  build "$(basename "$folder")" tern_pch
  if ((${#together[@]})); then
    mapfile -t files < <(sed -n 's/^ *"file": "\(.*\)",*$/\1/p' "$folder/compile_commands.json" |
      grep -vE 'cmake_pch|/tern_pch|/tern_boost|/src/boost/' | sort -u)
  fi
  ((${#files[@]})) || return 0
  say "clang-tidy on ${#files[@]} sources"
  printf '%s\n' "${files[@]}" | xargs -P "$(jobs_here)" -n 1 clang-tidy-19 --quiet -p "$folder" --warnings-as-errors='*' \
    "${together[@]}" 2> >(grep -vE '^[0-9]+ warnings? (generated|treated)|^$' >&2)
}

cmd_docs() {
  (($# == 0)) || die "docs takes no options"
  need doxygen
  mkdir -p build/docs
  rm -rf build/docs/html
  # The version stands in CMakeLists.txt alone.
  { cat docs/Doxyfile && sed -n 's/^project(tern VERSION \([0-9.]*\).*/PROJECT_NUMBER = \1/p' CMakeLists.txt; } | doxygen - ||
    die "the warnings above are errors: each public name has a comment, and each comment is right"
  say "The reference is in build/docs/html/index.html"
}
