// The lists of recipients that broadcasts are begun with: how they are stored, and removed when nothing came of them.
#include "proactive/broadcast/broadcaster.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <utility>

namespace tern::proactive {

namespace {

constexpr std::size_t lists_in_write = 50;
constexpr std::chrono::hours sweep_after{1};
constexpr std::size_t pages_in_sweep = 20;

std::string numbered(std::size_t number) {
  auto digits = std::to_string(number);
  return std::string(10 - std::min<std::size_t>(10, digits.size()), '0') + digits;
}

}  // namespace

std::string Broadcaster::list_prefix(const std::string& id, const std::string& run) const {
  return key_of(id) + "/list/" + run + "/";
}

std::string Broadcaster::open_list_key(const std::string& id, const std::string& run) const {
  return key_of(id) + "/open/" + run;
}

// A document for each step. With the first of them go a mark, which the write that begins the broadcast takes away, and
// a send that sweeps the list up later if nobody has: a process that ends in between leaves nothing for good.
awaitable<Broadcaster::OpenList> Broadcaster::write_list(std::string id, std::string run,
                                                         std::vector<ConversationReference> references,
                                                         std::size_t in_step) const {
  OpenList open;
  StoreChanges changes;
  changes.upserts.emplace_back(open_list_key(id, run), "{}", Expect::absent());
  changes.sends.push_back(own_send(id, clock_.wall_now() + sweep_after, {{"list", run}}));
  open.sweep = changes.sends.front().handle;
  for (std::size_t begin = 0; begin < references.size(); begin += in_step) {
    json::array some;
    for (std::size_t i = begin; i < std::min(references.size(), begin + in_step); ++i) {
      some.emplace_back(references[i].without_activity().json());
    }
    changes.upserts.emplace_back(list_prefix(id, run) + numbered(begin / in_step), json::serialize(some));
    if (changes.upserts.size() >= lists_in_write || begin + in_step >= references.size()) {
      const auto sends = changes.sends;
      const auto written = co_await store_.write(std::exchange(changes, {}), deadline());
      if (!sends.empty() && written.has_value()) {
        open.mark_etag = written->etags.front();
        told_(sends, written->seqs);
      }
    }
  }
  co_return open;
}

// Its broadcast needs the mark in order to begin, so that once the mark is gone, or was taken here, the list is either
// that of a broadcast that has begun or of none that ever will.
awaitable<std::optional<WallTime>> Broadcaster::sweep_list(std::string id, std::string run) const {
  const auto mark_key = open_list_key(id, run);
  std::vector<std::string> keys{key_of(id), mark_key};
  const auto items = co_await store_.read(std::move(keys), deadline());  // one snapshot
  const auto* item = items.find(key_of(id));
  if (item != nullptr && Campaign::parse(id, *item).run == run) {
    co_return std::nullopt;
  }
  if (const auto* mark = items.find(mark_key)) {
    StoreChanges changes;
    changes.removals.emplace_back(mark_key, Expect::etag(mark->etag));
    const auto taken = co_await store_.write(std::move(changes), deadline());
    if (!taken.has_value()) {
      co_return clock_.wall_now() + std::chrono::seconds(1);
    }
  }
  const bool all = co_await remove_pages(list_prefix(id, run), lists_in_page, pages_in_sweep);
  co_return all ? std::nullopt : std::optional(clock_.wall_now() + std::chrono::seconds(1));
}

}  // namespace tern::proactive
