#pragma once

#include "auth/document_fetcher.hpp"

#include <tern/async/clock.hpp>
#include <tern/async/deadline.hpp>
#include <tern/async/timer.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace tern::auth::test {

/// The servers of issuers: what each URL answers, and how often it was asked.
class FakeIssuers final : public DocumentFetcher {
 public:
  explicit FakeIssuers(Clock& clock) : clock_(clock) {}

  awaitable<std::string> get(std::string url, Deadline by) override {
    ++gets;
    deadlines.push_back(by);
    if (takes > std::chrono::milliseconds(0)) {
      co_await sleep_for(takes, clock_);
    }
    const auto found = documents.find(url);
    if (fails || found == documents.end()) {
      throw std::runtime_error("no answer from " + url);
    }
    co_return found->second;
  }

  std::map<std::string, std::string> documents;  ///< by URL
  std::chrono::milliseconds takes{0};            ///< the time until an answer
  bool fails = false;                            ///< all answers
  std::atomic<int> gets{0};
  std::vector<Deadline> deadlines;

 private:
  Clock& clock_;
};

}  // namespace tern::auth::test
