#pragma once

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <unordered_map>

namespace bare {

namespace json = boost::json;

/// What `state_bot` does with a message, without a framework: counts it for its conversation and its user, and makes
/// the same reply. Throws `boost::system::system_error` or `std::exception` for what is no such message.
///
/// Thread safety: none.
class CountingReply {
 public:
  json::object answer(const json::object& message);

 private:
  std::unordered_map<std::string, std::int64_t> by_conversation_;
  std::unordered_map<std::string, std::int64_t> by_user_;
};

}  // namespace bare
