#pragma once

#include "turn/keys.hpp"

#include <tern/storage/schedule_types.hpp>
#include <tern/storage/types.hpp>

#include <cstdint>
#include <map>
#include <string>

namespace tern::simulation {

/// Where conversations are: each moves from one address to the next, and the process that takes a message from there
/// stores it as the runtime does.
class Addresses {
 public:
  static constexpr std::uint64_t hosts = 4;

  /// The reference of a conversation at this address.
  static std::string reference(const std::string& conversation, std::uint64_t address) {
    return R"({"channelId":"sim","serviceUrl":"http://)" + std::to_string(host_of(conversation)) +
           ".localhost:" + std::to_string(1 + address) + R"(","conversation":{"id":")" + conversation +
           R"(","conversationType":"personal"},"user":{"id":"user of )" + conversation + R"("},"bot":{"id":"bot"}})";
  }
  static std::string key(const std::string& conversation) {
    return detail::reference_key("local", "sim", "user of " + conversation, conversation);
  }
  /// Which of the channel's hosts serves a conversation.
  static std::uint64_t host_of(const std::string& conversation) { return stable_hash(conversation) % hosts; }
  /// The address in a reference.
  static std::uint64_t address_in(const std::string& reference) {
    const std::string before = "localhost:";
    const auto at = reference.find(before);
    return at == std::string::npos ? 0 : std::stoull(reference.substr(at + before.size())) - 1;
  }

  std::uint64_t next(const std::string& conversation) { return ++moved_[conversation]; }
  /// It is in the store.
  void stored(const std::string& conversation, std::uint64_t address) { stored_[conversation] = address; }
  std::uint64_t stored_of(const std::string& conversation) const {
    const auto found = stored_.find(conversation);
    return found == stored_.end() ? 0 : found->second;
  }
  std::uint64_t now_of(const std::string& conversation) const {
    const auto found = moved_.find(conversation);
    return found == moved_.end() ? 0 : found->second;
  }

 private:
  std::map<std::string, std::uint64_t> moved_;
  std::map<std::string, std::uint64_t> stored_;
};

}  // namespace tern::simulation
