#include "http/request_reader.hpp"

#include "http/ascii.hpp"
#include "http/head_rules.hpp"
#include "http/plain_lines.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace tern::http {

namespace beast = boost::beast;
using boost::system::error_code;

namespace {

constexpr std::size_t usual_buffer = 4 * 1024;  // large enough to get a usual request with one read
constexpr std::size_t most_read = 64 * 1024;
constexpr std::size_t least_read = 1024;
// The least input from the beginning of a chunk. Beast 1.81 asserts that it gets so many bytes when it parses the line
// of a last chunk for the second time.
constexpr std::size_t least_chunk = std::string_view("0\r\n\r\n").size();

Method method_of(beast::http::verb verb) noexcept {
  switch (verb) {
    case beast::http::verb::get:
      return Method::get;
    case beast::http::verb::head:
      return Method::head;
    case beast::http::verb::post:
      return Method::post;
    case beast::http::verb::put:
      return Method::put;
    case beast::http::verb::patch:
      return Method::patch;
    case beast::http::verb::delete_:
      return Method::del;
    case beast::http::verb::options:
      return Method::options;
    default:
      return Method::other;
  }
}

std::string_view view(beast::string_view text) noexcept {
  return {text.data(), text.size()};
}

// Whether the value of a field spans several lines. Beast copies such a value to other memory, or the value begins on
// the second line.
bool is_folded(std::string_view name, std::string_view value) noexcept {
  const char* at = name.data() + name.size() + 1;  // behind the colon; the loop ends at the line's end at the latest
  while (*at == ' ' || *at == '\t') {
    ++at;
  }
  return at != value.data();
}

// Beast does not check a line before its end has arrived, and a line feed alone is no end for Beast.
bool has_bare_line_end(std::string_view lines) noexcept {
  for (auto at = lines.find('\n'); at != std::string_view::npos; at = lines.find('\n', at + 1)) {
    if (at == 0 || lines[at - 1] != '\r') {
      return true;
    }
  }
  return false;
}

}  // namespace

// Fills a `Request` directly, because Beast's own container would allocate memory for each header.
class RequestReader::Parser final : public beast::http::basic_parser<true> {
 public:
  Parser(Request& request, Limits limits, ServedHosts* hosts) noexcept : request_(request), rules_(hosts) {
    header_limit(
        static_cast<std::uint32_t>(std::min<std::size_t>(limits.header, std::numeric_limits<std::uint32_t>::max())));
    body_limit(limits.large != nullptr ? std::max(limits.body, limits.large->most) : limits.body);
  }

  const HeadRules& rules() const noexcept { return rules_; }
  /// The size of the chunk whose line was read since the last call; for the last chunk its trailers were read too.
  std::optional<std::uint64_t> take_chunk_line() noexcept { return std::exchange(chunk_line_, std::nullopt); }

 private:
  using string_view = beast::string_view;
  using field = beast::http::field;

  void on_request_impl(beast::http::verb verb, string_view, string_view text, int version, error_code&) override {
    const Method method = method_of(verb);
    const auto target = http::parse_target(method, view(text));
    request_.set_line(method, target.value_or(Target{}));
    rules_.on_line(method, target, version < 11);
  }

  void on_response_impl(int, string_view, int, error_code&) override {}

  // Most fields do not come here (`take_plain_lines`); those that are looked at here do.
  void on_field_impl(field id, string_view name, string_view value, error_code&) override {
    if (header_ended_) {
      return;  // a trailer is dropped: it must not pass for a header (RFC 9110, 6.5.1)
    }
    request_.add_field(view(name), view(value));
    if (id == field::host) {
      rules_.on_host(view(value), is_folded(view(name), view(value)));
    } else if (id == field::transfer_encoding) {
      rules_.on_transfer_encoding(view(value));
    } else if (id == field::content_encoding) {
      rules_.on_content_encoding(view(value));
    } else if (id == field::expect) {
      rules_.on_expect(view(value));
    }
  }

  void on_header_impl(error_code&) override { header_ended_ = true; }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    // Not all that Content-Length announces, because an announcement costs the client nothing.
    request_.body().reserve(static_cast<std::size_t>(std::min<std::uint64_t>(length.value_or(0), Request::usual_body)));
  }

  std::size_t on_body_impl(string_view piece, error_code&) override {
    request_.body().append(piece.data(), piece.size());
    return piece.size();
  }

  void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& error) override {
    chunk_line_ = size;
    if (std::any_of(extensions.begin(), extensions.end(), is_control)) {  // Beast accepts control characters in quotes
      error = beast::http::error::bad_chunk_extension;
    }
  }

  std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code&) override {
    request_.body().append(piece.data(), piece.size());
    return piece.size();
  }

  void on_finish_impl(error_code&) override {}

  Request& request_;
  HeadRules rules_;
  bool header_ended_ = false;
  std::optional<std::uint64_t> chunk_line_;
};

RequestReader::RequestReader(Limits limits, ServedHosts* hosts)
    : limits_(limits),
      hosts_(hosts),
      parser_(std::make_unique<Parser>(request_, limits, hosts)),
      chunk_bytes_(limits.header) {}

RequestReader::~RequestReader() = default;

std::span<char> RequestReader::prepare() {
  std::size_t room = least_read;
  if (parser_->is_header_done()) {
    const auto left = parser_->content_length_remaining();
    room = left ? static_cast<std::size_t>(std::clamp<std::uint64_t>(*left, least_read, most_read)) : usual_buffer;
  }
  make_room(room);
  return {buffer_.get() + end_, capacity_ - end_};
}

void RequestReader::make_room(std::size_t room) {
  const std::size_t held = unparsed();
  if (capacity_ - end_ >= room) {
    return;
  }
  if (capacity_ - held >= room) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, held);
  } else {
    const std::size_t capacity = std::max({usual_buffer, held + room, 2 * held});
    auto larger = std::make_unique_for_overwrite<char[]>(capacity);
    if (held > 0) {
      std::memcpy(larger.get(), buffer_.get() + begin_, held);
    }
    buffer_ = std::move(larger);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = held;
}

RequestReader::Step RequestReader::parse() {
  if (!started_) {
    if (!skip_empty_lines()) {
      return Step::need_input;
    }
    started_ = true;
  }
  while (!parser_->is_done()) {
    if (unparsed() < (in_chunk_line_ ? least_chunk : 1)) {
      // The line of a chunk, or the end of the last chunk and that line. Behind it there may be data already.
      const auto text = unparsed_text();
      const auto line = text.starts_with("\r\n") ? std::size_t{2} : 0;
      return wait_for(text.substr(0, text.find('\n', line) + 1));  // npos + 1 is 0
    }
    const Step step = parse_some();
    if (step != Step::complete) {
      return step;
    }
  }
  return Step::complete;
}

// Calls Beast once. `complete` means here that parsing goes on.
RequestReader::Step RequestReader::parse_some() {
  const bool in_head = !parser_->is_header_done();
  if (!parser_->got_some()) {
    take_plain_lines();
  }
  error_code ec;
  const std::size_t used = parser_->put(asio::const_buffer(buffer_.get() + begin_, unparsed()), ec);
  const bool more_to_come = ec && ec == beast::http::error::need_more;  // making an error_code is not free
  if (ec && !more_to_come) {
    const bool again = ec == beast::http::error::bad_version && lower_version();
    return again ? Step::complete : refuse(rejection_of(ec));
  }
  begin_ += used;
  in_chunk_line_ = more_to_come && !in_head;
  if (!within_bounds(used, in_head, more_to_come)) {
    return refuse(Rejection::header_limit);
  }
  if (more_to_come) {
    return wait_for(unparsed_text());
  }
  return in_head && parser_->is_header_done() ? after_head() : Step::complete;
}

// A head that is longer than it may be is left to Beast, and so is one that is not whole.
void RequestReader::take_plain_lines() {
  const auto taken = http::take_plain_lines({buffer_.get() + begin_, std::min(unparsed(), limits_.header)}, request_);
  begin_ += taken;
  header_bytes_ += taken;
}

// `lines`: what is there of a line, or of several lines that are parsed together.
RequestReader::Step RequestReader::wait_for(std::string_view lines) noexcept {
  return has_bare_line_end(lines) ? refuse(Rejection::malformed) : Step::need_input;
}

// Until the head was read, nobody knew whether the body may be a large one. False when it is too large.
bool RequestReader::bound_body() {
  const auto allowed = std::max(limits_.body, std::min(limits_.large->allowed(request_), limits_.large->most));
  parser_->body_limit(allowed);
  const auto length = parser_->content_length();
  return !length || *length <= allowed;
}

RequestReader::Step RequestReader::after_head() {
  if (const auto why = parser_->rules().rejection()) {
    return refuse(*why);
  }
  if (limits_.large != nullptr && !bound_body()) {
    return refuse(Rejection::body_limit);
  }
  const bool waits = !parser_->is_done() && parser_->rules().expects_continue() && unparsed() == 0;
  return waits ? Step::send_continue : Step::complete;
}

// The unparsed input belongs to the head, or to the line of a chunk and the trailers.
bool RequestReader::within_bounds(std::size_t used, bool in_head, bool more_to_come) noexcept {
  if (in_head) {
    header_bytes_ += used;
    return header_bytes_ + (more_to_come ? unparsed() : 0) <= limits_.header;
  }
  if (more_to_come) {
    return chunk_bytes_.may_begin(unparsed());
  }
  const auto size = parser_->take_chunk_line();
  return !size || chunk_bytes_.add(used, *size);
}

// RFC 9112, 2.2: a server ignores empty lines before a request; some clients end a body with one.
bool RequestReader::skip_empty_lines() noexcept {
  while (unparsed() > 0) {
    const char* at = buffer_.get() + begin_;
    if (at[0] != '\r') {
      return true;
    }
    if (unparsed() == 1) {
      return false;
    }
    if (at[1] != '\n') {
      return true;
    }
    begin_ += 2;
  }
  return false;
}

RequestReader::Step RequestReader::refuse(Rejection why) noexcept {
  rejection_ = why;
  return Step::refused;
}

Rejection RequestReader::rejection_of(error_code error) const noexcept {
  if (error == beast::http::error::header_limit) {
    return Rejection::header_limit;
  }
  if (error == beast::http::error::body_limit) {
    return Rejection::body_limit;
  }
  // Beast has the same error for a version that it does not know and for a text that is no version.
  const auto text = version_in(unparsed_text());
  const bool other = !text.empty() && !text.starts_with("HTTP/1.");
  return error == beast::http::error::bad_version && other ? Rejection::version : Rejection::malformed;
}

// RFC 9110, 2.5: a request with a higher minor version is processed as HTTP/1.1. Beast refuses such a version, so the
// digit in the buffer is replaced.
bool RequestReader::lower_version() noexcept {
  const auto text = version_in(unparsed_text());
  if (!text.starts_with("HTTP/1.") || text.back() < '2') {
    return false;
  }
  buffer_[static_cast<std::size_t>(text.data() - buffer_.get()) + text.size() - 1] = '1';
  return true;
}

bool RequestReader::header_done() const noexcept {
  return parser_->is_header_done();
}

bool RequestReader::keep_alive() const noexcept {
  return parser_->is_header_done() && parser_->keep_alive();
}

bool RequestReader::http10() const noexcept {
  return parser_->rules().http10();
}

void RequestReader::next() {
  request_.clear();
  std::destroy_at(parser_.get());  // a Beast parser cannot be reset; a new one in the same memory needs no allocation
  std::construct_at(parser_.get(), request_, limits_, hosts_);
  header_bytes_ = 0;
  chunk_bytes_ = ChunkBound(limits_.header);
  in_chunk_line_ = false;
  started_ = false;
  if (unparsed() == 0) {
    begin_ = end_ = 0;
    if (capacity_ > usual_buffer) {
      buffer_.reset();
      capacity_ = 0;
    }
  }
}

void RequestReader::drop_input() noexcept {
  buffer_.reset();
  capacity_ = begin_ = end_ = 0;
}

void RequestReader::release() noexcept {
  request_.release();
  if (unparsed() == 0) {
    drop_input();
  }
}

}  // namespace tern::http
