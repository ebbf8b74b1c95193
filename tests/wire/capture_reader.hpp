#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tern::wire {

/// An HTTP message as a capture shows it: lines end in LF there, and long bodies are cut.
struct RecordedMessage {
  std::string start_line;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names as written, values without outer spaces
  std::string body;  ///< what the file shows of it; of a chunked one, the bytes without their framing
  bool chunked = false;
  bool cut = false;  ///< the file shows only the beginning of the body

  /// A header by its name in any case; nullopt when absent.
  std::optional<std::string_view> header(std::string_view name) const;
  /// Requests: the first and the second word of the start line.
  std::string_view method() const;
  std::string_view target() const;
  /// Responses: the number in the start line.
  unsigned status() const;
};

/// A request that the captured bot sent to its channel, and the channel's answer.
struct RecordedSend {
  RecordedMessage request;
  unsigned answer_status = 0;
  std::string answer_body;
  bool after_turn = false;  ///< sent when the request that led to it had been answered: a proactive message
};

/// A request that a bot received, and all that the captured bot did about it.
struct Capture {
  std::string name;
  RecordedMessage request;
  std::optional<RecordedMessage> response;  ///< nullopt: it did not answer
  std::vector<RecordedSend> sends;
};

/// One line of a `.summary.tsv`.
struct SummaryLine {
  std::string name;
  std::string status_line;  ///< or "NONE"
  std::size_t sends = 0;
};

/// Reads a capture made of sections `================ name`, each with the request, the response and the traffic to
/// the connector.
/// Errors: `std::runtime_error` that names the section and what is wrong with it. Nothing is passed over.
std::vector<Capture> read_sections(std::string_view text);

/// Reads a capture made of two logs of the Playground's traffic. `name` becomes the beginning of the captures' names.
/// Errors: as `read_sections`.
std::vector<Capture> read_logs(std::string_view name, std::string_view to_bot, std::string_view from_bot);

/// Errors: as `read_sections`.
std::vector<SummaryLine> read_summary(std::string_view text);

/// One HTTP message, from its start line on. What follows the body that Content-Length announces may only be line
/// ends.
/// Errors: `std::runtime_error`.
RecordedMessage read_message(std::string_view text);

}  // namespace tern::wire
