#include "tools/storage/open_store.hpp"

#include "tools/storage/tool_error.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>

namespace tern::tools {

namespace {

constexpr std::chrono::minutes open_timeout{10};  // a migration may take long
constexpr std::chrono::seconds close_timeout{30};

}  // namespace

OpenStore::OpenStore(const StoreSpec& spec, Use use) : store_(make_store(spec, use)) {
  try {
    finish(store_.open(Deadline::after(open_timeout)));
  } catch (const system_error& e) {
    throw ToolError("The store " + spec.name() + " cannot be opened. " + message_of(e));
  }
}

OpenStore::~OpenStore() {
  try {
    finish(store_.close(Deadline::after(close_timeout)));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "The store was not closed as it should be: %s\n", e.what());
  }
}

}  // namespace tern::tools
