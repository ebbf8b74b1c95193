#include "runtime/dedupe_window.hpp"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <limits>
#include <string>

namespace tern::runtime {

namespace {

constexpr std::size_t block_bytes = std::size_t{256} << 10;

// What a remembered answer costs in the two maps, at their usual load.
constexpr std::size_t index_bytes = 48;

std::size_t cost_of(const KeptAnswer& answer) noexcept {
  return index_bytes + AnswerRing::bytes_of(answer);
}

/// A key's text for the moment; the usual one needs no allocation.
class TextOf {
 public:
  explicit TextOf(const ActivityKey& key) : bytes_(key.text_size(), boost::container::default_init) {
    key.write_text(bytes_.data());
  }
  std::string_view view() const noexcept { return {bytes_.data(), bytes_.size()}; }

 private:
  boost::container::small_vector<char, 512> bytes_;
};

/// Whether a text is that of the key.
struct IsOf {
  const ActivityKey& key;
  bool operator()(std::string_view text) const { return text.size() == key.text_size() && text == TextOf(key).view(); }
};

}  // namespace

// A small window takes no whole block.
DedupeWindow::DedupeWindow(Clock& clock, std::size_t max_bytes, std::chrono::milliseconds window)
    : clock_(clock),
      max_bytes_(max_bytes),
      window_(window),
      usual_(std::min(block_bytes, max_bytes)),
      busy_(std::min(block_bytes, max_bytes)) {}

template <class Match>
KeptAnswer* DedupeWindow::lookup(std::uint64_t hash, const Match& match) {
  return done_.find(hash, [&](const KeptAnswer& answer) { return match(answer.key()); });
}

const TurnReply* DedupeWindow::answer_of(const KeptAnswer* found, SteadyTime now) {
  if (found == nullptr || found->until <= now) {
    return nullptr;
  }
  found_ = TurnReply(found->status, std::string(found->body()));
  return &found_;
}

const TurnReply* DedupeWindow::find(const ActivityKey& key) {
  const auto now = forget_old();
  return answer_of(lookup(key.hash, IsOf{key}), now);
}

const TurnReply* DedupeWindow::find(const WrittenKey& key) {
  const auto now = forget_old();
  return answer_of(lookup(key.hash, [&](std::string_view text) { return text == key.text; }), now);
}

void DedupeWindow::remember(const ActivityKey& key, const TurnReply& reply) {
  remember_as(
      key.hash, key.conversation.hash, key.text_size(), IsOf{key}, [&](char* into) { key.write_text(into); }, reply);
}

void DedupeWindow::remember(const WrittenKey& key, const TurnReply& reply) {
  remember_as(
      key.hash, key.conversation, key.text.size(), [&](std::string_view text) { return text == key.text; },
      [&](char* into) { std::copy(key.text.begin(), key.text.end(), into); }, reply);
}

template <class Match, class Write>
void DedupeWindow::remember_as(std::uint64_t hash, std::uint64_t conversation, std::size_t key_bytes,
                               const Match& match, const Write& write, const TurnReply& reply) {
  const auto now = forget_old();
  constexpr std::size_t longest = std::numeric_limits<std::uint32_t>::max();
  if (reply.body.size() > longest || key_bytes > longest) {
    return;
  }
  const KeptAnswer head{hash,
                        conversation,
                        now + window_,
                        static_cast<std::uint32_t>(key_bytes),
                        static_cast<std::uint32_t>(reply.body.size()),
                        static_cast<std::uint16_t>(reply.status)};
  const auto cost = cost_of(head);
  auto& part = part_for(conversation, cost);
  if (!make_room(part, cost)) {
    return;
  }
  auto* const before = lookup(hash, match);
  if (before != nullptr && before->until > now) {
    return;
  }
  auto& answer = part.answers.add(head, reply.body);
  write(AnswerRing::key_of(answer));
  part.bytes += cost;
  // Last: without room in the maps the answer is there all the same, is not found, and is forgotten in its turn.
  if (&part == &usual_) {
    taken_of(conversation)[conversation] += cost;
  }
  if (before != nullptr) {
    done_.erase(hash, *before);
    --size_;
  }
  done_.insert(hash, answer);
  ++size_;
}

DedupeWindow::Part& DedupeWindow::part_for(std::uint64_t conversation, std::size_t cost) {
  const auto share = max_bytes_ / shares;
  if (cost > share) {
    return busy_;
  }
  const auto& taken = taken_of(conversation);
  const auto found = taken.find(conversation);
  return found != taken.end() && found->second + cost > share ? busy_ : usual_;
}

// Each part may have what is its own and what the other leaves free.
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

// A few at a time: after a pause all may be old at once. More than one for each that comes, so that they do not gather.
SteadyTime DedupeWindow::forget_old() {
  constexpr int at_a_time = 64;
  const auto now = clock_.now();
  for (auto* part : {&usual_, &busy_}) {
    for (int i = 0; i < at_a_time; ++i) {
      const auto* oldest = part->answers.oldest();
      if (oldest == nullptr || oldest->until > now) {
        break;
      }
      forget_oldest(*part);
    }
  }
  return now;
}

void DedupeWindow::forget_oldest(Part& part) {
  const auto& oldest = *part.answers.oldest();
  const auto cost = cost_of(oldest);
  // It may stand there no more, but a later answer to the same key.
  if (done_.erase(oldest.hash, oldest)) {
    --size_;
  }
  if (&part == &usual_) {
    give_back(oldest.conversation, cost);
  }
  part.bytes -= cost;
  part.answers.forget_oldest();
}

void DedupeWindow::give_back(std::uint64_t conversation, std::size_t bytes) noexcept {
  auto& taken = taken_of(conversation);
  const auto found = taken.find(conversation);
  if (found == taken.end()) {
    return;
  }
  found->second -= std::min(found->second, bytes);
  if (found->second == 0) {
    taken.erase(found);
  }
}

}  // namespace tern::runtime
