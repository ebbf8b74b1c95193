// Whatever bytes a client sends, and however they are cut: the server reads the same requests, within its bounds.

#include "fuzz/require.hpp"
#include "http/ascii.hpp"
#include "http/host.hpp"
#include "http/request_line.hpp"
#include "http/request_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using tern::fuzz::require;
using tern::http::RequestReader;
using Step = RequestReader::Step;

// Small, so that an input of a few kilobytes reaches them.
constexpr std::size_t header_limit = 512;
constexpr std::size_t body_limit = 700;
constexpr std::size_t bare_line = 22;  // of a chunk, which does not count against the bound

/// All that was read of a connection.
struct Outcome {
  std::string requests;  ///< one after the other
  bool refused = false;

  bool operator==(const Outcome&) const = default;
};

void describe(RequestReader& reader, std::string& into) {
  auto& request = reader.request();
  require(request.body().size() <= body_limit, "a body is within its bound");
  const auto target = std::string(request.path()) + "?" + std::string(request.query());
  require(request.path() == "*" || tern::http::parse_target(request.method(), target).has_value(),
          "a target is well-formed");
  require(request.method() != tern::http::Method::other, "a method is known");
  const auto host = request.header("Host");
  require(!host || tern::http::host_of(*host).has_value(), "a host is well-formed");
  require(host || reader.http10(), "a host is named");
  const auto coding = request.header("Content-Encoding");
  require(!coding || coding->empty() || tern::http::same_text(*coding, "identity"), "a body is as it is");
  into += std::to_string(static_cast<int>(request.method()));
  into.append(request.path()).append("?").append(request.query()).append(reader.keep_alive() ? "+" : "-");
  for (const char* name :
       {"Host", "Content-Type", "Content-Length", "Transfer-Encoding", "Connection", "Accept", "Authorization", "a"}) {
    const auto value = request.header(name);
    into.append("\n").append(name).append(value.value_or("(none)"));
  }
  into.append("\n").append(request.body()).append("\n");
}

/// Parses what is there. False when the connection is over.
bool parse(RequestReader& reader, Outcome& outcome) {
  for (;;) {
    switch (reader.parse()) {
      case Step::need_input:
        return true;
      case Step::send_continue:
        break;
      case Step::complete: {
        describe(reader, outcome.requests);
        if (!reader.keep_alive()) {
          return false;
        }
        reader.next();
        break;
      }
      case Step::refused:
        static_cast<void>(text_of(reader.rejection()));
        outcome.refused = true;
        return false;
    }
  }
}

Outcome read(std::string_view bytes, std::size_t piece) {
  RequestReader reader({.header = header_limit, .body = body_limit});
  Outcome outcome;
  while (!bytes.empty()) {
    const auto room = reader.prepare();
    require(!room.empty(), "there is room");
    require(reader.unparsed() <= header_limit + bare_line, "no more than a head, or a line, is kept unparsed");
    const auto size = std::min({room.size(), bytes.size(), piece});
    std::copy_n(bytes.begin(), size, room.begin());
    bytes.remove_prefix(size);
    reader.commit(size);
    if (!parse(reader, outcome)) {
      break;
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) {
    return 0;
  }
  // What follows makes an end of what is still open: a head that comes in pieces is looked at when it is whole, or
  // longer than it may be.
  const auto bytes =
      std::string(reinterpret_cast<const char*>(data) + 1, size - 1) + std::string(4 * header_limit, 'x');
  const auto whole = read(bytes, bytes.size());
  const auto pieces = read(bytes, 1 + data[0] % 64);
  require(whole.requests == pieces.requests, "the requests are the same however the bytes are cut");
  require(whole.refused == pieces.refused, "what is refused does not depend on how the bytes are cut");
  return 0;
}
