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
  /// Counts nothing.
  Counter() = default;
  /// Adds `by`, which is not negative.
  void inc(double by = 1) noexcept;
  /// The value at this moment; 0 for a handle made by default.
  double value() const noexcept;

 private:
  friend class Metrics;
  explicit Counter(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

/// A figure that goes up and down.
class Gauge {
 public:
  /// Shows nothing.
  Gauge() = default;
  /// Sets the figure.
  void set(double value) noexcept;
  /// Adds `by`, which may be negative.
  void add(double by) noexcept;
  /// The value at this moment; 0 for a handle made by default.
  double value() const noexcept;

 private:
  friend class Metrics;
  explicit Gauge(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

/// A distribution over fixed buckets.
class Histogram {
 public:
  /// Counts nothing.
  Histogram() = default;
  /// Counts `value` in its bucket.
  void observe(double value) noexcept;

 private:
  friend class Metrics;
  explicit Histogram(void* impl) : impl_(impl) {}
  void* impl_ = nullptr;
};

/// The content of a distribution at the moment when it is read: see `Metrics::histogram_from`.
struct Distribution {
  std::vector<std::uint64_t> counts;  ///< of each bucket alone, then of the values beyond the last bucket
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
  /// Names and values, such as `{{"type", "message"}}`.
  using Labels = std::vector<std::pair<std::string, std::string>>;

  /// An empty registry.
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// The counter of this name and these labels, made on the first call. `help` is a sentence about it.
  Counter counter(const std::string& name, const std::string& help, const Labels& labels = {});
  /// The same for a gauge.
  Gauge gauge(const std::string& name, const std::string& help, const Labels& labels = {});
  /// The same for a histogram. `buckets`: upper bounds, ascending, in the unit that the name ends with (`_seconds`,
  /// `_bytes`).
  Histogram histogram(const std::string& name, const std::string& help, std::vector<double> buckets,
                      const Labels& labels = {});
  /// A gauge that is read when the figures are collected: `read` is called on the collecting thread. When it throws,
  /// the figure is left out of that collection. A name can be given once. Lifetime: objects that `read` refers to
  /// outlive the last `expose`.
  void gauge_from(const std::string& name, const std::string& help, std::function<double()> read);
  /// The same for a figure that only grows.
  void counter_from(const std::string& name, const std::string& help, std::function<double()> read);
  /// The same for a distribution that is counted elsewhere. A name may be given again with other labels.
  void histogram_from(const std::string& name, const std::string& help, std::vector<double> buckets,
                      const Labels& labels, std::function<Distribution()> read);

  /// All figures in the Prometheus text format, version 0.0.4.
  std::string expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tern
