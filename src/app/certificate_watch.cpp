#include "app/certificate_watch.hpp"

#include <tern/async/log.hpp>
#include <tern/async/offload.hpp>
#include <tern/error.hpp>
#include <tern/schema/timestamp.hpp>

#include <boost/asio/post.hpp>

#include <sys/stat.h>

#include <utility>

namespace tern::app {

namespace {

FileStamp stamp_of(const std::string& path) noexcept {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) {
    return {};
  }
  return {found.st_ino, found.st_ctim.tv_sec, found.st_ctim.tv_nsec, found.st_size};
}

std::int64_t days_until(WallTime when, WallTime now) noexcept {
  return std::chrono::duration_cast<std::chrono::hours>(when - now).count() / 24;
}

}  // namespace

FileStamps stamps_of(const http::CertificateFiles& files) noexcept {
  return {stamp_of(files.certificate), stamp_of(files.key)};
}

struct CertificateWatch::Look {
  FileStamps seen;
  bool read = false;
  std::shared_ptr<const http::TlsContext> context;  // nullptr when they were not read, or cannot be used
  std::string problem;
};

CertificateWatch::CertificateWatch(http::CertificateFiles files, Serve serve, executor ex, Clock& clock,
                                   Metrics& metrics)
    : files_(std::move(files)),
      serve_(std::move(serve)),
      ex_(std::move(ex)),
      clock_(clock),
      pause_(clock, ex_),
      expiry_(metrics.gauge("tern_tls_certificate_expiry_timestamp_seconds",
                            "When the certificate that is served expires, in seconds since 1970.")) {
  const std::string name = "tern_tls_certificate_reads_total";
  const std::string help = "How often the files of the certificate were read, by what became of it.";
  loaded_ = metrics.counter(name, help, {{"outcome", "served"}});
  refused_ = metrics.counter(name, help, {{"outcome", "refused"}});
  seen_ = read_ = stamps_of(files_);
  use(std::make_shared<http::TlsContext>(files_));
}

void CertificateWatch::use(std::shared_ptr<const http::TlsContext> context) {
  begins_ = context->begins();
  expires_ = context->expires();
  next_begins_ = WallTime::max();
  read_at_ = clock_.now();
  expiry_.set(std::chrono::duration<double>(expires_.time_since_epoch()).count());
  warn_of_time(clock_.wall_now());
  loaded_.inc();
  serve_(std::move(context));
}

void CertificateWatch::warn_of_time(WallTime now) const {
  if (begins_ > now) {
    log::warn(
        "the certificate is not valid yet: most clients refuse it; wait, set the clock of this machine, or put another "
        "one into the files",
        {{"listen.certificate", files_.certificate}, {"valid_from", Timestamp::utc(begins_).text()}});
  } else if (expires_ <= now) {
    log::warn("the certificate has expired: most clients refuse it; put a new one into the files",
              {{"listen.certificate", files_.certificate}, {"days_ago", -days_until(expires_, now)}});
  } else if (expires_ - now < soon) {
    log::warn("the certificate expires soon; put a new one into the files",
              {{"listen.certificate", files_.certificate}, {"days", days_until(expires_, now)}});
  }
}

CertificateWatch::Look CertificateWatch::look(const http::CertificateFiles& files, const FileStamps& seen,
                                              const FileStamps& read, bool must) {
  Look found{stamps_of(files), must, nullptr, {}};
  if (found.seen != read && found.seen == seen) {
    found.read = true;
  }
  if (found.read) {
    try {
      found.context = std::make_shared<http::TlsContext>(files);
    } catch (const std::exception& e) {
      found.problem = e.what();
    }
  }
  return found;
}

awaitable<void> CertificateWatch::run() {
  for (;;) {
    if (!asked_) {
      [[maybe_unused]] const bool time_up = co_await pause_.wait_for(interval);
    }
    const bool must =
        std::exchange(asked_, false) || clock_.now() - read_at_ >= longest_use || clock_.wall_now() >= next_begins_;
    auto work = [files = files_, seen = seen_, read = read_, must] { return look(files, seen, read, must); };
    Look found = co_await offload(std::move(work));
    take(std::move(found));
  }
}

void CertificateWatch::take(Look found) {
  seen_ = found.seen;
  if (!found.read) {
    return;
  }
  const bool changed = found.seen != read_;
  read_ = found.seen;
  read_at_ = clock_.now();
  const WallTime now = clock_.wall_now();
  next_begins_ = WallTime::max();
  if (found.context) {
    if (found.problem = why_not(*found.context, now); !found.problem.empty()) {
      next_begins_ = found.context->begins() > now ? found.context->begins() : WallTime::max();
      found.context = nullptr;
    }
  }
  if (!found.context) {
    refused_.inc();
    log::error("the certificate was read and is not served; new connections still get the old one",
               {{"error", found.problem}});
    return;
  }
  use(std::move(found.context));
  log::info("the certificate was read; new connections get it",
            {{"listen.certificate", files_.certificate}, {"changed", changed}, {"days", days_until(expires_, now)}});
}

std::string CertificateWatch::why_not(const http::TlsContext& next, WallTime now) const {
  if (begins_ > now || expires_ <= now) {
    return {};  // the old one is no better
  }
  if (next.expires() <= now) {
    return "the certificate in listen.certificate has expired";
  }
  return next.begins() > now ? "the certificate in listen.certificate is not valid before " +
                                   Timestamp::utc(next.begins()).text() + ", and is read again then"
                             : std::string();
}

void CertificateWatch::look_now() {
  asio::post(ex_, [this] {
    asked_ = true;
    pause_.cancel();
  });
}

}  // namespace tern::app
