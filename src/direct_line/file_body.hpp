#pragma once

#include "direct_line/read_pace.hpp"
#include "direct_line/uploads.hpp"
#include "http/http_types.hpp"

#include <tern/async/clock.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

namespace tern::direct_line {

/// Sends a file as the client takes it: one piece is in memory at a time, and the next one is read at the pace of the
/// client's address.
///
/// Lifetime: uploads, pace and clock outlive it.
class FileBody final : public http::BodySource {
 public:
  /// `place`: is given back when the file is sent. `client`: as `ReadPace::begin` takes it.
  FileBody(Uploads& uploads, KeptFile file, ReadPace& pace, std::string client, std::shared_ptr<void> place,
           Clock& clock);

  /// Errors: those of the store; `errc::not_found` when the file was removed meanwhile.
  awaitable<std::optional<std::string>> next() override;

 private:
  Uploads& uploads_;
  const KeptFile file_;
  ReadPace& pace_;
  const std::string client_;
  std::shared_ptr<void> place_;
  Clock& clock_;
  std::size_t piece_ = 0;
};

}  // namespace tern::direct_line
