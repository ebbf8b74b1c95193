#pragma once

#include <tern/async/metrics.hpp>

#include <memory>
#include <string>

namespace tern::app {

/// Adds a figure of a store. The figure is 0 once the store is gone.
template <class S, class Read>
void add_figure(Metrics& metrics, const std::weak_ptr<const S>& store, const std::string& name, const std::string& help,
                Read read) {
  metrics.gauge_from(name, help, [store, read]() -> double {
    const auto alive = store.lock();
    return alive ? static_cast<double>(read(*alive)) : 0;
  });
}

}  // namespace tern::app
