#include "http/request_reader.hpp"

#include "http/ascii.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>

#include <algorithm>
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

constexpr std::size_t usual_buffer = 4 * 1024;  // holds a usual request, so that one read is enough
constexpr std::size_t most_read = 64 * 1024;
constexpr std::size_t least_read = 1024;
constexpr std::size_t usual_body = 16 * 1024;
// What always follows where a chunk begins. Beast 1.81 asserts that it gets so much of a last chunk it has seen before.
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

}  // namespace

// Fills a `Request` directly: Beast's own container would allocate for each header.
class RequestReader::Parser final : public beast::http::basic_parser<true> {
 public:
  Parser(Request& request, Limits limits) noexcept : request_(request) {
    header_limit(
        static_cast<std::uint32_t>(std::min<std::size_t>(limits.header, std::numeric_limits<std::uint32_t>::max())));
    body_limit(limits.body);
  }

  bool http10() const noexcept { return http10_; }
  bool expects_continue() const noexcept { return expects_continue_; }
  /// What the header says that Beast does not look at.
  std::optional<Rejection> rejection() const noexcept { return rejection_; }

 private:
  using string_view = beast::string_view;

  void on_request_impl(beast::http::verb verb, string_view, string_view target, int version, error_code&) override {
    http10_ = version < 11;
    request_.set_line(method_of(verb), view(target));
  }

  void on_response_impl(int, string_view, int, error_code&) override {}

  void on_field_impl(beast::http::field field, string_view name, string_view value, error_code&) override {
    if (header_ended_) {
      return;  // a trailer: nothing here reads it, and taking it for a header would be a hole
    }
    request_.add_field(view(name), view(value));
    if (field == beast::http::field::host) {
      ++hosts_;
    } else if (field == beast::http::field::transfer_encoding) {
      // Beast takes a coding it does not know for "no body"; the body would then be parsed as the next request.
      codings_known_ = codings_known_ && same_text(view(value), "chunked");
      has_coding_ = true;
    } else if (field == beast::http::field::expect) {
      (same_text(view(value), "100-continue") ? expects_continue_ : expects_other_) = true;
    }
  }

  void on_header_impl(error_code&) override {
    header_ended_ = true;
    const bool unknown_coding = has_coding_ && !codings_known_;
    if (http10_ ? has_coding_ : hosts_ != 1 && !unknown_coding) {
      rejection_ = Rejection::malformed;
    } else if (unknown_coding) {
      rejection_ = Rejection::transfer_encoding;
    } else if (!http10_ && expects_other_) {
      rejection_ = Rejection::expectation;
    }
    expects_continue_ = expects_continue_ && !http10_;
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) override {
    // Not the whole of what was announced: an announcement costs the client nothing.
    request_.body().reserve(static_cast<std::size_t>(std::min<std::uint64_t>(length.value_or(0), usual_body)));
  }

  std::size_t on_body_impl(string_view piece, error_code&) override {
    request_.body().append(piece.data(), piece.size());
    return piece.size();
  }

  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}

  std::size_t on_chunk_body_impl(std::uint64_t, string_view piece, error_code&) override {
    request_.body().append(piece.data(), piece.size());
    return piece.size();
  }

  void on_finish_impl(error_code&) override {}

  Request& request_;
  std::optional<Rejection> rejection_;
  unsigned hosts_ = 0;
  bool http10_ = false;
  bool header_ended_ = false;
  bool has_coding_ = false;
  bool codings_known_ = true;
  bool expects_continue_ = false;
  bool expects_other_ = false;
};

RequestReader::RequestReader(Limits limits) : limits_(limits), parser_(std::make_unique<Parser>(request_, limits)) {}

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
      return Step::need_input;
    }
    const Step step = parse_some();
    if (step != Step::complete) {
      return step;
    }
  }
  return Step::complete;
}

// One `put`. `complete` here means: go on.
RequestReader::Step RequestReader::parse_some() {
  const bool in_header = !parser_->is_header_done();
  error_code ec;
  const std::size_t used = parser_->put(asio::const_buffer(buffer_.get() + begin_, unparsed()), ec);
  if (ec && ec != beast::http::error::need_more) {
    if (ec == beast::http::error::bad_version) {
      return refuse(version_or_malformed());
    }
    return refuse(ec == beast::http::error::header_limit ? Rejection::header_limit
                  : ec == beast::http::error::body_limit ? Rejection::body_limit
                                                         : Rejection::malformed);
  }
  begin_ += used;
  in_chunk_line_ = ec && !in_header;
  if (in_header) {
    header_bytes_ += used;
    if (header_bytes_ + (ec ? unparsed() : 0) > limits_.header) {
      return refuse(Rejection::header_limit);
    }
  } else if (ec && unparsed() > limits_.header) {
    return refuse(Rejection::malformed);  // chunk extensions or trailers without end
  }
  if (ec) {
    return Step::need_input;
  }
  if (in_header && parser_->is_header_done()) {
    if (parser_->rejection()) {
      return refuse(*parser_->rejection());
    }
    if (!parser_->is_done() && parser_->expects_continue() && unparsed() == 0) {
      return Step::send_continue;
    }
  }
  return Step::complete;
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

// Beast has one error for a version it does not speak and for what is no version at all.
Rejection RequestReader::version_or_malformed() const noexcept {
  std::string_view line(buffer_.get() + begin_, unparsed());
  line = line.substr(0, line.find('\r'));
  const std::size_t space = line.rfind(' ');
  const std::string_view version = space == std::string_view::npos ? std::string_view{} : line.substr(space + 1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  const bool is_version = version.size() == 8 && version.starts_with("HTTP/") && digit(version[5]) &&
                          version[6] == '.' && digit(version[7]);
  return is_version && version != "HTTP/1.1" && version != "HTTP/1.0" ? Rejection::version : Rejection::malformed;
}

bool RequestReader::header_done() const noexcept {
  return parser_->is_header_done();
}

bool RequestReader::keep_alive() const noexcept {
  return parser_->is_header_done() && parser_->keep_alive();
}

bool RequestReader::http10() const noexcept {
  return parser_->http10();
}

void RequestReader::next() {
  request_.clear();
  std::destroy_at(parser_.get());  // a Beast parser cannot be reset; made anew in its place it costs no allocation
  std::construct_at(parser_.get(), request_, limits_);
  header_bytes_ = 0;
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

void RequestReader::release() noexcept {
  request_.release();
  if (unparsed() == 0) {
    buffer_.reset();
    capacity_ = begin_ = end_ = 0;
  }
}

}  // namespace tern::http
