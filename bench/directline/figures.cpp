#include "directline/figures.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace bench {

namespace {

double at_share(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  if (values.empty()) {
    return {};
  }
  std::sort(values.begin(), values.end());
  return {at_share(values, 0.5), at_share(values, 0.99), values.back()};
}

RoundTable::Row& RoundTable::row(const std::string& name, const char* unit, double target, bool none) {
  const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.name == name; });
  return found != rows_.end() ? *found : rows_.emplace_back(Row{name, unit, target, none, {}});
}

void RoundTable::add(const std::string& name, double value, const char* unit, double target) {
  row(name, unit, target, false).values.push_back(value);
}

void RoundTable::add(const std::string& name, const Spread& spread, double target) {
  add(name + ", p50", spread.p50, "ms");
  add(name + ", p99", spread.p99, "ms", target);
  add(name + ", worst", spread.worst, "ms");
}

void RoundTable::none(const std::string& name, std::size_t count) {
  row(name, "", 0, true).values.push_back(static_cast<double>(count));
}

double RoundTable::median_of(const std::string& name) const {
  const auto found = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.name == name; });
  if (found == rows_.end()) {
    throw std::logic_error("there is no row " + name);
  }
  auto values = found->values;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

bool RoundTable::print() const {
  bool all_met = true;
  bool none_lost = true;
  for (const auto& row : rows_) {
    const double median = median_of(row.name);
    const auto [least, most] = std::minmax_element(row.values.begin(), row.values.end());
    const bool bound = row.none || row.target > 0;
    const bool met = !bound || (row.none ? *most : median) <= row.target;
    std::printf("  %-58s %10.2f %-4s (%.2f to %.2f)", row.name.c_str(), row.none ? *most : median, row.unit, *least,
                *most);
    if (bound) {
      std::printf(" <= %g %s", row.target, met ? "met" : "MISSED");
    }
    std::puts("");
    all_met = all_met && met;
    none_lost = none_lost && (met || !row.none);
  }
  std::fflush(stdout);
  if (!none_lost) {
    throw std::runtime_error("something was refused, lost, missing or shown twice");
  }
  return all_met;
}

}  // namespace bench
