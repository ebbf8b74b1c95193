#include "direct_line/kept_secret.hpp"

#include "direct_line/random_text.hpp"

#include <tern/error.hpp>
#include <tern/schema/parse.hpp>

#include <boost/json/serialize.hpp>

#include <utility>
#include <vector>

namespace tern::direct_line {

namespace {

constexpr const char* secret_document = "direct-line/secret";
constexpr std::size_t secret_bytes = 32;

std::string secret_in(const StoreItem* item) {
  const auto value = item != nullptr ? parse_json(item->document) : parse_json("null");
  const auto* fields = value ? value->if_object() : nullptr;
  const auto* secret = fields != nullptr ? fields->if_contains("secret") : nullptr;
  return secret != nullptr && secret->is_string() ? std::string(secret->get_string()) : std::string();
}

}  // namespace

awaitable<std::string> kept_secret(AnyStorage storage, Deadline by) {
  StoreChanges changes;
  auto made = random_text(secret_bytes);
  changes.upserts.emplace_back(secret_document, json::serialize(json::object{{"v", 1}, {"secret", made}}),
                               Expect::absent());
  const auto written = co_await storage.write(std::move(changes), by);
  if (written) {
    co_return made;
  }
  std::vector<std::string> keys(1, secret_document);
  const auto items = co_await storage.read(std::move(keys), by);
  auto kept = secret_in(items.find(secret_document));
  if (kept.empty()) {
    throw_error(errc::state_mismatch, "The document " + std::string(secret_document) +
                                          " of the store has no secret. Remove it, or set direct_line.secret.");
  }
  co_return kept;
}

}  // namespace tern::direct_line
