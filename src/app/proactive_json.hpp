#pragma once

#include "http/http_types.hpp"

#include <tern/storage/schedule_types.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace tern::app {

namespace json = boost::json;

inline constexpr std::string_view json_type = "application/json; charset=utf-8";

http::HttpResponse json_response(unsigned status, const json::value& body);
json::value text_of_time(WallTime time);

/// A send as the paths below /proactive/ show it. What scheduling takes has the form that it takes.
json::object to_json(const ScheduledSend& send);
json::object to_json(const SendCounts& counts);
json::object page_of(json::array items, const std::string& next);

}  // namespace tern::app
