#include <tern/async/metrics.hpp>

#include <tern/async/log.hpp>
#include <tern/error.hpp>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <cmath>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string_view>

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

void check_buckets(const std::string& name, const std::vector<double>& buckets) {
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (!std::isfinite(buckets[i]) || (i > 0 && buckets[i] <= buckets[i - 1])) {
      refuse(name, "the buckets are not finite and strictly ascending");
    }
  }
}

// The text format ends a help text at the line's end, and the serializer writes it as it is.
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

std::optional<double> read_safely(const std::string& name, const std::function<double()>& read) noexcept {
  try {
    return read();
  } catch (const std::exception& e) {
    log::warn("metric could not be read", {{"metric", name}, {"error", e.what()}});
  } catch (...) {
    log::warn("metric could not be read", {{"metric", name}});
  }
  return std::nullopt;
}

// Gauges whose value is asked for when they are collected.
class ReadGauges final : public prometheus::Collectable {
 public:
  void add(const std::string& name, const std::string& help, std::function<double()> read) {
    const std::lock_guard lock(mutex_);
    gauges_.push_back({name, help, std::move(read)});
  }

  std::vector<prometheus::MetricFamily> Collect() const override {
    // A copy: `read` is foreign code and runs without the lock.
    const std::vector<Source> gauges = copy();
    std::vector<prometheus::MetricFamily> families;
    for (const Source& gauge : gauges) {
      const auto value = read_safely(gauge.name, gauge.read);
      if (!value) {
        continue;
      }
      prometheus::ClientMetric metric;
      metric.gauge.value = *value;
      families.push_back({gauge.name, gauge.help, prometheus::MetricType::Gauge, {metric}});
    }
    return families;
  }

 private:
  struct Source {
    std::string name;
    std::string help;
    std::function<double()> read;
  };

  std::vector<Source> copy() const {
    const std::lock_guard lock(mutex_);
    return gauges_;
  }

  mutable std::mutex mutex_;
  std::vector<Source> gauges_;
};

}  // namespace

struct Metrics::Impl {
  enum class Kind { counter, gauge, histogram, read_gauge };

  prometheus::Registry registry;
  ReadGauges read_gauges;

  std::mutex mutex;
  std::map<std::string, Kind> kinds;
  std::map<std::string, std::vector<double>> buckets;

  // Refuses what could not be exposed: a bad name, or one name for two kinds of figure.
  void claim(const std::string& name, Kind kind, const Labels& labels) {
    if (!is_name(name, true)) {
      refuse(name, "a name is made of letters, digits, '_' and ':', and does not begin with a digit");
    }
    std::map<std::string_view, int> seen;
    for (const auto& label : labels) {
      if (!is_name(label.first, false) || label.first.starts_with("__") ||
          (kind == Kind::histogram && label.first == "le")) {
        refuse(name, "the label \"" + label.first + "\" is not a label's name, or is reserved");
      }
      if (seen[label.first]++ > 0) {
        refuse(name, "the label \"" + label.first + "\" is given twice");
      }
    }
    const std::lock_guard lock(mutex);
    const auto [known, added] = kinds.emplace(name, kind);
    if (!added && (known->second != kind || kind == Kind::read_gauge)) {
      refuse(name, "the name is taken");
    }
  }

  // All series of one histogram share their buckets, or they could not be added up.
  void claim_buckets(const std::string& name, const std::vector<double>& bounds) {
    const std::lock_guard lock(mutex);
    const auto [known, added] = buckets.emplace(name, bounds);
    if (!added && known->second != bounds) {
      refuse(name, "the name is in use with other buckets");
    }
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
  if (!read) {
    refuse(name, "there is no function to read it");
  }
  impl_->claim(name, Impl::Kind::read_gauge, {});
  impl_->read_gauges.add(name, escaped_help(help), std::move(read));
}

std::string Metrics::expose() const {
  std::ostringstream out;
  const prometheus::TextSerializer serializer;
  serializer.Serialize(out, impl_->registry.Collect());
  serializer.Serialize(out, impl_->read_gauges.Collect());
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
