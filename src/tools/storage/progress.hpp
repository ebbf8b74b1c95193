#pragma once

#include <tern/async/clock.hpp>

#include <cstdint>
#include <cstdio>
#include <string>

namespace tern::tools {

/// The progress of a command. This class shows it to nobody.
class Progress {
 public:
  virtual ~Progress() = default;
  /// A step of the work begins. `total`: its documents, 0 when that is not known.
  virtual void begin(const std::string& /*what*/, std::uint64_t /*total*/) {}
  /// One more document with this many bytes.
  virtual void advance(std::uint64_t /*bytes*/) {}
  /// `documents` were done before this run.
  virtual void skip(std::uint64_t /*documents*/) {}
  virtual void end() {}
  virtual void note(const std::string& /*text*/) {}
};

/// A bar on a terminal; elsewhere a line at most every 5 seconds, and one at the end of each step.
class ConsoleProgress final : public Progress {
 public:
  ConsoleProgress(std::FILE* out, bool terminal, const Clock& clock = system_clock())
      : out_(out), terminal_(terminal), clock_(clock) {}

  void begin(const std::string& what, std::uint64_t total) override;
  void advance(std::uint64_t bytes) override;
  void skip(std::uint64_t documents) override { done_ += documents; }
  void end() override;
  void note(const std::string& text) override;

 private:
  void show(bool last);
  std::string bar() const;

  std::FILE* out_;
  bool terminal_;
  const Clock& clock_;
  std::string what_;
  std::uint64_t total_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t bytes_ = 0;
  SteadyTime begun_{};
  SteadyTime next_{};
};

}  // namespace tern::tools
