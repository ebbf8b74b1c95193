#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tern::direct_line {

/// The `serviceUrl` of conversations on Direct Line.
inline constexpr std::string_view service_url = "urn:tern:direct-line";
/// The path below which all calls are.
inline constexpr std::string_view root_path = "/v3/directline";

/// The bounds of Direct Line. Those that count things are of the process, unless they say otherwise.
struct Bounds {
  std::size_t history = 1000;                           ///< activities that are kept of a conversation
  std::size_t history_bytes = 16 * 1024 * 1024;         ///< bytes that are kept of a conversation
  std::chrono::milliseconds age{168 * 3'600'000};       ///< how long activities and files are kept
  std::size_t histories = 512 * 1024 * 1024;            ///< bytes of all histories, beyond which no client adds any
  std::size_t address_bytes = 64 * 1024 * 1024;         ///< bytes of histories a client address writes in a day; 0: any
  std::size_t message = 256 * 1024;                     ///< bytes of an activity
  std::size_t upload = 4 * 1024 * 1024;                 ///< bytes of the files of one message
  std::size_t uploads = 256 * 1024 * 1024;              ///< bytes of all files that are kept
  std::size_t conversation_uploads = 32 * 1024 * 1024;  ///< of these, files of one conversation
  std::size_t address_uploads = 64 * 1024 * 1024;       ///< and files of one client address
  std::size_t downloads = 256;                          ///< files that are sent at once; a quarter for one address
  std::size_t sockets = 10'000;                         ///< open WebSockets
  std::size_t conversation_sockets = 16;                ///< open WebSockets of one conversation
  std::size_t address_sockets = 2'000;                  ///< open WebSockets of a client address; 0: no limit
  std::size_t address_reads = 8;                        ///< reads of histories at once for a client address
  std::size_t token_rate = 10;       ///< messages, and pages of history, a second of a conversation; 0: no limit
  std::size_t address_rate = 100;    ///< the same of a client address, and conversations
  std::size_t unsent = 1024 * 1024;  ///< bytes that wait to be sent on a WebSocket
};

/// What Direct Line is configured with.
struct Options {
  std::vector<std::string> secrets;  ///< the first signs; empty: one is made and kept in the store
  std::vector<std::string> origins;  ///< as `parse_origin_list` returns them
  std::string bot_id = "bot";        ///< the id of the bot's account
  std::string bot_name = "Bot";      ///< and its name
  std::chrono::seconds token_lifetime{1800};
  std::chrono::milliseconds ack_after{10'000};       ///< the call of a turn that streams for longer is answered
  std::chrono::milliseconds reply_patience{60'000};  ///< how long a streamed reply waits for a store that is away
  bool tls = false;  ///< the server itself speaks TLS, so its URLs begin with https and wss
  Bounds bounds;
};

}  // namespace tern::direct_line
