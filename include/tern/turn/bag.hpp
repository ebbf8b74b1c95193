#pragma once

#include <any>
#include <typeindex>
#include <utility>
#include <vector>

namespace tern {

/// Values that middleware and handlers share during one turn, at most one of each type.
class Bag {
 public:
  /// Stores `value`, in place of an earlier one of this type.
  template <class T>
  T& set(T value) {
    for (auto& [type, item] : items_) {
      if (type == std::type_index(typeid(T))) {
        item = std::move(value);
        return *std::any_cast<T>(&item);
      }
    }
    items_.emplace_back(std::type_index(typeid(T)), std::any(std::move(value)));
    return *std::any_cast<T>(&items_.back().second);
  }

  /// The value of this type; nullptr when none was stored. Valid until the next `set`.
  template <class T>
  T* get() noexcept {
    for (auto& [type, item] : items_) {
      if (type == std::type_index(typeid(T))) {
        return std::any_cast<T>(&item);
      }
    }
    return nullptr;
  }

 private:
  std::vector<std::pair<std::type_index, std::any>> items_;
};

}  // namespace tern
