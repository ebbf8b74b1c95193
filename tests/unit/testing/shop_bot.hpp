#pragma once

#include <tern/tern.hpp>
#include <tern/testing.hpp>

#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace shop {

using namespace std::chrono_literals;
using tern::test::Fault;
using tern::test::Mismatch;
using tern::test::User;
using tern::test::World;
using tern::test::WorldOptions;

/// A bot that does a little of everything: it counts, shows a card, promises and works in the background.
class ShopBot : public tern::ActivityHandler {
 public:
  ShopBot() {
    on_continue("ask", [](tern::TurnContext& turn) -> tern::awaitable<void> { co_await turn.send("How was it?"); });
  }

 private:
  tern::awaitable<void> on_message(tern::TurnContext& turn) override {
    const std::string text(turn.activity().text());
    if (text == "order") {
      co_await orders_.update(turn, [](int& count) { ++count; });
      const auto count = co_await orders_.get(turn);
      co_await turn.send("Order " + std::to_string(count));
      co_await turn.proactive().send_after(1h, tern::Activity::message("It is there"));
      co_await turn.proactive().continue_after(24h, "ask");
    } else if (text == "card") {
      tern::json::object execute{{"type", "Action.Execute"}, {"title", "Buy"}, {"verb", "buy"}, {"data", {{"n", 2}}}};
      tern::json::object submit{{"type", "Action.Submit"}, {"title", "Form"}, {"data", {{"form", 1}}}};
      tern::json::object page{{"type", "Action.OpenUrl"}, {"title", "Page"}, {"url", "https://example.com"}};
      tern::json::object card{{"actions", {execute, submit, page}}};
      co_await turn.send(tern::Activity::message(tern::Attachment::adaptive_card(card)));
    } else if (text == "work") {
      turn.run_in_background([](tern::Conversation conversation) -> tern::awaitable<void> {
        co_await conversation.sleep_for(10s);
        co_await conversation.send("done");
      });
    } else if (text == "slow") {
      co_await tern::sleep_for(3s, turn.clock());
      co_await turn.send("at last");
    } else if (text == "thread") {
      const auto answer = co_await tern::offload([] { return std::string("from a thread"); });
      co_await turn.send(answer);
    } else if (text == "break") {
      throw std::runtime_error("broken");
    } else if (const auto* value = turn.activity().value()) {
      co_await turn.send("value " + tern::json::serialize(*value));
    } else {
      co_await turn.send("You said, " + text);
    }
  }
  tern::awaitable<std::optional<tern::InvokeResponse>> on_adaptive_card_action(tern::TurnContext&,
                                                                               tern::json::object action) override {
    co_return tern::InvokeResponse(200, action.at("data"));
  }
  tern::awaitable<void> on_members_added(std::vector<tern::ChannelAccount> members, tern::TurnContext& turn) override {
    co_await turn.send("Welcome, " + std::string(members.front().name().value_or("")));
  }
  tern::awaitable<void> on_members_removed(std::vector<tern::ChannelAccount>, tern::TurnContext& turn) override {
    co_await turn.send("Bye");
  }
  tern::awaitable<void> on_message_update(tern::TurnContext& turn) override {
    co_await turn.send("Now it is " + std::string(turn.activity().text()));
  }
  tern::awaitable<void> on_message_delete(tern::TurnContext& turn) override { co_await turn.send("Forgotten"); }
  tern::awaitable<void> on_reactions_added(std::vector<tern::MessageReaction> reactions,
                                           tern::TurnContext& turn) override {
    co_await turn.send("You " + std::string(reactions.front().type().value_or("")) + " it");
  }
  tern::awaitable<void> on_reactions_removed(std::vector<tern::MessageReaction>, tern::TurnContext& turn) override {
    co_await turn.send("No more");
  }
  tern::awaitable<void> on_other_event(tern::TurnContext& turn) override {
    co_await turn.send("Event " + std::string(turn.activity().name().value_or("")));
  }
  tern::awaitable<void> on_installed(tern::TurnContext& turn) override { co_await turn.send("Installed"); }

  tern::StateProperty<int> orders_ = tern::UserState().property<int>("orders");
};

/// What an expectation that does not hold says; "" when it holds.
template <class Expectation>
std::string complaint(Expectation expectation) {
  try {
    expectation();
  } catch (const Mismatch& e) {
    return e.what();
  }
  return {};
}

}  // namespace shop
