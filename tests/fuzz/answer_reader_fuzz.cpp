// Whatever a channel answers, and however it is cut: the same answer is read, within its bounds, and nothing of it can
// do harm in a log.

#include "connector/channel_answer.hpp"
#include "fuzz/require.hpp"
#include "net/answer_reader.hpp"

#include <boost/asio/error.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using tern::fuzz::require;
using tern::net::Answer;
using tern::net::AnswerReader;
using Step = AnswerReader::Step;

constexpr std::size_t body_limit = 700;
constexpr std::size_t most_beside_a_body = AnswerReader::overhead_limit + AnswerReader::overhead_per_byte * body_limit;

struct Outcome {
  Step step = Step::more;
  int status = 0;
  std::string body;
  std::string retry_after;
  std::vector<std::pair<std::string, std::string>> headers;

  bool operator==(const Outcome&) const = default;
};

// Beast 1.81 takes a chunk off the body's bound again each time it looks at an extension whose quote has no end. So
// that ends at the bound, or with the connection: either way nothing of the body is kept.
bool is_given_up(const Outcome& outcome) {
  return outcome.step == Step::broken || outcome.body.empty();
}

Outcome read(AnswerReader& reader, const Answer& answer, std::string_view bytes, std::size_t piece) {
  reader.begin();
  std::size_t given = 0;
  auto step = Step::more;
  while (step == Step::more && !bytes.empty()) {
    const auto room = reader.prepare();
    require(!room.empty(), "there is room");
    const auto size = std::min({room.size(), bytes.size(), piece});
    std::copy_n(bytes.begin(), size, room.begin());
    bytes.remove_prefix(size);
    given += size;
    step = reader.take(size);
    require(answer.body.size() <= body_limit, "a body is within its bound");
    require(step != Step::more || given <= most_beside_a_body + body_limit, "reading ends");
  }
  if (step == Step::more) {
    step = reader.finish(boost::asio::error::eof);
    require(step != Step::more, "the end is an end");
  }
  require((step == Step::broken) == static_cast<bool>(reader.error()), "what is broken says why");
  if (step == Step::broken) {
    return {step, 0, {}, {}, {}};
  }
  require(answer.status >= 200 && answer.status <= 999, "a whole answer has a status");
  return {step, answer.status, answer.body, answer.retry_after, answer.headers};
}

void use(const Answer& answer) {
  static_cast<void>(tern::connector::object_in(answer));
  const auto error = tern::connector::channel_error(answer, tern::WallTime(), std::chrono::hours(1));
  const std::string_view what = error.what();
  require(std::all_of(what.begin(), what.end(), [](char c) { return c >= 0x20 && c < 0x7f; }), "a log gets plain text");
  require(what.size() < 300 && error.said().size() <= 200, "a log gets little of it");
  const auto wait = error.retry_after();
  require(!wait || wait->count() >= 0, "nobody waits into the past");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  Answer answer;
  AnswerReader reader(answer, body_limit, true);
  const auto whole = read(reader, answer, bytes, bytes.size());
  const auto pieces = read(reader, answer, bytes, 1 + data[0] % 64);
  require(whole == pieces || (is_given_up(whole) && is_given_up(pieces)),
          "the answer is the same however the bytes are cut");
  if (whole.step == Step::done) {
    use(answer);
  }
  return 0;
}
