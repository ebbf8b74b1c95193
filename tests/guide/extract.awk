# Makes one C++ source of the code blocks of a page: awk -v page=NAME -v space=NAMESPACE -f extract.awk PAGE
#
# ```cpp           as it stands, one block after the other, in a namespace of the page; #include lines go first
# ```cpp fragment  lines of a handler: wrapped in a coroutine that is given `tern::TurnContext& turn`
# Everything else is marked as what it is (text, console, cmake, json), so that no C++ is left out by mistake: a block
# without a mark, or with another, is an error.

function fail(why) {
  printf "%s:%d: %s\n", page, FNR, why > "/dev/stderr"
  failed = 1
  exit 1
}

/^[ \t]+```/ { fail("a code block begins at the margin, so that it is found") }

/^```/ && !inside {
  inside = 1
  mark = substr($0, 4)
  cpp = mark == "cpp" || mark == "cpp fragment"
  if (!cpp && mark !~ /^(text|console|cmake|json)$/)
    fail("a code block is marked cpp, cpp fragment, text, console, cmake or json, not \"" mark "\"")
  if (cpp) {
    ++blocks
    if (mark == "cpp fragment")
      body = body "[[maybe_unused]] tern::awaitable<void> fragment_" blocks "([[maybe_unused]] tern::TurnContext& turn) {\n"
    body = body "#line " FNR + 1 " \"" page "\"\n"
  }
  next
}

/^```/ && inside {
  if (mark == "cpp fragment") body = body "co_return;\n}\n"
  inside = 0
  next
}

inside && cpp && /^#[ \t]*include/ {
  if (mark == "cpp fragment") fail("a fragment includes nothing")
  includes = includes $0 "\n"
  body = body "\n"
  next
}

inside && cpp { body = body $0 "\n" }

END {
  if (failed) exit 1
  if (inside) fail("the last code block is not closed")
  if (!blocks) fail("a page of the guide shows code")
  printf "// Made of %s by tests/guide/extract.awk.\n", page
  printf "%s#include <tern/tern.hpp>\n\nnamespace guide::%s {\n%s}  // namespace guide::%s\n", includes, space, body, space
}
