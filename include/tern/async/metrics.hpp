#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tern {

/// A figure that only grows. Cheap to copy; lives as long as its registry.
class Counter {
 public:
  Counter() = default;
  /// Adds `by`, which is not negative.
  void inc(double by = 1) noexcept;
  double value() const noexcept;

 private:
  friend class Metrics;
  explicit Counter(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

/// A figure that goes up and down.
class Gauge {
 public:
  Gauge() = default;
  void set(double value) noexcept;
  void add(double by) noexcept;
  double value() const noexcept;

 private:
  friend class Metrics;
  explicit Gauge(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

/// A distribution over fixed buckets.
class Histogram {
 public:
  Histogram() = default;
  void observe(double value) noexcept;

 private:
  friend class Metrics;
  explicit Histogram(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

/// What a distribution holds when it is asked for: see `Metrics::histogram_from`.
struct Distribution {
  std::vector<std::uint64_t> counts;  ///< of each bucket alone, and of what lies beyond the last: one more than buckets
  double sum = 0;                     ///< of all values
};

/// The registry behind `GET /metrics`. Labels never carry a conversation or a user.
///
/// Handles made by default do nothing, so a component works without metrics.
/// Thread safety: all functions from any thread. Asking twice for one name and labels gives the same figure.
/// Errors: `errc::invalid_argument` for a name or label that Prometheus does not allow, for one name with two kinds
/// of figure, and for buckets that do not ascend or differ from those of the same name.
class Metrics {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
  Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  /// `buckets`: upper bounds, ascending, in the unit that the name ends with (`_seconds`, `_bytes`).
  Histogram histogram(const std::string& name, const std::string& help, std::vector<double> buckets,
                      const Labels& labels = {});
  /// `read` is called when the figures are collected, from the collecting thread. When it throws, the figure is left
  /// out of that collection. A name can be given once.
  /// Lifetime: what `read` refers to is there until the last `expose`.
  void gauge_from(const std::string& name, const std::string& help, std::function<double()> read);
  /// The same for a figure that only grows.
  void counter_from(const std::string& name, const std::string& help, std::function<double()> read);
  /// The same for a distribution, which somebody else counts. A name may be given again with other labels.
  void histogram_from(const std::string& name, const std::string& help, std::vector<double> buckets,
                      const Labels& labels, std::function<Distribution()> read);

  /// All figures in the Prometheus text format, version 0.0.4.
  std::string expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tern
