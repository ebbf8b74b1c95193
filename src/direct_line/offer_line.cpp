#include "direct_line/offer_line.hpp"

#include "direct_line/refusal.hpp"

#include <algorithm>
#include <utility>

namespace tern::direct_line {

namespace {

[[noreturn]] void refuse_line() {
  throw Refusal(429, "TooManyRequests",
                "The bot is overloaded, and earlier messages of this conversation wait for it. Send it again later.",
                std::chrono::seconds(1));
}

}  // namespace

struct OfferLine::Place::Member {
  std::uint64_t number = 0;                // in the order of arrival
  bool waits = false;                      // is in the line
  std::optional<SteadyTime> offered;       // when the bot was asked, and has not refused since
  std::shared_ptr<auth::WaitPlace> sleep;  // nullptr while it does not sleep
};

OfferLine::Place::Place(OfferLine& all, std::string conversation)
    : all_(all),
      conversation_(std::move(conversation)),
      by_(Deadline::after(longest_wait, all.clock_)),
      member_(std::make_shared<Member>()) {
  const std::lock_guard lock(all_.mutex_);
  member_->number = ++all_.came_;
}

OfferLine::Place::~Place() {
  leave();
}

void OfferLine::Place::leave() {
  const std::lock_guard lock(all_.mutex_);
  all_.remove(conversation_, *member_);
}

bool OfferLine::Place::refused() {
  const std::lock_guard lock(all_.mutex_);
  member_->offered.reset();
  return member_->waits || all_.enter(all_.lines_[conversation_], member_);
}

awaitable<void> OfferLine::Place::next() {
  const auto ex = co_await this_coro::executor;
  while (true) {
    auto sleep = std::make_shared<auth::WaitPlace>(all_.clock_, ex);
    auto until = by_;
    {
      const std::lock_guard lock(all_.mutex_);
      const auto found = all_.lines_.find(conversation_);
      if (found == all_.lines_.end()) {
        co_return;  // nothing waits in this conversation
      }
      if (!member_->waits && !all_.enter(found->second, member_)) {
        refuse_line();
      }
      const auto before = all_.look(conversation_, *member_);
      if (!before) {
        co_return;
      }
      if (by_.expired(all_.clock_)) {
        refuse_line();
      }
      until = Deadline::at(std::min(by_.when(), before->when()));
      member_->sleep = sleep;
    }
    (void)co_await sleep->wait(until);
    const std::lock_guard lock(all_.mutex_);
    member_->sleep = nullptr;
  }
}

void OfferLine::wake(const Line& line) {
  for (const auto& member : line) {
    if (const auto sleep = std::exchange(member->sleep, nullptr)) {
      sleep->wake();
    }
  }
}

bool OfferLine::enter(Line& line, const std::shared_ptr<Place::Member>& member) {
  if (line.size() >= max_waiting) {
    return false;
  }
  const auto behind =
      std::find_if(line.begin(), line.end(), [&](const auto& other) { return other->number > member->number; });
  line.insert(behind, member);
  member->waits = true;
  return true;
}

// nullopt when the member is the first: it is offered now. Otherwise how long the first one may take.
std::optional<Deadline> OfferLine::look(const std::string& conversation, Place::Member& member) {
  auto& line = lines_.find(conversation)->second;
  while (line.front().get() != &member && line.front()->offered &&
         clock_.now() - *line.front()->offered >= longest_refusal) {
    line.front()->waits = false;  // taken
    line.erase(line.begin());
  }
  const auto& first = *line.front();
  if (&first == &member) {
    member.offered = clock_.now();
    wake(line);
    return std::nullopt;
  }
  return first.offered ? Deadline::at(*first.offered + longest_refusal) : Deadline::never();
}

void OfferLine::remove(const std::string& conversation, Place::Member& member) {
  if (!std::exchange(member.waits, false)) {
    return;
  }
  const auto found = lines_.find(conversation);
  auto& line = found->second;
  std::erase_if(line, [&](const auto& other) { return other.get() == &member; });
  if (line.empty()) {
    lines_.erase(found);
  } else {
    wake(line);
  }
}

}  // namespace tern::direct_line
