#include "direct_line/conversations.hpp"

#include "direct_line/shown_note.hpp"

#include <tern/async/log.hpp>
#include <tern/async/timer.hpp>
#include <tern/error.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <utility>

namespace tern::direct_line {

namespace {

constexpr std::size_t heads_at_once = 100;
constexpr std::chrono::seconds look_every{1};
constexpr int looks_passed_over = 30;
constexpr std::chrono::seconds look_timeout{5};

}  // namespace

Conversations::Conversations(History& history, std::size_t kept, Clock& clock)
    : history_(history), kept_(kept), clock_(clock) {}

std::shared_ptr<Conversation> Conversations::at(const std::string& id) {
  const std::lock_guard lock(mutex_);
  if (const auto found = all_.find(id); found != all_.end()) {
    order_.splice(order_.begin(), order_, found->second);
    return order_.front();
  }
  order_.push_front(std::make_shared<Conversation>(id, history_, tasks_, clock_));
  all_.emplace(order_.front()->id(), order_.begin());
  auto made = order_.front();
  forget_some();
  return made;
}

// Those that somebody holds stay: they go to the front, so that each look goes on behind them.
void Conversations::forget_some() {
  constexpr int looked_at = 4;
  for (int i = 0; i < looked_at && order_.size() > kept_; ++i) {
    const auto oldest = std::prev(order_.end());
    if (oldest->use_count() > 1) {
      order_.splice(order_.begin(), order_, oldest);
    } else {
      all_.erase((*oldest)->id());
      order_.erase(oldest);
    }
  }
}

void Conversations::hint(std::string_view id) {
  if (id.empty()) {
    for (const auto& conversation : followed()) {
      conversation->heed_hint();
    }
    return;
  }
  if (const auto found = used(id)) {
    found->heed_hint();
  }
}

void Conversations::note(std::string_view id, std::string_view text) {
  const auto found = used(id);
  const auto shown = found ? read_note(text) : std::nullopt;
  if (shown) {
    found->show(std::string(shown->activity), shown->after);
  }
}

std::shared_ptr<Conversation> Conversations::used(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  const auto at = all_.find(id);
  return at != all_.end() ? *at->second : nullptr;
}

void Conversations::listen() {
  auto& storage = history_.storage();
  notes_ = storage.listen_to_notes(std::string(hint_prefix), [this](std::string_view topic, std::string_view text) {
    note(topic.substr(hint_prefix.size()), text);
  });
  hints_ = storage.listen(std::string(hint_prefix), [this](std::string_view topic) {
    hint(topic.empty() ? topic : topic.substr(hint_prefix.size()));
  });
}

void Conversations::stop_listening() noexcept {
  hints_ = {};
  notes_ = {};
}

// nullopt when others cannot be told, or nobody knows: what is only shown is not worth an error.
awaitable<std::optional<std::uint64_t>> Conversations::last_of(std::shared_ptr<Conversation> conversation,
                                                               Deadline by) {
  if (!history_.storage().traits().shared || !history_.storage().hears_hints()) {
    co_return std::nullopt;
  }
  try {
    const auto last = co_await conversation->last(by);
    co_return last;
  } catch (const system_error& e) {
    if (e.code() == asio::error::operation_aborted) {
      throw;
    }
    co_return std::nullopt;
  }
}

awaitable<void> Conversations::show(std::shared_ptr<Conversation> conversation, std::string activity, Deadline by) {
  const auto after = co_await last_of(conversation, by);
  auto note = after ? write_note({*after, activity}) : std::string();
  conversation->show(std::move(activity), after);
  if (after && note.size() <= max_note_bytes) {
    history_.storage().tell(hint_of(conversation->id()), std::move(note));
  }
}

std::vector<std::shared_ptr<Conversation>> Conversations::followed() const {
  std::vector<std::shared_ptr<Conversation>> some;
  const std::lock_guard lock(mutex_);
  for (const auto& conversation : order_) {
    if (conversation->followers() > 0) {
      some.push_back(conversation);
    }
  }
  return some;
}

void Conversations::forget_over() {
  for (const auto& conversation : followed()) {
    conversation->forget_if_over();
  }
}

awaitable<bool> Conversations::close(Deadline by) {
  return tasks_.drain(by, clock_);
}

awaitable<void> Conversations::look() {
  const auto all = followed();
  for (std::size_t begin = 0; begin < all.size(); begin += heads_at_once) {
    const auto end = std::min(begin + heads_at_once, all.size());
    std::vector<std::string> ids;
    std::vector<std::uint64_t> heard;
    for (auto i = begin; i < end; ++i) {
      ids.push_back(all[i]->id());
      heard.push_back(all[i]->heard());
    }
    auto found = co_await history_.find_all(std::move(ids), Deadline::after(look_timeout, clock_));
    for (auto i = begin; i < end; ++i) {
      all[i]->learn(std::move(found[i - begin]), heard[i - begin]);
    }
  }
}

awaitable<void> Conversations::look_always() {
  int passed_over = 0;
  while (true) {
    co_await sleep_for(look_every, clock_);
    // A hint may be lost all the same.
    const bool is_told = history_.storage().hears_hints();
    if (is_told && ++passed_over < looks_passed_over) {
      continue;
    }
    passed_over = 0;
    try {
      co_await look();
    } catch (const system_error& e) {
      if (e.code() == asio::error::operation_aborted) {
        throw;
      }
      log::warn("conversations of Direct Line could not be read", {{"error", e.what()}});
    }
  }
}

std::size_t Conversations::size() const {
  const std::lock_guard lock(mutex_);
  return all_.size();
}

}  // namespace tern::direct_line
