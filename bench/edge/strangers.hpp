#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace bench {

/// Those who take from a bot what they can: connections, time, channels that never answer. They act on a thread of
/// their own, which yields to others, until they are destroyed. What the bot closes they open again at once.
class Strangers {
 public:
  struct Kind {
    const char* name;
    const char* what;
    std::size_t count;
    bool settle;                    ///< once they are there they give the bot little to do
    bool answers;                   ///< their channel takes what the bot has still to send when it stops
    const char* counted = nullptr;  ///< what `refused` counts; then the bot asks for tokens, and its users have them
    bool tls = false;               ///< the bot speaks TLS, and so do its users
  };
  /// All that there are, with the number of them that the benchmark takes.
  static const std::vector<Kind>& kinds();

  /// `kind`: a name of `kinds`. `port`: of the bot. `channel_url`: where answers go, but for those to a flood and of
  /// channels that hang. `together`: all begin at the same moment, and so do at the same moment what they do once a
  /// second; otherwise they are spread over it.
  /// Errors: `std::invalid_argument` for another name.
  Strangers(std::string_view kind, std::size_t count, std::uint16_t port, std::string channel_url, bool together);
  ~Strangers();
  Strangers(const Strangers&) = delete;
  Strangers& operator=(const Strangers&) = delete;

  /// How many are at it now: have a connection, or wait for a channel that does not answer.
  std::size_t active() const noexcept;
  /// How many bad tokens the bot has answered, with 401 or 503, or how many handshakes.
  std::size_t refused() const noexcept;

 private:
  struct World;
  std::unique_ptr<World> world_;
  std::thread thread_;
};

}  // namespace bench
