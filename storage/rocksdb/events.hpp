#pragma once

#include "failure.hpp"

#include <rocksdb/env.h>
#include <rocksdb/listener.h>

#include <cstdarg>
#include <memory>
#include <string>

namespace tern::detail::rocks {

/// Writes RocksDB's warnings and errors to Tern's log, and to no file of its own: on a full disk that file cannot be
/// written either, and RocksDB 7.8 as Debian builds it, with its assertions, ends the process when it tries again.
class InfoLog final : public rocksdb::Logger {
 public:
  InfoLog() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}

  using Logger::Logv;
  void Logv(const char* format, std::va_list arguments) override;
  void LogHeader(const char*, std::va_list) override {}
};

/// Keeps `Health`: RocksDB refuses every write from an error of the disk until it has recovered, which it tries by
/// itself every 5 seconds after it has found the disk full, writes or none.
class HealthListener final : public rocksdb::EventListener {
 public:
  HealthListener(std::shared_ptr<Health> health, std::string path)
      : health_(std::move(health)), path_(std::move(path)) {}

  void OnBackgroundError(rocksdb::BackgroundErrorReason reason, rocksdb::Status* error) override;
  void OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) override;

 private:
  std::shared_ptr<Health> health_;
  const std::string path_;
};

}  // namespace tern::detail::rocks
