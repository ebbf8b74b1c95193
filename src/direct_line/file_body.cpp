#include "direct_line/file_body.hpp"

#include <tern/error.hpp>

#include <chrono>
#include <utility>

namespace tern::direct_line {

FileBody::FileBody(Uploads& uploads, KeptFile file, ReadPace& pace, std::string client, std::shared_ptr<void> place,
                   Clock& clock)
    : uploads_(uploads),
      file_(std::move(file)),
      pace_(pace),
      client_(std::move(client)),
      place_(std::move(place)),
      clock_(clock) {}

awaitable<std::optional<std::string>> FileBody::next() {
  constexpr std::chrono::seconds piece_timeout{5};
  if (piece_ * Uploads::piece_bytes >= file_.size) {
    co_return std::nullopt;
  }
  const auto reads = co_await pace_.begin({}, client_, Deadline::never());
  auto piece = co_await uploads_.piece(file_.id, piece_++, Deadline::after(piece_timeout, clock_));
  if (!piece) {
    throw_error(errc::not_found, "A file of Direct Line was removed while it was sent.");
  }
  pace_.charge({}, client_, ReadPace::cost_of(piece->size()));
  co_return piece;
}

}  // namespace tern::direct_line
