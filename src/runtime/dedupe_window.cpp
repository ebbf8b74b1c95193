#include "runtime/dedupe_window.hpp"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <limits>
#include <string>

namespace tern::runtime {

namespace {

constexpr std::size_t block_bytes = std::size_t{256} << 10;

// The bytes that an answer takes in the two tables, at their usual load.
constexpr std::size_t index_bytes = 48;

std::size_t cost_of(const KeptAnswer& answer) noexcept {
  return index_bytes + AnswerRing::bytes_of(answer);
}

/// The text of a key, for one call; a text of usual length needs no allocation.
class TextOf {
 public:
  explicit TextOf(const ActivityKey& key) : bytes_(key.text_size(), boost::container::default_init) {
    key.write_text(bytes_.data());
  }
  std::string_view view() const noexcept { return {bytes_.data(), bytes_.size()}; }

 private:
  boost::container::small_vector<char, 512> bytes_;
};

}  // namespace

// A window smaller than a block has smaller blocks.
DedupeWindow::DedupeWindow(std::size_t max_bytes, std::chrono::milliseconds window)
    : max_bytes_(max_bytes),
      window_(window),
      usual_(std::min(block_bytes, max_bytes)),
      busy_(std::min(block_bytes, max_bytes)) {}

template <class Match>
KeptAnswer* DedupeWindow::lookup(std::uint64_t hash, const Match& match) {
  const auto* found = done_.of(hash).find(hash, [&](const Found& each) { return match(*each.answer); });
  return found != nullptr ? found->answer : nullptr;
}

// The table may have a later answer to the same key instead; that one stays.
void DedupeWindow::forget(const KeptAnswer& answer) noexcept {
  auto& table = done_.of(answer.hash);
  auto* found = table.find(answer.hash, [&](const Found& each) { return each.answer == &answer; });
  if (found != nullptr) {
    table.erase(*found);
    --size_;
  }
}

const TurnReply* DedupeWindow::answer_of(const KeptAnswer* found, SteadyTime now) {
  if (found == nullptr || found->until <= now) {
    return nullptr;
  }
  found_ = TurnReply::to_invoke(found->invoke_status, std::string(found->body()));
  found_.outcome = static_cast<TurnOutcome>(found->outcome);
  return &found_;
}

void DedupeWindow::fetch(const ActivityKey& key) const noexcept {
  done_.of(key.hash).fetch(key.hash);
  taken_.of(key.conversation.hash).fetch(key.conversation.hash);
}

const TurnReply* DedupeWindow::find(const ActivityKey& key, SteadyTime now) {
  forget_old(now);
  return answer_of(lookup(key.hash, [&](const KeptAnswer& each) { return each.has_key(TextOf(key).view()); }), now);
}

const TurnReply* DedupeWindow::find(const WrittenKey& key, SteadyTime now) {
  forget_old(now);
  return answer_of(lookup(key.hash, [&](const KeptAnswer& each) { return each.has_key(key.text); }), now);
}

void DedupeWindow::remember(const ActivityKey& key, const TurnReply& reply, SteadyTime now) {
  const TextOf text(key);
  remember({key.hash, key.conversation.hash, text.view()}, reply, now);
}

void DedupeWindow::remember(const WrittenKey& key, const TurnReply& reply, SteadyTime now) {
  forget_old(now);
  constexpr std::size_t longest = std::numeric_limits<std::uint32_t>::max();
  if (reply.body.size() > longest || key.text.size() > longest || reply.invoke_status < 0 ||
      reply.invoke_status > KeptAnswer::greatest_status) {
    return;
  }
  const KeptAnswer head{key.hash,
                        key.conversation,
                        now + window_,
                        static_cast<std::uint32_t>(key.text.size()),
                        static_cast<std::uint32_t>(reply.body.size()),
                        static_cast<std::uint16_t>(reply.outcome),
                        static_cast<std::uint16_t>(reply.invoke_status)};
  const auto cost = cost_of(head);
  auto& part = part_for(key.conversation, cost);
  if (!make_room(part, cost)) {
    return;
  }
  auto* const before = lookup(key.hash, [&](const KeptAnswer& each) { return each.has_key(key.text); });
  if (before != nullptr && before->until > now) {
    return;
  }
  auto& answer = part.answers.add(head, key.text, reply.body);
  part.bytes += cost;
  // The tables come last. When they cannot grow, the answer is in its block, is not found, and is forgotten with time.
  if (&part == &usual_) {
    take(key.conversation, cost);
  }
  if (before != nullptr) {
    forget(*before);
  }
  done_.of(key.hash).insert({key.hash, &answer});
  ++size_;
}

DedupeWindow::Part& DedupeWindow::part_for(std::uint64_t conversation, std::size_t cost) {
  const auto* taken = taken_by(conversation);
  const auto before = taken != nullptr ? taken->bytes : 0;
  return before + cost > max_bytes_ / conversation_part ? busy_ : usual_;
}

// Each part may use its own bytes and those that the other leaves free.
bool DedupeWindow::make_room(const Part& part, std::size_t cost) {
  const auto of_busy = max_bytes_ / busy_part;
  const bool is_busy = &part == &busy_;
  if (is_busy && cost > std::max(of_busy, max_bytes_ - usual_.bytes)) {
    return false;
  }
  while (bytes() + cost > max_bytes_) {
    const auto wanted = busy_.bytes + (is_busy ? cost : 0);
    const bool from_busy = busy_.bytes > 0 && (wanted > of_busy || usual_.bytes == 0);
    forget_oldest(from_busy ? busy_ : usual_);
  }
  return true;
}

// At most 64 at a time, because after a pause all answers may be old at once. More than one at a time, so that old
// answers do not pile up.
void DedupeWindow::forget_old(SteadyTime now) {
  constexpr int at_a_time = 64;
  for (auto* part : {&usual_, &busy_}) {
    for (int i = 0; i < at_a_time; ++i) {
      const auto* oldest = part->answers.oldest();
      if (oldest == nullptr || oldest->until > now) {
        break;
      }
      forget_oldest(*part);
    }
  }
}

void DedupeWindow::forget_oldest(Part& part) {
  const auto& oldest = *part.answers.oldest();
  const auto cost = cost_of(oldest);
  forget(oldest);
  if (&part == &usual_) {
    give_back(oldest.conversation, cost);
  }
  part.bytes -= cost;
  part.answers.forget_oldest();
}

DedupeWindow::Taken* DedupeWindow::taken_by(std::uint64_t conversation) noexcept {
  return taken_.of(conversation).find(conversation, [](const Taken&) { return true; });
}

void DedupeWindow::take(std::uint64_t conversation, std::size_t bytes) {
  if (auto* taken = taken_by(conversation)) {
    taken->bytes += bytes;
  } else {
    taken_.of(conversation).insert({conversation, bytes});
  }
}

void DedupeWindow::give_back(std::uint64_t conversation, std::size_t bytes) noexcept {
  auto* taken = taken_by(conversation);
  if (taken == nullptr) {
    return;
  }
  taken->bytes -= std::min(taken->bytes, bytes);
  if (taken->bytes == 0) {
    taken_.of(conversation).erase(*taken);
  }
}

}  // namespace tern::runtime
