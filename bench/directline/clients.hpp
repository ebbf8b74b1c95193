#pragma once

#include "directline/figures.hpp"
#include "directline/protocol.hpp"

#include <cstddef>
#include <memory>
#include <thread>
#include <vector>

namespace bench {

/// How clients get what comes.
enum class Delivery {
  sockets,  ///< a WebSocket for each
  polling   ///< each asks once a second, as Web Chat does without WebSockets
};

/// Clients of Direct Line on a thread of their own, each with a conversation of its own. They post to the first server,
/// and follow their conversations at each of the servers.
class DirectLineClients {
 public:
  /// `servers`: one or two.
  DirectLineClients(std::vector<DirectLineServer> servers, Delivery delivery, std::size_t count);
  ~DirectLineClients();
  DirectLineClients(const DirectLineClients&) = delete;
  DirectLineClients& operator=(const DirectLineClients&) = delete;

  /// Begins the conversations: with tokens that the secret gives, where there is one.
  void begin();
  /// From now on they follow.
  void follow();
  /// Sends so many messages a second at fixed times, whether or not earlier ones are answered, over connections that
  /// are kept; each client in its turn. `answered_after`: when the bot answers, in seconds. Waits for what is missing
  /// at the end, up to 10 s.
  DeliveryFigures measure(std::size_t per_second, double seconds, double answered_after);

 private:
  struct World;
  std::unique_ptr<World> world_;
  std::thread thread_;
};

}  // namespace bench
