#include "app/backend.hpp"

#include "app/backends/backends.hpp"

#include <algorithm>
#include <utility>

namespace tern::app {

namespace {

std::vector<Backend>& table() {
  static std::vector<Backend> all = [] {
    std::vector<Backend> made;
    made.push_back(memory_backend());
    made.push_back(rocksdb_backend());
    made.push_back(postgres_backend());
    return made;
  }();
  return all;
}

}  // namespace

const std::vector<Backend>& backends() {
  return table();
}

const Backend* find_backend(std::string_view kind) {
  const auto& all = table();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Backend& one) { return one.kind == kind; });
  return found != all.end() ? &*found : nullptr;
}

void add_backend(Backend backend) {
  table().push_back(std::move(backend));
}

}  // namespace tern::app
