#include "net/answer_reader.hpp"

#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/system/errc.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace tern::net {

namespace bhttp = boost::beast::http;

namespace {

constexpr std::size_t read_size = 4096;
constexpr std::size_t kept_buffer = 64 * 1024;  // the largest buffer that a connection keeps
// The least input from the beginning of a chunk. Beast 1.81 asserts that it gets so many bytes when it parses the line
// of a last chunk for the second time.
constexpr std::size_t least_chunk = std::string_view("0\r\n\r\n").size();

}  // namespace

/// Fills an `Answer` directly, and stores only the headers that are needed.
class AnswerReader::Parser final : public bhttp::basic_parser<false> {
 public:
  Parser(Answer& answer, std::size_t body_limit, bool keep_headers, bool bodiless)
      : answer_(answer), keep_headers_(keep_headers) {
    this->header_limit(head_limit);
    this->body_limit(body_limit);
    eager(true);
    skip(bodiless);
  }

 private:
  using string_view = boost::beast::string_view;

  void on_request_impl(bhttp::verb, string_view, string_view, int, error_code&) override {}
  void on_response_impl(int code, string_view, int, error_code& error) override {
    answer_.status = code;
    if (code < 100) {
      error = bhttp::error::bad_status;  // Beast accepts any three digits
    }
  }
  void on_field_impl(bhttp::field name, string_view text, string_view value, error_code&) override {
    if (header_ended_) {
      return;  // a trailer must not pass for a header (RFC 9110, 6.5.1)
    }
    if (keep_headers_) {
      answer_.headers.emplace_back(std::string(text.data(), text.size()), std::string(value.data(), value.size()));
    }
    if (name == bhttp::field::retry_after) {
      answer_.retry_after.assign(value.data(), value.size());
    } else if (name == bhttp::field::keep_alive) {
      answer_.keep_alive = parse_keep_alive({value.data(), value.size()});
    } else if (name == bhttp::field::location && (keep_headers_ || answer_.status == 307 || answer_.status == 308)) {
      answer_.location.assign(value.data(), value.size());
    }
  }
  void on_header_impl(error_code&) override { header_ended_ = true; }
  void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
  std::size_t on_body_impl(string_view body, error_code&) override {
    answer_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override {
    answer_.body.append(body.data(), body.size());
    return body.size();
  }
  void on_finish_impl(error_code&) override {}

  Answer& answer_;
  bool keep_headers_;
  bool header_ended_ = false;
};

struct AnswerReader::Buffer : boost::beast::flat_buffer {};

AnswerReader::AnswerReader(Answer& answer, std::size_t body_limit, bool keep_headers)
    : answer_(answer), body_limit_(body_limit), keep_headers_(keep_headers), buffer_(std::make_unique<Buffer>()) {
  restart();
}

AnswerReader::~AnswerReader() = default;

void AnswerReader::begin(bool bodiless) {
  buffer_->clear();
  taken_ = 0;
  bodiless_ = bodiless;
  malformed_ = false;
  error_ = {};
  why_ = nullptr;
  restart();
}

void AnswerReader::restart() {
  answer_.clear();
  in_chunk_line_ = false;
  if (!parser_) {
    parser_ = std::make_unique<Parser>(answer_, body_limit_, keep_headers_, bodiless_);
    return;
  }
  std::destroy_at(parser_.get());  // a Beast parser cannot be reset; a new one in the same memory needs no allocation
  std::construct_at(parser_.get(), answer_, body_limit_, keep_headers_, bodiless_);
}

std::span<char> AnswerReader::prepare() {
  const auto room = buffer_->prepare(read_size);
  return {static_cast<char*>(room.data()), room.size()};
}

AnswerReader::Step AnswerReader::take(std::size_t bytes) {
  buffer_->commit(bytes);
  taken_ += bytes;
  const Step step = feed();
  if (step != Step::more) {
    return step;
  }
  // The parser has no buffer of its own, so the rest in `buffer_` is one head, one chunk line or the trailers.
  if (buffer_->size() > head_limit) {
    return too_much("a line or the head of its answer has more than 16 KiB");
  }
  const std::size_t body = answer_.body.size();
  if (taken_ > body && taken_ - body > overhead_limit + overhead_per_byte * body) {
    return too_much(
        "its answer has too much besides its body: at most 64 KiB, plus 16 bytes for each byte of the body");
  }
  return step;
}

AnswerReader::Step AnswerReader::feed() {
  while (buffer_->size() >= (in_chunk_line_ ? least_chunk : 1)) {
    error_code error;
    buffer_->consume(parser_->put(buffer_->data(), error));
    in_chunk_line_ = error == bhttp::error::need_more && parser_->is_header_done();
    if (error == bhttp::error::need_more) {
      return Step::more;
    }
    if (error == bhttp::error::body_limit && answer_.status >= 200) {
      answer_.cut = true;
      answer_.body.clear();  // the body is too long, but the status is known, and is enough
      return Step::done;
    }
    if (error) {
      malformed_ = true;
      return broken(error);
    }
    if (parser_->is_done()) {
      if (answer_.status >= 200) {
        return parsed();
      }
      restart();  // it was an interim answer
    }
  }
  return Step::more;
}

AnswerReader::Step AnswerReader::parsed() {
  // Bytes behind the answer belong to no request, so the connection is not used again: the two sides do not agree on
  // where answers end.
  answer_.reusable = parser_->keep_alive() && buffer_->size() == 0;
  return Step::done;
}

AnswerReader::Step AnswerReader::finish(error_code read) {
  if (read != boost::asio::error::eof || !parser_->got_some()) {
    return broken(read);
  }
  error_code error;
  parser_->put_eof(error);
  return error ? broken(error) : Step::done;
}

bool AnswerReader::has_surplus() const noexcept {
  return buffer_->size() > 0;
}

void AnswerReader::trim() {
  buffer_->clear();
  if (buffer_->capacity() > kept_buffer) {
    buffer_->shrink_to_fit();
  }
}

AnswerReader::Step AnswerReader::broken(error_code error, const char* why) noexcept {
  error_ = error;
  why_ = why;
  return Step::broken;
}

AnswerReader::Step AnswerReader::too_much(const char* why) noexcept {
  malformed_ = true;
  return broken(boost::system::errc::make_error_code(boost::system::errc::message_size), why);
}

}  // namespace tern::net
