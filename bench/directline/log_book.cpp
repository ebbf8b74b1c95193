#include "directline/log_book.hpp"

#include "directline/protocol.hpp"

namespace bench {

namespace {

using Clock = LogBook::Clock;

constexpr Clock::time_point never;

double ms(Clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

void LogBook::begin(Clock::time_point start, Clock::duration pause, std::size_t count) {
  first_ += messages_.size();
  messages_.assign(count, {});
  for (std::size_t i = 0; i < count; ++i) {
    messages_[i].due = start + pause * i;
  }
  open_ = count * (1 + 2 * servers_);
  twice_ = 0;
}

void LogBook::sent(std::size_t number) {
  messages_[number - first_].sent = Clock::now();
}

// A late answer to a message of the measurement before is none of this one.
void LogBook::answered(std::size_t number, unsigned status) {
  if (number >= first_ && messages_[number - first_].status == 0) {
    messages_[number - first_].status = status;
    --open_;
  }
}

void LogBook::see(std::string_view activities, std::size_t server) {
  const auto now = Clock::now();
  find_marks(activities, [&](Mark mark) {
    if (mark.number < first_ || mark.number >= first_ + messages_.size()) {
      return;
    }
    auto& seen = messages_[mark.number - first_].seen[server];
    auto& when = mark.answer ? seen.answer : seen.message;
    if (when == never) {
      when = now;
      --open_;
    } else {
      ++twice_;
    }
  });
}

Spread LogBook::spread(Clock::time_point Seen::* what, std::size_t server, Clock::duration after) const {
  std::vector<double> values;
  for (const auto& message : messages_) {
    if (const auto when = message.seen[server].*what; when != never) {
      values.push_back(ms(when - message.due - after));
    }
  }
  return spread_of(std::move(values));
}

Spread LogBook::spread_behind(Clock::time_point Seen::* what) const {
  std::vector<double> values;
  for (const auto& message : messages_) {
    const auto here = message.seen[0].*what;
    const auto there = message.seen[1].*what;
    if (here != never && there != never) {
      values.push_back(ms(there - here));
    }
  }
  return spread_of(std::move(values));
}

DeliveryFigures LogBook::figures(Clock::duration answered_after) const {
  DeliveryFigures found;
  found.messages = messages_.size();
  found.twice = twice_;
  found.lost = lost_;
  std::vector<double> late;
  for (const auto& message : messages_) {
    found.failed += message.status == 200 ? 0 : 1;
    late.push_back(ms(message.sent - message.due));
    for (std::size_t i = 0; i < servers_; ++i) {
      found.missing += (message.seen[i].message == never ? 1 : 0) + (message.seen[i].answer == never ? 1 : 0);
    }
  }
  found.load = spread_of(std::move(late));
  found.message = spread(&Seen::message, 0, {});
  found.answer = spread(&Seen::answer, 0, answered_after);
  if (servers_ > 1) {
    found.message_there = spread(&Seen::message, 1, {});
    found.answer_there = spread(&Seen::answer, 1, answered_after);
    found.message_behind = spread_behind(&Seen::message);
    found.answer_behind = spread_behind(&Seen::answer);
  }
  return found;
}

}  // namespace bench
