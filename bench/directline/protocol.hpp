#pragma once

#include <boost/json/object.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace bench {

/// A server of Direct Line 3.0 on 127.0.0.1.
struct DirectLineServer {
  std::uint16_t port = 0;
  std::string root = "/v3/directline";  ///< the path below which its calls are
  std::string secret;                   ///< empty: it asks for no token
};

/// A request with a body of JSON, on a connection that is kept. `bearer`: empty for none.
std::string post_json(std::string_view path, std::string_view bearer, std::string_view body);
std::string get_json(std::string_view path, std::string_view bearer);
/// Asks for the WebSocket at this path.
std::string ask_for_socket(std::string_view path);
/// What Web Chat sends when its user writes.
std::string message_of_user(std::string_view user, std::string_view text);

/// The status of a response, with its head.
unsigned status_of(std::string_view response);
/// The JSON in a response. Errors: `std::runtime_error` when its status is neither 200 nor 201, with what it says.
boost::json::object body_of(std::string_view response);
/// The path of an address that begins with `ws://` and a host.
std::string_view path_of(std::string_view url);
/// The watermark of a set of activities, as a text; nullopt when it has none.
std::optional<std::string> watermark_of(std::string_view activities);

/// Which message an activity is about: its text has "number N" in it.
struct Mark {
  std::size_t number = 0;
  bool answer = false;  ///< the bot says so; otherwise it is the message itself
};
/// All such activities of a text.
void find_marks(std::string_view activities, const std::function<void(Mark)>& found);

/// Cuts what a server sends on a WebSocket into frames. Between two frames it needs no memory.
class FrameReader {
 public:
  enum class Kind : unsigned char { text = 1, close = 8, ping = 9 };
  using Take = std::function<void(Kind, std::string_view)>;

  /// Gives each frame that is whole now to `take`. Errors: `std::runtime_error` at a frame of another kind.
  void add(std::string_view bytes, const Take& take);

 private:
  std::string waiting_;
};

}  // namespace bench
