#include <tern/async/metrics.hpp>

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <cstdint>
#include <exception>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

namespace tern {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name(std::string_view name, bool colons) {
  if (name.empty() || is_digit(name.front())) {
    return false;
  }
  for (const char c : name) {
    if (!is_letter(c) && !is_digit(c) && !(colons && c == ':')) {
      return false;
    }
  }
  return true;
}

[[noreturn]] void refuse(const std::string& name, const std::string& why) {
  throw_error(errc::invalid_argument, "metric \"" + name + "\": " + why);
}

void require_function(const std::string& name, bool given) {
  if (!given) {
    refuse(name, "there is no function to read it");
  }
}

void check_buckets(const std::string& name, const std::vector<double>& buckets) {
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (!std::isfinite(buckets[i]) || (i > 0 && buckets[i] <= buckets[i - 1])) {
      refuse(name, "the buckets are not finite and strictly ascending");
    }
  }
}

// In the text format a line end ends the help text, and the serializer does not escape it.
std::string escaped_help(const std::string& help) {
  std::string escaped;
  for (const char c : help) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

template <class Value>
std::optional<Value> read_safely(const std::string& name, const std::function<Value()>& read) noexcept {
  try {
    return read();
  } catch (const std::exception& e) {
    log::warn("metric could not be read", {{"metric", name}, {"error", e.what()}});
  } catch (...) {
    log::warn("metric could not be read", {{"metric", name}});
  }
  return std::nullopt;
}

using MetricKind = prometheus::MetricType;

/// A series whose value is read when the metrics are collected.
struct Source {
  std::string name;
  std::string help;
  MetricKind kind;
  std::vector<prometheus::ClientMetric::Label> labels;
  std::function<std::optional<prometheus::ClientMetric>()> read;
};

std::function<std::optional<prometheus::ClientMetric>()> figure(const std::string& name, MetricKind kind,
                                                                std::function<double()> read) {
  return [name, kind, read = std::move(read)]() -> std::optional<prometheus::ClientMetric> {
    const auto value = read_safely(name, read);
    if (!value) {
      return std::nullopt;
    }
    prometheus::ClientMetric metric;
    (kind == MetricKind::Counter ? metric.counter.value : metric.gauge.value) = *value;
    return metric;
  };
}

// Each bucket of Prometheus also counts the values of the buckets before it.
std::function<std::optional<prometheus::ClientMetric>()> distribution(const std::string& name,
                                                                      std::vector<double> buckets,
                                                                      std::function<Distribution()> read) {
  buckets.push_back(std::numeric_limits<double>::infinity());
  return [name, buckets = std::move(buckets), read = std::move(read)]() -> std::optional<prometheus::ClientMetric> {
    const auto found = read_safely(name, read);
    if (!found) {
      return std::nullopt;
    }
    prometheus::ClientMetric metric;
    std::uint64_t all = 0;
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      all += i < found->counts.size() ? found->counts[i] : 0;
      metric.histogram.bucket.push_back({all, buckets[i]});
    }
    metric.histogram.sample_count = all;
    metric.histogram.sample_sum = found->sum;
    return metric;
  };
}

// The series whose values are read when the metrics are collected.
class ReadFigures final : public prometheus::Collectable {
 public:
  void add(Source source) {
    const std::lock_guard lock(mutex_);
    sources_.push_back(std::move(source));
  }

  std::vector<prometheus::MetricFamily> Collect() const override {
    // The loop uses a copy, because `read` is foreign code and must run without the lock.
    std::vector<prometheus::MetricFamily> families;
    std::map<std::string, std::size_t> index_of;
    for (const Source& source : copy()) {
      auto metric = source.read();
      if (!metric) {
        continue;
      }
      metric->label = source.labels;
      const auto [index, is_new] = index_of.emplace(source.name, families.size());
      if (is_new) {
        families.push_back({source.name, source.help, source.kind, {}});
      }
      families[index->second].metric.push_back(std::move(*metric));
    }
    return families;
  }

 private:
  std::vector<Source> copy() const {
    const std::lock_guard lock(mutex_);
    return sources_;
  }

  mutable std::mutex mutex_;
  std::vector<Source> sources_;
};

}  // namespace

struct Metrics::Impl {
  enum class Kind { counter, gauge, histogram, read_figure, read_histogram };

  prometheus::Registry registry;
  ReadFigures read_figures;

  std::mutex mutex;
  std::map<std::string, Kind> kinds;
  std::map<std::string, std::vector<double>> buckets;

  // Refuses figures that could not be exposed: a malformed name, or one name for two kinds of figure.
  void claim(const std::string& name, Kind kind, const Labels& labels) {
    if (!is_name(name, true)) {
      refuse(name, "a name is made of letters, digits, '_' and ':', and does not begin with a digit");
    }
    std::map<std::string_view, int> seen;
    for (const auto& label : labels) {
      if (!is_name(label.first, false) || label.first.starts_with("__") ||
          ((kind == Kind::histogram || kind == Kind::read_histogram) && label.first == "le")) {
        refuse(name, "the label \"" + label.first + "\" is not a label's name, or is reserved");
      }
      if (seen[label.first]++ > 0) {
        refuse(name, "the label \"" + label.first + "\" is given twice");
      }
    }
    const std::lock_guard lock(mutex);
    const auto [known, added] = kinds.emplace(name, kind);
    if (!added && (known->second != kind || kind == Kind::read_figure)) {
      refuse(name, "the name is taken");
    }
  }

  // All series of one histogram have the same buckets; otherwise they could not be added up.
  void claim_buckets(const std::string& name, const std::vector<double>& bounds) {
    const std::lock_guard lock(mutex);
    const auto [known, added] = buckets.emplace(name, bounds);
    if (!added && known->second != bounds) {
      refuse(name, "the name is in use with other buckets");
    }
  }

  void add(const std::string& name, const std::string& help, MetricKind kind, std::function<double()> read) {
    require_function(name, static_cast<bool>(read));
    claim(name, Kind::read_figure, {});
    read_figures.add({name, escaped_help(help), kind, {}, figure(name, kind, std::move(read))});
  }

  static prometheus::Labels labels_of(const Labels& labels) { return {labels.begin(), labels.end()}; }
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

Counter Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  impl_->claim(name, Impl::Kind::counter, labels);
  auto& family = prometheus::BuildCounter().Name(name).Help(escaped_help(help)).Register(impl_->registry);
  return Counter(&family.Add(Impl::labels_of(labels)));
}

Gauge Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  impl_->claim(name, Impl::Kind::gauge, labels);
  auto& family = prometheus::BuildGauge().Name(name).Help(escaped_help(help)).Register(impl_->registry);
  return Gauge(&family.Add(Impl::labels_of(labels)));
}

Histogram Metrics::histogram(const std::string& name, const std::string& help, std::vector<double> buckets,
                             const Labels& labels) {
  check_buckets(name, buckets);
  impl_->claim(name, Impl::Kind::histogram, labels);
  impl_->claim_buckets(name, buckets);
  auto& family = prometheus::BuildHistogram().Name(name).Help(escaped_help(help)).Register(impl_->registry);
  return Histogram(&family.Add(Impl::labels_of(labels), buckets));
}

void Metrics::gauge_from(const std::string& name, const std::string& help, std::function<double()> read) {
  impl_->add(name, help, MetricKind::Gauge, std::move(read));
}

void Metrics::counter_from(const std::string& name, const std::string& help, std::function<double()> read) {
  impl_->add(name, help, MetricKind::Counter, std::move(read));
}

void Metrics::histogram_from(const std::string& name, const std::string& help, std::vector<double> buckets,
                             const Labels& labels, std::function<Distribution()> read) {
  require_function(name, static_cast<bool>(read));
  check_buckets(name, buckets);
  impl_->claim(name, Impl::Kind::read_histogram, labels);
  impl_->claim_buckets(name, buckets);
  Source source{
      name, escaped_help(help), MetricKind::Histogram, {}, distribution(name, std::move(buckets), std::move(read))};
  for (const auto& [label, value] : labels) {
    source.labels.push_back({label, value});
  }
  impl_->read_figures.add(std::move(source));
}

std::string Metrics::expose() const {
  std::ostringstream out;
  const prometheus::TextSerializer serializer;
  serializer.Serialize(out, impl_->registry.Collect());
  serializer.Serialize(out, impl_->read_figures.Collect());
  return out.str();
}

void Counter::inc(double by) noexcept {
  if (impl_ != nullptr) {
    static_cast<prometheus::Counter*>(impl_)->Increment(by);
  }
}

double Counter::value() const noexcept {
  return impl_ != nullptr ? static_cast<prometheus::Counter*>(impl_)->Value() : 0;
}

void Gauge::set(double value) noexcept {
  if (impl_ != nullptr) {
    static_cast<prometheus::Gauge*>(impl_)->Set(value);
  }
}

void Gauge::add(double by) noexcept {
  if (impl_ != nullptr) {
    static_cast<prometheus::Gauge*>(impl_)->Increment(by);
  }
}

double Gauge::value() const noexcept {
  return impl_ != nullptr ? static_cast<prometheus::Gauge*>(impl_)->Value() : 0;
}

void Histogram::observe(double value) noexcept {
  if (impl_ != nullptr) {
    static_cast<prometheus::Histogram*>(impl_)->Observe(value);
  }
}

}  // namespace tern
