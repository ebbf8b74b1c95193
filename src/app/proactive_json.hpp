#pragma once

#include "http/http_types.hpp"

#include <tern/turn/dead_letters.hpp>
#include <tern/turn/pending_send.hpp>

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

/// A send as the paths below /proactive/ show it. Members that scheduling accepts have the same form here.
json::object to_json(const PendingSend& send);
json::object to_json(const DeadLetter& letter);
json::object to_json(const SendCounts& counts);
json::object page_of(json::array items, const std::string& next);

}  // namespace tern::app
