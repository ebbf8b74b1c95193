#pragma once

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <string>

namespace tern::app {

/// The text of a flat object, with one member on each line.
inline std::string pretty_object(const boost::json::object& object) {
  std::string text = "{";
  for (const auto& [name, value] : object) {
    text += text.size() == 1 ? "\n  " : ",\n  ";
    text += boost::json::serialize(boost::json::string(name)) + ": " + boost::json::serialize(value);
  }
  return text + "\n}";
}

}  // namespace tern::app
