#pragma once

#include "http/server.hpp"
#include "http/tls_context.hpp"

#include <tern/async/awaitable.hpp>
#include <tern/async/clock.hpp>
#include <tern/async/metrics.hpp>
#include <tern/async/timer.hpp>

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace tern::app {

/// What tells whether a file was changed or replaced.
struct FileStamp {
  ino_t inode = 0;  // 0: there is no such file
  std::int64_t modified_s = 0;
  std::int64_t modified_ns = 0;
  std::int64_t size = 0;
  bool operator==(const FileStamp&) const = default;
};
using FileStamps = std::array<FileStamp, 2>;
/// Of the certificate and its key. It may block.
FileStamps stamps_of(const http::CertificateFiles& files) noexcept;

/// Serves the certificate of two files, and reads them again: on request, when they have changed, and each day, so that
/// no key of the tickets by which clients go on with a session lives longer. Changed files are read when they have not
/// changed any more for `interval`, for the one may be written some time after the other. A certificate that cannot be
/// used is logged and not served, and neither is one that is not valid now while the old one is. One that is not valid
/// yet is read again when it begins. A certificate that most clients refuse, or soon will, is a warning each day.
///
/// Lifetime: clock and metrics outlive it, and it outlives its coroutine. `serve` is called on the executor.
/// Thread safety: `look_now` from any thread.
class CertificateWatch {
 public:
  static constexpr std::chrono::seconds interval{2};
  static constexpr std::chrono::hours longest_use{24};
  static constexpr std::chrono::hours soon{14 * 24};  ///< a certificate that expires within this time is a warning

  using Serve = std::function<void(std::shared_ptr<const http::TlsContext>)>;

  /// Reads the files and serves their certificate. It blocks.
  /// Errors: as `TlsContext`.
  CertificateWatch(http::CertificateFiles files, Serve serve, executor ex, Clock& clock, Metrics& metrics);

  /// Looks at the files until it is destroyed. Spawn it once, on the executor.
  awaitable<void> run();
  /// Reads the files now.
  void look_now();

 private:
  struct Look;

  static Look look(const http::CertificateFiles& files, const FileStamps& seen, const FileStamps& read, bool must);
  void take(Look found);
  void use(std::shared_ptr<const http::TlsContext> context);
  void warn_of_time(WallTime now) const;
  /// Why a certificate that can be used is not served; "" when it is.
  std::string why_not(const http::TlsContext& next, WallTime now) const;

  const http::CertificateFiles files_;
  const Serve serve_;
  const executor ex_;
  Clock& clock_;
  Timer pause_;
  Gauge expiry_;
  Counter loaded_;
  Counter refused_;
  WallTime begins_;
  WallTime expires_;
  WallTime next_begins_ = WallTime::max();  // of a certificate that is not served yet
  FileStamps seen_;                         // when it looked last
  FileStamps read_;                         // when it read them last, with success or without
  SteadyTime read_at_;
  bool asked_ = false;
};

}  // namespace tern::app
